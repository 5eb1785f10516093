// @ts-check
// Sage Business Cloud matches a record by its full name, address and email, case-sensitively: show where they differ.

import { diffText } from "../lib/linking/text_diff.js";
import { exactFields } from "../lib/linking/sage_exact_match.js";
import { h, icon, unseen } from "../ui/dom.js";
import { t } from "../ui/i18n.js";

/** @typedef {import("../lib/types.js").CrmRecord} CrmRecord */
/** @typedef {import("../lib/types.js").Details} Details */

/**
 * @param {Details} details
 * @param {CrmRecord} record
 */
export function exactTable(details, record) {
  const rows = exactFields(details, record).map((one) => row(t(one.field), one.contact, one.record));
  const same = rows.every((one) => one.same);
  return h(
    "section",
    { class: "exact", "aria-label": t("exact_title") },
    h("h2", {}, t("exact_title")),
    h("p", { class: same ? "muted" : "exact-remark" }, t(same ? "exact_same" : "exact_differs")),
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, h("td", {}), h("th", { scope: "col" }, t("exact_sage")), h("th", { scope: "col" }, t("exact_commusoft")))),
      h("tbody", {}, rows.map((one) => one.element)),
    ),
  );
}

/**
 * @param {string} label
 * @param {string} ours as Sage has it
 * @param {string} theirs as Commusoft has it
 */
function row(label, ours, theirs) {
  const same = ours === theirs;
  const { left, right } = diffText(ours, theirs);
  const sign = same ? icon("check") : icon("differ");
  const element = h(
    "tr",
    { class: same ? "same" : "differs" },
    h("th", { scope: "row" }, sign, label, unseen(t(same ? "agrees" : "differs"))),
    h("td", {}, marked(left)),
    h("td", {}, marked(right)),
  );
  return { same, element };
}

/** @param {import("../lib/linking/text_diff.js").Piece[]} pieces */
function marked(pieces) {
  if (pieces.length === 0) return [h("span", { class: "muted" }, t("empty"))];
  return pieces.map(({ text, differs }) => (differs ? h("mark", {}, text) : text));
}
