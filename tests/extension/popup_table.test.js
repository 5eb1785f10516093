// @ts-check
// The popup over Commusoft's table, and elsewhere in Commusoft while a list waits for it.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { WORKSPACE } from "./fake_browser.js";
import { openPage, press, settle } from "./fake_page.js";

let page = openPage();
const { PopupController } = await import("../../extension/popup/app.js");
const { createFrame } = await import("../../extension/popup/frame.js");

const ONE = { id: "b1", name: "Customers.csv", rows: 3 };
const OTHER = { id: "b2", name: "Suppliers.csv", rows: 1 };

/** @param {object} place */
async function open(place) {
  page.answers.crm_page = { ok: true, data: place };
  await new PopupController(createFrame(), 7).start();
  await settle();
}

/** @param {object} [more] */
const table = (more) => ({ page: "table", kind: "customer", several: false, lists: [ONE, OTHER], named: null, ...more });
const begun = () => page.asked.filter((one) => one.type === "table_start").map((one) => one.batch);
const words = () => page.document.body.textContent ?? "";

beforeEach(() => {
  page = openPage();
  /** @type {any} */ (page.window).close = () => undefined;
  const status = { connected: true, server: "http://127.0.0.1:8787", workspace: WORKSPACE };
  Object.assign(page.answers, {
    open_tab: { ok: true, data: { status, problem: null, place: { page: null }, packages: [], attempt: null, others: [] } },
    table_start: { ok: true, data: null },
  });
});

test("where several lists wait, Enter takes none of them", async () => {
  await open(table());
  assert.match(words(), /Fill 3 references from Customers.csv.*Fill 1 reference from Suppliers.csv/);
  press(page, "Enter");
  await settle();
  assert.deepEqual(begun(), []);
});

test("the list whose page the person has open is said to be, and Enter takes it", async () => {
  await open(table({ named: "b2" }));
  assert.match(words(), /You have “Suppliers.csv” open in crmlink/);
  press(page, "Enter");
  await settle();
  assert.deepEqual(begun(), ["b2"]);
});

test("a list that waits alone is on Enter", async () => {
  await open(table({ lists: [ONE] }));
  press(page, "Enter");
  await settle();
  assert.deepEqual(begun(), ["b1"]);
});

test("elsewhere in Commusoft the popup says what waits, and the way to the table", async () => {
  await open({ page: "crm", lists: [ONE], named: null });
  assert.match(words(), /“Customers.csv” waits to be filled in.*Link Customers and Suppliers in Commusoft: Profile/);
  await open({ page: "crm", lists: [ONE, OTHER], named: null });
  assert.match(words(), /2 lists wait to be filled in/);
  await open({ page: "crm", lists: [ONE, OTHER], named: "b2" });
  assert.match(words(), /“Suppliers.csv” waits to be filled in/);
});
