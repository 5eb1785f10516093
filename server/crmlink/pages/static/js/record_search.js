// @ts-check
// The search for any record, over the list: the row's own page does the work, and shows it here.

import { isOver, tellOffline } from "./virtual_list.js";

const WAIT = 220; // milliseconds after a key

export class Finder {
  constructor() {
    this.dialog = /** @type {HTMLDialogElement} */ (document.getElementById("finder"));
    this.field = /** @type {HTMLInputElement} */ (document.getElementById("finder-q"));
    this.found = /** @type {HTMLElement} */ (document.getElementById("finder-found"));
    this.who = /** @type {HTMLElement} */ (document.getElementById("finder-for"));
    this.address = "";
    this.timer = 0;
    this.asked = new AbortController();
    this.field.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = window.setTimeout(() => void this.#search(), WAIT);
    });
    this.dialog.querySelector("#finder-form")?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#buttons()[0]?.focus();
    });
    this.dialog.addEventListener("keydown", (event) => this.#step(event));
  }

  /** @param {HTMLElement} row @param {string} address of its own page */
  open(row, address) {
    this.address = address;
    this.field.value = "";
    this.found.replaceChildren();
    this.who.textContent = `for ${row.querySelector("strong")?.textContent ?? "this contact"}`;
    this.dialog.showModal();
    this.field.focus();
  }

  close() {
    if (this.dialog.open) this.dialog.close();
  }

  #buttons() {
    return /** @type {HTMLElement[]} */ ([...this.found.querySelectorAll("button")]);
  }

  async #search() {
    this.asked.abort();
    this.asked = new AbortController();
    const text = this.field.value.trim();
    if (!text) return this.found.replaceChildren();
    try {
      const address = `${this.address}?q=${encodeURIComponent(text)}`;
      const answer = await fetch(address, { signal: this.asked.signal });
      if (isOver(answer)) location.reload();
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = page.getElementById("found");
      this.found.replaceChildren(...(found ? [...document.adoptNode(found).childNodes] : []));
    } catch (error) {
      if (/** @type {Error} */ (error).name !== "AbortError") tellOffline();
    }
  }

  /** @param {KeyboardEvent} event */
  #step(event) {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const buttons = this.#buttons();
    if (!step || !buttons.length) return;
    event.preventDefault();
    const at = buttons.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (at + step < 0) this.field.focus();
    else buttons[Math.min(at + step, buttons.length - 1)]?.focus();
  }
}
