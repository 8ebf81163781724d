// What this provider can do: both profiles at once, and each client's own metadata narrows it to one of them.
import { errors } from 'oidc-provider';
import { generateKeyPair, exportJWK } from 'jose';
import { randomBytes } from 'node:crypto';

export const LOA = 'http://ftn.ficora.fi/2017/';
const PROFILE = ['given_name', 'family_name', 'birthdate', 'urn:oid:1.2.246.575.1.14', 'urn:oid:2.5.4.4',
  'urn:oid:1.3.6.1.5.5.7.9.1'];
const PERSON = ['urn:oid:1.2.246.21', 'personal_identity_code'];
const SIGNING = ['RS256', 'PS256', 'ES256'];
const seconds = (params) => Math.min(Number(params?.requested_expiry ?? 120), 600);
const MESSAGE = /^[\p{L}\p{N} .,:;!?#/+()_-]{1,100}$/u;

async function key(alg) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: `${alg}-${randomBytes(6).toString('hex')}` };
}

export async function configuration(config, state) {
  return {
    jwks: { keys: await Promise.all(SIGNING.map(key)) },
    clients: config.clients ?? [],
    acrValues: ['loatest2', 'loa2', 'loa3'].map((level) => LOA + level),
    scopes: ['openid', 'profile', 'personal_identity_code'],
    claims: { openid: ['sub', 'amr', 'auth_time'], profile: PROFILE, personal_identity_code: PERSON, acr: null, iss: null, sid: null },
    conformIdTokenClaims: false, // else what the scopes ask for is told at userinfo only
    clientAuthMethods: ['private_key_jwt'],
    enabledJWA: {
      idTokenSigningAlgValues: SIGNING,
      clientAuthSigningAlgValues: SIGNING,
      requestObjectSigningAlgValues: SIGNING,
      idTokenEncryptionAlgValues: ['RSA-OAEP', 'RSA-OAEP-256', 'ECDH-ES+A256KW'],
      idTokenEncryptionEncValues: ['A128CBC-HS256', 'A256GCM'],
    },
    pkce: { required: () => true },
    cookies: { keys: [randomBytes(32).toString('hex')], short: { sameSite: 'lax' }, long: { sameSite: 'lax' } },
    clockTolerance: 15,
    ttl: {
      AuthorizationCode: 60, AccessToken: 600, IdToken: 600, Interaction: 600, Session: 600, Grant: 600,
      BackchannelAuthenticationRequest: (ctx) => seconds(ctx?.oidc?.params),
    },
    features: {
      devInteractions: { enabled: false },
      encryption: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      requestObjects: { enabled: true },
      claimsParameter: { enabled: true },
      rpInitiatedLogout: { enabled: false },
      ciba: ciba(state),
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, id) => (state.people[id] ? { accountId: id, claims: () => state.claims(id) } : undefined),
    fetch: (url, options) => ping(state, url, options),
  };
}

function ciba(state) {
  return {
    enabled: true,
    deliveryModes: ['poll', 'ping'],
    processLoginHint: (_ctx, hint) => state.byHint(hint),
    verifyUserCode: () => {},
    validateRequestContext: () => {},
    validateBindingMessage: (_ctx, message) => {
      if (message && !MESSAGE.test(message)) throw new errors.InvalidBindingMessage('too long, or with odd characters');
    },
    triggerAuthenticationDevice: (_ctx, { jti, accountId, clientId, params }) => {
      const until = Date.now() + seconds(params) * 1000;
      state.prompts.set(jti, { accountId, clientId, params, status: 'pending', tries: 0, until });
    },
  };
}

// The library calls https only, and never loopback: both are given up here for the address that the config names.
async function ping(state, url, { dispatcher, ...options }) {
  let target = String(url);
  for (const [from, to] of Object.entries(state.rewrite)) {
    if (target.startsWith(from)) target = to + target.slice(from.length);
  }
  const answer = await fetch(target, options);
  state.pings.push({ url: target, status: answer.status, authorization: options.headers?.authorization ?? options.headers?.get?.('authorization'), body: String(options.body) });
  return answer;
}
