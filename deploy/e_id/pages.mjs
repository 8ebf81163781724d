// The two pages in three languages, without anything from elsewhere.
const WORDS = {
  fi: {
    lang: 'fi', demo: 'Esittelykäyttö: tämä ei ole oikea tunnistuspalvelu.', login: 'Tunnistautuminen', device: 'Vahvistuspyynnöt',
    asks: 'pyytää teitä tunnistautumaan.', who: 'Kenenä tunnistaudutte?', approve: 'Hyväksy', cancel: 'Peruuta', decline: 'Hylkää',
    code: 'Kirjoittakaa koodi, jonka kuulette puhelimessa', warning: 'Jos ette itse soittanut ja pyytänyt tätä, hylätkää.',
    nothing: 'Yhtään pyyntöä ei ole odottamassa.', approved: 'Hyväksytty.', declined: 'Hylätty.', wrong: 'Koodi ei täsmännyt.',
    gone: 'Pyyntö ei ole enää voimassa.',
  },
  sv: {
    lang: 'sv', demo: 'Demonstration: det här är ingen riktig identifieringstjänst.', login: 'Identifiering', device: 'Begäran om bekräftelse',
    asks: 'ber er identifiera er.', who: 'Vem identifierar ni er som?', approve: 'Godkänn', cancel: 'Avbryt', decline: 'Avvisa',
    code: 'Skriv koden som ni hör i telefonen', warning: 'Om ni inte själv har ringt och bett om detta, avvisa.',
    nothing: 'Ingen begäran väntar.', approved: 'Godkänd.', declined: 'Avvisad.', wrong: 'Koden stämde inte.',
    gone: 'Begäran gäller inte längre.',
  },
  en: {
    lang: 'en', demo: 'A demonstration: this is no real identification service.', login: 'Log in', device: 'Requests to confirm',
    asks: 'asks you to identify yourself.', who: 'Who are you?', approve: 'Approve', cancel: 'Cancel', decline: 'Decline',
    code: 'Type the code that you hear on the phone', warning: 'If you did not call and ask for this yourself, decline.',
    nothing: 'Nothing is waiting.', approved: 'Approved.', declined: 'Declined.', wrong: 'The code did not match.',
    gone: 'That request is no longer valid.',
  },
};
const STYLE = `body{font:1.1rem/1.5 system-ui,sans-serif;max-width:38rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
.demo{background:#fff3cd;padding:.5rem 1rem;border-left:.4rem solid #8a6100}.message{font-size:1.3rem;font-weight:600}
fieldset label{display:block;padding:.35rem}button{font:inherit;padding:.6rem 1.4rem;margin:.3rem .5rem .3rem 0;border:2px solid #0b5394;background:#0b5394;color:#fff}
button.no{background:#fff;color:#0b5394}section{border-top:1px solid #767676}input:focus,button:focus{outline:3px solid #8a6100}`;

export const escape = (value) => String(value).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

export function words(preferred) {
  const known = /\b(fi|sv|en)\b/i.exec(preferred ?? '');
  return WORDS[(known?.[1] ?? 'fi').toLowerCase()];
}

export function person(id, { name, customer }, first) {
  return `<label><input type="radio" name="sub" value="${escape(id)}"${first ? ' required' : ''}> ${escape(name)}${customer ? ` (${escape(customer)})` : ''}</label>`;
}

export function page(t, title, body, again = false) {
  return `<!doctype html><html lang="${t.lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
${again ? '<meta http-equiv="refresh" content="3;url=/device/">' : ''}<title>${title}</title><style>${STYLE}</style></head>
<body><p class="demo">${t.demo}</p><main><h1>${title}</h1>${body}</main></body></html>`;
}

export async function text(ctx) {
  let all = '';
  for await (const part of ctx.req) {
    all += part;
    if (all.length > 65536) ctx.throw(413);
  }
  return all;
}

export const formBody = async (ctx) => Object.fromEntries(new URLSearchParams(await text(ctx)));
