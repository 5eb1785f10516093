// @ts-check
// Pieces that several screens share.

import { httpUrl } from "../lib/linking/ranking.js";
import { displayName } from "../lib/page/contact.js";
import { h, icon, unseen } from "../ui/dom.js";
import { t, sayKind } from "../ui/i18n.js";

/** @typedef {import("../ui/dom.js").Child} Child */
/** @typedef {import("../ui/dom.js").Drawing} Drawing */
/** @typedef {import("../lib/types.js").CrmRecord} CrmRecord */
/** @typedef {import("../lib/types.js").Contact} Contact */
/** @typedef {import("../lib/types.js").Details} Details */

/**
 * The contact on the page: who, in which package, under which reference.
 * @param {Contact} contact
 * @param {Details} details
 * @param {(words: string) => void} announce
 * @param {"h1" | "p"} [heading] p where the screen has another heading
 */
export function contactCard(contact, details, announce, heading = "h1") {
  const what = contact.kind ? sayKind(contact.kind) : t("contact");
  const title = displayName(details) || t("contact_without_name", contact.package_name);
  const where = lineOf(details);
  return h(
    "section",
    { class: "contact", "aria-label": t("contact_in", contact.package_name) },
    h("p", { class: "eyebrow" }, `${contact.package_name} · ${what}`),
    heading === "h1" ? h("h1", { tabindex: "-1" }, title) : h("p", { class: "contact-name" }, title),
    details.retired && h("p", { class: "line retired" }, icon("caution"), t("retired")),
    where && h("p", { class: "line" }, where),
    (details.other_addresses ?? []).map((place) => h("p", { class: "line" }, lineOf(place))),
    [details.email, ...(details.other_emails ?? [])].map((email) => email && h("p", { class: "line" }, email)),
    referenceLine(contact.reference, announce),
    contact.cautions.map((caution) => notice("caution", caution)),
  );
}

/** @param {{address: string, town: string, postcode: string}} place */
function lineOf({ address, town, postcode }) {
  return [address, town, postcode].filter(Boolean).join(", ");
}

/**
 * A reference with its Copy button.
 * @param {string} reference
 * @param {(words: string) => void} announce
 */
export function referenceLine(reference, announce) {
  const words = h("span", {}, t("copy"));
  const copy = async () => {
    const done = await navigator.clipboard.writeText(reference).then(() => true, () => false);
    words.textContent = t(done ? "copied" : "copy");
    announce(t(done ? "copied_reference" : "copy_failed"));
  };
  return h(
    "div",
    { class: "reference" },
    h("span", { class: "reference-value" }, h("span", { class: "reference-label" }, t("reference")), h("code", {}, reference)),
    h("button", { type: "button", class: "quiet copy", on: { click: copy } }, icon("copy"), words, unseen(t("reference"))),
  );
}

/**
 * Two references, the one that goes and the one that comes.
 * @param {string | null} before
 * @param {string | null} after
 * @param {boolean} [done] whether the first is gone already
 */
export function referenceChange(before, after, done = false) {
  return referencePair("change", [t(done ? "then" : "old"), before], [t(done ? "now" : "new"), after]);
}

/**
 * Two references that contradict each other.
 * @param {string | null} present
 * @param {string | null} wanted
 */
export function referenceClash(present, wanted) {
  return referencePair("clash", [t("in_commusoft"), present], [t("wanted"), wanted]);
}

/**
 * @param {string} name
 * @param {...[words: string, reference: string | null]} lines
 */
function referencePair(name, ...lines) {
  return h(
    "dl",
    { class: `pair ${name}` },
    lines.map(([words, reference]) => [h("dt", {}, words), h("dd", {}, reference ? h("code", {}, reference) : t("no_reference"))]),
  );
}

/**
 * A sentence in a box.
 * @param {"caution" | "stop" | "info"} tone
 * @param {...Child} children
 */
export function notice(tone, ...children) {
  return h("div", { class: `notice ${tone}` }, icon(tone), h("div", {}, ...children));
}

/**
 * One record, to look at.
 * @param {CrmRecord} record
 * @param {...Child} more
 */
export function recordCard(record, ...more) {
  return h(
    "div",
    { class: "record", role: "group", "aria-label": t("record_in_commusoft") },
    h("p", { class: "eyebrow" }, `Commusoft · ${sayKind(record.kind)}`),
    h("p", { class: "record-name" }, record.label),
    recordLines(record).map((line) => h("p", { class: "line" }, line)),
    more,
  );
}

/**
 * What tells a record from its namesakes.
 * @param {CrmRecord} record
 * @returns {string[]}
 */
export function recordLines(record) {
  const where = [record.address, record.town, record.postcode].filter(Boolean).join(", ");
  const person = record.company && record.name && record.name !== record.label ? record.name : "";
  const reach = record.email || record.phones[0] || "";
  return [where, [person, reach].filter(Boolean).join(" · ")].filter(Boolean);
}

/**
 * A link to a page in Commusoft; nothing where the server gave no web address.
 * @param {string} address
 * @param {string} words
 * @param {boolean} [first] drawn as the screen's main step
 */
export function openLink(address, words, first = false) {
  const href = httpUrl(address);
  if (!href) return null;
  return h("a", { class: first ? "button first" : "button", href, target: "_blank", rel: "noreferrer noopener" }, icon("open"), words);
}

/**
 * @param {string} words
 * @param {() => void} act
 * @param {{first?: boolean, drawing?: Drawing, hint?: string, danger?: boolean}} [look]
 */
export function button(words, act, look = {}) {
  const name = ["button", look.first && "first", look.danger && "danger"].filter(Boolean).join(" ");
  return h(
    "button",
    { type: "button", class: name, on: { click: act } },
    look.drawing ? icon(look.drawing) : null,
    h("span", { class: "button-words" }, words),
    look.hint ? h("kbd", { "aria-hidden": "true" }, look.hint) : null,
  );
}

/**
 * A heading with a drawing, for screens that are one message.
 * @param {Drawing} drawing
 * @param {string} tone
 * @param {string} title
 */
export function headline(drawing, tone, title) {
  return h("div", { class: `headline ${tone}` }, h("span", { class: "seal" }, icon(drawing)), h("h1", { tabindex: "-1" }, title));
}

/** Grey shapes where words will be. */
export function skeleton() {
  const option = () => h("div", { class: "bones option-bones" }, h("i", { class: "bone w60" }), h("i", { class: "bone w80" }), h("i", { class: "bone w40" }));
  return h("div", { class: "skeleton", "aria-hidden": "true" }, option(), option(), option());
}
