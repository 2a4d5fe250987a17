// The chosen file: picked or dropped, then read row by row with one block in memory at a time.

import { CsvSplitter } from "./csv.js";
import { JsonSplitter, LineSplitter } from "./json.js";

const BLOCK_BYTES = 1 << 20;
/** Longest row that is put together; the service takes less than this. */
const LONGEST_ROW = 1 << 24;
const FORMATS = { csv: "csv", tsv: "csv", ndjson: "ndjson", jsonl: "ndjson", json: "json" };

/** The file cannot be read on; rows before this place were read. */
export class FileProblem extends Error {}

/** The file cannot be read any more, or is another one: a load can go on with the right file. */
export class OtherFileNeeded extends FileProblem {}

/** Call `take` with the file that is picked in the input. */
export function takePicks(input, take) {
  let before = [];
  // Without a value the same file is a change as well: it may have been written anew.
  input.addEventListener("click", () => {
    before = [...input.files];
    input.value = "";
  });
  input.addEventListener("cancel", () => {
    const kept = new DataTransfer();
    for (const file of before) kept.items.add(file);
    input.files = kept.files;
  });
  input.addEventListener("change", () => {
    if (input.files.length) take(input.files[0]);
  });
}

/** Call `take` with the file that is dropped on the element around the input. */
export function takeDrops(element, take) {
  const show = (isOver) => element.classList.toggle("over", isOver);
  element.addEventListener("dragover", (event) => {
    event.preventDefault();
    show(true);
  });
  element.addEventListener("dragleave", () => show(false));
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    show(false);
    const input = element.querySelector("input");
    if (!event.dataTransfer.files.length || input.matches(":disabled")) return;
    input.files = event.dataTransfer.files; // shows its name
    take(input.files[0]);
  });
}

/** Return the format that a file's name tells, null where it tells none. */
export function formatOf(name) {
  const ending = name.toLowerCase().replace(/\.gz$/, "").split(".").pop();
  return FORMATS[ending] ?? null;
}

/**
 * Yield arrays of rows, `{ text, place }`. `source` is `{ file, format, encoding, delimiter }`;
 * `onRead` is told how many bytes of the file were read so far.
 * Throws `FileProblem` after the rows before the damage.
 */
export async function* readRows(source, onRead = () => {}) {
  const splitter = makeSplitter(source);
  for await (const text of readText(source, onRead)) {
    yield splitter.split(text);
    if (splitter.problem) throw new FileProblem(splitter.problem);
    if (splitter.pending.length > LONGEST_ROW) {
      throw new FileProblem("A row has no end: is a quote or a bracket never closed?");
    }
  }
  yield splitter.finish();
  if (splitter.problem) throw new FileProblem(splitter.problem);
}

/** Return up to `count` rows from the file's beginning, and the problem that ended them, if any. */
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

function makeSplitter({ format, delimiter }) {
  if (format === "csv") return new CsvSplitter(delimiter);
  return format === "json" ? new JsonSplitter() : new LineSplitter();
}

// Compressed files (gzip) and UTF-16 are known by their first bytes.
async function* readText({ file, encoding }, onRead) {
  const start = await readSlice(file, 0, 2);
  const blocks = readBlocks(file, onRead);
  const isCompressed = start[0] === 0x1f && start[1] === 0x8b;
  yield* decode(isCompressed ? decompress(blocks) : blocks, encoding);
}

async function* readBlocks(file, onRead) {
  for (let at = 0; at < file.size; at += BLOCK_BYTES) {
    const end = Math.min(at + BLOCK_BYTES, file.size);
    const block = await readSlice(file, at, end);
    onRead(end);
    yield block;
  }
}

async function readSlice(file, start, end) {
  try {
    return new Uint8Array(await file.slice(start, end).arrayBuffer());
  } catch {
    throw new OtherFileNeeded("The file cannot be read: was it changed or moved? Choose it again.");
  }
}

async function* decompress(blocks) {
  const source = new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await blocks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    },
    { highWaterMark: 0 },
  );
  const reader = source.pipeThrough(new DecompressionStream("gzip")).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    if (error instanceof FileProblem) throw error;
    throw new FileProblem("The compressed file is damaged or cut short.");
  } finally {
    await reader.cancel().catch(() => {});
  }
}

async function* decode(blocks, encoding) {
  let decoder = null;
  try {
    for await (const block of blocks) {
      decoder ??= new TextDecoder(encodingOf(block) ?? encoding, { fatal: true });
      const text = decoder.decode(block, { stream: true });
      if (text) yield text;
    }
    const rest = decoder?.decode();
    if (rest) yield rest;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const name = decoder.encoding.toUpperCase();
    throw new FileProblem(`The file is not ${name}: choose its encoding.`);
  }
}

function encodingOf(block) {
  if (block[0] === 0xff && block[1] === 0xfe) return "utf-16le";
  if (block[0] === 0xfe && block[1] === 0xff) return "utf-16be";
  return null;
}
