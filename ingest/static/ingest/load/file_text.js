// A file's text, block by block: unpacked, decoded, one block in memory at a time.

import { FileProblem, OtherFileNeeded } from "./problem.js";

const BLOCK_BYTES = 1 << 20;

/**
 * Yield a file's text. `onRead` is told how many bytes of the file were read so far.
 * Compressed files (gzip) and UTF-16 are known by their first bytes.
 */
export async function* readText(file, { encoding = "utf-8", onRead = () => {} } = {}) {
  const start = await readSlice(file, 0, 2);
  let blocks = readBlocks(file, onRead);
  if (start[0] === 0x1f && start[1] === 0x8b) blocks = unpack(blocks);
  yield* decode(blocks, encoding);
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

async function* unpack(blocks) {
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
    throw new FileProblem(`The file is not ${decoder.encoding.toUpperCase()}: choose its encoding.`);
  }
}

function encodingOf(block) {
  if (block[0] === 0xff && block[1] === 0xfe) return "utf-16le";
  if (block[0] === 0xfe && block[1] === 0xff) return "utf-16be";
  return null;
}
