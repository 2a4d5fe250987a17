// CSV text cut into records without changing a character of them.

const LF = 10;
const CR = 13;
const QUOTE = 34;

// A quote opens only at the start of a field; a doubled one stands for one.
const START = 0;
const PLAIN = 1;
const QUOTED = 2;
const CLOSED = 3;

/**
 * Cuts what it is given, block by block. The place of a record is the line it begins at, from 1;
 * blank lines are left out. After damage `problem` says what is wrong, and nothing more is cut.
 */
export class CsvCutter {
  problem = null;
  pending = "";
  #delimiter;
  #state = START;
  #afterReturn = false;
  #line = 1;
  #recordLine = 1;

  constructor(delimiter = ",") {
    this.#delimiter = delimiter.charCodeAt(0);
  }

  /** Return the records that end in this block, `[{ text, place }, …]`. */
  cut(block) {
    const records = [];
    const text = this.pending + block;
    let start = 0;
    for (let at = this.pending.length; at < text.length && !this.problem; at += 1) {
      const code = text.charCodeAt(at);
      const isSecondHalf = code === LF && this.#afterReturn;
      this.#afterReturn = code === CR;
      if (isSecondHalf) {
        if (this.#state === START && start === at) start += 1;
      } else if (this.#state === QUOTED) {
        if (code === QUOTE) this.#state = CLOSED;
        else if (code === LF || code === CR) this.#line += 1;
      } else if (code === LF || code === CR) {
        if (at > start) records.push({ text: text.slice(start, at), place: this.#recordLine });
        start = at + 1;
        this.#line += 1;
        this.#recordLine = this.#line;
        this.#state = START;
      } else {
        this.#state = this.#next(code);
      }
    }
    this.pending = this.problem ? "" : text.slice(start);
    return records;
  }

  /** Return the last record, which no line end follows. */
  finish() {
    if (this.#state === QUOTED && !this.problem) {
      this.problem = `Line ${this.#recordLine}: a quote that opens in this record is never closed.`;
    }
    return this.cut("\n");
  }

  #next(code) {
    if (code === this.#delimiter) return START;
    if (code === QUOTE && this.#state !== PLAIN) return QUOTED;
    if (this.#state === CLOSED) {
      this.problem = `Line ${this.#line}: there is text after a closing quote.`;
    }
    return PLAIN;
  }
}
