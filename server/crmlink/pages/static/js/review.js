// @ts-check
// The review of a list: the rows, their decisions, and the keys. Without this the page works with
// its forms and links alone.

import { Decisions, placeOf, tokenOf } from "./row_decisions.js";
import { Finder } from "./record_search.js";
import { Selection } from "./row_selection.js";
import { Rows } from "./virtual_list.js";

const KEPT = "crmlink-single-keys";
const section = document.getElementById("rows");
const list = document.getElementById("list");
const said = document.getElementById("said");

if (section && list && said) start(section, list, said);
else follow(null);

/** @param {HTMLElement} section @param {HTMLElement} list @param {HTMLElement} said */
function start(section, list, said) {
  const rows = new Rows(list, section.dataset.review ?? "");
  for (const name of ["pager", "beyond"]) {
    const part = document.getElementById(name);
    if (part) part.hidden = name === "pager";
  }
  follow(rows);
  if ("decides" in section.dataset) review(section, rows, new Decisions(rows, said), new Finder());
}

/** Show what others changed, and what the work behind the scenes did; where the list has another
 * page now, such as once it is matched, load that. @param {Rows | null} rows */
function follow(rows) {
  const state = () => document.getElementById("state")?.dataset ?? {};
  const phase = state().phase;
  let version = state().version;
  document.addEventListener("htmx:afterSettle", () => {
    const now = state();
    if (now.phase !== phase) return location.reload();
    if (now.version !== version) void rows?.refresh();
    version = now.version;
  });
}

/** @param {HTMLElement} section @param {Rows} rows @param {Decisions} decisions @param {Finder} finder */
function review(section, rows, decisions, finder) {
  const help = /** @type {HTMLDialogElement} */ (document.getElementById("help"));
  const useKeys = /** @type {HTMLInputElement} */ (document.getElementById("single-keys"));
  const button = document.getElementById("keys");
  useKeys.checked = localStorage.getItem(KEPT) !== "off";
  useKeys.addEventListener("change", () => localStorage.setItem(KEPT, useKeys.checked ? "on" : "off"));
  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
  }
  const together = /** @type {HTMLFormElement | null} */ (document.getElementById("together"));
  const selection = together && new Selection(rows, together, (sentence) => decisions.say(sentence));
  let current = /** @type {number | null} */ (null);

  /** @param {HTMLElement} row */
  function look(row) {
    const place = Number(row.dataset.place);
    if (place === current && row.hasAttribute("aria-current")) return;
    for (const old of section.querySelectorAll(".row[aria-current]")) {
      old.removeAttribute("aria-current");
      const others = old.querySelector("details");
      if (others) others.open = false;
    }
    current = place;
    row.setAttribute("aria-current", "true");
    const others = row.querySelector("details");
    if (others) others.open = true;
    decisions.claim(row);
  }

  /** @param {number | null} place */
  async function go(place) {
    const row = place === null ? null : await rows.bring(place);
    if (!row) return;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  /** @param {HTMLFormElement} form @param {HTMLElement | null} pressed */
  async function decide(form, pressed) {
    const place = placeOf(form.action);
    const searched = finder.dialog.contains(form);
    const action = pressed instanceof HTMLButtonElement ? pressed.value : "";
    const done = await decisions.send(form, pressed);
    if (searched) finder.close();
    const onwards = done && (action === "accept" || action === "none");
    await go((onwards ? rows.beside(place, 1) : null) ?? place);
  }

  section.addEventListener("focusin", (event) => {
    const row = /** @type {HTMLElement} */ (event.target).closest(".row");
    if (row) look(/** @type {HTMLElement} */ (row));
  });
  document.addEventListener("submit", (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (!form.matches("form.decision")) return;
    event.preventDefault();
    void decide(form, event.submitter);
  });
  section.addEventListener("click", (event) => {
    const link = /** @type {HTMLElement} */ (event.target).closest('a[data-key="/"]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    search(/** @type {HTMLAnchorElement} */ (link));
  });
  document.addEventListener("click", (event) => {
    const link = /** @type {HTMLElement} */ (event.target).closest("#go-decide");
    const place = Number(/** @type {HTMLElement | null} */ (link)?.dataset.place);
    if (!link || !rows.places.includes(place)) return;
    event.preventDefault();
    void go(place);
  });
  const wanted = /^#row-(\d+)$/.exec(location.hash);
  if (wanted) void go(Number(wanted[1]));
  window.addEventListener("pagehide", () => {
    const body = new FormData();
    body.set("csrf_token", tokenOf(document));
    navigator.sendBeacon(section.dataset.leave ?? "", body);
  });

  /** @param {HTMLAnchorElement} link */
  function search(link) {
    const row = /** @type {HTMLElement} */ (link.closest(".row"));
    finder.open(row, link.href);
  }

  /** Press what a key stands for in the current row. @param {string} key */
  function press(key) {
    const row = current === null ? null : rows.row(current);
    const target = row?.querySelector(`[data-key="${key}"]`);
    if (row && decisions.isBusy(row)) return true;
    if (target instanceof HTMLAnchorElement) search(target);
    else if (target instanceof HTMLButtonElement && target.form) void decide(target.form, target);
    return Boolean(target);
  }

  /** @param {number} number */
  function choose(number) {
    const row = current === null ? null : rows.row(current);
    const offer = /** @type {HTMLInputElement | null | undefined} */ (
      row?.querySelector(`input[data-number="${number}"]`)
    );
    if (!offer || !row) return decisions.say(`There is no suggestion ${number}.`);
    offer.checked = true;
    row.focus({ preventScroll: true });
    decisions.say(`${number}: ${offer.closest("label")?.querySelector("strong")?.textContent ?? ""}. Enter accepts it.`);
  }

  function accept() {
    const row = current === null ? null : rows.row(current);
    if (row?.dataset.choice !== "open" && !row?.querySelector("input[name=record]")) {
      return void go(current === null ? rows.firstSeen() : rows.beside(current, 1));
    }
    if (!row.querySelector("input[name=record]:checked")) {
      return decisions.say("Choose a record first: 1 to 5, or n for none.");
    }
    press("Enter");
  }

  async function takeBack() {
    if (press("u") || decisions.last === null) return;
    await go(decisions.last);
    press("u");
  }

  /** @type {Record<string, () => unknown>} */
  const keys = {
    j: () => go(current === null ? rows.firstSeen() : rows.beside(current, 1)),
    k: () => go(current === null ? rows.firstSeen() : rows.beside(current, -1)),
    n: () => press("n"),
    r: () => press("r"),
    u: takeBack,
    x: () => current !== null && selection?.toggle(current),
    X: () => current !== null && selection?.toggle(current, true),
    "/": () => press("/"),
    "?": () => help.showModal(),
    Enter: accept,
  };
  for (const number of [1, 2, 3, 4, 5]) keys[number] = () => choose(number);

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (help.open || finder.dialog.open || !keys[event.key]) return;
    const at = /** @type {HTMLElement} */ (event.target);
    if (at.matches("select, textarea, input:not([type=radio], [type=checkbox])")) return;
    if (event.key === "Enter" && !at.matches(".row")) return;
    if (event.key !== "Enter" && event.key !== "?" && !useKeys.checked) return;
    event.preventDefault();
    if (event.repeat && !"jk".includes(event.key)) return; // a key held down decides once
    void keys[event.key]?.();
  });
}
