// Keeps the page live: asks for its moving part, and ticks every countdown by the server's clock in between.
// The page is whole without this script; it only saves reloading.
"use strict";

const POLL_MS = 2000;
const SPOKEN_MS = 30000;
const SOON_MS = 15 * 60000;
const SHAPES = { overdue: "▲", soon: "◆", running: "●" };
const WORDS = { overdue: "overdue", soon: "due soon", running: "running" };

const speed = Number(document.body.dataset.speed) || 1;
const live = document.getElementById("live");
const spoken = document.getElementById("spoken");
const freshness = document.getElementById("freshness");
let server = Number(document.body.dataset.now);
let heard = performance.now();
let answered = heard;
let tag = null;
let lastSpoken = 0;

// The server's clock, which may run faster than ours in a demonstration.
const now = () => server + (performance.now() - heard) * speed;

function lengthOf(milliseconds, coarse) {
  const seconds = Math.floor(milliseconds / 1000);
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor((seconds % 86400) / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const two = (n) => String(n).padStart(2, "0");
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${two(minutes)} min`;
  if (minutes >= 10 || coarse) return `${minutes} min`;
  return `${minutes}:${two(seconds % 60)}`;
}

function tick() {
  const at = now();
  for (const time of live.querySelectorAll("time.countdown")) {
    const left = Number(time.dataset.at) - at;
    time.textContent = left >= 0 ? `in ${lengthOf(left)}` : `${lengthOf(-left)} late`;
  }
  for (const time of live.querySelectorAll("time.ago")) {
    const passed = Math.max(0, at - Number(time.dataset.at));
    time.textContent = passed < 60000 ? "just now" : `${lengthOf(passed, true)} ago`;
  }
  for (const row of live.querySelectorAll("tr[data-due]")) recolour(row, Number(row.dataset.due) - at);
  const silent = performance.now() - answered;
  freshness.classList.toggle("stale", silent > 5 * POLL_MS);
  freshness.textContent = silent > 5 * POLL_MS
    ? `no answer for ${Math.round(silent / 1000)} s - the figures are old`
    : `live, ${new Date(at).toLocaleString()}`;
}

function recolour(row, left) {
  if (row.dataset.tone === "paused" || row.dataset.tone === "overdue") return;
  const tone = left < 0 ? "overdue" : left <= SOON_MS ? "soon" : "running";
  if (row.classList.contains(tone)) return;
  row.classList.remove("overdue", "soon", "running");
  row.classList.add(tone);
  row.querySelector(".shape").textContent = SHAPES[tone];
  row.querySelector(".word").textContent = WORDS[tone];
}

function speak() {
  if (performance.now() - lastSpoken < SPOKEN_MS) return;
  lastSpoken = performance.now();
  const figures = [...live.querySelectorAll(".figure")];
  spoken.textContent = figures.map((figure) => figure.textContent.replace(/[▲●‖✓\s]+/g, " ").trim()).join(", ");
}

function show(html) {
  const focused = document.activeElement && document.activeElement.getAttribute("href");
  const fresh = new DOMParser().parseFromString(html, "text/html");
  live.replaceChildren(...fresh.body.childNodes);
  const overdue = live.querySelector(".figure strong").textContent.trim();
  document.title = overdue === "0" ? "SLA clocks" : `(${overdue}) SLA clocks`;
  if (focused) live.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  speak();
}

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(`live${location.search}`, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
    if (answer.status !== 200 && answer.status !== 304) return;
    server = Number(answer.headers.get("X-Server-Now")) || now();
    heard = answered = performance.now();
    if (answer.status === 200) {
      tag = answer.headers.get("ETag");
      show(await answer.text());
    }
  } catch {
    // The daemon is away: the line at the foot of the page says so until it answers again.
  }
  tick();
}

tick();
setInterval(tick, 1000);
setInterval(refresh, POLL_MS);
document.addEventListener("visibilitychange", refresh);
