// Which loads run in other tabs of this browser.

const ASK = "ask";

export class Presence {
  #channel = new BroadcastChannel("rowhouse-load");
  #own = null;

  /** `onRunning(id)` is told of each load that runs, or begins to run, in another tab. */
  constructor(onRunning) {
    this.#channel.addEventListener("message", ({ data }) => {
      if (data !== ASK) onRunning(data);
      else if (this.#own) this.#channel.postMessage(this.#own);
    });
    this.#channel.postMessage(ASK);
  }

  /** Say which load runs in this tab, null for none. */
  set own(id) {
    this.#own = id;
    if (id) this.#channel.postMessage(id);
  }
}
