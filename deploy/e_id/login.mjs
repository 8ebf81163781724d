// The login page, and the same login answered for a test that said beforehand how.
import { page, person, words, formBody, escape } from './pages.mjs';

const CLAIMS = ['urn:oid:1.2.246.21', 'urn:oid:1.2.246.575.1.14', 'urn:oid:2.5.4.4', 'urn:oid:1.3.6.1.5.5.7.9.1',
  'personal_identity_code', 'given_name', 'family_name', 'birthdate', 'acr', 'auth_time', 'amr'];
const now = () => Math.floor(Date.now() / 1000);

export async function consent(provider, accountId, clientId, scope) {
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope(scope);
  grant.addOIDCClaims(CLAIMS);
  return grant.save();
}

const refused = (error, description) => ({ error, error_description: description });

function decided(state, answer) {
  if (answer.outcome === 'approve' && state.people[answer.sub]) return null;
  return answer.outcome === 'error' ? refused('temporarily_unavailable', 'as asked') : refused('access_denied', 'the person said no');
}

async function result(provider, state, interaction, answer) {
  const no = decided(state, answer);
  if (no) return no;
  const { client_id: clientId, scope } = interaction.params;
  const acr = answer.acr === undefined ? state.people[answer.sub].acr : answer.acr ?? undefined;
  return {
    login: { accountId: answer.sub, acr, amr: ['demo'], remember: false, ts: now() - (answer.ago ?? 0) },
    consent: { grantId: await consent(provider, answer.sub, clientId, scope) },
  };
}

async function show(ctx, provider, state, interaction) {
  const client = await provider.Client.find(interaction.params.client_id);
  const t = words(interaction.params.ui_locales ?? ctx.get('accept-language'));
  const rows = Object.entries(state.people)
    .sort(([, one], [, other]) => one.name.localeCompare(other.name, 'fi'))
    .map(([id, who], at) => person(id, who, at === 0)).join('');
  ctx.type = 'html';
  ctx.body = page(t, t.login, `<p>${escape(client.clientName ?? client.clientId)} ${t.asks}</p>
<form method="post"><fieldset><legend>${t.who}</legend>${rows}</fieldset>
<p><button name="outcome" value="approve">${t.approve}</button>
<button name="outcome" value="deny" class="no">${t.cancel}</button></p></form>`);
}

export function login(provider, state) {
  return async (ctx, next) => {
    if (!ctx.path.startsWith('/interaction/')) return next();
    const interaction = await provider.interactionDetails(ctx.req, ctx.res);
    const hopeless = interaction.lastSubmission?.login && interaction.prompt.reasons?.some((why) => why.startsWith('essential_acr'));
    let answer = hopeless ? null : state.takeNext();
    if (!hopeless && !answer) {
      if (ctx.method !== 'POST') return show(ctx, provider, state, interaction);
      answer = await formBody(ctx);
    }
    // asked as essential and out of this person's reach: without this the library would ask for the login for ever
    const outcome = hopeless ? refused('unmet_authentication_requirements', 'no such level') : await result(provider, state, interaction, answer);
    await provider.interactionFinished(ctx.req, ctx.res, outcome, { mergeWithLastSubmission: !outcome.error });
    ctx.respond = false;
    return undefined;
  };
}
