// An independent, certified OpenID provider (npm oidc-provider) with the manners of Azure AD B2C: the
// issuer is not where the metadata lies, no access token for `openid` alone, `oid`, `tfp`, `emails[]`.
// Prints its addresses as one line of JSON; ends when its input ends.
import crypto from "node:crypto";
import http from "node:http";
import Provider from "oidc-provider";

const TENANT = "775527ff-9a37-4307-8b3d-cc311f58d925";
const DOMAIN = "acme.onmicrosoft.com";
const POLICY = "B2C_1_signin";
const API = "https://acme.onmicrosoft.com/lockdown-api";
const CLIENT_ID = "63d19d63-e3fe-4b9c-8e4a-2b2b9a7d3a10";
const CLIENT_SECRET = process.env.CLIENT_SECRET ?? "an-independent-secret";
const redirect = process.env.REDIRECT_URI;

const people = ["EOC 1", "Senior 1", "Senior 2", "Admin 1", "Resident 1"].map((name, at) => ({
  oid: `00000000-0000-4000-8000-0000000000${String(at + 1).padStart(2, "0")}`,
  name,
  email: `${name.toLowerCase().replace(" ", "")}@acme.example`,
}));

const { privateKey } = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
const jwk = { ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256", kid: crypto.randomUUID() };

const server = http.createServer();
server.listen(0, "127.0.0.1", () => serve(server.address().port));

function serve(port) {
  const origin = `http://127.0.0.1:${port}`;
  const issuer = `${origin}/${TENANT}/v2.0/`;
  const mount = `/${DOMAIN}/${POLICY}`;
  const provider = new Provider(issuer, configuration(mount));
  provider.proxy = false;
  const callback = provider.callback();
  let down = false;
  server.on("request", async (request, response) => {
    const url = new URL(request.url, origin);
    if (url.pathname === "/sim/down" || url.pathname === "/sim/up") {
      down = url.pathname === "/sim/down";
      return response.end();
    }
    if (down) return response.writeHead(503).end();
    // B2C's paths compare without case.
    if (!url.pathname.toLowerCase().startsWith(mount.toLowerCase())) return response.writeHead(404).end();
    const path = url.pathname.slice(mount.length);
    if (path.startsWith("/interaction/")) return interact(provider, request, response, mount);
    const inside = path.replace("/v2.0/.well-known/", "/.well-known/") + url.search;
    request.originalUrl = mount + inside;
    request.url = inside;
    callback(request, response);
  });
  console.log(
    JSON.stringify({ metadata_url: `${origin}${mount}/v2.0/.well-known/openid-configuration`, issuer, origin, people }),
  );
  process.stdin.resume();
  process.stdin.on("end", () => process.exit(0));
}

function configuration(mount) {
  const claims = ["sub", "oid", "tfp", "ver", "idp", "nbf", "emails", "name"];
  return {
    jwks: { keys: [jwk] },
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
      },
    ],
    routes: {
      authorization: "/oauth2/v2.0/authorize",
      token: "/oauth2/v2.0/token",
      jwks: "/discovery/v2.0/keys",
      end_session: "/oauth2/v2.0/logout",
    },
    claims: { openid: claims },
    pkce: { required: () => true },
    cookies: { keys: [crypto.randomUUID()] },
    interactions: { url: (_context, interaction) => `${mount}/interaction/${interaction.uid}` },
    features: { devInteractions: { enabled: false }, userinfo: { enabled: false } },
    findAccount: (_context, id) => {
      const person = people.find((person) => person.oid === id);
      const nbf = Math.floor(Date.now() / 1000);
      const claims = { nbf, sub: id, oid: id, tfp: POLICY, ver: "1.0", idp: "local", name: person?.name, emails: [person?.email] };
      return person && { accountId: id, claims: () => claims };
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

/** The sign-in page: a button for each person; no password, nobody real. */
async function interact(provider, request, response, mount) {
  try {
    request.originalUrl = request.url;
    const details = await provider.interactionDetails(request, response);
    if (request.method === "POST") {
      let body = "";
      for await (const piece of request) body += piece;
      const result = { login: { accountId: new URLSearchParams(body).get("oid") } };
      return await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
    }
    const buttons = people.map(({ oid, name }) => `<button name="oid" value="${oid}">${name}</button>`).join(" ");
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(`<!doctype html><title>Sign in</title><form method="post" action="${mount}/interaction/${details.uid}">${buttons}</form>`);
  } catch (error) {
    response.writeHead(400).end(String(error));
  }
}
