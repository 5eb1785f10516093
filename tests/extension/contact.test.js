// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { cleanDetails, isEmpty, emptyDetails, sameDetails, contactKey, displayName, withOverrides } from "../../extension/lib/page/contact.js";
import { diffText } from "../../extension/lib/linking/text_diff.js";
import { MARGARET } from "./fake_browser.js";

const details = cleanDetails(MARGARET);

test("spaces and line breaks of a page are folded", () => {
  assert.equal(cleanDetails({ name: "  Margaret\n   Holloway\u00a0" }).name, "Margaret Holloway");
});

for (const read of [null, undefined, 7, "text", [], { name: 7, phones: {} }]) {
  test(`a reading of ${JSON.stringify(read)} is blank`, () => {
    assert.equal(isEmpty(cleanDetails(read)), true);
  });
}

test("a contact is called by its name, its company or its person", () => {
  assert.equal(displayName(details), "Margaret Holloway");
  assert.equal(displayName(cleanDetails({ company: "Ashdown & Sons", person: "Peter" })), "Ashdown & Sons");
  assert.equal(displayName(emptyDetails()), "");
});

test("contacts are told apart by package, organisation, kind and reference", () => {
  const contact = { package: "quickbooks_online", package_name: "", kind: /** @type {const} */ ("customer"), reference: "12", organisation: null, cautions: [] };
  const subjects = [
    contact, { ...contact, kind: /** @type {const} */ ("supplier") }, { ...contact, package: "freeagent" }, { ...contact, reference: "13" },
    { ...contact, organisation: "934" }, { ...contact, package: "x", organisation: "y" },
  ].map(contactKey);
  assert.equal(new Set(subjects).size, subjects.length);
});

test("two readings of one page agree, whatever arrives late", () => {
  assert.equal(sameDetails(details, details), true);
  assert.equal(sameDetails({ ...details, email: "" }, details), true);
  assert.equal(sameDetails(details, { ...details, phones: [], address: "" }), true);
  assert.equal(sameDetails(emptyDetails(), emptyDetails()), true);
});

test("a name or email that changes, or a page that goes blank, is another page", () => {
  assert.equal(sameDetails(details, { ...details, name: "Peter Ashdown" }), false);
  assert.equal(sameDetails(details, { ...details, email: "peter@postbox.example" }), false);
  assert.equal(sameDetails(details, emptyDetails()), false);
  assert.equal(sameDetails(emptyDetails(), details), false);
  assert.equal(sameDetails({ ...emptyDetails(), email: details.email }, emptyDetails()), false);
  assert.equal(sameDetails({ ...details, name: "" }, details), false);
});

test("another typed name replaces all that the page said; the same name leaves it", () => {
  assert.deepEqual(withOverrides(details, null), details);
  assert.deepEqual(withOverrides(details, { name: "Margaret Holloway", postcode: "GL50 2TR" }), details);
  const typed = withOverrides(details, { name: "Greenfield Lettings", postcode: "" });
  assert.equal(typed.name, "Greenfield Lettings");
  assert.equal(typed.email, "");
  assert.equal(withOverrides(details, { name: "", postcode: "LN1 3AA" }).postcode, "LN1 3AA");
  assert.equal(withOverrides(details, { name: "", postcode: "LN1 3AA" }).name, "Margaret Holloway");
});

/** @param {{text: string, differs: boolean}[]} pieces */
const marked = (pieces) => pieces.map(({ text, differs }) => (differs ? `[${text}]` : text)).join("");

for (const [left, right, shownLeft, shownRight] of /** @type {const} */ ([
  ["Margaret Holloway", "Margaret Holloway", "Margaret Holloway", "Margaret Holloway"],
  ["Margaret Holloway", "margaret Holloway", "[M]argaret Holloway", "[m]argaret Holloway"],
  ["14 Orchard Close", "14 Orchard Close, Cheltenham", "14 Orchard Close", "14 Orchard Close[, Cheltenham]"],
  ["Siân", "Sian", "Si[â]n", "Si[a]n"],
  ["", "x", "", "[x]"],
  ["", "", "", ""],
  ["abc", "xyz", "[abc]", "[xyz]"],
  ["Greenfield Lettings Limited", "Margaret Holloway", "[Greenfield Lettings Limited]", "[Margaret Holloway]"],
])) {
  test(`${JSON.stringify(left)} against ${JSON.stringify(right)} shows where they differ`, () => {
    const { left: a, right: b } = diffText(left, right);
    assert.equal(marked(a), shownLeft);
    assert.equal(marked(b), shownRight);
  });
}

test("whatever is compared, the pieces make up the texts again", () => {
  const letters = "ab é👍";
  let seed = 7;
  const next = (/** @type {number} */ below) => (seed = (seed * 48271) % 2147483647) % below;
  const text = () => Array.from({ length: next(30) }, () => [...letters][next(5)]).join("");
  for (let round = 0; round < 500; round += 1) {
    const [left, right] = [text(), text()];
    const found = diffText(left, right);
    assert.equal(found.left.map((piece) => piece.text).join(""), left);
    assert.equal(found.right.map((piece) => piece.text).join(""), right);
    assert.equal(found.left.some((piece) => piece.differs) || found.right.some((piece) => piece.differs), left !== right);
  }
});

test("very long texts are compared at their ends", () => {
  const long = "x".repeat(5000);
  const { left, right } = diffText(`A${long}`, `B${long}`);
  assert.equal(left[0].text, "A");
  assert.equal(right[0].differs, true);
});
