// @ts-check
// The second, explicit choice: what is in Commusoft now would change or be doubled, or cannot be seen.

import { h } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { button, headline, openLink, recordCard, referenceChange } from "./components.js";

/** @typedef {import("./app.js").PopupController} App */
/** @typedef {import("../lib/linking/overrides.js").Overrides} Overrides */
/** @typedef {import("../lib/types.js").CrmRecord} CrmRecord */
/** @typedef {NonNullable<App["decision"]>} Decision */

/**
 * Enter does nothing here: the person ticks each box, then presses the button.
 * @param {App} app
 * @param {Decision} decision
 * @param {() => void} send
 */
export function showOverrides(app, decision, send) {
  const { record, overrides, undoing } = decision;
  const words = wordsFor(decision);
  const boxes = [
    overrides.accepts_kind && box("accept-kind", t(`accept_kind_${record.kind}`, record.label)),
    words.accept !== null && box("accept", t(words.accept, record.label)),
  ].filter((one) => one !== false);
  const proceed = button(t(words.proceed), () => agreed() && send(), { danger: true });
  proceed.id = "accept-link";
  update();

  /** @param {string} id @param {string} text */
  function box(id, text) {
    const input = h("input", { type: "checkbox", id, on: { change: () => update() } });
    return { input, element: h("label", { class: "accept" }, input, h("span", {}, text)) };
  }

  function agreed() {
    return boxes.every(({ input }) => input.checked);
  }

  function update() {
    proceed.disabled = !agreed();
  }

  app.stage.show({
    name: "care",
    body: [
      headline("caution", "caution", t(words.title, record.label)),
      evidence(app, decision),
      ...boxes.map(({ element }) => element),
    ],
    actions: [button(t("back"), undoing ? app.start : app.choose, { first: true }), proceed],
    announcement: t(words.title, record.label),
  });
}

/**
 * Keys of the words for what is to be agreed to; `accept` is null where the kind is all of it.
 * @param {Decision} decision
 * @returns {{title: string, accept: string | null, proceed: string}}
 */
function wordsFor({ record, overrides, undoing }) {
  if (undoing) return { title: "care_undo", accept: "accept_undo", proceed: "undo_anyway" };
  const proceed = overrides.replaces !== null ? "replace_and_link" : overrides.also_on.length > 0 ? "link_as_well" : "link_anyway";
  return { title: overrides.accepts_kind ? `care_kind_${record.kind}` : titleFor(overrides), accept: acceptance(overrides), proceed };
}

/** @param {Overrides} overrides */
function titleFor({ replaces, checked_empty }) {
  if (checked_empty) return "care_unseen";
  return replaces !== null ? "care_replace" : "care_also";
}

/** @param {Overrides} overrides */
function acceptance({ replaces, also_on, checked_empty }) {
  const several = also_on.length > 0;
  if (checked_empty) return several ? "accept_unseen_also" : "accept_unseen";
  if (replaces !== null) return several ? "accept_both" : "accept_replace";
  return several ? "accept_also" : null;
}

/**
 * What the decision is about, as it is in Commusoft.
 * @param {App} app
 * @param {Decision} decision
 */
function evidence(app, { record, overrides, undoing }) {
  const { replaces, also_on, checked_empty, accepts_kind } = overrides;
  const reference = undoing ? undoing.prior_reference : (app.place?.contact.reference ?? null);
  const own = replaces !== null || checked_empty || accepts_kind;
  return [
    accepts_kind && h("p", {}, t(`care_kind_${record.kind}_text`)),
    replaces !== null && h("p", {}, t("care_replace_text", record.label)),
    checked_empty && h("p", {}, t("care_unseen_text", record.label)),
    own && recordCard(record, openLink(record.page_url, t("open_in_commusoft"))),
    replaces !== null && referenceChange(replaces, reference),
    ...(also_on.length > 0 ? holders(also_on, reference ?? "") : []),
  ];
}

/**
 * @param {CrmRecord[]} records
 * @param {string} reference
 */
function holders(records, reference) {
  return [
    h("p", {}, t("care_also_text"), " ", h("code", {}, reference)),
    ...records.map((record) => recordCard(record, openLink(record.page_url, t("open_in_commusoft")))),
  ];
}
