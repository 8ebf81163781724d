"use strict";
// Loads the changing part of a page every few seconds. The key that has focus keeps it, and only a change is announced.
{
  const part = document.querySelector("[data-refresh]");
  const announced = document.getElementById("announced");
  const seconds = 4;
  const focused = () => (part.contains(document.activeElement) ? document.activeElement.id : "");
  const refresh = async () => {
    if (document.hidden) return;
    const answer = await fetch(part.dataset.refresh, { headers: { "X-Poll": "1" }, redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 403) return location.reload();
    if (!answer.ok) return;
    const html = await answer.text();
    const fresh = document.createElement("div");
    fresh.innerHTML = html;
    const rows = fresh.querySelector("[data-rows]");
    const shown = part.querySelector("[data-rows]");
    if (!rows || (shown && rows.dataset.rows === shown.dataset.rows && rows.dataset.minute === shown.dataset.minute)) return;
    const id = focused();
    const changed = !shown || rows.dataset.rows !== shown.dataset.rows;
    part.replaceChildren(rows);
    if (id) (document.getElementById(id) || part).focus(); // never the next row's button: a key pressed then would take it
    if (changed) announced.textContent = rows.dataset.said;
  };
  setInterval(() => refresh().catch(() => {}), seconds * 1000);
}
