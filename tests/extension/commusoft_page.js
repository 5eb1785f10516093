// @ts-check
// A Commusoft page in jsdom, with our scripts for such pages.

import { JSDOM } from "jsdom";

import "../../extension/lib/commusoft/dom_text.js";
import "../../extension/lib/commusoft/control_name.js";
import "../../extension/lib/commusoft/context.js";
import "../../extension/lib/commusoft/find_field.js";
import "../../extension/lib/commusoft/read_shown.js";
import "../../extension/lib/commusoft/find_edit.js";
import "../../extension/lib/commusoft/fill_field.js";

/** @type {import("../../extension/lib/commusoft/types.js").PageTools} */
export const tools = /** @type {any} */ (globalThis).crmlinkPage;

export const LABELS = ["Third-Party Reference", "Third party accounting ref", "Accounting reference"];
/** @type {import("../../extension/lib/commusoft/types.js").Search} */
export const SEARCH = { labels: LABELS, edits: ["Edit"], subject: { kind: "customer", number: "1001", names: ["Margaret Holloway"] }, rule: null };
export const RECORD_PAGE = "https://app.commusoft.co.uk/customers/customer/1001/view/property/view";

/** @param {string} html */
export function page(html) {
  const { window } = new JSDOM(`<!doctype html><html><body>${html}</body></html>`, { url: RECORD_PAGE, runScripts: "outside-only", pretendToBeVisual: true });
  return { window, document: window.document };
}

/** @param {string} html @param {Partial<import("../../extension/lib/commusoft/types.js").Search>} [more] */
export function find(html, more = {}) {
  const { document } = page(html);
  const found = tools.findField(document, { ...SEARCH, ...more });
  return { ...found, id: found.field?.id ?? null, why: found.unfit.map((one) => one.why) };
}

/** @param {string} html */
export function shown(html) {
  return tools.readShown(page(html).document, SEARCH);
}
