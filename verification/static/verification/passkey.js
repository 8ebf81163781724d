"use strict";
// Asks the browser for a passkey (data-ceremony "get") or lets it make one ("create"), and sends the answer as a form.
// The options stand in data-options, or are fetched from data-begin at the click. Without passkeys the form stays hidden.
{
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const named = (list) => (list || []).map((each) => ({ ...each, id: bytes(each.id) }));
  const readable = (options) => ({
    ...options,
    challenge: bytes(options.challenge),
    ...(options.user && { user: { ...options.user, id: bytes(options.user.id) } }),
    ...(options.allowCredentials && { allowCredentials: named(options.allowCredentials) }),
    ...(options.excludeCredentials && { excludeCredentials: named(options.excludeCredentials) }),
  });
  const written = ({ id, rawId, type, response }) => {
    const sent = { clientDataJSON: text(response.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature"]) if (response[name]) sent[name] = text(response[name]);
    return JSON.stringify({ id, rawId: text(rawId), type, response: sent, clientExtensionResults: {} });
  };
  const wanted = async (form) => {
    if (form.dataset.options) return JSON.parse(form.dataset.options);
    const answer = await fetch(form.dataset.begin, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (!answer.ok) throw new Error("not begun");
    return answer.json();
  };
  const run = async (form) => {
    const publicKey = readable(await wanted(form));
    form.elements[form.dataset.name || "passkey"].value = written(await navigator.credentials[form.dataset.ceremony]({ publicKey }));
    form.submit();
  };
  for (const form of document.querySelectorAll("form[data-ceremony]")) {
    if (!window.PublicKeyCredential) continue;
    const failed = form.querySelector("[data-failed]");
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      failed.hidden = true;
      run(form).catch(() => { failed.hidden = false; });
    });
  }
}
