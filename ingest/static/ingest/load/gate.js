// Where a load waits while it is paused, and learns that it was stopped.

/** The person has stopped the load. */
export class Stopped extends Error {
  message = "Stopped.";
}

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
    this.#opened = null;
    this.#open = null;
  }

  stop() {
    this.#isStopped = true;
    this.resume();
  }

  /** Wait while the gate is shut; throw `Stopped` where the load is not to go on. */
  async pass() {
    while (this.#opened) await this.#opened;
    if (this.#isStopped) throw new Stopped();
  }
}
