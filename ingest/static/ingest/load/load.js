// A file's rows sent to a table, batch by batch.

import { gatherBatches } from "./batches.js";
import { deliver, Refused, Unanswered } from "./delivery.js";
import { readRows } from "./file_rows.js";

/**
 * Send every row. One batch is sent at a time: rows may refer to rows before them, and a pause
 * is a pause. `post(body, mediaType, number)` makes the request of a batch; `onRead(bytes)` tells
 * how far the file was read, `onReceipt(rows, receipt)` what became of a batch. What the `journal`
 * (null for a check) knows of is left out.
 * Throws `FileProblem`, `Stopped`, `Refused` or `Unanswered`; what was sent before stays stored.
 */
export async function loadFile({ source, layout, limits, isHeader, gate, journal, post, onRead, onReceipt, onWait }) {
  const pieces = isHeader ? skipFirst(readRows(source, onRead)) : readRows(source, onRead);
  journal?.rewind();
  for await (const { number, rows } of gatherBatches(pieces, limits)) {
    if (journal && !journal.needs({ number, rows })) {
      await gate.pass();
      continue;
    }
    const body = layout.write(rows);
    const send = () => post(body, layout.mediaType, number);
    try {
      const receipt = await deliver(send, { gate, onWait });
      journal?.note({ number }, receipt);
      onReceipt(rows, receipt);
    } catch (error) {
      if (error instanceof Refused || error instanceof Unanswered) {
        const [first, last] = [rows[0].place, rows.at(-1).place];
        error.message = `${layout.placeName}s ${first} to ${last}: ${error.message}`;
      }
      throw error;
    }
  }
  journal?.finish();
}

async function* skipFirst(pieces) {
  let isSkipped = false;
  for await (const piece of pieces) {
    yield isSkipped ? piece : piece.slice(1);
    isSkipped ||= piece.length > 0;
  }
}
