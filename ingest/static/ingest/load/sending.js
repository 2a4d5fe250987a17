// A file's rows sent to a table in batches, each of them until the service has answered for it.

import { request } from "../../site/api.js";
import { readRows } from "./file.js";
import { makeId } from "./journal.js";

const ANSWER_WITHIN_MS = 90_000;
const RETRY_FOR_MS = 300_000; // for one batch
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 10_000;
const RETRIED_STATUSES = new Set([408, 429, 502, 503, 504]);

/** The person has stopped the load. */
export class Stopped extends Error {}

/** The service refuses a batch as a whole; nothing of it is stored. */
export class Refused extends Error {}

/** Nothing could be learnt about a batch; it may or may not be stored. */
export class Unanswered extends Error {}

/** Where a load waits while it is paused, and learns that it was stopped. */
export class Gate {
  #opened = null;
  #open = null;
  #isStopped = false;

  get isPaused() {
    return this.#opened !== null;
  }

  pause() {
    this.#opened ??= new Promise((open) => (this.#open = open));
  }

  resume() {
    this.#open?.();
    this.#opened = this.#open = null;
  }

  stop() {
    this.#isStopped = true;
    this.resume();
  }

  /** Wait while the load is paused; throw `Stopped` where it is not to go on. */
  async pass() {
    while (this.#opened) await this.#opened;
    if (this.#isStopped) throw new Stopped("Stopped.");
  }
}

/**
 * Send the rows of `source` as the plan says, but those that the `journal` (null for a check) has
 * an answer for. One batch is sent at a time: rows may refer to rows before them, and a pause is a
 * pause. `onRead(bytes)` is told how far the file was read, `onReceipt(rows, receipt)` what became
 * of a batch, `onWait(reason)` why one is sent again, `onWait(null)` when it is answered.
 * Throws `FileProblem`, `Stopped`, `Refused` or `Unanswered`; what was sent before stays stored.
 */
export async function sendFile({ source, plan, layout, journal, gate, onRead, onReceipt, onWait }) {
  const post = makePost(plan, layout, journal);
  const read = readRows(source, onRead);
  const pieces = plan.isHeader ? skipFirst(read) : read;
  journal?.rewind();
  for await (const { number, rows } of gatherBatches(pieces, plan.limits)) {
    if (journal && !journal.needs({ number, rows })) {
      await gate.pass();
      continue;
    }
    const body = layout.write(rows);
    const where = `${layout.placeName}s ${rows[0].place} to ${rows.at(-1).place}`;
    const receipt = await deliver(() => post(body, number), { where, gate, onWait });
    journal?.note({ number }, receipt);
    onReceipt(rows, receipt);
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

/**
 * Yield batches, `{ number, rows }`, of up to `maxRows` rows and `maxCharacters` characters (a
 * longer row is a batch of its own). `pieces` yields arrays of rows; where it throws, the rows
 * before that are yielded first.
 */
export async function* gatherBatches(pieces, { maxRows, maxCharacters }) {
  let [number, rows, size] = [0, [], 0];
  const take = () => {
    const batch = { number, rows };
    [number, rows, size] = [number + 1, [], 0];
    return batch;
  };
  try {
    for await (const piece of pieces) {
      for (const row of piece) {
        if (rows.length === maxRows || (rows.length && size + row.text.length > maxCharacters)) {
          yield take();
        }
        rows.push(row);
        size += row.text.length;
      }
    }
  } catch (error) {
    if (rows.length) yield take();
    throw error;
  }
  if (rows.length) yield take();
}

// A batch that is sent again has the same Idempotency-Key, and is stored once.
function makePost({ table, onConflict }, { mediaType, nulls = [] }, journal) {
  const id = journal?.id ?? makeId();
  const query = new URLSearchParams({ on_conflict: onConflict, dry_run: String(journal === null) });
  for (const word of nulls) query.append("null", word);
  const address = `/api/ingest/${encodeURIComponent(table)}?${query}`;
  return (body, number) =>
    request(address, {
      method: "POST",
      body,
      headers: { "Content-Type": mediaType, "Idempotency-Key": `page-${id}-${number}` },
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
}

/** Return the receipt of a batch; `send()` makes its request, the same one each time. */
async function deliver(send, { where, gate, onWait }) {
  const end = Date.now() + RETRY_FOR_MS;
  for (let tries = 1; ; tries += 1) {
    await gate.pass();
    const { receipt, reason, isFinal, retryAfter } = await attempt(send);
    if (receipt) {
      onWait(null);
      return receipt;
    }
    if (isFinal) throw new Refused(`${where}: ${reason}`);
    const wait = waitMs(tries, retryAfter);
    if (Date.now() + wait > end) throw new Unanswered(`${where}: ${reason}`);
    onWait(reason);
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

async function attempt(send) {
  let answer;
  let body;
  try {
    answer = await send();
    body = await answer.json();
  } catch {
    const status = answer ? ` (it answered ${answer.status})` : "";
    return { reason: `The service cannot be reached${status}.` };
  }
  if (body && typeof body === "object" && "received" in body) return { receipt: body };
  const reason = body?.detail ?? `The service answered ${answer.status}.`;
  // The key is in use while the first try, whose answer was lost, is still running.
  const isRunning = body?.code === "idempotency_key_in_use";
  const isFinal = !RETRIED_STATUSES.has(answer.status) && !isRunning;
  return { reason, isFinal, retryAfter: answer.headers.get("Retry-After") };
}

/** Return the wait after so many tries: doubled each time, no less than the service asks for. */
function waitMs(tries, retryAfter) {
  const asked = /^\d+$/.test(retryAfter ?? "") ? Number(retryAfter) * 1000 : 0;
  const doubled = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(tries - 1, 30));
  return Math.max(asked, doubled);
}
