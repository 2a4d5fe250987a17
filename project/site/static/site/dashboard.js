// Keeps the dashboard live: asks for its sections every few seconds, and changes those that changed.
import { showAges } from "./ages.js";
import { request } from "./api.js";

const EVERY_MS = 5000;

const live = document.getElementById("live");
const shown = new Map(); // the HTML of each section that was put in place
let etag = live.dataset.etag;
let timer = 0;
let isAsking = false;

// Puts a section's new HTML in place; the link that had the focus keeps it.
function replace(section, html) {
  const focused = section.contains(document.activeElement) && document.activeElement;
  const scrolled = [...section.querySelectorAll(".scroll")].map((each) => each.scrollLeft);
  section.innerHTML = html;
  section.querySelectorAll(".scroll").forEach((each, place) => {
    each.scrollLeft = scrolled[place] || 0;
  });
  if (!focused) return;
  const address = focused.getAttribute("href");
  const same = address ? `[href="${CSS.escape(address)}"]` : "[tabindex]";
  section.querySelector(same)?.focus();
}

async function refresh() {
  const response = await request(live.dataset.address, {
    cache: "no-store",
    headers: { "If-None-Match": etag },
  });
  if (response.status === 401) return location.reload();
  if (response.status === 304) return undefined;
  if (!response.ok) throw new Error(`The service answered ${response.status}`);
  const { sections } = await response.json();
  etag = response.headers.get("ETag");
  for (const [name, html] of Object.entries(sections)) {
    const section = document.getElementById(name);
    if (shown.get(name) === html) continue;
    shown.set(name, html);
    replace(section, html);
  }
  return undefined;
}

async function tick() {
  clearTimeout(timer);
  // A hidden tab asks nothing; it asks at once when it is seen again.
  if (document.hidden || isAsking) return;
  isAsking = true;
  try {
    await refresh();
    live.textContent = "";
  } catch {
    live.textContent = "Not up to date: the service does not answer. Trying again …";
  }
  isAsking = false;
  showAges(document);
  timer = setTimeout(tick, EVERY_MS);
}

document.addEventListener("visibilitychange", tick);
showAges(document);
timer = setTimeout(tick, EVERY_MS);
