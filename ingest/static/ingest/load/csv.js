// CSV (RFC 4180): text split into records, records into fields, and both written again.

const DELIMITERS = [",", ";", "\t", "|"];

const LONE_NULL = "\\N";

const LF = 10;
const CR = 13;
const QUOTE = 34;

// A quote opens only at the start of a field; a doubled one stands for one.
const START = 0;
const PLAIN = 1;
const QUOTED = 2;
const CLOSED = 3;

/**
 * Splits text, block by block, into records, without changing a character of them. The place of a
 * record is the line it begins at, from 1; blank lines are left out. After damage `problem` says
 * what is wrong, and nothing more is split.
 */
export class CsvSplitter {
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
  split(block) {
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
    return this.split("\n");
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

/** Return the delimiter that stands most often in the first line. */
export function guessDelimiter(line) {
  const count = (delimiter) => line.split(delimiter).length;
  return DELIMITERS.reduce((best, one) => (count(one) > count(best) ? one : best));
}

/**
 * Return a record's fields as they stand in it, with their quotes: `""` is the empty text, nothing a
 * missing value. The text is one record that `CsvSplitter` has returned.
 */
export function splitRecord(text, delimiter) {
  if (!text.includes('"')) return text.split(delimiter);
  const fields = [];
  let at = 0;
  do {
    const end = text[at] === '"' ? findEnd(text, at) : text.indexOf(delimiter, at);
    fields.push(text.slice(at, end < 0 ? text.length : end));
    at += fields.at(-1).length;
  } while (at++ < text.length);
  return fields;
}

/** Return where the field ends whose opening quote is at this place. */
function findEnd(text, at) {
  let quote = at;
  do quote = text.indexOf('"', quote + 1) + 1;
  while (text[quote] === '"');
  return quote;
}

/** Return the texts of a record's fields. */
export function parseRecord(text, delimiter) {
  return splitRecord(text, delimiter).map((field) =>
    field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field,
  );
}

/** Return texts as a comma-separated record without a line end. */
export function writeRecord(texts) {
  return joinFields(texts.map(writeField));
}

/** Return fields as they stand in a record as a comma-separated one. */
export function joinFields(fields) {
  return fields.map((field) => (field.startsWith('"') ? field : quote(field, /,/))).join(",");
}

/** Return a field that has this text. */
export function writeField(text) {
  return quote(text, /^$|[",\r\n]/);
}

/**
 * Return how records are sent. `columns` has the column of each field, "" for one left out.
 * Records are sent as they are where no field is left out and commas are the delimiter. Of a single
 * field nothing would be a blank line: a word that means null stands in its place.
 */
export function csvLayout({ columns, source: { delimiter } }) {
  const kept = columns.flatMap((column, place) => (column ? [place] : []));
  const header = writeRecord(kept.map((place) => columns[place]));
  const isSentAsIs = kept.length === columns.length && delimiter === ",";
  const nulls = kept.length === 1 && !isSentAsIs ? [LONE_NULL] : [];
  const rewrite = (text) => {
    const record = joinFields(pick(splitRecord(text, delimiter), columns.length, kept));
    return nulls.includes(record) ? `"${record}"` : record || LONE_NULL;
  };
  return {
    mediaType: "text/csv",
    placeName: "line",
    nulls,
    write: (rows) =>
      [header, ...rows.map(({ text }) => (isSentAsIs ? text : rewrite(text)))].join("\r\n"),
  };
}

function quote(field, special) {
  return special.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

function pick(fields, width, kept) {
  if (fields.length === width) return kept.map((place) => fields[place]);
  // A record with too many or too few fields must not become one with the right number.
  return fields.length === kept.length ? [...fields, ""] : fields;
}
