// Which field of the file goes into which column, to be seen and changed.

import { parseRecord } from "./csv.js";
import { make, makeTable } from "./elements.js";
import { parseJson } from "./json.js";

const EXAMPLES = 3;
const SHOWN = 40; // characters of an example

export class Mapping {
  /** The column of each field of a CSV file, "" for one that is left out; null for JSON. */
  columns = null;
  /** The names of a CSV file's fields; null for JSON. */
  titles = null;
  #isShown = false;
  #place;
  #table = null;
  #warning = make("p", { class: "warn" });

  constructor(place) {
    this.#place = place;
  }

  /** Whether rows can be sent. */
  get isUsable() {
    if (this.columns === null) return this.#isShown;
    return this.columns.some(Boolean) && !this.#twice;
  }

  clear(text, { isBad = false } = {}) {
    this.columns = this.titles = null;
    this.#isShown = false;
    this.#place.replaceChildren(make("p", { class: isBad ? "error" : "soft" }, text));
  }

  /** Show the fields of a CSV file's first records and the columns they fit. */
  showRecords(records, table, { delimiter, hasHeader }) {
    this.#table = table;
    const [first, ...others] = records.map(({ text }) => parseRecord(text, delimiter));
    const writable = findWritable(table.columns);
    const examples = (hasHeader ? others : [first, ...others]).slice(0, EXAMPLES);
    this.titles = hasHeader ? first : first.map((_, at) => `field ${at + 1}`);
    this.columns = hasHeader
      ? matchHeader(first, table.columns)
      : first.map((_, at) => writable[at]?.name ?? "");
    const rows = this.titles.map((title, at) => [
      title,
      examples.map((fields) => shorten(fields[at] || "–")).join(" · "),
      this.#makeSelect(title, at, writable),
    ]);
    const titles = ["Field", "First values", "Column"];
    this.#show(makeTable("Fields and columns", titles, rows));
    this.#warn();
  }

  /** Show the keys of the first JSON rows, which must be the columns' own names. */
  showObjects(rows, table) {
    this.columns = this.titles = null;
    const objects = rows.map(({ text }) => parseObject(text));
    const keys = [...new Set(objects.flatMap((row) => Object.keys(row)))];
    const known = new Set(findWritable(table.columns).map(({ name }) => name));
    const valueOf = (row, key) => (key in row ? shorten(JSON.stringify(row[key])) : "–");
    const lines = keys.map((key) => [
      key,
      objects.slice(0, EXAMPLES).map((row) => valueOf(row, key)).join(" · "),
      known.has(key) ? key : make("span", { class: "bad" }, "no column to load: rejected"),
    ]);
    this.#warning.textContent = describeMissing(keys, table.columns);
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
    this.#isShown = true;
    this.#place.replaceChildren(this.#warning, content);
  }

  #makeSelect(title, at, writable) {
    const option = (name, label = name) =>
      make("option", { value: name, selected: this.columns[at] === name }, label);
    const names = writable.map(({ name, type, required }) =>
      option(name, `${name} (${type}${required ? ", required" : ""})`),
    );
    const omission = option("", "leave this field out");
    const select = make("select", { "aria-label": `Column of ${title}` }, omission, ...names);
    select.addEventListener("change", () => {
      this.columns[at] = select.value;
      this.#warn();
      this.#place.dispatchEvent(new CustomEvent("mapping:changed"));
    });
    return select;
  }

  #warn() {
    const left = this.titles.filter((_, at) => !this.columns[at]);
    const warnings = [
      left.length && `Left out: ${left.join(", ")}.`,
      describeMissing(this.columns, this.#table.columns),
      this.#twice && `Two fields go into ${this.#twice}: choose one.`,
    ];
    this.#warning.textContent = warnings.filter(Boolean).join(" ");
  }

  // A column that two fields go into.
  get #twice() {
    const chosen = this.columns.filter(Boolean);
    return chosen.find((name, at) => chosen.indexOf(name) !== at);
  }
}

/** Return the writable column of each field, "" where no single one fits or another field has it. */
export function matchHeader(header, columns) {
  const names = findWritable(columns).map((column) => column.name);
  const taken = new Set();
  return header.map((field) => {
    const found = findNames(names, field);
    if (found.length !== 1 || taken.has(found[0])) return "";
    taken.add(found[0]);
    return found[0];
  });
}

/** Return the names that a spelling may mean, by the rules of ingest/catalog/column_names.py. */
export function findNames(names, spelling) {
  const alike = names.filter((name) => simplify(name) === simplify(spelling));
  const exact = alike.filter((name) => name === spelling);
  const trimmed = alike.filter((name) => name.trim() === spelling.trim());
  return [exact, trimmed, alike].find((found) => found.length) ?? [];
}

/** Return the names of the columns that every row must bring and no field has. */
export function findMissing(chosen, columns) {
  return columns
    .filter((column) => column.required && !chosen.includes(column.name))
    .map((column) => column.name);
}

function describeMissing(chosen, columns) {
  const names = findMissing(chosen, columns).join(", ");
  return names && `No field for ${names}, which every row must bring.`;
}

function findWritable(columns) {
  return columns.filter((column) => !column.read_only);
}

function simplify(name) {
  return name.replaceAll(/[\s_]/g, "").toUpperCase().toLowerCase(); // ß is ss, as in casefold()
}

function parseObject(text) {
  const value = parseJson(text);
  return value && typeof value === "object" && !Array.isArray(value) ? value : {};
}

function shorten(text) {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
