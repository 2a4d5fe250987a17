// What becomes of the rows: progress, counts, reasons of rejections, rejected rows as a file.

import { joinFields, splitRecord, writeField, writeRecord } from "./csv.js";
import { find, formatNumber, make, makeTable } from "./elements.js";
import { parseJson } from "./json.js";

const COUNTS = ["received", "inserted", "updated", "ignored", "rejected"];
const SHOWN_PLACES = 5; // of a reason
const SPOKEN_STEP = 0.25; // of the file; a screen reader is not told every batch

let downloadUrl = null; // of the rejected rows that are shown

/** How far a load is, shown and announced. */
export class Progress {
  #size;
  #before;
  #started = performance.now();
  #spoken = 0;
  #part = 0;

  /** `before` rows were sent earlier. */
  constructor(size, { isDryRun, before }) {
    this.#size = size;
    this.#before = before;
    const verb = isDryRun ? "Checking" : "Loading";
    find("progress").hidden = false;
    find("bar-label").textContent = `${verb} the file`;
    this.moveTo(0);
    find("counts").textContent = "";
    this.wait(null);
    this.#announce(`${verb} has begun.`);
  }

  /** Show how much of the file was read. */
  moveTo(bytes) {
    this.#part = this.#size ? bytes / this.#size : 1;
    find("bar").value = this.#part;
  }

  count(tally) {
    const seconds = (performance.now() - this.#started) / 1000;
    const rate = Math.round((tally.received - this.#before) / Math.max(seconds, 0.001));
    const { received, rejected } = tally;
    const text = `${formatNumber(received)} rows sent, ${formatNumber(rejected)} rejected`;
    find("counts").textContent = `${text}; ${formatNumber(rate)} rows/s`;
    if (this.#part >= this.#spoken + SPOKEN_STEP) {
      this.#spoken = this.#part;
      this.#announce(`${Math.round(this.#part * 100)} percent, ${text}.`);
    }
  }

  /** Say why nothing moves, null when it does again. */
  wait(reason) {
    const text = reason ? `${reason} Trying again …` : "";
    if (find("wait").textContent !== text) find("wait").textContent = text;
  }

  end(text) {
    this.wait(null);
    this.#announce(text);
  }

  #announce(text) {
    find("spoken").textContent = text;
  }
}

/** How many rows had which outcome so far. */
export class Tally {
  /** When the first batch was taken, by the service's clock. */
  began = null;
  #reasons = new Map();

  /** `before` has the counts of batches that are not sent again, and the first batch's id. */
  constructor(before) {
    for (const name of COUNTS) this[name] = before?.[name] ?? 0;
    if (before?.firstBatch) this.began = momentOf(before.firstBatch);
  }

  /** Count a batch's rows by its receipt. */
  add(rows, receipt) {
    for (const name of COUNTS) this[name] += receipt[name];
    this.began ??= momentOf(receipt.batch);
    for (const { index, errors } of receipt.rejections) {
      for (const error of errors) this.#count(error, rows[index].place);
    }
  }

  /** The reasons, `{ code, column, rows, places, message }`, most frequent first. */
  get reasons() {
    return [...this.#reasons.values()].sort((a, b) => b.rows - a.rows);
  }

  #count({ code, column, columns, message }, place) {
    const about = column ?? columns?.join(", ") ?? "";
    const key = `${code}\n${about}`;
    const reason = this.#reasons.get(key) ?? { code, column: about, rows: 0, places: [], message };
    reason.rows += 1;
    if (reason.places.length < SHOWN_PLACES) reason.places.push(place);
    this.#reasons.set(key, reason);
  }
}

// A batch's id is a UUID of version 7: it begins with its milliseconds since 1970.
function momentOf(batch) {
  return new Date(Number.parseInt(batch.replaceAll("-", "").slice(0, 12), 16));
}

/** Rejected rows with their reasons, as a file: CSV where the input is CSV, NDJSON otherwise. */
export class Rejects {
  #blob = new Blob();
  #source;
  #titles;

  /** `titles` are the header of a CSV file, null for JSON. */
  constructor(source, titles) {
    this.#source = source;
    this.#titles = titles;
    if (titles) this.#append(`${writeRecord([...titles, "_line", "_codes", "_errors"])}\r\n`);
  }

  /** Keep a batch's rejected rows as they stand in the file. The browser may keep them on disk. */
  add(rows, { rejections }) {
    if (!rejections.length) return;
    const sorted = rejections.toSorted((a, b) => a.index - b.index);
    const write = this.#titles ? this.#writeRecord : this.#writeLine;
    this.#append(sorted.map(({ index, errors }) => write.call(this, rows[index], errors)).join(""));
  }

  get file() {
    const base = this.#source.file.name.replace(/(\.[a-z]+)?(\.gz)?$/i, "");
    const ending = this.#titles ? "csv" : "ndjson";
    return { blob: this.#blob, name: `${base}.rejected.${ending}` };
  }

  #append(text) {
    this.#blob = new Blob([this.#blob, text]);
  }

  // The original fields, then ours, then fields the header has no title for.
  #writeRecord({ text, place }, errors) {
    const fields = splitRecord(text, this.#source.delimiter);
    const width = this.#titles.length;
    const own = Array.from({ length: width }, (_, at) => fields[at] ?? "");
    const codes = errors.map((error) => error.code).join(" ");
    const messages = errors.map((error) => error.message).join("; ");
    const ours = [String(place), codes, messages].map(writeField);
    return `${joinFields([...own, ...ours, ...fields.slice(width)])}\r\n`;
  }

  // The row stays as it was written: no digit of its numbers is lost.
  #writeLine({ text, place }, errors) {
    const isJson = parseJson(text) !== undefined;
    const row = isJson ? text.replaceAll(/[\r\n]/g, " ") : JSON.stringify(text);
    const placeName = this.#source.format === "json" ? "index" : "line";
    return `{"${placeName}":${place},"row":${row},"errors":${JSON.stringify(errors)}}\n`;
  }
}

/**
 * Show a load that has ended: `failure` says why before its end, `deskUrl` is the address of its
 * rejections (null after a check, which logs none), `placeName` what a place in the file is,
 * `canGoOn` whether what is left can be loaded.
 */
export function showOutcome({ tally, rejects, failure, isDryRun, deskUrl, placeName, canGoOn }) {
  if (downloadUrl) URL.revokeObjectURL(downloadUrl);
  downloadUrl = null;
  const parts = [make("p", {}, make("strong", {}, summarize(tally, isDryRun)))];
  if (failure) parts.unshift(make("p", { class: "error" }, failure));
  if (canGoOn) {
    parts.push(make("p", {}, make("a", { href: "#interrupted" }, "Go on with the rest")));
  }
  if (tally.rejected) parts.push(makeReasons(tally, placeName), makeLinks(rejects, deskUrl));
  find("outcome").replaceChildren(...parts);
  find("outcome").focus();
}

/** Return the counts as a sentence. */
export function summarize({ received, inserted, updated, ignored, rejected }, isDryRun) {
  const count = (rows, verb) => `${formatNumber(rows)} ${isDryRun ? `would be ${verb}` : verb}`;
  const counts = [count(inserted, "inserted")];
  if (updated) counts.push(count(updated, "updated"));
  if (ignored) counts.push(`${formatNumber(ignored)} ignored`);
  counts.push(`${formatNumber(rejected)} rejected`);
  const done = isDryRun ? "checked" : "received";
  return `${formatNumber(received)} rows ${done}: ${counts.join(", ")}.`;
}

function makeReasons(tally, placeName) {
  const rows = tally.reasons.map(({ code, column, rows, places, message }) => [
    make("code", {}, code),
    column,
    formatNumber(rows),
    places.join(", ") + (rows > places.length ? " …" : ""),
    message,
  ]);
  const titles = ["Reason", "Column", "Rows", `First ${placeName}s`, "Such as"];
  return makeTable("Reasons of rejections", titles, rows);
}

function makeLinks(rejects, deskUrl) {
  const { blob, name } = rejects.file;
  downloadUrl = URL.createObjectURL(blob);
  const links = [make("a", { href: downloadUrl, download: name }, "Download the rejected rows")];
  if (deskUrl) links.push(make("a", { href: deskUrl }, "Fix them at the desk"));
  return make("p", { class: "downloads" }, ...links);
}
