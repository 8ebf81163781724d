"use strict";
// Warns a few minutes before a session ends, and lets its owner go on with one key. Other tabs count: the server is asked.
{
  const box = document.getElementById("session-warning");
  const said = box.querySelector("p");
  const stay = box.querySelector("button");
  const warn = Number(box.dataset.warn);
  let ends = Date.now() + Number(box.dataset.left) * 1000;
  let asking = false;
  const out = () => location.replace(box.dataset.out);
  const show = (left, extend) => {
    box.hidden = left > warn;
    if (box.hidden) { said.textContent = ""; return; }
    const text = (extend ? box.dataset.idle : box.dataset.longest).replace("{minutes}", Math.max(1, Math.round(left / 60)));
    if (said.textContent !== text) said.textContent = text; // announced once a minute, not at every look
    stay.hidden = !extend;
  };
  const ask = async (options) => {
    const answer = await fetch(box.dataset.url, { redirect: "manual", ...options });
    if (answer.type === "opaqueredirect" || answer.status === 403) return out();
    if (!answer.ok) return;
    const session = await answer.json();
    ends = Date.now() + session.left * 1000;
    show(session.left, session.extends);
  };
  const look = async () => {
    if (asking || ends - Date.now() > warn * 1000) return;
    asking = true;
    try { await ask({ headers: { "X-Poll": "1" } }); } catch { if (Date.now() > ends) out(); } finally { asking = false; }
  };
  stay.addEventListener("click", () => {
    const mark = document.querySelector("#logout-form [name=csrfmiddlewaretoken]").value;
    ask({ method: "POST", headers: { "X-CSRFToken": mark } }).catch(() => {});
  });
  setInterval(look, Number(box.dataset.every) * 1000);
  document.addEventListener("visibilitychange", look);
}
