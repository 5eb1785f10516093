// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  accepted, careAfter, careFor, confidence, holdersOf, isOurs, preselected, standingOf, webAddress,
} from "../../extension/lib/linking/ranking.js";
import { problem } from "../../extension/lib/server/problem.js";
import { link, offer, record, REFERENCE } from "./fake_browser.js";

const NO_CARE = { replaces: null, also_on: [], checked_empty: false };
/** @type {import("../../extension/lib/types.js").Contact} */
const XERO = { package: "xero", package_name: "Xero", kind: null, reference: REFERENCE, organisation: null, cautions: [] };
const QUICKBOOKS = { ...XERO, package: "quickbooks_online", kind: /** @type {const} */ ("customer"), reference: "12" };

/** @param {number} probability @param {boolean} [sure] */
const suggestion = (probability, sure = false) => ({ record: record(), probability, sure, reasons: [] });

for (const [probability, sure, word, percent] of /** @type {const} */ ([
  [1, true, "sure", 99], [0.9999, false, "very_likely", 99], [0.9, false, "very_likely", 90], [0.899, false, "likely", 89],
  [0.6, false, "likely", 60], [0.3, false, "possible", 30], [0.02, false, "unlikely", 2], [0, false, "unlikely", 1],
])) {
  test(`a probability of ${probability}${sure ? ", sure," : ""} is said as ${word} and ${percent} per cent`, () => {
    assert.deepEqual(confidence({ probability, sure }), { word, percent });
  });
}

for (const [what, given, none, expected] of /** @type {const} */ ([
  ["nothing found preselects nothing", [], 0.9, { index: -1, tie: false }],
  ["a sure first one is preselected", [[0.99, true], [0.6, false]], 0.01, { index: 0, tie: false }],
  ["a likely one alone is preselected", [[0.7, false]], 0.2, { index: 0, tie: false }],
  ["a likely one that stands clear is preselected", [[0.7, false], [0.1, false]], 0.2, { index: 0, tie: false }],
  ["two that fit alike preselect nothing", [[0.5, false], [0.45, false]], 0.05, { index: -1, tie: true }],
  ["a first one with a near second preselects nothing", [[0.62, false], [0.33, false]], 0.05, { index: -1, tie: true }],
  ["an unlikely one is not preselected", [[0.3, false]], 0.6, { index: -1, tie: false }],
  ["where no record is as likely, nothing is preselected", [[0.5, false]], 0.5, { index: -1, tie: false }],
  ["two far-fetched ones are no tie", [[0.01, false], [0.01, false]], 0.97, { index: -1, tie: false }],
])) {
  test(what, () => {
    assert.deepEqual(preselected(given.map(([p, sure]) => suggestion(p, sure)), none), expected);
  });
}

test("a record without a reference needs no second choice", () => {
  assert.deepEqual(careFor(record(), REFERENCE, []), NO_CARE);
  assert.deepEqual(careFor(record({ reference: "" }), REFERENCE, []), NO_CARE);
});

test("another reference on the record has to be seen, even one that differs only in its letters' size", () => {
  assert.equal(careFor(record({ reference: "OLD" }), REFERENCE, []).replaces, "OLD");
  assert.equal(careFor(record({ reference: "ABC01" }), "abc01", []).replaces, "ABC01");
});

test("other records of the same kind that carry the reference have to be seen", () => {
  const other = record({ id: "customer-7", reference: REFERENCE });
  const supplier = record({ id: "supplier-7", kind: /** @type {any} */ ("supplier"), reference: REFERENCE });
  const care = careFor(record(), REFERENCE, [other, supplier, record({ reference: REFERENCE })]);
  assert.deepEqual(accepted(care), { replaces: null, also_on: ["customer-7"], checked_empty: false });
});

test("what the server finds is added to what was accepted already", () => {
  const holder = record({ id: "customer-7" });
  const first = careAfter(problem("record-has-reference", { current_reference: "OLD" }), NO_CARE);
  assert.ok(first);
  const second = careAfter(problem("reference-taken", { holders: [holder] }), first);
  assert.ok(second);
  const third = careAfter(problem("reference-not-shown"), second);
  assert.ok(third);
  assert.deepEqual(accepted(third), { replaces: "OLD", also_on: ["customer-7"], checked_empty: true });
});

test("other refusals, and ones that tell nothing to accept, ask for no second choice", () => {
  assert.equal(careAfter(problem("record-gone"), NO_CARE), null);
  assert.equal(careAfter(problem("reference-taken"), NO_CARE), null);
  assert.equal(careAfter(problem("record-has-reference"), NO_CARE), null);
  assert.equal(careAfter(problem("reference-not-shown"), { ...NO_CARE, checked_empty: true }), null);
});

test("a contact whose reference is on a record is linked already", () => {
  assert.equal(standingOf(offer(), XERO), "open");
  assert.equal(standingOf(offer({ holders: [record({ reference: REFERENCE })] }), XERO), "already");
  assert.equal(standingOf(offer({ link: link({ state: "intended" }) }), XERO), "waiting");
});

test("supplier 12 does not make customer 12 linked", () => {
  const supplier = record({ id: "supplier-3", kind: /** @type {any} */ ("supplier"), reference: "12" });
  assert.deepEqual(holdersOf(offer({ holders: [supplier] }), QUICKBOOKS), []);
  assert.equal(standingOf(offer({ holders: [supplier] }), QUICKBOOKS), "open");
  assert.equal(standingOf(offer({ holders: [supplier] }), { ...QUICKBOOKS, kind: null }), "already");
});

test("only a link that stands and put this reference there is ours to undo", () => {
  const holders = [record({ reference: REFERENCE })];
  assert.equal(isOurs(link(), XERO, holders), true);
  assert.equal(isOurs(null, XERO, holders), false);
  assert.equal(isOurs(link({ state: "failed" }), XERO, holders), false);
  assert.equal(isOurs(link({ undoes: "lnk_0" }), XERO, holders), false);
  assert.equal(isOurs(link({ reference: "OLD" }), XERO, holders), false);
  assert.equal(isOurs(link(), XERO, [record({ id: "customer-9" })]), false);
});

test("only web addresses become links", () => {
  assert.equal(webAddress("https://app.commusoft.co.uk/customers/customer/1"), "https://app.commusoft.co.uk/customers/customer/1");
  for (const address of ["javascript:alert(1)", "data:text/html,x", "", "customers/1", "file:///etc/passwd"]) {
    assert.equal(webAddress(address), null, address);
  }
});
