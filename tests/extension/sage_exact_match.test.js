// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { differencesOver, exactFields } from "../../extension/lib/linking/sage_exact_match.js";
import { MARGARET, record } from "./fake_browser.js";

test("what is the same to the letter leaves nothing to note", () => {
  assert.deepEqual(differencesOver("sage_business_cloud", MARGARET, record()), []);
});

test("a capital letter is a difference, and both sides are noted as they stand", () => {
  const found = differencesOver("sage_business_cloud", { ...MARGARET, email: "" }, record({ label: "margaret Holloway" }));
  assert.deepEqual(found, [
    { field: "name", contact: "Margaret Holloway", record: "margaret Holloway" },
    { field: "email", contact: "", record: "margaret.holloway@postbox.example" },
  ]);
});

test("the address is compared in one piece", () => {
  const [, address] = exactFields(MARGARET, record({ town: "", postcode: "GL50 2TS" }));
  assert.deepEqual(address, {
    field: "address", contact: "14 Orchard Close, Cheltenham, GL50 2TR", record: "14 Orchard Close, GL50 2TS",
  });
});

test("packages that do not mind note nothing", () => {
  assert.deepEqual(differencesOver("xero", MARGARET, record({ label: "Somebody" })), []);
});

test("no text is longer than the server keeps", () => {
  const [name] = differencesOver("sage_business_cloud", { ...MARGARET, name: "x".repeat(900) }, record());
  assert.equal(name.contact.length, 500);
});
