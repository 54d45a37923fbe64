// An independent, certified OpenID provider (npm oidc-provider) with the manners of Azure AD B2C: the
// issuer is not where the metadata lies, no access token for `openid` alone, `oid`, `tfp`, `emails[]`.
// With STYLE=external those of Entra External ID. On `/sim/…` it goes down, changes keys and forges.
// Prints its addresses as one line of JSON; ends when its input ends.
import crypto from "node:crypto";
import http from "node:http";
import { text } from "node:stream/consumers";
import Provider, { errors } from "oidc-provider";
// Not of the package's public face, whose store lives and dies with one `Provider`.
import { createMemoryAdapter } from "oidc-provider/lib/adapters/memory_adapter.js";
import { control, idToken, newKey, oddKeys } from "./forge.mjs";

const TENANT = "775527ff-9a37-4307-8b3d-cc311f58d925";
const DOMAIN = "acme.onmicrosoft.com";
const POLICY = "B2C_1_signin";
const API = "https://acme.onmicrosoft.com/lockdown-api";
const API_ID = "b7c1a6de-52f4-4f0e-9d3c-6a8f0c1e2b47";
const API_SCOPE = `${API}/.default`;
const CLIENT_ID = "63d19d63-e3fe-4b9c-8e4a-2b2b9a7d3a10";
const CLIENT_SECRET = process.env.CLIENT_SECRET ?? "an-independent-secret";
const MACHINE_SECRET = process.env.MACHINE_SECRET ?? "an-independent-machine-secret";
const HOUR = 3600;
const redirect = process.env.REDIRECT_URI;
const style = process.env.STYLE ?? "b2c";

const machine = {
  client_id: "2f6f3b0c-7d0e-4c55-9b1a-0d4e8c7a5f31",
  subject: "9a4d2c18-6e3b-4f7a-8c05-51b7e2d6f0a9",
};

const manners = {
  b2c: {
    mount: `/${DOMAIN}/${POLICY}`,
    issuer: `/${TENANT}/v2.0/`,
    subjectType: "public",
    claims: ({ email }) => ({ tfp: POLICY, ver: "1.0", idp: "local", emails: [email] }),
  },
  external: {
    mount: `/${TENANT}`,
    issuer: `/${TENANT}/v2.0`,
    subjectType: "pairwise",
    claims: ({ email }) => ({ tid: TENANT, ver: "2.0", email, preferred_username: email }),
  },
}[style];
if (!manners) throw new Error(`STYLE is b2c or external, not ${style}`);

const people = ["EOC 1", "Senior 1", "Senior 2", "Admin 1", "Resident 1"].map((name, at) => {
  const oid = `00000000-0000-4000-8000-0000000000${String(at + 1).padStart(2, "0")}`;
  const sub = manners.subjectType === "pairwise" ? pairwise(CLIENT_ID, oid) : oid;
  return { oid, sub, name, email: `${name.toLowerCase().replace(" ", "")}@acme.example` };
});

const now = () => Math.floor(Date.now() / 1000);

const server = http.createServer();
server.listen(0, "127.0.0.1", () => serve(server.address().port));

function serve(port) {
  const origin = `http://127.0.0.1:${port}`;
  const { mount } = manners;
  const issuer = origin + manners.issuer;
  const lasting = { adapter: createMemoryAdapter(), cookies: { keys: [crypto.randomUUID()] } };
  const state = {
    issuer,
    lasting,
    style,
    client: { id: CLIENT_ID, secret: CLIENT_SECRET },
    machineClaims: () => machineClaims(issuer),
    useKeys: (keys) => useKeys(state, keys),
    down: false,
    forgery: undefined,
  };
  useKeys(state, [newKey()]);
  server.on("request", async (request, response) => {
    const url = new URL(request.url, origin);
    if (url.pathname.startsWith("/sim/")) return control(state, request, response);
    if (state.down) return response.writeHead(503).end();
    // B2C's paths compare without case.
    if (!url.pathname.toLowerCase().startsWith(mount.toLowerCase())) return response.writeHead(404).end();
    const path = url.pathname.slice(mount.length);
    if (path.startsWith("/interaction/")) return interact(state.provider, request, response);
    const inside = path.replace("/v2.0/.well-known/", "/.well-known/") + url.search;
    request.originalUrl = mount + inside;
    request.url = inside;
    state.callback(request, response);
  });
  const metadata_url = `${origin}${mount}/v2.0/.well-known/openid-configuration`;
  console.log(JSON.stringify({ metadata_url, issuer, origin, people, api: API_ID, machine, style }));
  process.stdin.resume();
  process.stdin.on("end", () => process.exit(0));
}

/** The first key signs, all are published. A `Provider` keeps its keys for life: other keys, another one. */
function useKeys(state, keys) {
  const provider = new Provider(state.issuer, { ...configuration(keys), ...state.lasting });
  provider.proxy = false;
  provider.use((context, next) => dress(state, context, next));
  Object.assign(state, { keys, provider, callback: provider.callback() });
}

/** What oidc-provider answers, as Microsoft's would look, and with the forgery that was asked for. */
async function dress(state, context, next) {
  await next();
  if (context.oidc?.route === "jwks") context.body = { keys: [...context.body.keys, ...oddKeys] };
  if (context.oidc?.route !== "token" || !context.body?.id_token) return;
  const answer = { ...context.body, id_token: idToken(state, context.body.id_token) };
  if (style === "b2c") {
    delete answer.access_token;
    delete answer.expires_in;
    Object.assign(answer, { not_before: String(now()), id_token_expires_in: String(HOUR) });
  }
  context.body = answer;
}

/** What an access token says of a program that acts for itself. */
function machineClaims(issuer) {
  const { client_id: azp, subject } = machine;
  const at = now();
  return {
    iss: issuer, aud: API_ID, sub: subject, oid: subject, azp, scp: "Status.Read Lock.Enable", ver: "1.0",
    nbf: at, iat: at, exp: at + HOUR,
  };
}

function pairwise(client, oid) {
  return crypto.createHash("sha256").update(`${client} ${oid}`).digest("base64url");
}

function configuration(keys) {
  const claims = ["sub", "oid", "name", "nbf", ...Object.keys(manners.claims(people[0]))];
  return {
    jwks: { keys: keys.map(({ jwk }) => jwk) },
    conformIdTokenClaims: false,
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: [redirect],
        post_logout_redirect_uris: [new URL("/", redirect).href],
        token_endpoint_auth_method: "client_secret_post",
        grant_types: ["authorization_code"],
        response_types: ["code"],
        subject_type: manners.subjectType,
      },
      {
        client_id: machine.client_id,
        client_secret: MACHINE_SECRET,
        redirect_uris: [],
        token_endpoint_auth_method: "client_secret_post",
        grant_types: ["client_credentials"],
        response_types: [],
      },
    ],
    routes: {
      authorization: "/oauth2/v2.0/authorize",
      token: "/oauth2/v2.0/token",
      jwks: "/discovery/v2.0/keys",
      end_session: "/oauth2/v2.0/logout",
    },
    subjectTypes: ["public", "pairwise"],
    pairwiseIdentifier: (_context, oid, client) => pairwise(client.clientId, oid),
    claims: { openid: claims },
    pkce: { required: () => true },
    interactions: { url: (_context, interaction) => `${manners.mount}/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: { enabled: true, defaultResource, getResourceServerInfo },
    },
    formats: {
      customizers: {
        jwt: (context, _token, parts) => {
          parts.header = { typ: "JWT" };
          parts.payload = machineClaims(context.oidc.issuer);
        },
      },
    },
    findAccount: (_context, id) => {
      const person = people.find((person) => person.oid === id);
      if (!person) return undefined;
      const claims = { ...manners.claims(person), sub: id, oid: id, name: person.name, nbf: now() };
      return { accountId: id, claims: () => claims };
    },
    loadExistingGrant: async (context) => {
      const grant = new context.oidc.provider.Grant({
        clientId: context.oidc.client.clientId,
        accountId: context.oidc.session.accountId,
      });
      grant.addOIDCScope("openid");
      await grant.save();
      return grant;
    },
  };
}

/** Microsoft names the API in the scope; oidc-provider wants to be told. */
function defaultResource(context, client) {
  if (client.clientId !== machine.client_id) return undefined;
  const { scope } = context.oidc.params;
  if (scope !== API_SCOPE) throw new errors.InvalidScope(`a program asks for ${API_SCOPE}`, scope);
  return API;
}

function getResourceServerInfo() {
  const format = { accessTokenFormat: "jwt", jwt: { sign: { alg: "RS256" } } };
  return { scope: API_SCOPE, audience: API_ID, accessTokenTTL: HOUR, ...format };
}

/** The sign-in page: a button for each person; no password, nobody real. */
async function interact(provider, request, response) {
  try {
    request.originalUrl = request.url;
    const details = await provider.interactionDetails(request, response);
    if (request.method === "POST") {
      const result = { login: { accountId: new URLSearchParams(await text(request)).get("oid") } };
      return await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
    }
    const buttons = people.map(({ oid, name }) => `<button name="oid" value="${oid}">${name}</button>`).join(" ");
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(`<!doctype html><title>Sign in</title><form method="post" action="${manners.mount}/interaction/${details.uid}">${buttons}</form>`);
  } catch (error) {
    response.writeHead(400).end(String(error));
  }
}
