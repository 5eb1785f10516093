// @ts-check
// One row's decision: sent without leaving the page, answered with the row as it is now, and announced
// to people who cannot see it.

import { isOver, parsed, tellOffline } from "./virtual_list.js";

/** @typedef {import("./virtual_list.js").Rows} Rows */

const PART = "Crmlink-Part";
const CLAIM_AFTER = 900; // milliseconds that a person looks at a row before others see it

export class Decisions {
  /** @param {Rows} rows @param {HTMLElement} said */
  constructor(rows, said) {
    this.rows = rows;
    this.said = said;
    this.last = /** @type {number | null} */ (null);
    this.claimTimer = 0;
  }

  /** Read a sentence out. @param {string} sentence */
  say(sentence) {
    this.said.textContent = "";
    requestAnimationFrame(() => (this.said.textContent = sentence));
  }

  /** Whether the row's last decision is still on its way; says so. @param {HTMLElement} row */
  isBusy(row) {
    const busy = row.hasAttribute("aria-busy");
    if (busy) this.say("The last decision is still being kept.");
    return busy;
  }

  /** Send a decision. Resolves to whether it was carried out.
   * @param {HTMLFormElement} form @param {HTMLElement | null} pressed */
  async send(form, pressed) {
    const place = placeOf(form.action);
    const row = this.rows.row(place);
    if (!row || this.isBusy(row)) return false;
    row.setAttribute("aria-busy", "true");
    const action = pressed instanceof HTMLButtonElement ? pressed.value : "";
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        headers: { [PART]: "row" },
        body: new URLSearchParams(
          /** @type {any} */ (new FormData(form, /** @type {HTMLElement} */ (pressed))),
        ),
      });
      if (isOver(answer)) location.reload();
      const [fresh] = parsed(await answer.text());
      if (!fresh) return location.reload(), false;
      this.rows.put(fresh, true);
      this.say(fresh.dataset.said ?? "");
      if (answer.ok && action !== "reopen") this.last = place;
      document.body.dispatchEvent(new CustomEvent("changed"));
      return answer.ok;
    } catch {
      tellOffline(true);
      this.say("crmlink did not answer. It is not known yet whether your decision was kept.");
      return false;
    } finally {
      row.removeAttribute("aria-busy");
    }
  }

  /** Tell others that this row is looked at, unless one only passes by. @param {HTMLElement} row */
  claim(row) {
    clearTimeout(this.claimTimer);
    const form = /** @type {HTMLFormElement | null} */ (row.querySelector("form.decision"));
    if (!form) return;
    this.claimTimer = window.setTimeout(async () => {
      const body = new URLSearchParams({ csrf_token: tokenOf(form) });
      const answer = await fetch(`${form.action}/claim`, { method: "POST", body }).catch(() => null);
      if (!answer?.ok) return;
      const [fresh] = parsed(await answer.text());
      if (fresh) this.rows.put(fresh);
    }, CLAIM_AFTER);
  }
}

/** Whose row a form decides. @param {string} address */
export function placeOf(address) {
  return Number(new URL(address).pathname.split("/").at(-1));
}

/** @param {ParentNode} where */
export function tokenOf(where) {
  const field = /** @type {HTMLInputElement | null} */ (where.querySelector("[name=csrf_token]"));
  return field?.value ?? "";
}
