// @ts-check
// The popup's controller over a page of jsdom, with what the background answers, for each test anew.
import { beforeEach } from "node:test";

import { link, MARGARET, offer, record, REFERENCE, WORKSPACE } from "./fake_browser.js";
import { openPage, settle } from "./fake_page.js";

/** @type {ReturnType<typeof openPage>} */
export let page = openPage();
const { PopupController } = await import("../../extension/popup/app.js");
const { createFrame: createStage } = await import("../../extension/popup/frame.js");

export const SECOND = record({ id: "customer-1002", label: "Jonathan Pryce-Davies", reference: "OLD" });
export const TWO = offer({
  suggestions: [
    { record: record(), probability: 0.97, sure: true, reasons: [{ code: "email", text: "same email", agrees: true }] },
    { record: SECOND, probability: 0.02, sure: false, reasons: [{ code: "town", text: "other town", agrees: false }] },
  ],
});
export const TIE = offer({ suggestions: TWO.suggestions.map((one) => ({ ...one, sure: false, probability: 0.4 })) });

/** @param {object} [more] @param {object} [contact] */
export function view(more = {}, contact = {}) {
  const place = {
    page: "contact", source: "tab", tab: 7, snapshot: "l1", details: MARGARET,
    contact: { package: "xero", package_name: "Xero", kind: null, reference: REFERENCE, organisation: null, cautions: [], ...contact },
  };
  const status = { connected: true, server: "http://127.0.0.1:8787", workspace: WORKSPACE };
  return { ok: true, data: { status, problem: null, place, packages: [], attempt: null, others: [], ...more } };
}

/** @param {string} type */
export const asked = (type) => page.asked.filter((one) => one.type === type);
export const screen = () => page.document.body.dataset.screen;
export const words = () => page.document.querySelector("main")?.textContent ?? "";
export const chosen = () => /** @type {HTMLInputElement | null} */ (page.document.querySelector("input[name=record]:checked"))?.value;

export const create = () => new PopupController(createStage(), 7);

export async function open() {
  const app = create();
  await app.start();
  await settle();
  return app;
}

beforeEach(() => {
  page = openPage();
  Object.assign(page.answers, {
    open_tab: view(),
    suggest: { ok: true, data: { ...TWO, kind: "customer" } },
    confirm: { ok: true, data: link(), attempt: "a1" },
    search: { ok: true, data: { records: [SECOND], others: [] } },
    undo: { ok: true, data: link({ id: "lnk_2", undoes: "lnk_1", reference: null, prior_reference: REFERENCE, can_undo: false }), attempt: "a2" },
  });
});
