// JSON and NDJSON: text split into rows and written again, without changing a character of them.

const NO_ROWS = 'The document is neither an array of rows nor {"rows": [...]}.';
const SPACE = " \t\r\n";
const HEAD = 1000; // characters of the outer object that are kept

// Where in the document the next character stands.
const OPENING = 0; // before anything
const OUTER = 1; // in the object around `rows`
const FIRST = 2; // after the array's bracket: a row or the end
const ROW = 3; // in a row
const NEXT = 4; // after a comma: a row
const DONE = 5; // after the document

/**
 * Splits a document, block by block, into its rows: those of an array, or of an object's `rows`.
 * The place of a row is its index, from 0. After damage `problem` says what is wrong.
 */
export class JsonSplitter {
  problem = null;
  pending = "";
  #state = OPENING;
  #index = 0;
  #depth = 0; // of brackets, in a row or in the outer object
  #inString = false;
  #escaped = false;
  #isObject = false; // the rows stand in an object
  #hadRows = false;
  #head = ""; // what was read of the outer object

  /** Return the rows that end in this block, `[{ text, place }, …]`. */
  split(block) {
    const rows = [];
    const text = this.pending + block;
    let start = 0;
    for (let at = this.pending.length; at < text.length && !this.problem; at += 1) {
      const char = text[at];
      if (this.#state === ROW) {
        if (this.#endsRow(char)) {
          this.#add(rows, text.slice(start, at));
          start = at + 1;
        }
      } else {
        this.#step(char);
        start = this.#state === ROW ? at : at + 1;
      }
    }
    this.pending = this.problem ? "" : text.slice(start);
    return rows;
  }

  /** Return no rows: each ends with a comma or a bracket. Says whether the document was whole. */
  finish() {
    if (this.problem) return [];
    const isOpen = this.#state === OPENING || (this.#state === OUTER && !this.#hadRows);
    if (isOpen) this.problem = NO_ROWS;
    else if (this.#state !== DONE) this.#damage("the document is cut short");
    return [];
  }

  #endsRow(char) {
    if (this.#passString(char)) return false;
    if (char === "{" || char === "[") this.#depth += 1;
    else if (this.#depth === 0 && (char === "," || char === "]")) {
      this.#state = char === "," ? NEXT : this.#afterRows();
      return true;
    } else if (char === "}" || char === "]") this.#depth -= 1;
    return false;
  }

  #add(rows, text) {
    const row = trimSpace(text);
    try {
      JSON.parse(row);
      rows.push({ text: row, place: this.#index });
      this.#index += 1;
    } catch (error) {
      this.#damage(error.message);
    }
  }

  #step(char) {
    if (this.#state === OUTER) this.#stepOuter(char);
    else if (SPACE.includes(char)) return;
    else if (this.#state === OPENING) this.#open(char);
    else if (this.#state === DONE) this.problem = "There is text after the end of the document.";
    else if (this.#state === FIRST && char === "]") this.#state = this.#afterRows();
    else if (char === "," || char === "]") this.#damage("a row is missing here");
    else {
      this.#state = ROW;
      this.#depth = 0;
      this.#endsRow(char);
    }
  }

  #open(char) {
    if (char === "[") this.#state = FIRST;
    else if (char === "{") {
      this.#state = OUTER;
      this.#isObject = true;
      this.#depth = 1;
      this.#head = "{";
    } else this.problem = NO_ROWS;
  }

  #stepOuter(char) {
    // Other members may be long; only what stands just before a bracket is looked at.
    if (this.#head.length > 2 * HEAD) this.#head = this.#head.slice(-HEAD);
    this.#head += char;
    if (this.#passString(char)) return;
    if (char === "[" && this.#depth === 1 && /[{,]\s*"rows"\s*:\s*\[$/.test(this.#head)) {
      if (this.#hadRows) this.problem = 'The document has more than one "rows".';
      this.#state = FIRST;
      this.#hadRows = true;
    } else if (char === "{" || char === "[") this.#depth += 1;
    else if (char === "}" || char === "]") this.#depth -= 1;
    else if (char === "," && this.#depth === 1) this.#head = ",";
    if (this.#depth > 0) return;
    this.#state = DONE;
    if (!this.#hadRows) this.problem = NO_ROWS;
  }

  #afterRows() {
    this.#depth = 1;
    return this.#isObject ? OUTER : DONE;
  }

  #passString(char) {
    if (!this.#inString) {
      this.#inString = char === '"';
      return this.#inString;
    }
    if (this.#escaped) this.#escaped = false;
    else if (char === "\\") this.#escaped = true;
    else if (char === '"') this.#inString = false;
    return true;
  }

  #damage(problem) {
    this.problem = `Row ${this.#index} (from 0): ${problem}.`;
  }
}

/** Splits NDJSON, block by block. A line's place is its number, from 1; blank ones are left out. */
export class LineSplitter {
  problem = null;
  pending = "";
  #line = 0;

  /** Return the lines that end in this block, `[{ text, place }, …]`. */
  split(block) {
    const lines = (this.pending + block).split("\n");
    this.pending = lines.pop();
    return lines
      .map((text) => ({ text, place: (this.#line += 1) }))
      .filter(({ text }) => trimSpace(text));
  }

  /** Return the last line, which no line end follows. */
  finish() {
    return this.split("\n");
  }
}

/** Return the value of a text, undefined where it is no JSON. */
export function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Return how rows are sent: as lines or as an array, never changed. */
export function jsonLayout(format) {
  const texts = (rows) => rows.map(({ text }) => text);
  if (format === "ndjson") {
    const write = (rows) => texts(rows).join("\n");
    return { mediaType: "application/x-ndjson", placeName: "line", write };
  }
  const write = (rows) => `[${texts(rows).join(",\n")}]`;
  return { mediaType: "application/json", placeName: "row", write };
}

// `trim` would take more than JSON's white space.
function trimSpace(text) {
  return text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
}
