// NDJSON cut into lines.

/** Cuts what it is given, block by block. A line's place is its number, from 1; blank ones are left out. */
export class LineCutter {
  problem = null;
  pending = "";
  #line = 0;

  /** Return the lines that end in this block, `[{ text, place }, …]`. */
  cut(block) {
    const lines = (this.pending + block).split("\n");
    this.pending = lines.pop();
    return lines
      .map((text) => ({ text, place: (this.#line += 1) }))
      .filter(({ text }) => trimSpace(text));
  }

  /** Return the last line, which no line end follows. */
  finish() {
    return this.cut("\n");
  }
}

/** Return the text without JSON's white space around it; `trim` would take more. */
export function trimSpace(text) {
  return text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
}
