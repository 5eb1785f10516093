// @ts-check
// What a person has to see and agree to on top of a choice.
import assert from "node:assert/strict";
import { test } from "node:test";

import { needsOverride, NO_OVERRIDES, overridesAfter, requiredOverrides, toRequest } from "../../extension/lib/linking/overrides.js";
import { problem } from "../../extension/lib/server/problem.js";
import { record, REFERENCE } from "./fake_browser.js";

const CUSTOMER = { reference: REFERENCE, kind: /** @type {const} */ ("customer") };
const SUPPLIER = { reference: REFERENCE, kind: /** @type {const} */ ("supplier") };

test("a record without a reference needs no second choice", () => {
  assert.deepEqual(requiredOverrides(record(), CUSTOMER, []), NO_OVERRIDES);
  assert.deepEqual(requiredOverrides(record({ reference: "" }), CUSTOMER, []), NO_OVERRIDES);
});

test("another reference on the record has to be seen, even one that differs only in its letters' size", () => {
  assert.equal(requiredOverrides(record({ reference: "OLD" }), CUSTOMER, []).replaces, "OLD");
  assert.equal(requiredOverrides(record({ reference: "ABC01" }), { ...CUSTOMER, reference: "abc01" }, []).replaces, "ABC01");
});

test("other records of the same kind that carry the reference have to be seen", () => {
  const other = record({ id: "customer-7", reference: REFERENCE });
  const supplier = record({ id: "supplier-7", kind: /** @type {any} */ ("supplier"), reference: REFERENCE });
  const found = requiredOverrides(record(), CUSTOMER, [other, supplier, record({ reference: REFERENCE })]);
  assert.deepEqual(toRequest(found), { replaces: null, also_on: ["customer-7"], checked_empty: false, accepts_kind: false });
});

test("what the server finds is added to what was accepted already", () => {
  const holder = record({ id: "customer-7" });
  const first = overridesAfter(problem("record-has-reference", { current_reference: "OLD" }), NO_OVERRIDES);
  assert.ok(first);
  const second = overridesAfter(problem("reference-taken", { holders: [holder] }), first);
  assert.ok(second);
  const third = overridesAfter(problem("reference-not-shown"), second);
  assert.ok(third);
  const fourth = overridesAfter(problem("kind-differs"), third);
  assert.ok(fourth);
  assert.deepEqual(toRequest(fourth), { replaces: "OLD", also_on: ["customer-7"], checked_empty: true, accepts_kind: true });
});

test("other refusals, and ones that tell nothing to accept, ask for no second choice", () => {
  assert.equal(overridesAfter(problem("record-gone"), NO_OVERRIDES), null);
  assert.equal(overridesAfter(problem("reference-taken"), NO_OVERRIDES), null);
  assert.equal(overridesAfter(problem("record-has-reference"), NO_OVERRIDES), null);
  assert.equal(overridesAfter(problem("reference-not-shown"), { ...NO_OVERRIDES, checked_empty: true }), null);
  assert.equal(overridesAfter(problem("kind-differs"), { ...NO_OVERRIDES, accepts_kind: true }), null);
});

test("a record of the other kind has to be agreed to, and nothing else has to for that", () => {
  assert.equal(needsOverride(requiredOverrides(record(), CUSTOMER, [])), false);
  const found = requiredOverrides(record(), SUPPLIER, []);
  assert.deepEqual(found, { ...NO_OVERRIDES, accepts_kind: true });
  assert.equal(needsOverride(found), true);
});
