/**
 * node-oidc-provider 9 at its fastest: plain http, in memory, ES256, JWT access tokens, no pages.
 *
 * What lives here: the peer that `make bench` measures beside ours, and a page that issues codes in
 * process as a finished sign-in does. Not here: the peer of the conformance tests (provider.mjs),
 * which signs people in.
 *
 *   node bench/peers/plain.mjs CONFIG.json
 *
 * CONFIG.json: port, client_id, client_secret, redirect_uri, code_challenge, scope, api, api_scope.
 */
import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

import '../../tests/node/older_node.mjs';
import { MapAdapter } from './map_adapter.mjs';

const require = createRequire(new URL('../../tests/node/package.json', import.meta.url));
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));

const config = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const ISSUER = 'https://peer.bench.example';
const PERSON = 'person';

// through PEM: exporting the generated object itself can lock up Node 20 (see provider.mjs)
const { privateKey: pem } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const privateKey = createPrivateKey(pem);
const provider = new Provider(ISSUER, {
  adapter: MapAdapter,
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'es' }] },
  clients: [{
    client_id: config.client_id,
    client_secret: config.client_secret,
    redirect_uris: [config.redirect_uri],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    id_token_signed_response_alg: 'ES256',
  }],
  claims: { openid: ['sub'], profile: ['name', 'family_name', 'given_name', 'birthdate', 'gender'] },
  scopes: ['openid', 'offline_access'],
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  rotateRefreshToken: true,
  findAccount: async (_ctx, sub) => ({
    accountId: sub,
    claims: async () => ({
      sub,
      name: 'Nguyễn Thị Đo Lường',
      family_name: 'Nguyễn',
      given_name: 'Lường',
      birthdate: '1990-01-01',
      gender: 'female',
    }),
  }),
  enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: async () => true },
    userinfo: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: async () => undefined,
      useGrantedResource: async () => true,
      getResourceServerInfo: async (_ctx, indicator) => ({
        scope: config.api_scope,
        audience: indicator,
        accessTokenTTL: 300,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
  ttl: {
    AccessToken: 300, AuthorizationCode: 60, ClientCredentials: 300, Grant: 86_400, IdToken: 300, RefreshToken: 86_400,
  },
});
provider.on('server_error', (_ctx, error) => process.stderr.write(`${error.stack}\n`));

async function mint(audience) {
  const client = await provider.Client.find(config.client_id);
  const grant = new provider.Grant({ accountId: PERSON, clientId: config.client_id });
  grant.addOIDCScope(config.scope);
  grant.addResourceScope(config.api, config.api_scope);
  return new provider.AuthorizationCode({
    accountId: PERSON,
    client,
    grantId: await grant.save(),
    acr: 'urn:vn:auth:1',
    amr: ['pwd'],
    authTime: Math.floor(Date.now() / 1000),
    nonce: randomBytes(16).toString('base64url'),
    codeChallenge: config.code_challenge,
    codeChallengeMethod: 'S256',
    redirectUri: config.redirect_uri,
    scope: audience === 'api' ? `${config.scope} ${config.api_scope}` : config.scope,
    resource: audience === 'api' ? config.api : undefined,
  }).save();
}

const protocol = provider.callback();
const server = http.createServer(async (request, response) => {
  const asked = /^\/bench\/codes\/(\d+)\/(api|userinfo)$/.exec(request.url);
  if (!asked) {
    protocol(request, response);
    return;
  }
  const codes = [];
  for (let left = Number(asked[1]); left > 0; left -= 1) codes.push(await mint(asked[2]));
  response.end(JSON.stringify(codes));
});
server.listen(config.port, '127.0.0.1', () => process.stdout.write(`ready ${ISSUER}\n`));
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
});
