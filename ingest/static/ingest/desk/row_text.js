// A corrected row as JSON text. Values that nobody touched keep every digit they were sent with.

import { parseJson } from "../load/json.js";

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/;
const TRUTHS = { true: "true", t: "true", false: "false", f: "false" };

/**
 * Return the row. Each value is `{ column, kind, json, text, isChanged, isField }`: `json` is what
 * was sent, `text` what stands in the form now, `isField` that it was the field of a CSV record,
 * where everything is text. A value that was emptied is left out, as a CSV field with nothing in it is.
 */
export function writeRow(values) {
  const members = values.flatMap((value) => {
    const json = writeValue(value);
    return json === null ? [] : [`${JSON.stringify(value.column)}: ${json}`];
  });
  return `{${members.join(", ")}}`;
}

function writeValue({ kind, json, text, isChanged, isField }) {
  if (!isChanged) return json || null;
  if (text === "") return null;
  return (isField ? null : typeValue(kind, text)) ?? JSON.stringify(text);
}

function typeValue(kind, text) {
  const trimmed = text.trim();
  if (kind === "number" && NUMBER.test(trimmed)) return trimmed;
  if (kind === "boolean") return TRUTHS[trimmed] ?? null;
  return kind === "json" && parseJson(trimmed) !== undefined ? trimmed : null;
}
