// The loads that came to no end: they are told, and go on when their file is chosen again.

import { make } from "./elements.js";
import { Journal } from "./journal.js";
import { Presence } from "./presence.js";
import { number } from "./progress.js";

export class Interrupted {
  #place;
  #list;
  #sender;
  #hours;
  #goOn;
  #presence;
  #elsewhere = new Set(); // ids of loads that run in other tabs
  #file = null;
  #isRunning = false;

  /** `goOn(journal)` is called when a person wants a load to go on with the file that is chosen. */
  constructor(place, { sender, hours, goOn }) {
    this.#place = place;
    this.#list = place.querySelector("ul");
    this.#sender = sender;
    this.#hours = hours;
    this.#goOn = goOn;
    this.#presence = new Presence((id) => {
      this.#elsewhere.add(id);
      this.#list.querySelector(`[data-id="${id}"]`)?.remove();
      this.#place.hidden ||= this.#list.childElementCount === 0;
    });
  }

  /** Show the loads that wait; `file` is the one that is chosen, or null. */
  show(file) {
    this.#file = file;
    if (this.#isRunning) return;
    const journals = Journal.list(this.#sender, this.#hours);
    const waiting = journals.filter(({ id }) => !this.#elsewhere.has(id));
    this.#list.replaceChildren(...waiting.map((journal) => this.#describe(journal)));
    this.#place.hidden = waiting.length === 0;
  }

  /** Hide them while a load, or a check (null), runs in this tab. */
  begin(journal) {
    this.#presence.own = journal?.id ?? null;
    this.#isRunning = true;
    this.#place.hidden = true;
  }

  /** Show them again. */
  end() {
    this.#presence.own = null;
    this.#isRunning = false;
    this.show(this.#file);
  }

  #describe(journal) {
    const { id, name, plan, rows } = journal;
    const isChosen = this.#file !== null && journal.isOf(this.#file);
    const goOn = make("button", { type: "button", "aria-label": `Go on with ${name}` }, "Go on");
    goOn.addEventListener("click", () => this.#goOn(journal));
    const forget = make("button", { type: "button", class: "quiet", "aria-label": `Forget ${name}` }, "Forget");
    forget.addEventListener("click", () => {
      journal.forget();
      this.show(this.#file);
      this.#place.focus();
    });
    const said = `: ${number(rows)} rows were sent into ${plan.table}.`;
    const hint = this.#hint(journal, isChosen);
    return make(
      "li",
      { "data-id": id },
      make("p", {}, make("strong", {}, name), said, " ", hint),
      make("p", { class: "actions" }, ...(isChosen ? [goOn] : []), forget),
    );
  }

  #hint({ name }, isChosen) {
    if (isChosen) return "It goes on after them, and stores nothing twice.";
    if (this.#file?.name === name) return "The file that is chosen has its name but another size.";
    return "Choose the file again to go on after them.";
  }
}
