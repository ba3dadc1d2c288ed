// Keeps the page current: fetches itself and swaps <main>, while somebody looks.
"use strict";

const EVERY = 5000; // milliseconds
const PATIENCE = 10000;

async function refresh() {
  const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  if (!answer.ok && answer.status !== 404) throw new Error(`answered ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const main = page.querySelector("main");
  if (!main) throw new Error("answered with another page");
  const focused = document.activeElement?.getAttribute("href");
  const open = [...document.querySelectorAll("details[open]")].map((each) => each.id);
  const unfolded = document.activeElement?.closest("details")?.id;
  document.querySelector("main").replaceWith(document.adoptNode(main));
  document.title = page.title;
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (unfolded) document.querySelector(`#${CSS.escape(unfolded)} > summary`)?.focus({ preventScroll: true });
  if (focused) main.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

async function tick() {
  const reading = !getSelection().isCollapsed; // a swap would lose what somebody is about to copy
  if (!document.hidden && !reading) {
    const lost = await refresh().then(() => false, () => true);
    document.getElementById("lost").hidden = !lost;
    document.body.classList.toggle("old", lost);
  }
  timer = setTimeout(tick, EVERY);
}

let timer = setTimeout(tick, EVERY);

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    clearTimeout(timer);
    tick();
  }
});
