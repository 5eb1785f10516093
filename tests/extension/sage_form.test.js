// @ts-check
// A record's form beside Sage's details: what is compared, in which field, and that nothing is filled unasked.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { partsOf } from "../../extension/lib/linking/sage_form.js";
import { page, tools } from "./commusoft_page.js";
import { setting, TAB } from "./commands_fixture.js";
import { link, record, RULES, WORKSPACE } from "./fake_browser.js";

import "../../extension/lib/commusoft/detail_fields.js";

const PAGE = "https://app.commusoft.co.uk/customers/customer/1001/view/property/view";
const DIFFERENCES = /** @type {import("../../extension/lib/types.js").Difference[]} */ ([
  { field: "name", contact: "Margaret HOLLOWAY", record: "Margaret Holloway" },
  { field: "address", contact: "14 Orchard Close, Flat 2, Cheltenham, GL50 2TR", record: "14 Orchard close, Cheltenham, GL50 2TR" },
  { field: "email", contact: "Margaret@postbox.example", record: "margaret@postbox.example" },
]);
const LABELS = RULES.crms.commusoft.detail_labels;
const SUBJECT = { kind: /** @type {const} */ ("customer"), number: "1001", names: ["Margaret Holloway"] };
const FORM = `<h1>Margaret Holloway</h1><form id="editcustomer">
  <label for="name">First name</label><input id="name" value="Margaret"><label for="s">Surname</label><input id="s" name="customerDetails.surname" value="Holloway">
  <label for="e">Email</label><input id="e" type="email" name="customerEmail" value="margaret@postbox.example">
  <label for="l1">Address line 1</label><input id="l1" value="14 Orchard close"><label for="l2">Address line 2</label><input id="l2">
  <label for="t">Town</label><input id="t" value="Cheltenham"><label for="p">Postcode</label><input id="p" value="GL50 2TR"></form>`;

test("Sage's details are told apart into the form's fields", () => {
  assert.deepEqual(partsOf(DIFFERENCES, false), {
    first_name: "Margaret", last_name: "HOLLOWAY", email: "Margaret@postbox.example", line_1: "14 Orchard Close", line_2: "Flat 2", line_3: "",
    town: "Cheltenham", postcode: "GL50 2TR",
  });
  assert.deepEqual(partsOf([{ field: "name", contact: "Smith & Sons LTD", record: "" }], true), { company: "Smith & Sons LTD" });
});

test("an address whose town and postcode cannot be told apart is left to the person", () => {
  assert.deepEqual(partsOf([{ field: "address", contact: "14 Orchard Close, Cheltenham", record: "" }], false), {});
});

test("each detail is found in its own field, an email's field too", () => {
  const { document } = page(FORM);
  Object.defineProperty(globalThis, "document", { value: document, configurable: true });
  const found = Object.fromEntries(Object.entries(LABELS).map(([part, labels]) => [part, tools.detailField(labels, SUBJECT)?.id ?? null]));
  assert.deepEqual(found, { company: null, first_name: "name", last_name: "s", email: "e", line_1: "l1", line_2: "l2", line_3: null, town: "t", postcode: "p" });
});

for (const [what, html] of [
  ["two fields for an email", `${FORM}<label for="e2">Email</label><input id="e2" type="email">`],
  ["a field for an email that is locked", FORM.replace('type="email"', 'type="email" readonly')],
  ["no form", "<h1>Margaret Holloway</h1>"],
]) {
  test(`${what}: none is taken`, () => {
    const { document } = page(html);
    Object.defineProperty(globalThis, "document", { value: document, configurable: true });
    assert.equal(tools.detailField(LABELS.email, SUBJECT), null);
  });
}

/** @param {object} more of the record's link */
async function atRecord(more) {
  const made = await setting();
  made.server.replies["GET /workspace"] = { ...WORKSPACE, writes: "pages", commusoft_origin: "https://app.commusoft.co.uk", record_fields: [] };
  made.server.replies["GET /records/customer-1001"] = {
    record: record(), synced_at: null, url: PAGE, open_link: null, link: link({ package: "sage_business_cloud", differences: DIFFERENCES, ...more }),
  };
  made.tabs.open.set(TAB, { url: PAGE, details: null });
  return made;
}

test("a record's page is told what Sage has, where the link was made over differences", async () => {
  const { commands, tableTabs } = await atRecord({});
  assert.ok((await commands.sage_compare({ tab: TAB })).ok);
  assert.deepEqual(tableTabs.compared, [TAB]);
  const answer = await commands.onRecordPage.sage_begin(TAB);
  assert.ok(answer.ok);
  assert.deepEqual([answer.data.subject.number, answer.data.parts.last_name, answer.data.labels], ["1001", "HOLLOWAY", LABELS]);
});

test("a record that was linked from another package has nothing to compare", async () => {
  const { commands } = await atRecord({ package: "xero" });
  assert.equal((await commands.onRecordPage.sage_begin(TAB)).ok, false);
});

test("the panel fills nothing when it opens, nor when the page presses its buttons", async () => {
  const { window, document } = page(FORM);
  const shown = () => [...document.querySelectorAll("input")].map((one) => one.value);
  const before = shown();
  /** @type {any} */
  let root = null;
  const { attachShadow } = window.Element.prototype;
  window.Element.prototype.attachShadow = function (/** @type {any} */ how) {
    assert.equal(how.mode, "closed");
    root = attachShadow.call(this, how);
    return root;
  };
  const view = { name: "Margaret Holloway", subject: SUBJECT, labels: LABELS, parts: partsOf(DIFFERENCES, false) };
  window.chrome = { i18n: { getMessage: (/** @type {string} */ key) => key }, runtime: { sendMessage: async () => ({ ok: true, data: view }) } };
  const read = (/** @type {string} */ path) => readFileSync(new URL(`../../extension/${path}`, import.meta.url), "utf8");
  for (const name of ["dom_text", "control_name", "context", "find_field", "fill_field", "detail_fields"]) window.eval(read(`lib/commusoft/${name}.js`));
  for (const name of ["on_top", "table/frame", "table/sage"]) window.eval(read(`content/${name}.js`));
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
  const buttons = [...root.querySelectorAll("li button")];
  assert.deepEqual(buttons.map((one) => one.getAttribute("aria-label")), ["sage_use_for", "sage_use_for", "sage_use_for", "sage_use_for"]);
  for (const button of buttons) button.click();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(shown(), before);
  window.crmlinkTable.leave();
  window.close();
});
