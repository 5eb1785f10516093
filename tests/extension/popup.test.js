// @ts-check
// The popup under the fingers: what each key does, and what no key may do.
import assert from "node:assert/strict";
import { test } from "node:test";

import { link, MARGARET, offer, record } from "./fake_browser.js";
import { press, settle } from "./fake_page.js";
import { asked, chosen, create, open, page, screen, SECOND, TIE, TWO, view, words } from "./popup_fixture.js";

test("Enter links the first suggestion when it is sure, and the outcome is noted as seen", async () => {
  await open();
  assert.equal(chosen(), "customer-1001");
  press(page, "Enter");
  await settle();
  assert.equal(screen(), "linked");
  const [sent] = asked("confirm");
  assert.deepEqual(sent, {
    type: "confirm", snapshot: "l1", kind: "customer", typed: null, record: "customer-1001", replaces: null, also_on: [], checked_empty: false, accepts_kind: false, differences: [],
  });
  assert.deepEqual(asked("acknowledge"), [{ type: "acknowledge", attempt: "a1" }]);
});

test("a held-down Enter links nothing", async () => {
  await open();
  press(page, "Enter", { repeat: true });
  await settle();
  assert.equal(asked("confirm").length, 0);
});

test("Enter twice sends one decision", async () => {
  await open();
  press(page, "Enter");
  press(page, "Enter");
  await settle();
  assert.equal(asked("confirm").length, 1);
});

test("when two fit alike nothing is chosen, and Enter links nothing", async () => {
  page.answers.suggest = { ok: true, data: { ...TIE, kind: "customer" } };
  await open();
  assert.equal(chosen(), undefined);
  assert.match(words(), /More than one of these fits almost equally well/);
  press(page, "Enter");
  await settle();
  assert.equal(asked("confirm").length, 0);
});

test("digits and arrows choose", async () => {
  page.answers.suggest = { ok: true, data: { ...TIE, kind: "customer" } };
  await open();
  press(page, "ArrowDown");
  assert.equal(chosen(), "customer-1001");
  press(page, "2");
  assert.equal(chosen(), "customer-1002");
  press(page, "5");
  assert.equal(chosen(), "customer-1002");
});

test("a record with another reference needs a tick and its own button; Enter alone does nothing", async () => {
  await open();
  press(page, "2");
  press(page, "Enter");
  await settle();
  assert.equal(screen(), "care");
  assert.match(words(), /OLD/);
  press(page, "Enter");
  press(page, "Enter");
  await settle();
  assert.equal(asked("confirm").length, 0);
  const proceed = /** @type {HTMLButtonElement} */ (page.document.getElementById("accept-link"));
  assert.equal(proceed.disabled, true);
  proceed.click();
  assert.equal(asked("confirm").length, 0);
  page.document.getElementById("accept")?.click();
  proceed.click();
  await settle();
  assert.equal(asked("confirm")[0].replaces, "OLD");
});

test("what the server finds in the way is added up over several questions", async () => {
  const replies = [
    { ok: false, attempt: "a1", problem: { type: "record-has-reference", detail: "", record: record({ reference: "OLD" }), current_reference: "OLD", holders: [] } },
    { ok: false, attempt: "a2", problem: { type: "reference-taken", detail: "", record: null, current_reference: null, holders: [SECOND] } },
    { ok: true, attempt: "a3", data: link({ prior_reference: "OLD" }) },
  ];
  page.answers.confirm = () => replies.shift();
  await open();
  press(page, "Enter");
  await settle();
  for (let step = 0; step < 2; step += 1) {
    assert.equal(screen(), "care");
    page.document.getElementById("accept")?.click();
    page.document.getElementById("accept-link")?.click();
    await settle();
  }
  assert.equal(screen(), "linked");
  const last = asked("confirm")[2];
  assert.equal(last.replaces, "OLD");
  assert.deepEqual(last.also_on, ["customer-1002"]);
});

test("c and s ask for the other kind's suggestions, but not while typing", async () => {
  await open();
  press(page, "s");
  await settle();
  assert.equal(asked("suggest").at(-1)?.kind, "supplier");
  page.answers.suggest = { ok: true, data: { ...TWO, kind: "supplier" } };
  press(page, "/");
  const before = asked("suggest").length;
  press(page, "c");
  await settle();
  assert.equal(asked("suggest").length, before);
});

const CUSTOMERS = { ok: true, data: { ...TWO, kind: "supplier" } };

/** The box that only a record of the other kind has. */
const kindBox = () => /** @type {HTMLInputElement | null} */ (page.document.getElementById("accept-kind"));
const proceed = () => /** @type {HTMLButtonElement} */ (page.document.getElementById("accept-link"));

test("a contact said to be a supplier has no customer preselected, and Enter links nothing", async () => {
  await open();
  page.answers.suggest = CUSTOMERS;
  press(page, "s");
  await settle();
  assert.equal(chosen(), undefined);
  assert.match(words(), /The best match is a customer, not a supplier/);
  press(page, "Enter");
  await settle();
  assert.equal(screen(), "choose");
  assert.equal(asked("confirm").length, 0);
});

test("a supplier is linked to a customer only by a tick and a button of its own, and says so", async () => {
  await open();
  page.answers.suggest = CUSTOMERS;
  press(page, "s");
  await settle();
  press(page, "1");
  press(page, "Enter");
  await settle();
  assert.equal(screen(), "care");
  assert.match(words(), /Margaret Holloway is a customer, not a supplier/);
  press(page, "Enter");
  proceed().click();
  await settle();
  assert.equal(asked("confirm").length, 0);
  kindBox()?.click();
  proceed().click();
  await settle();
  const [sent] = asked("confirm");
  assert.deepEqual([sent.kind, sent.record, sent.accepts_kind], ["supplier", "customer-1001", true]);
});

test("the other kind and another reference are two ticks", async () => {
  await open();
  page.answers.suggest = CUSTOMERS;
  press(page, "s");
  await settle();
  press(page, "2");
  press(page, "Enter");
  await settle();
  kindBox()?.click();
  assert.equal(proceed().disabled, true);
  page.document.getElementById("accept")?.click();
  assert.equal(proceed().disabled, false);
  proceed().click();
  await settle();
  const [sent] = asked("confirm");
  assert.deepEqual([sent.kind, sent.accepts_kind, sent.replaces], ["supplier", true, "OLD"]);
});

test("where the page tells that the contact is a supplier, no customer is preselected", async () => {
  page.answers.open_tab = view({}, { kind: "supplier" });
  page.answers.suggest = CUSTOMERS;
  await open();
  press(page, "Enter");
  await settle();
  assert.deepEqual([chosen(), asked("confirm").length], [undefined, 0]);
});

test("a kind that the server knows and the popup did not ask about needs the second choice too", async () => {
  const refusal = { type: "kind-differs", detail: "", record: record(), current_reference: null, holders: [] };
  const replies = [{ ok: false, attempt: "a1", problem: refusal }, { ok: true, attempt: "a2", data: link() }];
  page.answers.confirm = () => replies.shift();
  await open();
  press(page, "Enter");
  await settle();
  assert.equal(screen(), "care");
  kindBox()?.click();
  proceed().click();
  await settle();
  assert.equal(screen(), "linked");
  assert.deepEqual(asked("confirm").map((one) => one.accepts_kind), [false, true]);
});

test("where the page tells the kind, no one is asked", async () => {
  page.answers.open_tab = view({}, { kind: "supplier" });
  await open();
  assert.equal(page.document.querySelector("input[name=kind]"), null);
  press(page, "c");
  await settle();
  assert.equal(asked("suggest").length, 1);
});

test("where nothing could be read, the keyboard is in the name field, and what is typed is asked for", async () => {
  page.answers.open_tab = view({}, {});
  page.answers.open_tab.data.place.details = { ...MARGARET, name: "", email: "", address: "", town: "", postcode: "", phones: [] };
  page.answers.suggest = { ok: true, data: { ...offer({ suggestions: [] }), kind: "customer" } };
  await open();
  assert.match(words(), /couldn't read this page/);
  const field = /** @type {HTMLInputElement} */ (page.document.activeElement);
  assert.equal(field.id, "typed-name");
  field.value = "Margaret Holloway";
  page.document.querySelector("form")?.requestSubmit();
  await settle();
  assert.deepEqual(asked("suggest").at(-1)?.typed, { name: "Margaret Holloway", postcode: "" });
});

test("/ opens the search; Enter there goes to what was found and links nothing", async () => {
  await open();
  press(page, "/");
  const input = /** @type {HTMLInputElement} */ (page.document.getElementById("search"));
  assert.equal(page.document.activeElement, input);
  input.value = "pryce";
  input.dispatchEvent(new page.window.Event("input", { bubbles: true }));
  await page.answersTo("search");
  await settle();
  assert.equal(chosen(), undefined);
  press(page, "Enter");
  await settle();
  assert.equal(asked("confirm").length, 0);
  assert.equal(chosen(), "customer-1002");
  assert.match(words(), /1 match found/);
});

test("a search that finds only the other kind says so, and shows them when asked", async () => {
  page.answers.search = { ok: true, data: { records: [], others: [record({ id: "supplier-9", kind: "supplier", label: "Pryce Supplies" })] } };
  await open();
  press(page, "/");
  const input = /** @type {HTMLInputElement} */ (page.document.getElementById("search"));
  input.value = "pryce";
  input.dispatchEvent(new page.window.Event("input", { bubbles: true }));
  await page.answersTo("search");
  await settle();
  assert.match(words(), /No customer; 1 supplier matches/);
  assert.equal(page.document.querySelectorAll("input[name=record]").length, 0);
  page.document.getElementById("show-others")?.click();
  assert.equal(chosen(), "supplier-9");
});

test("the popup has a way to crmlink's own pages, of the connected server only", async () => {
  await open();
  const way = page.document.querySelector("header a");
  assert.equal(way?.getAttribute("href"), "http://127.0.0.1:8787/");
  assert.equal(/** @type {HTMLElement} */ (way).hidden, false);
});

test("a late answer to an earlier question changes nothing", async () => {
  /** @type {(answer: object) => void} */
  let late = () => undefined;
  page.answers.suggest = () => new Promise((resolve) => (late = resolve));
  const app = create();
  void app.start();
  await settle();
  page.answers.suggest = { ok: true, data: { ...TWO, kind: "supplier" } };
  press(page, "s");
  await settle();
  late({ ok: true, data: { ...offer({ suggestions: [] }), kind: "customer" } });
  await settle();
  assert.equal(page.document.querySelectorAll("input[name=record]").length, 2);
  assert.equal(app.kind, "supplier");
});

test("agreeing and differing reasons are told apart without colour", async () => {
  await open();
  assert.match(words(), /Agrees: same email/);
  assert.match(words(), /Differs: other town/);
});

test("a note about other records is not read out as a difference", async () => {
  const noted = TIE.suggestions.map((one) => ({ ...one, reasons: [{ code: "near_tie", text: "another one is almost as close", agrees: null }] }));
  page.answers.suggest = { ok: true, data: { ...TIE, kind: "customer", suggestions: noted } };
  await open();
  assert.match(words(), /another one is almost as close/);
  assert.doesNotMatch(words(), /(Agrees|Differs): another record/);
});

test("the sandbox is named on every screen", async () => {
  await open();
  const banner = page.document.querySelector(".sandbox");
  assert.equal(banner?.hasAttribute("hidden"), false);
  press(page, "Enter");
  await settle();
  assert.equal(banner?.isConnected && !banner.hasAttribute("hidden"), true);
});

test("names from pages and from Commusoft are text, never markup", async () => {
  const evil = "<img src=x onerror=alert(1)>";
  page.answers.open_tab = view({}, { cautions: [evil] });
  page.answers.suggest = { ok: true, data: { ...TWO, kind: "customer", suggestions: [{ ...TWO.suggestions[0], record: record({ label: evil, page_url: "javascript:alert(1)" }) }] } };
  page.answers.confirm = { ok: true, attempt: "a1", data: link({ record: record({ label: evil, page_url: "javascript:alert(1)" }) }) };
  await open();
  assert.equal(page.document.querySelectorAll("main img").length, 0);
  assert.ok(words().includes(evil));
  press(page, "Enter");
  await settle();
  assert.equal(screen(), "linked");
  assert.equal(page.document.querySelectorAll("main a, footer a").length, 0);
});
