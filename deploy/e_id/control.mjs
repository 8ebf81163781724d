// How a test drives the provider: /_test/... exists only when the configuration says `testing`.
import { errors } from 'oidc-provider';
import { approve, decline } from './device.mjs';
import { text } from './pages.mjs';

async function expire(provider, state, id) {
  const request = await provider.BackchannelAuthenticationRequest.find(id, { ignoreExpiration: true });
  request.exp = Math.floor(Date.now() / 1000) - 1;
  await request.save(-1);
  state.prompts.get(id).status = 'expire';
}

async function fail(provider, state, id) {
  await provider.backchannelResult(id, new errors.TransactionFailed('the phone could not be asked'));
  state.prompts.get(id).status = 'fail';
}

async function settle(provider, state, id, what, { acr }) {
  if (!state.prompts.has(id)) return { status: 404, body: { error: 'unknown' } };
  const acts = { approve: () => approve(provider, state, id, acr), deny: () => decline(provider, state, id),
    expire: () => expire(provider, state, id), fail: () => fail(provider, state, id) };
  await acts[what]();
  return { status: 200, body: { id, status: what } };
}

function setting(state, name, given) {
  if (name === 'next') state.next = given;
  else if (name === 'people') Object.assign(state.people, given);
  else Object.assign(state.rewrite, given);
  return { status: 200, body: given };
}

async function answer(ctx, provider, state) {
  const [, , what, id, verb] = ctx.path.split('/');
  if (ctx.method === 'GET') return { status: 200, body: what === 'pings' ? state.pings : [...state.prompts].map(([key, prompt]) => ({ id: key, ...prompt })) };
  const given = JSON.parse((await text(ctx)) || '{}');
  return what === 'ciba' ? settle(provider, state, id, verb, given) : setting(state, what, given);
}

export function control(provider, state) {
  return async (ctx, next) => {
    if (!ctx.path.startsWith('/_test/')) return next();
    const { status, body } = await answer(ctx, provider, state);
    ctx.status = status;
    ctx.type = 'json';
    ctx.body = JSON.stringify(body ?? null);
    return undefined;
  };
}
