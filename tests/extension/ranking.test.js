// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { confidence, holdersOf, isLinkOf, linkBehind, preselected, contactState, httpUrl } from "../../extension/lib/linking/ranking.js";
import { link, offer, record, REFERENCE } from "./fake_browser.js";

/** @type {import("../../extension/lib/types.js").Contact} */
const XERO = { package: "xero", package_name: "Xero", kind: null, reference: REFERENCE, organisation: null, cautions: [] };
const QUICKBOOKS = { ...XERO, package: "quickbooks_online", kind: /** @type {const} */ ("customer"), reference: "12" };

/** @param {number} probability @param {boolean} [sure] */
const suggestion = (probability, sure = false) => ({ record: record(), probability, sure, reasons: [] });

for (const [probability, sure, word] of /** @type {const} */ ([
  [1, true, "sure"], [0.7, true, "sure"], [0.9999, false, "very_likely"], [0.9, false, "very_likely"],
  [0.899, false, "possible"], [0.3, false, "possible"], [0, false, "possible"],
])) {
  test(`a probability of ${probability}${sure ? ", sure," : ""} is said as ${word}`, () => {
    assert.equal(confidence({ probability, sure }), word);
  });
}

for (const [what, given, none, expected] of /** @type {const} */ ([
  ["nothing found preselects nothing", [], 0.9, { index: -1, why: null }],
  ["a sure first one is preselected", [[0.99, true], [0.6, false]], 0.01, { index: 0, why: null }],
  ["a likely one alone is preselected", [[0.7, false]], 0.2, { index: 0, why: null }],
  ["a likely one that stands clear is preselected", [[0.7, false], [0.1, false]], 0.2, { index: 0, why: null }],
  ["two that fit alike preselect nothing", [[0.5, false], [0.45, false]], 0.05, { index: -1, why: "tie" }],
  ["a first one with a near second preselects nothing", [[0.62, false], [0.33, false]], 0.05, { index: -1, why: "tie" }],
  ["an unlikely one is not preselected", [[0.3, false]], 0.6, { index: -1, why: "unclear" }],
  ["where no record is as likely, nothing is preselected", [[0.5, false]], 0.5, { index: -1, why: "unclear" }],
  ["two far-fetched ones are no tie", [[0.01, false], [0.01, false]], 0.97, { index: -1, why: "unclear" }],
])) {
  test(what, () => {
    assert.deepEqual(preselected(given.map(([p, sure]) => suggestion(p, sure)), none, "customer"), expected);
  });
}

test("a record of the other kind is never preselected, however sure, nor what comes after it", () => {
  for (const sure of [true, false]) {
    const customers = [suggestion(0.99, sure), suggestion(0.001)];
    assert.deepEqual(preselected(customers, 0.01, "supplier"), { index: -1, why: "other_kind" });
  }
  const supplier = { ...suggestion(0.02), record: record({ id: "supplier-7", kind: /** @type {any} */ ("supplier") }) };
  assert.deepEqual(preselected([suggestion(0.9), supplier], 0.01, "supplier"), { index: -1, why: "other_kind" });
  assert.equal(preselected([{ ...supplier, probability: 0.9 }, suggestion(0.02)], 0.01, "supplier").index, 0);
});

test("a contact whose reference is on a record is linked already", () => {
  assert.equal(contactState(offer(), XERO), "open");
  assert.equal(contactState(offer({ holders: [record({ reference: REFERENCE })] }), XERO), "already");
  assert.equal(contactState(offer({ link: link({ state: "intended" }) }), XERO), "waiting");
});

test("supplier 12 does not make customer 12 linked", () => {
  const supplier = record({ id: "supplier-3", kind: /** @type {any} */ ("supplier"), reference: "12" });
  assert.deepEqual(holdersOf(offer({ holders: [supplier] }), QUICKBOOKS), []);
  assert.equal(contactState(offer({ holders: [supplier] }), QUICKBOOKS), "open");
  assert.equal(contactState(offer({ holders: [supplier] }), { ...QUICKBOOKS, kind: null }), "already");
});

test("a customer that was knowingly linked to a supplier's record is linked, and supplier 12 is not by that", () => {
  const supplier = record({ id: "supplier-3", kind: /** @type {any} */ ("supplier"), reference: "12" });
  const crossed = link({
    package: "quickbooks_online", organisation: null, kind: /** @type {any} */ ("supplier"), contact_kind: "customer",
    contact_reference: "12", reference: "12", record: supplier,
  });
  const answer = offer({ holders: [supplier], holder_links: [crossed] });
  assert.equal(contactState(answer, QUICKBOOKS), "already");
  assert.equal(isLinkOf(crossed, { ...QUICKBOOKS, kind: "supplier" }), false);
});

test("a link behind a record is one that is in force and put its present reference there", () => {
  const holder = record({ reference: REFERENCE });
  /** @param {object} more */
  const behind = (more, of = holder) => linkBehind(offer({ holder_links: [link(more)] }), of);
  assert.equal(behind({})?.id, "lnk_1");
  for (const more of [{ state: "failed" }, { undoes: "lnk_0" }, { reference: "OLD" }]) assert.equal(behind(more), null);
  assert.equal(behind({}, record({ id: "customer-9", reference: REFERENCE })), null);
  assert.equal(linkBehind(offer({ link: link() }), holder)?.id, "lnk_1", "a server that tells no others");
});

test("a link is the contact's own where nothing that both tell differs", () => {
  const own = link({ contact_reference: REFERENCE });
  assert.equal(isLinkOf(own, XERO), true, "the address names no organisation");
  assert.equal(isLinkOf(own, { ...XERO, organisation: "!kR4N6" }), true);
  assert.equal(isLinkOf(own, { ...XERO, organisation: "!OTHER" }), false);
  assert.equal(isLinkOf(link({ organisation: null }), { ...XERO, organisation: "!kR4N6" }), true);
  assert.equal(isLinkOf(own, { ...XERO, package: "kashflow" }), false);
  assert.equal(isLinkOf(own, { ...XERO, kind: "supplier" }), false);
});

test("only web addresses become links", () => {
  assert.equal(httpUrl("https://app.commusoft.co.uk/customers/customer/1"), "https://app.commusoft.co.uk/customers/customer/1");
  for (const address of ["javascript:alert(1)", "data:text/html,x", "", "customers/1", "file:///etc/passwd"]) {
    assert.equal(httpUrl(address), null, address);
  }
});
