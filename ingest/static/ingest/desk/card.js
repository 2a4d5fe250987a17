// One rejected row on the desk: its values, its editor, the reasons beside them.

import { make } from "../load/elements.js";
import { writeRow } from "./row_text.js";

const LONG = 60; // characters; a longer value is edited in a box of several lines
const FIELD = "input, textarea";

export class Card {
  constructor(element) {
    this.element = element;
    this.id = element.dataset.id;
    this.isField = element.dataset.format === "csv";
    this.rows = [...element.querySelectorAll("tr[data-column]")];
    /** The reasons against the row that is kept. */
    this.errors = JSON.parse(element.dataset.errors);
  }

  get title() {
    return this.element.querySelector("h2").textContent.trim();
  }

  /** Let the values be edited, beginning at the first wrong one. */
  open() {
    this.unfold();
    for (const row of this.rows) {
      row.hidden = false;
      row.querySelector(".value").replaceChildren(this.#makeInput(row));
    }
    this.#choose({ isEditing: true });
    const first = this.rows.find((row) => row.classList.contains("wrong")) ?? this.rows[0];
    first?.querySelector(FIELD).focus();
  }

  /** Show the values that are kept and the reasons against them. */
  close() {
    for (const row of this.rows) {
      row.hidden = "spare" in row.dataset;
      row.querySelector(".value").replaceChildren(...row.shownNodes);
    }
    this.showErrors(this.errors);
    this.#choose({ isEditing: false });
    this.element.querySelector('[data-action="edit"]').focus();
  }

  unfold() {
    for (const row of this.rows) if ("folded" in row.dataset) row.hidden = false;
    const button = this.element.querySelector('[data-action="unfold"]');
    if (button) button.hidden = true;
  }

  /** Return the row in the form as JSON text. */
  writeRow() {
    return writeRow(
      this.rows.map((row) => {
        const { column, kind, json } = row.dataset;
        const { value: text } = row.querySelector(FIELD);
        const isChanged = text !== row.firstText;
        return { column, kind, json, text, isChanged, isField: this.isField };
      }),
    );
  }

  /** Mark the columns that the errors are about, each with its reasons; show the rest above. */
  showErrors(errors) {
    const rest = this.element.querySelector(".of-row");
    const lists = new Map([[rest, []], ...this.rows.map((row) => [reasonsOf(row), []])]);
    for (const error of errors) {
      const names = error.columns ?? [error.column];
      const rows = this.rows.filter((row) => names.includes(row.dataset.column));
      const places = rows.length ? rows.map(reasonsOf) : [rest];
      for (const place of places) lists.get(place).push(makeReason(error));
    }
    for (const [list, reasons] of lists) list.replaceChildren(...reasons);
    for (const row of this.rows) this.#mark(row, lists.get(reasonsOf(row)).length > 0);
  }

  // Buttons are not disabled meanwhile: a disabled one would lose the focus.
  get isBusy() {
    return this.element.getAttribute("aria-busy") === "true";
  }

  set isBusy(value) {
    this.element.setAttribute("aria-busy", String(value));
  }

  #mark(row, isWrong) {
    row.classList.toggle("wrong", isWrong);
    if (isWrong) row.hidden = false;
    row.querySelector(FIELD)?.setAttribute("aria-invalid", String(isWrong));
  }

  // The table of a row whose values could not be told apart is hidden unless it is edited.
  #showTable() {
    const table = this.element.querySelector(".values");
    if (table) table.hidden = this.rows.every((row) => row.hidden);
  }

  #makeInput(row) {
    const { column, text } = row.dataset;
    const cell = row.querySelector(".value");
    row.shownNodes ??= [...cell.childNodes];
    const isLong = text.length > LONG || text.includes("\n");
    const input = make(isLong ? "textarea" : "input", {
      "aria-label": column,
      "aria-describedby": reasonsOf(row).id,
      "aria-invalid": String(row.classList.contains("wrong")),
      autocomplete: "off",
      spellcheck: "false",
    });
    input.value = text;
    row.firstText = input.value; // which has other line ends perhaps
    return input;
  }

  #choose({ isEditing }) {
    this.#showTable();
    for (const button of this.element.querySelectorAll(".actions button")) {
      const isEditors = ["store", "cancel"].includes(button.dataset.action);
      button.hidden = isEditors !== isEditing;
    }
  }
}

function reasonsOf(row) {
  return row.querySelector(".reasons");
}

function makeReason({ code, message }) {
  return make("li", {}, make("code", {}, code), ` ${message}`);
}
