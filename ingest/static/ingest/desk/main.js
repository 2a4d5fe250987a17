// The desk: rejected rows are edited, sent again or given up where they stand.

import { Refusal, call } from "../../site/api.js";
import { Card } from "./card.js";

const cards = new WeakMap(); // by article
const announcement = document.getElementById("announcement");

const ACTIONS = {
  unfold: (card) => card.unfold(),
  edit: (card) => card.open(),
  cancel: (card) => card.close(),
  replay: (card) => attempt(card, () => send(card)),
  store: (card) => attempt(card, () => send(card, card.writeRow())),
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

/** Send the row as it was, or the `corrected` one, whose errors are not those of the kept row. */
async function send(card, corrected) {
  const headers = corrected === undefined ? {} : { "Content-Type": "application/json" };
  const address = `/api/rejections/${card.id}/replay?on_conflict=${conflict()}`;
  const request = { method: "POST", body: corrected, headers, accepted: [422] };
  const receipt = await call(address, request);
  if (!receipt.rejected) return leave(card, told(receipt));
  const { errors } = receipt.rejections[0];
  if (corrected === undefined) card.errors = errors;
  card.showErrors(errors);
  const outcome = corrected === undefined ? "rejected again" : "not stored";
  const reasons = errors.map((error) => error.message).join("; ");
  announce(`${card.title}: ${outcome}. ${reasons}`, { isBad: true });
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

/** Show how many match now; with `withRows` also the rows themselves, as after a change to many. */
async function refresh({ withRows }) {
  const answer = await fetch(location.href, { credentials: "same-origin" });
  if (answer.ok) {
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of withRows ? ["matching", "rejections"] : ["matching"]) {
      const found = fresh.getElementById(id);
      if (found) document.getElementById(id).replaceWith(document.adoptNode(found));
    }
  }
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
