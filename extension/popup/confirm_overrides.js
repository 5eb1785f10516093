// @ts-check
// The second, explicit choice: what stands in Commusoft now would change or be doubled, or cannot be seen.

import { h } from "../ui/dom.js";
import { say } from "../ui/i18n.js";
import { button, headline, openLink, recordCard, referenceChange } from "./components.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("../lib/linking/ranking.js").Care} Care */
/** @typedef {import("../lib/types.js").CrmRecord} CrmRecord */
/** @typedef {NonNullable<App["decision"]>} Decision */

/**
 * Enter does nothing here: the person ticks the box, then presses the button.
 * @param {App} app
 * @param {Decision} decision
 * @param {() => void} send
 */
export function showCare(app, decision, send) {
  const { record, care, undoing } = decision;
  const words = wordsFor(care, undoing !== null);
  const accept = h("input", { type: "checkbox", id: "accept", on: { change: update } });
  const proceed = button(say(words.proceed), () => accept.checked && send(), { danger: true });
  proceed.id = "accept-link";
  update();

  function update() {
    proceed.disabled = !accept.checked;
  }

  app.stage.show({
    name: "care",
    body: [
      headline("caution", "caution", say(words.title, record.label)),
      evidence(app, decision),
      h("label", { class: "accept" }, accept, h("span", {}, say(words.accept, record.label))),
    ],
    actions: [button(say("back"), undoing ? app.start : app.choose, { first: true }), proceed],
    hear: say(words.title, record.label),
  });
}

/**
 * Keys of the words for what is to be accepted.
 * @param {Care} care
 * @param {boolean} undoing
 */
function wordsFor(care, undoing) {
  if (undoing) return { title: "care_undo", accept: "accept_undo", proceed: "undo_anyway" };
  const title = care.checked_empty ? "care_unseen" : care.replaces !== null ? "care_replace" : "care_also";
  const proceed = care.replaces !== null ? "replace_and_link" : care.also_on.length > 0 ? "link_as_well" : "link_anyway";
  return { title, accept: acceptance(care), proceed };
}

/** @param {Care} care */
function acceptance(care) {
  if (care.checked_empty) return care.also_on.length > 0 ? "accept_unseen_also" : "accept_unseen";
  if (care.replaces === null) return "accept_also";
  return care.also_on.length > 0 ? "accept_both" : "accept_replace";
}

/**
 * What the decision is about, as it stands in Commusoft.
 * @param {App} app
 * @param {Decision} decision
 */
function evidence(app, { record, care, undoing }) {
  const reference = undoing ? undoing.prior_reference : (app.place?.contact.reference ?? null);
  return [
    care.replaces !== null && h("p", {}, say("care_replace_text", record.label)),
    care.checked_empty && h("p", {}, say("care_unseen_text", record.label)),
    (care.replaces !== null || care.checked_empty) && recordCard(record, openLink(record.page_url, say("open_in_commusoft"))),
    care.replaces !== null && referenceChange(care.replaces, reference),
    ...(care.also_on.length > 0 ? holders(care.also_on, reference ?? "") : []),
  ];
}

/**
 * @param {CrmRecord[]} records
 * @param {string} reference
 */
function holders(records, reference) {
  return [
    h("p", {}, say("care_also_text"), " ", h("code", {}, reference)),
    ...records.map((record) => recordCard(record, openLink(record.page_url, say("open_in_commusoft")))),
  ];
}
