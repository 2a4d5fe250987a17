// What the browser keeps of a load, and the list of interrupted loads that can go on.

import { formatNumber, make } from "./elements.js";
import { OtherFileNeeded } from "./file.js";

const PREFIX = "rowhouse-load-";
const ASK = "ask"; // the other tabs which load they run
const HOUR_MS = 3_600_000;
const COUNTS = ["received", "inserted", "updated", "ignored"];
const FNV_START = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const OTHER_ROWS = "This file has other rows than those that were sent before: choose that file.";

/**
 * A load: its plan, and how far it came. What was answered is not sent again, but for batches with
 * rejected rows: the service knows their Idempotency-Keys and answers the same receipts once more.
 */
export class Journal {
  #read = 0; // batches of the file, since the load began or went on
  #sum = FNV_START; // of their rows

  /** The journal has the fields of what is kept: `id`, `name`, `plan`, answered `rows` and more. */
  constructor(entry) {
    Object.assign(this, entry);
  }

  /** Begin a load; one of the same file into the same table that came to no end is forgotten. */
  static begin({ plan, file, sender }) {
    for (const other of readAll()) {
      if (other.isOf(file) && other.plan.table === plan.table) other.forget();
    }
    const clean = Object.fromEntries(COUNTS.map((name) => [name, 0]));
    const { name, size } = file;
    const journal = new Journal({
      ...{ id: makeId(), sender, began: Date.now(), name, size, plan },
      ...{ next: 0, sum: FNV_START, rows: 0, clean, rejecting: [], firstBatch: null },
    });
    journal.#save();
    return journal;
  }

  /** Return this sender's loads that can go on: the service forgets keys after so many hours. */
  static list(sender, hours) {
    const since = Date.now() - hours * HOUR_MS;
    const all = readAll();
    for (const one of all) if (one.began <= since) one.forget();
    return all.filter((one) => one.began > since && one.sender === sender);
  }

  /** The counts of the batches that are not sent again, and the id of the first batch of all. */
  get before() {
    return { ...this.clean, firstBatch: this.firstBatch };
  }

  isOf({ name, size }) {
    return this.name === name && this.size === size;
  }

  /** Expect the file's batches from its beginning. */
  rewind() {
    this.#read = 0;
    this.#sum = FNV_START;
  }

  /**
   * Return whether the next batch of the file has to be sent. Throws `OtherFileNeeded` where its
   * rows are not those that were sent before.
   */
  needs({ number, rows }) {
    this.#read = number + 1;
    this.#sum = addRows(this.#sum, rows);
    if (this.#read > this.next) return true;
    if (this.#read === this.next && this.#sum !== this.sum) throw new OtherFileNeeded(OTHER_ROWS);
    return this.rejecting.includes(number);
  }

  /** Throw `OtherFileNeeded` where the file has ended before the batches that were sent. */
  finish() {
    if (this.#read < this.next) throw new OtherFileNeeded(OTHER_ROWS);
  }

  /** Keep that a batch was answered. */
  note({ number }, receipt) {
    if (number < this.next) return; // sent again for its receipt
    this.next = number + 1;
    this.sum = this.#sum;
    this.rows += receipt.received;
    this.firstBatch ??= receipt.batch;
    if (receipt.rejected) this.rejecting.push(number);
    else for (const name of COUNTS) this.clean[name] += receipt[name];
    this.#save();
  }

  forget() {
    localStorage.removeItem(PREFIX + this.id);
  }

  #save() {
    try {
      localStorage.setItem(PREFIX + this.id, JSON.stringify(this));
    } catch {
      // The browser keeps nothing more: the load cannot go on after a reload, but now it can.
    }
  }
}

function readAll() {
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
  return keys.map((key) => new Journal(JSON.parse(localStorage.getItem(key))));
}

/** Return what tells one load from all others; `randomUUID` is there over HTTPS only. */
export function makeId() {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((one) => one.toString(36)).join("");
}

// FNV-1a over UTF-16 units: files that differ are found, not forged ones.
function addRows(sum, rows) {
  let hash = sum;
  for (const { text } of rows) {
    for (let at = 0; at < text.length; at += 1) {
      hash = Math.imul(hash ^ text.charCodeAt(at), FNV_PRIME);
    }
    hash = Math.imul(hash ^ 0x0a, FNV_PRIME);
  }
  return hash;
}

/** The list of interrupted loads: each goes on when its file is chosen again, or is forgotten. */
export class InterruptedLoads {
  #place;
  #list;
  #findJournals;
  #goOn;
  #channel = new BroadcastChannel("rowhouse-load");
  #elsewhere = new Set(); // ids of loads that run in other tabs
  #file = null;
  #isRunning = false;
  #runningId = null; // of the load that runs in this tab

  /** `goOn(journal)` is called when a person wants a load to go on with the file that is chosen. */
  constructor(place, { findJournals, goOn }) {
    this.#place = place;
    this.#list = place.querySelector("ul");
    this.#findJournals = findJournals;
    this.#goOn = goOn;
    this.#channel.addEventListener("message", ({ data }) => {
      if (data !== ASK) this.#hide(data);
      else if (this.#runningId) this.#channel.postMessage(this.#runningId);
    });
    this.#channel.postMessage(ASK);
  }

  /** Show the loads that wait; `file` is the one that is chosen, or null. */
  show(file) {
    this.#file = file;
    if (this.#isRunning) return;
    const waiting = this.#findJournals().filter(({ id }) => !this.#elsewhere.has(id));
    this.#list.replaceChildren(...waiting.map((journal) => this.#describe(journal)));
    this.#place.hidden = waiting.length === 0;
  }

  /** Hide them while a load, or a check (null), runs in this tab. */
  begin(journal) {
    this.#runningId = journal?.id ?? null;
    if (journal) this.#channel.postMessage(journal.id);
    this.#isRunning = true;
    this.#place.hidden = true;
  }

  /** Show them again. */
  end() {
    this.#runningId = null;
    this.#isRunning = false;
    this.show(this.#file);
  }

  // The load runs, or begins to run, in another tab.
  #hide(id) {
    this.#elsewhere.add(id);
    this.#list.querySelector(`[data-id="${id}"]`)?.remove();
    this.#place.hidden ||= this.#list.childElementCount === 0;
  }

  #describe(journal) {
    const { id, name, plan, rows } = journal;
    const isChosen = this.#file !== null && journal.isOf(this.#file);
    const goOn = makeButton("Go on", `Go on with ${name}`, {}, () => this.#goOn(journal));
    const forget = makeButton("Forget", `Forget ${name}`, { class: "quiet" }, () => {
      journal.forget();
      this.show(this.#file);
      this.#place.focus();
    });
    const said = `: ${formatNumber(rows)} rows were sent into ${plan.table}.`;
    const hint = this.#hint(journal, isChosen);
    return make(
      "li",
      { "data-id": id },
      make("p", {}, make("strong", {}, name), said, " ", hint),
      make("p", { class: "actions" }, ...(isChosen ? [goOn] : []), forget),
    );
  }

  #hint({ name }, isChosen) {
    if (isChosen) return "It goes on after them, and stores nothing twice.";
    if (this.#file?.name === name) return "The file that is chosen has its name but another size.";
    return "Choose the file again to go on after them.";
  }
}

function makeButton(text, label, attributes, onClick) {
  const button = make("button", { type: "button", ...attributes, "aria-label": label }, text);
  button.addEventListener("click", onClick);
  return button;
}
