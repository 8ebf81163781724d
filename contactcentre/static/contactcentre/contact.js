"use strict";
// Tells when the contact has changed since the page was loaded, and counts down how long the level holds (server's time).
{
  const page = document.querySelector("[data-pulse]");
  const notice = document.getElementById("changed");
  const left = document.querySelector("[data-seconds]");
  const loaded = performance.now();
  if (left) {
    const count = () => {
      const seconds = Math.max(0, Math.round(Number(left.dataset.seconds) - (performance.now() - loaded) / 1000));
      left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    };
    count();
    setInterval(count, 1000);
  }
  const look = async () => {
    if (document.hidden || !notice.hidden) return;
    const answer = await fetch(page.dataset.url, { headers: { "X-Poll": "1" }, redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 403) { notice.hidden = false; return; }
    if (answer.ok && (await answer.json()).pulse !== page.dataset.pulse) notice.hidden = false;
  };
  if (page) setInterval(() => look().catch(() => {}), 4000);
}
