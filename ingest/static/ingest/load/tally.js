// What became of the rows so far.

const SHOWN_PLACES = 5;
const COUNTS = ["received", "inserted", "updated", "ignored", "rejected"];

export class Tally {
  received = 0;
  inserted = 0;
  updated = 0;
  ignored = 0;
  rejected = 0;
  /** When the first batch was taken, by the service's clock. */
  began = null;
  #reasons = new Map();

  /** `before` has the counts of batches that are not sent again, and the first batch's id. */
  constructor(before) {
    if (!before) return;
    for (const name of COUNTS) this[name] = before[name] ?? 0;
    if (before.firstBatch) this.began = momentOf(before.firstBatch);
  }

  /** Count a batch's rows by its receipt. */
  add(rows, receipt) {
    for (const name of COUNTS) this[name] += receipt[name];
    this.began ??= momentOf(receipt.batch);
    for (const { index, errors } of receipt.rejections) {
      for (const error of errors) this.#count(error, rows[index].place);
    }
  }

  /** The reasons by code and column, most frequent first: `{ code, column, rows, places, message }`. */
  get reasons() {
    return [...this.#reasons.values()].sort((a, b) => b.rows - a.rows);
  }

  #count({ code, column, columns, message }, place) {
    const about = column ?? columns?.join(", ") ?? "";
    const key = `${code}\n${about}`;
    const reason = this.#reasons.get(key) ?? { code, column: about, rows: 0, places: [], message };
    reason.rows += 1;
    if (reason.places.length < SHOWN_PLACES) reason.places.push(place);
    this.#reasons.set(key, reason);
  }
}

// A batch's id is a UUID of version 7: it begins with its milliseconds since 1970.
function momentOf(batch) {
  return new Date(Number.parseInt(batch.replaceAll("-", "").slice(0, 12), 16));
}
