"use strict";
// Keeps a contact's page as it stands: asks every two seconds whether anything changed, and puts the new parts in place.
// What the agent has under his hands stays; what can't be put in place is told. Counts down by the server's seconds.
{
  const page = document.querySelector("[data-pulse]");
  const notice = document.getElementById("changed");
  const announced = document.getElementById("announced");
  const seconds = 2;
  let loaded = performance.now();

  const count = () => {
    for (const left of document.querySelectorAll("[data-seconds]")) {
      const still = Math.max(0, Math.round(Number(left.dataset.seconds) - (performance.now() - loaded) / 1000));
      left.textContent = `${Math.floor(still / 60)}:${String(still % 60).padStart(2, "0")}`;
    }
  };
  // Each answer masks the form token anew; a form that has changed in nothing else keeps what was typed into it.
  const same = (next, part) => {
    const ours = document.querySelector("[name=csrfmiddlewaretoken]");
    for (const theirs of next.querySelectorAll("[name=csrfmiddlewaretoken]")) theirs.setAttribute("value", ours.value);
    return next.isEqualNode(part);
  };
  const put = (fresh) => {
    const told = [];
    for (const part of document.querySelectorAll("[data-live]")) {
      const next = fresh.getElementById(part.id);
      if (!next || same(next, part)) continue;
      const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
      if (next.dataset.said && next.dataset.said !== part.dataset.said) told.push(next.dataset.said);
      part.replaceWith(next);
      if (focused) (document.getElementById(focused) || next).focus();
    }
    loaded = performance.now();
    count();
    if (told.length) announced.textContent = told.join(" ");
  };
  const renew = async () => {
    const answer = await fetch(location.pathname, { headers: { "X-Poll": "1" }, redirect: "manual" });
    if (!answer.ok) { notice.hidden = false; return; }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = fresh.querySelector("[data-pulse]");
    if (!next || next.dataset.rest !== page.dataset.rest) { notice.hidden = false; return; }
    put(fresh);
    page.dataset.pulse = next.dataset.pulse;
  };
  const look = async () => {
    if (document.hidden || !notice.hidden) return;
    const answer = await fetch(page.dataset.url, { headers: { "X-Poll": "1" }, redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 403) { notice.hidden = false; return; }
    if (answer.ok && (await answer.json()).pulse !== page.dataset.pulse) await renew();
  };
  count();
  setInterval(count, 1000);
  if (page && page.dataset.ended !== "yes") {
    const again = () => setTimeout(() => look().catch(() => {}).finally(again), seconds * 1000);
    again();
  }
}
