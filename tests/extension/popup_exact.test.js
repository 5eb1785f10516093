// @ts-check
// Linking over differences from Sage: what the clerk saw is kept with the link.
import assert from "node:assert/strict";
import { test } from "node:test";

import { link, MARGARET, offer, record, WORKSPACE } from "./fake_browser.js";
import { openPage, press, settle } from "./fake_page.js";

let page = openPage();
const { PopupController } = await import("../../extension/popup/app.js");
const { createFrame: createStage } = await import("../../extension/popup/frame.js");

const UNLIKE = record({ label: "MARGARET HOLLOWAY" });
const SEEN = [{ field: "name", contact: "Margaret Holloway", record: "MARGARET HOLLOWAY" }];

/** @param {string} name of the package */
async function openOn(name) {
  page = openPage();
  const contact = { package: name, package_name: name, kind: "customer", reference: "145570473", organisation: null, cautions: [] };
  const place = { page: "contact", source: "tab", tab: 7, snapshot: "l1", details: MARGARET, contact };
  const status = { connected: true, server: "http://127.0.0.1:8787", workspace: WORKSPACE };
  const reasons = [{ code: "email", text: "same email", agrees: true }];
  const suggestions = [{ record: UNLIKE, probability: 0.97, sure: true, reasons }];
  Object.assign(page.answers, {
    open_tab: { ok: true, data: { status, problem: null, place, packages: [], attempt: null, others: [] } },
    suggest: { ok: true, data: { ...offer({ suggestions }), kind: "customer" } },
    confirm: { ok: true, data: link({ differences: /** @type {any} */ (SEEN) }), attempt: "a1" },
  });
  await new PopupController(createStage(), 7).start();
  await settle();
}

const sent = () => page.asked.filter((one) => one.type === "confirm");
const words = () => page.document.querySelector("main")?.textContent ?? "";

test("the differences that were on the screen go with the decision, and the result says that they were noted", async () => {
  await openOn("sage_business_cloud");
  assert.equal(page.document.querySelectorAll("mark").length > 0, true);
  press(page, "Enter");
  await settle();
  assert.deepEqual(/** @type {any} */ (sent()[0]).differences, SEEN);
  assert.match(words(), /a different name/);
});

test("they stay with the decision through a second, careful choice", async () => {
  await openOn("sage_business_cloud");
  const problem = { type: "record-has-reference", record: UNLIKE, current_reference: "OLD", holders: [], detail: "" };
  const linked = page.answers.confirm;
  page.answers.confirm = { ok: false, problem, attempt: "a1" };
  press(page, "Enter");
  await settle();
  page.answers.confirm = linked;
  /** @type {HTMLInputElement} */ (page.document.getElementById("accept")).click();
  page.document.getElementById("accept-link")?.click();
  await settle();
  assert.equal(sent().length, 2);
  assert.deepEqual(/** @type {any} */ (sent()[1]).differences, SEEN);
});

test("a package without an exact match sends none", async () => {
  await openOn("xero");
  press(page, "Enter");
  await settle();
  assert.deepEqual(/** @type {any} */ (sent()[0]).differences, []);
});
