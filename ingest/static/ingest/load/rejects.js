// Rejected rows with their reasons, as a file: CSV where the input is CSV, NDJSON otherwise.

import { parseRecord, writeRecord } from "./csv_fields.js";

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
  add(rows, receipt) {
    if (!receipt.rejections.length) return;
    const write = this.#titles ? this.#writeRecord : this.#writeLine;
    const sorted = receipt.rejections.toSorted((a, b) => a.index - b.index);
    this.#append(sorted.map((one) => write.call(this, rows[one.index], one.errors)).join(""));
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
    const fields = parseRecord(text, this.#source.delimiter);
    const width = this.#titles.length;
    const own = Array.from({ length: width }, (_, at) => fields[at] ?? "");
    const codes = errors.map((error) => error.code).join(" ");
    const messages = errors.map((error) => error.message).join("; ");
    return `${writeRecord([...own, String(place), codes, messages, ...fields.slice(width)])}\r\n`;
  }

  // The row stays as it was written: no digit of its numbers is lost.
  #writeLine({ text, place }, errors) {
    const row = isJson(text) ? text.replaceAll(/[\r\n]/g, " ") : JSON.stringify(text);
    const placeName = this.#source.format === "json" ? "index" : "line";
    return `{"${placeName}":${place},"row":${row},"errors":${JSON.stringify(errors)}}\n`;
  }
}

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
