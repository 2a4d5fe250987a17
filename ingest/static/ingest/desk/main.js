// The desk: rejected rows are edited, sent again or given up where they stand.

import { Refusal, call } from "../../site/api.js";
import { Card } from "./card.js";
import { showCurrent } from "./current.js";

const cards = new WeakMap(); // by article
const announcement = document.getElementById("announcement");

const ACTIONS = {
  unfold: (card) => card.unfold(),
  edit: (card) => card.open(),
  cancel: (card) => card.close(),
  replay: (card) => attempt(card, () => replay(card)),
  store: (card) => attempt(card, () => store(card)),
  discard: (card) => attempt(card, () => discard(card)),
};

function findCard(element) {
  const article = element.closest(".rejection");
  if (!cards.has(article)) cards.set(article, new Card(article));
  return cards.get(article);
}

async function attempt(card, act) {
  if (card.isBusy) return;
  card.isBusy = true;
  announce("");
  try {
    await act();
  } catch (error) {
    announce(`${card.title}: ${error.message}`, { isBad: true });
    if (!(error instanceof Refusal)) throw error;
  } finally {
    card.isBusy = false;
  }
}

function send(card, body) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  const address = `/api/rejections/${card.id}/replay?on_conflict=${conflict()}`;
  return call(address, { method: "POST", body, headers, accepted: [422] });
}

async function replay(card) {
  const receipt = await send(card);
  if (!receipt.rejected) return leave(card, told(receipt));
  card.errors = receipt.rejections[0].errors;
  card.showErrors(card.errors);
  announce(`${card.title}: rejected again. ${reasonsOf(receipt)}`, { isBad: true });
}

async function store(card) {
  const receipt = await send(card, card.writeRow());
  if (!receipt.rejected) return leave(card, told(receipt));
  card.showErrors(receipt.rejections[0].errors);
  announce(`${card.title}: not stored. ${reasonsOf(receipt)}`, { isBad: true });
}

async function discard(card) {
  if (!confirm(`Give this row up? ${card.title} will not be loaded.`)) return;
  await call(`/api/rejections/${card.id}/discard`, { method: "POST" });
  await leave(card, "discarded");
}

/** The card leaves the list; the next one takes the focus. */
async function leave(card, outcome) {
  const next = card.element.nextElementSibling ?? card.element.previousElementSibling;
  announce(`${card.title}: ${outcome}.`);
  card.element.remove();
  (next?.querySelector("h2") ?? announcement).focus();
  await refresh({ withRows: !document.querySelector(".rejection") });
}

async function replayAll(button) {
  const totals = { replayed: 0, rejected: 0, skipped: 0 };
  let query = `${button.dataset.query}&on_conflict=${conflict()}`;
  button.disabled = true;
  announce("Sending the rows again …");
  try {
    while (query) {
      const summary = await call(`/api/rejections/replay?${query}`, { method: "POST" });
      totals.replayed += summary.replayed;
      totals.rejected += summary.rejected;
      totals.skipped += Object.values(summary.skipped).reduce((sum, rows) => sum + rows, 0);
      query = summary.next && new URL(summary.next).search.slice(1);
      announce(`${describe(totals)}${query ? `, ${summary.remaining} to go` : ""}.`);
    }
  } catch (error) {
    announce(`${describe(totals)}. Then: ${error.message}`, { isBad: true });
    if (!(error instanceof Refusal)) throw error;
  } finally {
    button.disabled = false;
  }
  await refresh({ withRows: true });
}

async function refresh(extent) {
  await showCurrent(extent);
  showControls();
}

function describe({ replayed, rejected, skipped }) {
  const left = skipped ? `, ${skipped} could not be sent as they were` : "";
  return `${replayed} stored, ${rejected} rejected again${left}`;
}

function told(receipt) {
  if (receipt.updated) return `a stored row was updated (batch ${receipt.batch})`;
  if (receipt.ignored) return `ignored, its key is there already (batch ${receipt.batch})`;
  return `stored (batch ${receipt.batch})`;
}

function reasonsOf(receipt) {
  return receipt.rejections[0].errors.map((error) => error.message).join("; ");
}

function conflict() {
  return document.getElementById("on-conflict")?.value ?? "reject";
}

function announce(text, { isBad = false } = {}) {
  announcement.textContent = text;
  announcement.classList.toggle("error", isBad);
}

/** Show what works only with this script. */
function showControls() {
  const bulk = document.getElementById("bulk");
  if (bulk) bulk.hidden = document.getElementById("matching").dataset.rows === "0";
  for (const one of document.querySelectorAll(".actions, [data-action='unfold']")) {
    one.hidden = false;
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.id === "replay-all") replayAll(button);
  else if (button?.type === "button" && button.dataset.action) {
    ACTIONS[button.dataset.action](findCard(button));
  }
});
document.addEventListener("submit", (event) => {
  if (!event.target.matches(".editor")) return;
  event.preventDefault();
  ACTIONS.store(findCard(event.target));
});
showControls();
