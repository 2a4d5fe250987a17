// Which field of the file goes into which column, to be seen and changed.

import { parseRecord } from "./csv_fields.js";
import { make, makeTable } from "./elements.js";
import { findMissing, matchHeader } from "./header.js";

const EXAMPLES = 3;
const SHOWN = 40; // characters of an example

export class Mapping {
  /** The column of each field of a CSV file, "" for one that is left out; null for JSON. */
  columns = null;
  /** The names of a CSV file's fields; null for JSON. */
  titles = null;
  /** Whether the file's beginning could be read. */
  isShown = false;
  #place;
  #warning = make("p", { class: "warn" });

  constructor(place) {
    this.#place = place;
  }

  clear(text, { isBad = false } = {}) {
    this.columns = this.titles = null;
    this.isShown = false;
    this.#place.replaceChildren(make("p", { class: isBad ? "error" : "soft" }, text));
  }

  /** Show the fields of a CSV file's first records and the columns they fit. */
  showRecords(records, table, { delimiter, hasHeader }) {
    const [first, ...others] = records.map(({ text }) => parseRecord(text, delimiter));
    const writable = table.columns.filter((column) => !column.read_only);
    const examples = (hasHeader ? others : [first, ...others]).slice(0, EXAMPLES);
    this.titles = hasHeader ? first : first.map((_, at) => `field ${at + 1}`);
    this.columns = hasHeader
      ? matchHeader(first, table.columns)
      : first.map((_, at) => writable[at]?.name ?? "");
    const rows = this.titles.map((title, at) => [
      title,
      examples.map((fields) => shorten(fields[at] || "–")).join(" · "),
      this.#makeSelect(title, at, writable, table),
    ]);
    const titles = ["Field", "First values", "Column"];
    this.#show(makeTable("Fields and columns", titles, rows));
    this.#warn(table);
  }

  /** Show the keys of the first JSON rows, which must be the columns' own names. */
  showObjects(rows, table) {
    this.columns = this.titles = null;
    const objects = rows.map(({ text }) => parseObject(text));
    const keys = [...new Set(objects.flatMap((row) => Object.keys(row)))];
    const writable = table.columns.filter((column) => !column.read_only);
    const known = new Set(writable.map(({ name }) => name));
    const valueOf = (row, key) => (key in row ? shorten(JSON.stringify(row[key])) : "–");
    const lines = keys.map((key) => [
      key,
      objects.slice(0, EXAMPLES).map((row) => valueOf(row, key)).join(" · "),
      known.has(key) ? key : make("span", { class: "bad" }, "no column to load: rejected"),
    ]);
    const missing = findMissing(keys, table.columns);
    this.#warning.textContent = missing.length ? missingText(missing) : "";
    this.#show(makeTable("Keys and columns", ["Key", "First values", "Column"], lines));
  }

  /** Choose the columns of a CSV file's fields, in their order; null for JSON. */
  choose(columns) {
    const selects = [...this.#place.querySelectorAll("select")];
    if (columns?.length !== selects.length) return;
    selects.forEach((select, at) => {
      select.value = columns[at];
      select.dispatchEvent(new Event("change"));
    });
  }

  /** Say what else is wrong with the file. */
  addProblem(text) {
    this.#place.append(make("p", { class: "error" }, text));
  }

  #show(content) {
    this.isShown = true;
    this.#place.replaceChildren(this.#warning, content);
  }

  #makeSelect(title, at, writable, table) {
    const option = (name, label = name) =>
      make("option", { value: name, selected: this.columns[at] === name }, label);
    const names = writable.map(({ name, type, required }) =>
      option(name, `${name} (${type}${required ? ", required" : ""})`),
    );
    const label = `Column of ${title}`;
    const select = make("select", { "aria-label": label }, option("", "leave this field out"), ...names);
    select.addEventListener("change", () => {
      this.columns[at] = select.value;
      this.#warn(table);
      this.#place.dispatchEvent(new CustomEvent("mapping:changed"));
    });
    return select;
  }

  #warn(table) {
    const missing = findMissing(this.columns, table.columns);
    const left = this.titles.filter((_, at) => !this.columns[at]);
    const said = [];
    if (left.length) said.push(`Left out: ${left.join(", ")}.`);
    if (missing.length) said.push(missingText(missing));
    const twice = this.twice;
    if (twice) said.push(`Two fields go into ${twice}: choose one.`);
    this.#warning.textContent = said.join(" ");
  }

  /** A column that two fields go into, null where there is none. */
  get twice() {
    const chosen = this.columns?.filter(Boolean) ?? [];
    return chosen.find((name, at) => chosen.indexOf(name) !== at) ?? null;
  }

  /** Whether rows can be sent. */
  get isUsable() {
    return this.columns === null || (this.columns.some(Boolean) && this.twice === null);
  }
}

function missingText(names) {
  return `No field for ${names.join(", ")}, which every row must bring.`;
}

function parseObject(text) {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}

function shorten(text) {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
