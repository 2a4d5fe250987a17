// A corrected row as JSON text. Values that nobody touched keep every digit they were sent with.

import { parseJson } from "../load/json.js";

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/;
const TRUTHS = { true: "true", t: "true", false: "false", f: "false" };

/**
 * Return the row. Each value is `{ column, kind, json, text, isChanged, isField }`: `json` is what
 * was sent, `text` what stands in the form now, `isField` that it was the field of a CSV record,
 * where everything is text. An empty value is left out, as an empty CSV field is.
 */
export function writeRow(values) {
  const members = values.flatMap((value) => {
    const json = writeValue(value);
    return json === null ? [] : [`${JSON.stringify(value.column)}: ${json}`];
  });
  return `{${members.join(", ")}}`;
}

function writeValue({ kind, json, text, isChanged, isField }) {
  if (!isChanged && !isField) return json || null;
  const meant = isChanged || !json ? text : JSON.parse(json);
  if (meant === "") return null;
  return typeValue(kind, meant) ?? JSON.stringify(meant);
}

function typeValue(kind, text) {
  const trimmed = text.trim();
  if (kind === "number" && NUMBER.test(trimmed)) return trimmed;
  if (kind === "boolean") return TRUTHS[trimmed] ?? null;
  return kind === "json" && parseJson(trimmed) !== undefined ? trimmed : null;
}
