// @ts-check
// Records to choose from, as one group of radio buttons.

import { confidence } from "../lib/linking/ranking.js";
import { h, icon, unseen } from "../ui/dom.js";
import { t, sayKind } from "../ui/i18n.js";
import { recordLines } from "./components.js";

/** @typedef {import("../lib/types.js").CrmRecord} CrmRecord */
/** @typedef {import("../lib/types.js").Suggestion} Suggestion */
/** @typedef {{record: CrmRecord, suggestion: Suggestion | null}} Option */

/**
 * @param {{reference: string, changed: (option: Option | null) => void}} wiring
 */
export function optionList({ reference, changed }) {
  const element = h("div", { class: "options", role: "radiogroup", "aria-labelledby": "records-heading" });
  /** @type {Option[]} */
  let options = [];

  const inputs = () => /** @type {HTMLInputElement[]} */ ([...element.querySelectorAll("input[name=record]")]);
  const index = () => inputs().findIndex((input) => input.checked);

  /** @param {number} wanted */
  function choose(wanted) {
    const input = inputs()[wanted];
    if (!input) return;
    input.checked = true;
    input.focus();
    input.closest("label")?.scrollIntoView({ block: "nearest" });
    changed(options[wanted] ?? null);
  }

  return {
    element,
    choose,

    /**
     * @param {Option[]} records
     * @param {number} first the one to preselect, or -1
     */
    fill(records, first) {
      options = records;
      const picked = () => changed(options[index()] ?? null);
      element.replaceChildren(...records.map((one, at) => drawOption(one, at, at === first, reference, picked)));
      changed(options[first] ?? null);
    },

    /** @returns {Option | null} */
    chosen: () => options[index()] ?? null,

    /** @param {1 | -1} step */
    move(step) {
      const last = options.length - 1;
      const at = index();
      choose(at < 0 ? (step > 0 ? 0 : last) : Math.min(last, Math.max(0, at + step)));
    },

    /** From the search box into what was found. */
    enter: () => choose(Math.max(0, index())),

    /** Where the keyboard starts: on the chosen record, if one is. */
    focusTarget: () => inputs()[index()] ?? null,
  };
}

/**
 * @param {Option} option
 * @param {number} at
 * @param {boolean} checked
 * @param {string} reference the contact's
 * @param {() => void} picked
 */
function drawOption({ record, suggestion }, at, checked, reference, picked) {
  const title = `record-${at}`;
  const more = `record-${at}-more`;
  return h(
    "label",
    { class: "option" },
    h("input", {
      type: "radio", name: "record", value: record.id, checked,
      "aria-labelledby": title, "aria-describedby": more, on: { change: picked },
    }),
    h("span", { class: "digit", "aria-hidden": "true" }, suggestion ? String(at + 1) : ""),
    h(
      "span",
      { class: "option-body" },
      h("span", { class: "option-head", id: title }, h("span", { class: "option-name" }, record.label), " ", suggestion ? likelihood(suggestion) : kindTag(record)),
      h("span", { class: "option-more", id: more }, recordLines(record).map((line) => h("span", { class: "line" }, line)), held(record, reference), suggestion ? reasons(suggestion) : null),
    ),
  );
}

/** @param {CrmRecord} record */
function kindTag(record) {
  return h("span", { class: "tag" }, sayKind(record.kind));
}

/** @param {Suggestion} suggestion */
function likelihood(suggestion) {
  const word = confidence(suggestion);
  return h("span", { class: `likelihood ${word}` }, t(`confidence_${word}`));
}

/**
 * What the record's own reference says about choosing it.
 * @param {CrmRecord} record
 * @param {string} reference
 */
function held(record, reference) {
  if (!record.reference) return null;
  const same = record.reference === reference;
  return h("span", { class: same ? "held same" : "held" }, icon(same ? "check" : "caution"), same ? t("has_this_reference") : t("has_other_reference"));
}

/** @param {Suggestion} suggestion */
function reasons({ reasons: list }) {
  return h(
    "span",
    { class: "reasons" },
    list.map(({ text, agrees }) => {
      if (agrees === null) return h("span", { class: "reason note" }, icon("info"), " ", text, unseen("."));
      const word = agrees ? "agrees" : "differs";
      return h("span", { class: `reason ${word}` }, icon(agrees ? "check" : "differ"), unseen(t(word)), " ", text, unseen("."));
    }),
  );
}
