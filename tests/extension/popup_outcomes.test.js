// @ts-check
// The popup after a decision: lost answers, links that are there already, refusals, and their undo.
import assert from "node:assert/strict";
import { test } from "node:test";

import { link, record, REFERENCE } from "./fake_browser.js";
import { press, settle } from "./fake_page.js";
import { asked, open, page, screen, TWO, view, words } from "./popup_fixture.js";

test("a request without an answer is tried again under its key, on the person's word", async () => {
  page.answers.confirm = { ok: false, attempt: "a1", open: true, problem: { type: "server-unreachable", detail: "" } };
  page.answers.resume = { ok: true, attempt: "a1", data: link() };
  await open();
  press(page, "Enter");
  await settle();
  assert.equal(screen(), "no-answer");
  assert.equal(asked("acknowledge").length, 0);
  press(page, "Enter");
  await settle();
  assert.deepEqual(asked("resume"), [{ type: "resume", attempt: "a1" }]);
  assert.equal(screen(), "linked");
});

test("an outcome that no one saw comes first when the popup is opened again", async () => {
  page.answers.open_tab = view({ attempt: { key: "a1", action: "link", title: "Margaret Holloway" } });
  page.answers.resume = { ok: true, attempt: "a1", data: link() };
  await open();
  assert.equal(screen(), "linked");
  assert.equal(asked("suggest").length, 0);
});

test("a link that is already there is shown with its undo, and linking another is possible", async () => {
  const holders = [record({ reference: REFERENCE })];
  page.answers.suggest = { ok: true, data: { ...TWO, kind: "customer", holders, link: link() } };
  await open();
  assert.equal(screen(), "already");
  const undo = [...page.document.querySelectorAll("button")].find((one) => one.textContent === "Undo");
  undo?.click();
  await settle();
  assert.deepEqual(asked("undo"), [{ type: "undo", snapshot: "l1", link: "lnk_1", title: "Margaret Holloway", also_on: [] }]);
  assert.equal(screen(), "undone");
});

const HOLDERS = [record({ reference: REFERENCE })];
/** @param {string} text */
const buttons = (text) => [...page.document.querySelectorAll("button")].filter((one) => one.textContent === text);
/** @param {object} more @param {object} [contact] */
async function alreadyLinked(more, contact = {}) {
  page.answers.open_tab = view({}, contact);
  page.answers.suggest = { ok: true, data: { ...TWO, kind: "customer", holders: HOLDERS, ...more } };
  await open();
  assert.equal(screen(), "already");
}

test("a link made on another address of the contact, one that names its organisation, is undone here", async () => {
  await alreadyLinked({ link: null, holder_links: [link({ organisation: "!kR4N6" })] }, { organisation: null });
  assert.match(words(), /Linked by Front desk/);
  assert.equal(buttons("Undo").length, 1);
});

test("a link is found though the contact has a newer one that was undone", async () => {
  await alreadyLinked({ link: link({ id: "lnk_9", undoes: "lnk_8", reference: null }), holder_links: [link()] });
  buttons("Undo")[0]?.click();
  await settle();
  assert.equal(asked("undo")[0].link, "lnk_1");
});

test("a reference that crmlink did not put there is not said to be anybody's", async () => {
  await alreadyLinked({ holder_links: [] });
  assert.match(words(), /crmlink doesn't know who made this link/);
  assert.equal(buttons("Undo").length, 0);
});

test("a reference that another organisation's contact brought is not undone from here", async () => {
  await alreadyLinked({ holder_links: [link({ organisation: "!OTHER" })] }, { organisation: "!kR4N6" });
  assert.match(words(), /Front desk linked it, .* from another contact with the same reference/);
  assert.equal(buttons("Undo").length, 0);
});

test("a reference that was there before anybody linked is said to have been", async () => {
  await alreadyLinked({ holder_links: [link({ prior_reference: REFERENCE, can_undo: false })] });
  assert.match(words(), /The reference was already there when Front desk linked it/);
  assert.equal(buttons("Undo").length, 0);
});

test("of several records each says who linked it, and each is undone by itself", async () => {
  const other = record({ id: "customer-1002", label: "Second", reference: REFERENCE });
  const third = record({ id: "customer-1003", label: "Third", reference: REFERENCE });
  const links = [link(), link({ id: "lnk_2", record: other, by: "Till" })];
  await alreadyLinked({ holders: [...HOLDERS, other, third], holder_links: links });
  assert.match(words(), /Linked by Front desk.*Linked by Till.*crmlink doesn't know/s);
  buttons("Undo")[1]?.click();
  await settle();
  assert.equal(asked("undo")[0].link, "lnk_2");
});

test("choosing the record that has the reference already writes nothing", async () => {
  page.answers.suggest = { ok: true, data: { ...TWO, kind: "customer", suggestions: [{ ...TWO.suggestions[0], record: record({ reference: REFERENCE }) }] } };
  await open();
  press(page, "Enter");
  await settle();
  assert.equal(screen(), "already");
  assert.equal(asked("confirm").length, 0);
});

test("a refusal is said in the server's own words, an unknown one with the number to quote", async () => {
  page.answers.confirm = { ok: false, attempt: "a1", problem: { type: "record-gone", detail: "This record has been deleted.", holders: [], retry_after: null, request_id: "req-9" } };
  await open();
  press(page, "Enter");
  await settle();
  assert.match(words(), /This record has been deleted\./);
  page.answers.suggest = { ok: false, problem: { type: "moon-phase", detail: "", retry_after: null, holders: [], request_id: "req-9" } };
  press(page, "Enter");
  await settle();
  assert.match(words(), /Something went wrong.*req-9/s);
});

for (const type of ["tab-closed", "tab-moved", "contact-changed"]) {
  test(`after ${type} the popup starts over, and Enter does not link`, async () => {
    page.answers.confirm = { ok: false, problem: { type, detail: "", retry_after: null, holders: [] } };
    await open();
    press(page, "Enter");
    await settle();
    assert.equal(screen(), `trouble-${type}`);
    assert.match(words(), /nothing was sent/);
    press(page, "Enter");
    await settle();
    assert.equal(asked("confirm").length, 1);
  });
}

test("a background that does not answer is said so", async () => {
  page.answers.open_tab = () => {
    throw new Error("Could not establish connection.");
  };
  await open();
  assert.equal(screen(), "trouble-background-silent");
});

test("every screen has one heading, and the keyboard is inside it", async () => {
  await open();
  press(page, "2");
  press(page, "Enter");
  await settle();
  assert.equal(page.document.querySelectorAll("h1").length, 1);
  assert.equal(page.document.activeElement?.tagName, "H1");
});
