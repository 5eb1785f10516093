// @ts-check
// Ticked rows of a long list: they stay ticked while they are out of the page, and go with one
// form. A tick says which version of the row was seen; where the row has changed since, it goes.

/** @typedef {import("./virtual_list.js").Rows} Rows */

export class Selection {
  /** @param {Rows} rows @param {HTMLFormElement} form @param {(sentence: string) => void} say */
  constructor(rows, form, say) {
    this.rows = rows;
    this.form = form;
    this.say = say;
    this.last = /** @type {number | null} */ (null);
    this.shift = false;
    /** @type {Map<number, string>} */
    this.ticked = new Map();
    const list = rows.list;
    list.addEventListener("click", (event) => (this.shift = event.shiftKey), true);
    list.addEventListener("change", (event) => {
      const tick = /** @type {HTMLInputElement} */ (event.target);
      if (tick.matches(".tick")) void this.#changed(tick);
    });
    list.addEventListener("rows:shown", () => this.#show());
    form.addEventListener("submit", () => this.#fill());
    const all = document.getElementById("tick-shown");
    if (all) {
      all.hidden = false;
      all.addEventListener("click", () => void this.#all());
    }
    document.getElementById("tick-none")?.addEventListener("click", () => this.#none());
    for (const tick of this.#ticks()) tick.checked = false; // what a browser put back on a reload
    this.#show();
  }

  /** Tick a row, or take its tick away; with `onwards`, all from the last one to it.
   * @param {number} place @param {boolean} [onwards] */
  async toggle(place, onwards = false) {
    const tick = this.#tick(this.rows.row(place));
    if (!tick) return this.say("This contact cannot be selected.");
    this.shift = onwards;
    tick.checked = onwards || !tick.checked;
    await this.#changed(tick);
  }

  /** @param {HTMLInputElement} tick */
  async #changed(tick) {
    const place = placeOf(tick.value);
    const from = this.shift && this.last !== null ? this.last : place;
    this.shift = false;
    const places = this.rows.between(from, place);
    if (tick.checked) await this.#add(places);
    else for (const each of places) this.ticked.delete(each);
    this.last = place;
    this.#show();
    this.say(`${this.ticked.size} selected.`);
  }

  /** @param {number[]} places */
  async #add(places) {
    const away = places.filter((place) => !this.rows.row(place));
    const brought = away.length ? await this.rows.read(away) : [];
    const here = places.map((place) => this.rows.row(place)).filter((row) => row !== null);
    for (const row of [...here, ...brought]) {
      const tick = this.#tick(row);
      if (tick) this.ticked.set(placeOf(tick.value), tick.value);
    }
  }

  async #all() {
    await this.#add(this.rows.places.filter((place) => this.rows.row(place)));
    this.#show();
    this.say(`${this.ticked.size} selected.`);
  }

  #none() {
    this.ticked.clear();
    this.last = null;
    this.#show();
    this.say("None selected.");
  }

  #show() {
    for (const tick of this.#ticks()) {
      const kept = this.ticked.get(placeOf(tick.value));
      if (kept !== undefined && kept !== tick.value) this.ticked.delete(placeOf(tick.value));
      tick.checked = kept === tick.value;
    }
    const count = document.getElementById("ticked-count");
    if (count) count.textContent = this.ticked.size ? `${this.ticked.size} selected` : "";
    const none = document.getElementById("tick-none");
    if (none) none.hidden = !this.ticked.size;
    this.form.classList.toggle("held", this.ticked.size > 0);
  }

  /** Send what is ticked, also what is not in the page now. */
  #fill() {
    for (const tick of this.#ticks()) tick.checked = false;
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = "row";
    field.value = [...this.ticked.values()].join(",");
    this.form.append(field);
  }

  #ticks() {
    return /** @type {HTMLInputElement[]} */ ([...this.rows.list.querySelectorAll(".tick")]);
  }

  /** @param {Element | null} row @returns {HTMLInputElement | null} */
  #tick(row) {
    return row?.querySelector(".tick") ?? null;
  }
}

/** @param {string} value of a tick */
function placeOf(value) {
  return Number.parseInt(value, 10);
}
