/**
 * openid-client, a certified relying party, led by the tests: one JSON command a line, one answer.
 *
 * What lives here: discovery, code with PKCE, refresh, userinfo and the logout address, as a portal
 * written in JavaScript would do them, with the check of ID-token signatures switched on.
 * Not here: the browser; the test takes the authorization address and brings the callback back.
 *
 *   {"do": "discover", "issuer": …, "client_id": …, "client_secret": …, "auth_method": …,
 *    "algorithm": …, "redirect_uri": …, "foreign_keys": false}
 *   {"do": "authorize", "scope": …}      → {"url": …}
 *   {"do": "callback", "url": …}         → {"claims": …, "refresh_token": true}
 *   {"do": "refresh"}                    → {"claims": …, "changed": true}
 *   {"do": "userinfo"}                   → {"claims": …}
 *   {"do": "end_session", "post_logout_redirect_uri": …, "state": …} → {"url": …}
 *
 * A failure answers {"error": {name, code, message, cause}}.
 */
import { createInterface } from 'node:readline';

import './older_node.mjs';

const { exportJWK, generateKeyPair } = await import('jose');
const client = await import('openid-client');

const state = {};

async function foreignKeys(published) {
  const keys = await Promise.all(published.keys.map(async ({ alg, kid, kty, use }) => {
    const algorithm = alg ?? (kty === 'EC' ? 'ES256' : 'RS256');
    const { publicKey } = await generateKeyPair(algorithm, { extractable: true });
    return { ...(await exportJWK(publicKey)), alg: algorithm, kid, use };
  }));
  return { keys };
}

const METHODS = {
  client_secret_basic: client.ClientSecretBasic,
  client_secret_post: client.ClientSecretPost,
};

const commands = {
  async discover(given) {
    const insecure = given.issuer.startsWith('http://');
    const config = await client.discovery(
      new URL(given.issuer),
      given.client_id,
      {
        client_secret: given.client_secret,
        id_token_signed_response_alg: given.algorithm,
        token_endpoint_auth_method: given.auth_method,
      },
      METHODS[given.auth_method](given.client_secret),
      { execute: insecure ? [client.allowInsecureRequests] : [] },
    );
    // Off by default, because TLS already says who answered; here the signature must hold as well.
    client.enableNonRepudiationChecks(config);
    const { jwks_uri: jwksUri } = config.serverMetadata();
    if (given.foreign_keys) {
      config[client.customFetch] = async (url, options) => {
        const answer = await fetch(url, options);
        return url === jwksUri ? Response.json(await foreignKeys(await answer.json())) : answer;
      };
    }
    Object.assign(state, { config, given });
    return { issuer: config.serverMetadata().issuer };
  },

  async authorize({ scope }) {
    state.verifier = client.randomPKCECodeVerifier();
    state.state = client.randomState();
    state.nonce = client.randomNonce();
    const url = client.buildAuthorizationUrl(state.config, {
      redirect_uri: state.given.redirect_uri,
      scope,
      prompt: 'consent',
      code_challenge: await client.calculatePKCECodeChallenge(state.verifier),
      code_challenge_method: 'S256',
      state: state.state,
      nonce: state.nonce,
    });
    return { url: url.href };
  },

  async callback({ url }) {
    state.tokens = await client.authorizationCodeGrant(state.config, new URL(url), {
      pkceCodeVerifier: state.verifier,
      expectedState: state.state,
      expectedNonce: state.nonce,
      idTokenExpected: true,
    });
    return { claims: state.tokens.claims(), refresh_token: Boolean(state.tokens.refresh_token) };
  },

  async refresh() {
    const before = state.tokens;
    const after = await client.refreshTokenGrant(state.config, before.refresh_token);
    state.tokens = { ...after, id_token: after.id_token ?? before.id_token };
    state.sub = before.claims().sub;
    return {
      claims: after.claims() ?? null,
      changed: after.access_token !== before.access_token,
    };
  },

  async userinfo() {
    return {
      claims: await client.fetchUserInfo(state.config, state.tokens.access_token, state.sub),
    };
  },

  async end_session({ post_logout_redirect_uri, state: logoutState }) {
    const url = client.buildEndSessionUrl(state.config, {
      post_logout_redirect_uri, id_token_hint: state.tokens.id_token, state: logoutState,
    });
    return { url: url.href };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, ...given } = JSON.parse(line);
  let answer;
  try {
    answer = await commands[name](given);
  } catch (error) {
    const { name: kind, code, message, cause } = error;
    answer = { error: { name: kind, code, message, cause: cause ? String(cause) : null } };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
