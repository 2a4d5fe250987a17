// A file's rows, whatever its format, a block's at a time.

import { CsvCutter } from "./csv_cutter.js";
import { readText } from "./file_text.js";
import { JsonCutter } from "./json_cutter.js";
import { LineCutter } from "./line_cutter.js";
import { FileProblem } from "./problem.js";

/** Longest row that is put together; the service takes less than this. */
const LONGEST_ROW = 1 << 24;
const NAMES = { csv: "csv", tsv: "csv", ndjson: "ndjson", jsonl: "ndjson", json: "json" };

/** Return the format that a file's name tells, null where it tells none. */
export function formatOf(name) {
  const ending = name.toLowerCase().replace(/\.gz$/, "").split(".").pop();
  return NAMES[ending] ?? null;
}

/**
 * Yield arrays of rows, `{ text, place }`. `source` is `{ file, format, encoding, delimiter }`.
 * Throws `FileProblem` after the rows before the damage.
 */
export async function* readRows(source, onRead) {
  const cutter = makeCutter(source);
  for await (const text of readText(source.file, { encoding: source.encoding, onRead })) {
    yield cutter.cut(text);
    if (cutter.problem) throw new FileProblem(cutter.problem);
    if (cutter.pending.length > LONGEST_ROW) {
      throw new FileProblem("A row has no end: is a quote or a bracket never closed?");
    }
  }
  yield cutter.finish();
  if (cutter.problem) throw new FileProblem(cutter.problem);
}

/** Return up to `count` rows from the file's beginning, and what ended them before that, if anything. */
export async function readFirstRows(source, count) {
  const rows = [];
  try {
    for await (const some of readRows(source)) {
      rows.push(...some.slice(0, count - rows.length));
      if (rows.length === count) break;
    }
  } catch (error) {
    if (!(error instanceof FileProblem)) throw error;
    return { rows, problem: error.message };
  }
  return { rows, problem: null };
}

function makeCutter({ format, delimiter }) {
  if (format === "csv") return new CsvCutter(delimiter);
  return format === "json" ? new JsonCutter() : new LineCutter();
}
