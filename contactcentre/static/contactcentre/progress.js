"use strict";
// Shows how far what is being written has come, until nothing is any more. The link that has focus keeps it.
{
  const part = document.querySelector("[data-progress]");
  const announced = document.getElementById("announced");
  const seconds = 2;
  const state = () => part.firstElementChild.dataset;
  const look = async () => {
    if (document.hidden) return;
    const answer = await fetch(part.dataset.progress, { headers: { "X-Poll": "1" }, redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 403) return location.reload();
    if (!answer.ok) return;
    const fresh = document.createElement("div");
    fresh.innerHTML = await answer.text();
    const rows = fresh.querySelector("[data-going-on]");
    if (!rows) return;
    const id = part.contains(document.activeElement) ? document.activeElement.id : "";
    const said = state().said;
    part.replaceChildren(rows);
    if (id) (document.getElementById(id) || part).focus();
    if (rows.dataset.said !== said) announced.textContent = rows.dataset.said;
  };
  const again = () => setTimeout(() => {
    if (state().goingOn === "1") look().catch(() => {}).finally(again);
  }, seconds * 1000);
  again();
}
