// What tests ask of the provider on `/sim/…`: to be down, to change keys, and tokens by node:crypto
// alone, each wrong in exactly one way.
import crypto from "node:crypto";
import { text } from "node:stream/consumers";

const ELSEWHERE = "https://elsewhere.example/v2.0/";

/** An RSA key: `jwk` holds the private part too, `published` is what a key set shows of it. */
export function newKey(properties = { use: "sig", alg: "RS256" }, modulusLength = 2048) {
  const { privateKey, publicKey } = crypto.generateKeyPairSync("rsa", { modulusLength });
  const named = { ...properties, kid: crypto.randomUUID() };
  return {
    kid: named.kid,
    privateKey,
    pem: publicKey.export({ format: "pem", type: "spki" }),
    jwk: { ...privateKey.export({ format: "jwk" }), ...named },
    published: { ...publicKey.export({ format: "jwk" }), ...named },
  };
}

const foreign = newKey({});
const small = newKey({ use: "sig", alg: "RS256" }, 1024);
// Without `alg`, so that nothing but its use speaks against it.
const encryption = newKey({ use: "enc" });

/** Stand in every key set, so that a reader meets them without a forgery and must leave them alone. */
export const oddKeys = [encryption.published, small.published];

const rsa = (key, hash = "sha256") => (signed) => crypto.sign(hash, Buffer.from(signed), key.privateKey);
const hmac = (secret) => (signed) => crypto.createHmac("sha256", secret).update(signed).digest();

// Every one but `unknown`, `no_kid` and the published odd keys keeps our `kid`: a reader that finds the
// right key by it and then believes the rest of the header must fall.
const signatures = {
  none: () => ({ header: { alg: "none" }, seal: () => Buffer.alloc(0) }),
  hmac: ({ secret }) => ({ header: { alg: "HS256" }, seal: hmac(secret) }),
  hmac_public: ({ key }) => ({ header: { alg: "HS256" }, seal: hmac(key.pem) }),
  foreign: () => ({ seal: rsa(foreign) }),
  unknown: () => ({ header: { kid: "nobody-knows-this-key" } }),
  no_kid: () => ({ header: { kid: null } }),
  rs384: ({ key }) => ({ header: { alg: "RS384" }, seal: rsa(key, "sha384") }),
  embedded_jwk: () => ({ header: { jwk: foreign.published }, seal: rsa(foreign) }),
  enc_key: () => ({ header: { kid: encryption.kid }, seal: rsa(encryption) }),
  small_key: () => ({ header: { kid: small.kid }, seal: rsa(small) }),
};

const contents = {
  audience: () => ({ claims: { aud: "another-application" } }),
  audience_list: ({ claims }) => ({ claims: { aud: [claims.aud, "another-application"] } }),
  // The nearest miss: whoever refuses this refuses any other issuer too.
  issuer: ({ claims: { iss } }) => ({ claims: { iss: iss.endsWith("/") ? iss.slice(0, -1) : `${iss}/` } }),
  issuer_list: ({ claims }) => ({ claims: { iss: [claims.iss, ELSEWHERE] } }),
  expired: ({ claims: { iat, nbf, exp } }) => ({ claims: { iat: iat - 7200, nbf: nbf - 7200, exp: exp - 7200 } }),
  not_yet: ({ claims: { nbf, exp } }) => ({ claims: { nbf: nbf + 7200, exp: exp + 7200 } }),
  policy: () => ({ claims: { tfp: "B2C_1_weaker" } }),
  nonce: () => ({ claims: { nonce: "of-another-sign-in" } }),
  no_nonce: () => ({ claims: { nonce: null } }),
  no_exp: () => ({ claims: { exp: null } }),
  no_sub: () => ({ claims: { sub: null } }),
};

/** Ways in which any token can be signed wrongly. */
const signingKinds = Object.keys(signatures);

/** Ways in which an ID token can be wrong. */
function idTokenKinds(style) {
  const kinds = [...signingKinds, ...Object.keys(contents), "access_token_as_id"];
  return kinds.filter((kind) => kind !== "policy" || style === "b2c");
}

/** `changes` over `fields`; what becomes null goes. */
function changed(fields, changes = {}) {
  return Object.fromEntries(Object.entries({ ...fields, ...changes }).filter(([, value]) => value !== null));
}

/** A token signed by the first key, wrong in the way `kind` if there is one. */
function sign({ keys: [key], client: { secret } }, { header, claims }, kind) {
  const honest = { ...header, alg: "RS256", kid: key.kid };
  const forgery = { ...signatures, ...contents }[kind]?.({ key, secret, claims }) ?? {};
  const parts = [changed(honest, forgery.header), changed(claims, forgery.claims)];
  const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  const seal = forgery.seal ?? rsa(key);
  return `${signed}.${seal(signed).toString("base64url")}`;
}

/** Header and claims of a token, unchecked. */
function read(token) {
  const [header, claims] = token.split(".", 2).map((part) => JSON.parse(Buffer.from(part, "base64url")));
  return { header, claims };
}

/** The honest ID token, or once what `/sim/forge` asked for. */
export function idToken(state, honest) {
  const kind = state.forgery;
  state.forgery = undefined;
  if (!kind) return honest;
  const token = read(honest);
  if (kind !== "access_token_as_id") return sign(state, token, kind);
  const { sub, oid, name } = token.claims;
  return accessToken(state, { sub, oid, name, azp: state.client.id }, undefined, "at+jwt");
}

function accessToken(state, changes, kind, typ = "JWT") {
  return sign(state, { header: { typ }, claims: changed(state.machineClaims(), changes) }, kind);
}

/** Answers a request on `/sim/…`. */
export async function control(state, request, response) {
  const url = new URL(request.url, "http://localhost");
  const lever = levers[`${request.method} ${url.pathname}`];
  const [status, answer] = lever ? await lever(state, url.searchParams, request) : [404];
  const type = typeof answer === "string" ? "text/plain" : "application/json";
  response.writeHead(status, answer && { "content-type": type });
  response.end(typeof answer === "string" ? answer : JSON.stringify(answer));
}

const levers = {
  "POST /sim/down": (state) => {
    state.down = true;
    return [204];
  },
  "POST /sim/up": (state) => {
    state.down = false;
    return [204];
  },
  "GET /sim/forgeries": ({ style }) => [200, idTokenKinds(style)],
  "POST /sim/forge": (state, query) => {
    const kinds = idTokenKinds(state.style);
    if (!kinds.includes(query.get("kind"))) return [400, kinds];
    state.forgery = query.get("kind");
    return [204];
  },
  "POST /sim/rotate": (state, query) => {
    const drop = query.get("drop");
    if (drop !== "yes" && drop !== "no") return [400, "drop is yes or no"];
    state.useKeys([newKey(), ...(drop === "yes" ? [] : state.keys)]);
    return [204];
  },
  "POST /sim/access-token": async (state, _query, request) => {
    const asked = await text(request).then(JSON.parse).catch(() => null);
    if (asked?.constructor !== Object) return [400, "a JSON object of claims, please"];
    const { sign: kind, ...changes } = asked;
    if (kind && !signingKinds.includes(kind)) return [400, signingKinds];
    return [200, accessToken(state, changes, kind)];
  },
};
