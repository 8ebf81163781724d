// What a person's phone would show when somebody asks him to confirm (CIBA): who, why, and both answers side by side.
import { errors } from 'oidc-provider';
import { consent } from './login.mjs';
import { page, words, formBody, escape } from './pages.mjs';
import { TRIES, secretOf, same, waits } from './state.mjs';

export async function approve(provider, state, id, acr) {
  const prompt = state.prompts.get(id);
  const grant = await consent(provider, prompt.accountId, prompt.clientId, prompt.params.scope);
  const level = acr === undefined ? state.people[prompt.accountId].acr : acr ?? undefined;
  await provider.backchannelResult(id, grant, { acr: level, amr: ['demo'], authTime: Math.floor(Date.now() / 1000) });
  prompt.status = 'approve';
}

export async function decline(provider, state, id) {
  await provider.backchannelResult(id, new errors.AccessDenied('the person said no'));
  state.prompts.get(id).status = 'deny';
}

async function answered(provider, state, { id, outcome, code = '' }) {
  const prompt = state.prompts.get(id);
  if (!waits(prompt)) return 'gone';
  if (outcome !== 'approve') { await decline(provider, state, id); return 'declined'; }
  const wanted = secretOf(prompt.params);
  if (wanted !== null && !same(code.trim(), wanted)) {
    prompt.tries += 1;
    if (prompt.tries >= TRIES) { await decline(provider, state, id); return 'declined'; }
    return 'wrong';
  }
  await approve(provider, state, id);
  return 'approved';
}

async function request(provider, state, t, { id, accountId, clientId, params }) {
  const client = await provider.Client.find(clientId);
  const field = secretOf(params) === null ? '' : `<p><label>${t.code} <input name="code" autocomplete="off" required></label></p>`;
  const decline = `<form method="post"><input type="hidden" name="id" value="${escape(id)}"><button name="outcome" value="deny" class="no">${t.decline}</button></form>`;
  return `<section><h2>${escape(state.people[accountId].name)}</h2><p>${escape(client.clientName ?? clientId)} ${t.asks}</p>
<p class="message">${escape(params.binding_message ?? '')}</p><p>${t.warning}</p>${decline}
<form method="post"><input type="hidden" name="id" value="${escape(id)}">${field}<button name="outcome" value="approve">${t.approve}</button></form></section>`;
}

export function device(provider, state, issuer) {
  return async (ctx, next) => {
    if (ctx.path === '/') return ctx.redirect('/device/');
    if (ctx.path !== '/device/') return next();
    const t = words(ctx.query.lang ?? ctx.get('accept-language'));
    let said = '';
    if (ctx.method === 'POST') {
      if (ctx.get('origin') && ctx.get('origin') !== issuer) return ctx.throw(403);
      const outcome = await answered(provider, state, await formBody(ctx));
      said = `<p role="status" data-outcome="${outcome}">${t[outcome]}</p>`;
    }
    const waiting = await Promise.all(state.pending().map((prompt) => request(provider, state, t, prompt)));
    ctx.type = 'html';
    ctx.body = page(t, t.device, said + (waiting.join('') || `<p>${t.nothing}</p>`), !waiting.length);
    return undefined;
  };
}
