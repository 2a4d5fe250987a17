// How far a load is, for eyes and for ears.

const SPOKEN_STEP = 0.25; // of the file; a screen reader is not told every batch

export class Progress {
  #size;
  #verb;
  #started = performance.now();
  #spoken = 0;
  #part = 0;
  #before;

  /** `before` rows were sent earlier. */
  constructor(size, { isDryRun, before }) {
    this.#size = size;
    this.#before = before;
    this.#verb = isDryRun ? "Checking" : "Loading";
    find("progress").hidden = false;
    find("bar-label").textContent = `${this.#verb} the file`;
    this.moveTo(0);
    this.wait(null);
    find("counts").textContent = "";
    this.#speak(`${this.#verb} has begun.`);
  }

  /** Show how much of the file was read. */
  moveTo(bytes) {
    this.#part = this.#size ? bytes / this.#size : 1;
    find("bar").value = this.#part;
  }

  count(tally) {
    const seconds = (performance.now() - this.#started) / 1000;
    const rate = Math.round((tally.received - this.#before) / Math.max(seconds, 0.001));
    const text = `${number(tally.received)} rows sent, ${number(tally.rejected)} rejected`;
    find("counts").textContent = `${text}; ${number(rate)} rows/s`;
    if (this.#part >= this.#spoken + SPOKEN_STEP) {
      this.#spoken = this.#part;
      this.#speak(`${Math.round(this.#part * 100)} percent, ${text}.`);
    }
  }

  /** Say why nothing moves, null when it does again. */
  wait(reason) {
    const text = reason ? `${reason} Trying again …` : "";
    if (find("wait").textContent !== text) find("wait").textContent = text;
  }

  end(text) {
    this.wait(null);
    this.#speak(text);
  }

  #speak(text) {
    find("spoken").textContent = text;
  }
}

export function number(value) {
  return value.toLocaleString("en");
}

function find(id) {
  return document.getElementById(id);
}
