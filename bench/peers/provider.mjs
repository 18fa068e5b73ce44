/**
 * node-oidc-provider 9 as a peer: the same pages, accounts and clients as ours, in memory.
 *
 * What lives here: a certified provider that the conformance tests run against as well (a test that
 * passes there is right about the standard) and that `make bench` measures beside ours. The pages
 * have our field names and button ids, so that one driver signs in at both.
 * Not here: anything of ours; nothing is kept when it stops.
 *
 *   node bench/peers/provider.mjs CONFIG.json
 *
 * CONFIG.json (every member has a default, see below): issuer, host, port, tls {key, cert} (paths),
 * clients (client metadata by their registration names), people [{identifier, password, claims}],
 * resources {"https://api…": {scope}} (JWT access tokens, ES256), default_resource (for client
 * credentials without `resource`), key_file (its private JWKs are kept there for the next start).
 * It prints "ready ISSUER" when it listens, and stops on SIGTERM.
 */
import { createHash, createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

import '../../tests/node/older_node.mjs';
import { MapAdapter } from './map_adapter.mjs';

const AS_PEM = {
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
};

// The packages are installed once, for tests and bench alike, beside the tests' package.json.
const require = createRequire(new URL('../../tests/node/package.json', import.meta.url));
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));

const API = 'https://api.peer.example';
const config = {
  host: '127.0.0.1',
  port: 9080,
  tls: null,
  resources: { [API]: { scope: 'api:read' } },
  default_resource: API,
  clients: [{
    client_id: 'bench',
    client_secret: 'bench-secret',
    redirect_uris: ['http://127.0.0.1:9999/callback'],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    application_type: 'native',
  }],
  people: [{ identifier: '003000000001', password: 'peer-password', claims: { name: 'Peer' } }],
  ...(process.argv[2] ? JSON.parse(readFileSync(process.argv[2], 'utf8')) : {}),
};
config.issuer ??= `${config.tls ? 'https' : 'http'}://localhost:${config.port}`;

const ACCOUNT_OF = new Map(config.people.map((person) => [
  // A subject that says nothing about the identifier, the same at every start.
  createHash('sha256').update(person.identifier).digest('base64url').slice(0, 22), person,
]));
const CLAIMS_OF_SCOPE = {
  openid: ['sub'],
  profile: ['name', 'family_name', 'given_name', 'middle_name', 'nickname', 'preferred_username',
    'profile', 'picture', 'website', 'gender', 'birthdate', 'zoneinfo', 'locale', 'updated_at'],
  email: ['email', 'email_verified'],
  phone: ['phone_number', 'phone_number_verified'],
  address: ['address'],
};

function keys() {
  if (config.key_file && existsSync(config.key_file)) {
    return JSON.parse(readFileSync(config.key_file, 'utf8'));
  }
  // Exporting the very object that was generated can lock up Node 20 for good, when the garbage
  // collector ends the job of its generation meanwhile (both want one mutex): take it through PEM.
  const made = [
    ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048, ...AS_PEM })],
    ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256', ...AS_PEM })],
  ].map(([alg, { privateKey }]) => ({
    ...createPrivateKey(privateKey).export({ format: 'jwk' }),
    alg,
    use: 'sig',
    kid: `peer-${alg}`,
  }));
  if (config.key_file) writeFileSync(config.key_file, JSON.stringify(made), { mode: 0o600 });
  return made;
}

const escaped = (text) => String(text).replace(/[&<>"']/g, (sign) => `&#${sign.codePointAt(0)};`);

function html({ title, body }) {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title>`
    + `</head><body><main><h1>${escaped(title)}</h1>${body}</main></body></html>`;
}

const provider = new Provider(config.issuer, {
  adapter: MapAdapter,
  jwks: { keys: keys() },
  clients: config.clients,
  clientDefaults: { token_endpoint_auth_method: 'client_secret_basic' },
  claims: CLAIMS_OF_SCOPE,
  scopes: ['openid', 'offline_access'],
  acrValues: ['urn:vn:auth:1', 'urn:vn:auth:2'],
  subjectTypes: ['public'],
  responseTypes: ['code'],
  pkce: { required: () => false },
  // POST at the authorization endpoint needs the session cookie on a cross-site POST.
  enableHttpPostMethods: Boolean(config.tls),
  cookies: {
    keys: [randomBytes(32).toString('base64url')],
    long: { httpOnly: true, sameSite: config.tls ? 'none' : 'lax', secure: Boolean(config.tls) },
    short: { httpOnly: true, sameSite: 'lax', secure: Boolean(config.tls) },
  },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  async findAccount(_ctx, sub) {
    const person = ACCOUNT_OF.get(sub);
    return person && { accountId: sub, claims: async () => ({ sub, ...person.claims }) };
  },
  enabledJWA: {
    idTokenSigningAlgValues: ['RS256', 'ES256'],
    requestObjectSigningAlgValues: ['HS256', 'RS256', 'ES256'],
  },
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    claimsParameter: { enabled: true },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: async () => true },
    revocation: { enabled: true },
    userinfo: { enabled: true },
    requestObjects: { enabled: config.request_objects !== false },
    resourceIndicators: {
      enabled: true,
      async defaultResource(ctx, _client, oneOf) {
        if (oneOf) return oneOf;
        return ctx.oidc.params?.grant_type === 'client_credentials'
          ? config.default_resource : undefined;
      },
      async getResourceServerInfo(_ctx, indicator) {
        const resource = config.resources[indicator];
        return {
          scope: resource?.scope ?? '',
          audience: indicator,
          accessTokenTTL: 300,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        };
      },
    },
    rpInitiatedLogout: {
      enabled: true,
      async logoutSource(ctx, form) {
        ctx.type = 'html';
        ctx.body = html({
          title: 'Sign out?',
          body: `${form}<button id="logout-confirm" form="op.logoutForm" name="logout" value="yes">`
            + 'Sign out</button>',
        });
      },
      async postLogoutSuccessSource(ctx) {
        ctx.type = 'html';
        ctx.body = html({ title: 'Signed out', body: '<p>You are signed out.</p>' });
      },
    },
  },
  ttl: {
    AccessToken: 300,
    // it knows a spent code only while it would have lived, and a test may come back to it late
    AuthorizationCode: 600,
    ClientCredentials: 300,
    Grant: 86_400,
    IdToken: 300,
    Interaction: 1800,
    RefreshToken: 86_400,
    Session: 43_200,
  },
  // Without its dispatcher, which refuses loopback addresses: that is where the tests listen.
  fetch: (url, { dispatcher: _, ...options }) => globalThis.fetch(url, options),
  async renderError(ctx, out) {
    ctx.type = 'html';
    ctx.body = html({ title: 'Error', body: `<p>${escaped(out.error)}</p>` });
  },
});

for (const event of ['server_error', 'backchannel.error', 'authorization.error', 'grant.error']) {
  provider.on(event, (_ctx, error) => process.stderr.write(`${event} ${error.stack} ${error.cause ?? ''}\n`));
}

async function formOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return new URLSearchParams(Buffer.concat(parts).toString('utf8'));
}

function answer(response, page) {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(html(page));
}

function loginPage({ uid, hint, refused }) {
  return {
    title: 'Sign in',
    body: `${refused ? '<p role="alert">Wrong.</p>' : ''}`
      + `<form method="post" action="/interaction/${uid}/login">`
      + `<label>Identifier <input name="identifier" value="${escaped(hint ?? '')}"></label>`
      + '<label>Password <input name="password" type="password"></label>'
      + '<button id="login-submit">Sign in</button></form>',
  };
}

function consentPage({ uid, scope }) {
  return {
    title: 'Share?',
    body: `<p>${escaped(scope)}</p><form method="post" action="/interaction/${uid}/consent">`
      + '<button id="consent-accept" name="decision" value="accept">Allow</button>'
      + '<button id="consent-deny" name="decision" value="deny">Refuse</button></form>',
  };
}

async function login(request, response, { uid, params }) {
  const form = await formOf(request);
  for (const [sub, person] of ACCOUNT_OF) {
    if (person.identifier === form.get('identifier') && person.password === form.get('password')) {
      await provider.interactionFinished(request, response, {
        login: { accountId: sub, acr: 'urn:vn:auth:1', amr: ['pwd'] },
      }, { mergeWithLastSubmission: false });
      return;
    }
  }
  answer(response, loginPage({ uid, hint: params.login_hint, refused: true }));
}

async function consent(request, response, { details, grantId, params, session }) {
  const form = await formOf(request);
  if (form.get('decision') === 'deny') {
    await provider.interactionFinished(request, response, { error: 'access_denied' });
    return;
  }
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  if (details.missingOIDCScope) grant.addOIDCScope(details.missingOIDCScope.join(' '));
  if (details.missingOIDCClaims) grant.addOIDCClaims(details.missingOIDCClaims);
  for (const [indicator, scopes] of Object.entries(details.missingResourceScopes ?? {})) {
    grant.addResourceScope(indicator, scopes.join(' '));
  }
  await provider.interactionFinished(request, response, {
    consent: { grantId: await grant.save() },
  }, { mergeWithLastSubmission: true });
}

async function interaction(request, response) {
  const { uid, prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  const details = { uid, params, session, grantId, details: prompt.details };
  if (request.method === 'POST') {
    await (prompt.name === 'login' ? login : consent)(request, response, details);
  } else if (prompt.name === 'login') {
    answer(response, loginPage({ uid, hint: params.login_hint }));
  } else {
    answer(response, consentPage({ uid, scope: params.scope }));
  }
}

const protocol = provider.callback();
function listen(request, response) {
  if (!request.url.startsWith('/interaction/')) {
    protocol(request, response);
    return;
  }
  interaction(request, response).catch(() => {
    response.writeHead(400, { 'content-type': 'text/html; charset=utf-8' });
    response.end(html({ title: 'Error', body: '<p>This sign-in is over.</p>' }));
  });
}

const server = config.tls
  ? https.createServer({
    key: readFileSync(config.tls.key), cert: readFileSync(config.tls.cert),
  }, listen)
  : http.createServer(listen);
server.listen(config.port, config.host, () => process.stdout.write(`ready ${config.issuer}\n`));
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
});
