// @ts-check
// Searching Commusoft's records as the clerk types.

import { MAX_SEARCH_RESULTS } from "../lib/server/api.js";
import { h, icon } from "../ui/dom.js";
import { t, tCount } from "../ui/i18n.js";
import { sendMessage } from "../ui/send_message.js";

/** @typedef {import("../lib/types.js").Kind} Kind */

const DEBOUNCE_MS = 250;
const MIN_QUERY_LENGTH = 2;

/**
 * @param {number} count
 * @param {number} others how many of the other kind match where none of this kind does
 * @param {Kind} kind
 */
export function foundWords(count, others, kind) {
  if (count === 0 && others > 0) return t(others === 1 ? `found_none_${kind}_but_one` : `found_none_${kind}_but_more`, others < MAX_SEARCH_RESULTS ? others : t("or_more", others));
  if (count === 0) return t(`found_none_${kind}`);
  return count < MAX_SEARCH_RESULTS ? tCount("found", count) : t("found_first", count);
}

/** @param {import("../lib/types.js").Problem} problem */
function troubleOf({ type }) {
  return type === "other-connection" ? "trouble_other_connection_text" : "search_failed";
}

/**
 * @param {object} wiring
 * @param {string} wiring.snapshot
 * @param {Kind} wiring.kind
 * @param {(words: string) => void} wiring.announce
 * @param {(found: import("../lib/types.js").Found) => void} wiring.found
 * @param {() => void} wiring.cleared
 * @param {() => void} wiring.down the keyboard goes from the box into what was found
 */
export function searchBox({ snapshot, kind, announce, found, cleared, down }) {
  const input = h("input", {
    id: "search", type: "search", autocomplete: "off", spellcheck: "false", maxlength: "200",
    placeholder: t(kind === "customer" ? "search_customers" : "search_suppliers"),
    "aria-label": t(kind === "customer" ? "search_customers" : "search_suppliers"),
    "aria-describedby": "search-trouble",
    on: { input: typed, keydown: pressed },
  });
  const trouble = h("p", { id: "search-trouble", class: "field-trouble", hidden: true });
  let timer = 0;
  let asked = 0;

  function typed() {
    clearTimeout(timer);
    asked += 1;
    const text = input.value.trim();
    if (text.length === 0) return cleared();
    if (text.length >= MIN_QUERY_LENGTH) timer = window.setTimeout(() => void search(text), DEBOUNCE_MS);
    return undefined;
  }

  /** @param {string} text */
  async function search(text) {
    const mine = asked;
    const answer = await sendMessage("search", { snapshot, q: text, kind });
    if (mine !== asked) return;
    trouble.hidden = answer.ok;
    trouble.textContent = answer.ok ? "" : answer.problem.detail || t(troubleOf(answer.problem));
    if (!answer.ok) return announce(trouble.textContent);
    found(answer.data);
    announce(foundWords(answer.data.records.length, answer.data.others.length, kind));
  }

  /** @param {KeyboardEvent} event */
  function pressed(event) {
    if (event.key !== "ArrowDown" && event.key !== "Enter") return;
    // Enter here searches, and never links: what it would link is not what the eyes are on.
    event.preventDefault();
    down();
  }

  const element = h("div", { class: "search", hidden: true }, h("div", { class: "search-field" }, icon("search"), input), trouble);
  const openerWords = h("span", {});
  const opener = h("button", { type: "button", class: "quiet", id: "open-search", on: { click: open } },
    icon("search"), openerWords, h("kbd", { "aria-hidden": "true" }, "/"));

  /** @param {boolean} others whether records are beside it */
  function name(others) {
    openerWords.textContent = t(others ? "none_of_these" : "search");
  }

  function open() {
    show();
    input.focus();
  }

  function show() {
    element.hidden = false;
    opener.hidden = true;
  }

  return { element, opener, name, open, show };
}
