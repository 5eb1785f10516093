// @ts-check
// What the popup states is true in the state it is stated in.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { link, lost, MARGARET, offer, problemReply, record, REFERENCE, WORKSPACE } from "./fake_browser.js";
import { openPage, press, settle } from "./fake_page.js";
import { CHOICE, openTab, setting } from "./commands_fixture.js";

/** @type {ReturnType<typeof openPage>} */
let page = openPage();
const { PopupController } = await import("../../extension/popup/app.js");
const { createFrame: createStage } = await import("../../extension/popup/frame.js");

const AWAY = { type: "server-unreachable", status: null, error: null, detail: "", request_id: null, retry_after: null, record: null, holders: [], link: null, by: null, since: null };
const UNCHANGED = "Nothing was changed";
const NOT_KNOWN = "don't know yet";

/** @param {object} [more] @param {object} [place] */
function view(more = {}, place = {}) {
  const contact = {
    page: "contact", source: "tab", tab: 7, snapshot: "l1", details: MARGARET,
    contact: { package: "xero", package_name: "Xero", kind: "customer", reference: REFERENCE, organisation: null, cautions: [] }, ...place,
  };
  const status = { connected: true, server: "http://127.0.0.1:8787", workspace: WORKSPACE };
  return { ok: true, data: { status, problem: null, place: contact, packages: [], attempt: null, others: [], ...more } };
}

const screen = () => page.document.body.dataset.screen;
const words = () => page.document.querySelector("main")?.textContent ?? "";
const asked = (/** @type {string} */ type) => page.asked.filter((one) => one.type === type);

/** @param {string} text */
function click(text) {
  const button = [...page.document.querySelectorAll("button")].find((one) => one.textContent?.includes(text));
  assert.ok(button, `no button says ${text}: ${page.document.body.textContent}`);
  button.click();
}

async function open() {
  const app = new PopupController(createStage(), 7);
  await app.start();
  await settle();
  return app;
}

beforeEach(() => {
  page = openPage();
  Object.assign(page.answers, { open_tab: view(), suggest: { ok: true, data: { ...offer(), kind: "customer" } } });
});

for (const [where, open_] of /** @type {const} */ ([["this contact", { attempt: true }], ["another contact", { attempt: false }]])) {
  test(`a server that is away while a decision about ${where} is open does not say that nothing was changed`, async () => {
    const one = { key: "k1", action: "link", title: "Margaret Holloway", open: true };
    page.answers.open_tab = view(open_.attempt ? { problem: AWAY, attempt: one } : { problem: AWAY, others: [one] });
    await open();
    assert.match(words(), new RegExp(NOT_KNOWN));
    assert.doesNotMatch(words(), new RegExp(UNCHANGED));
  });
}

test("a server that is away while nothing is open has changed nothing", async () => {
  const seen = { key: "k1", action: "link", title: "Margaret Holloway", open: false };
  page.answers.open_tab = view({ problem: AWAY, others: [seen] });
  await open();
  assert.match(words(), new RegExp(UNCHANGED));
});

test("a decision that was turned away after it may have arrived is neither forgotten nor called undone", async () => {
  const tired = { ...AWAY, type: "too-many-requests", status: 429, detail: "That was too often in a short time." };
  page.answers.open_tab = view({ attempt: { key: "k1", action: "link", title: "Margaret Holloway", open: true } });
  page.answers.resume = { ok: false, problem: tired, attempt: "k1", open: true };
  await open();
  assert.equal(screen(), "no-answer");
  assert.doesNotMatch(words(), new RegExp(UNCHANGED));
  assert.equal(asked("acknowledge").length, 0);
});

test("the background says that such a decision is still open", async () => {
  const { commands, server, memory } = await setting();
  server.replies["POST /links"] = lost;
  const snapshot = await openTab(commands);
  const first = await commands.confirm({ ...CHOICE, snapshot });
  assert.equal(first.open, true);
  server.replies["POST /links"] = () => problemReply("too-many-requests", 429, "Too often.");
  const again = await commands.resume({ attempt: String(first.attempt) });
  assert.equal(again.open, true);
  assert.equal((await memory.get("attempts")).attempts.length, 1);
  const { data } = /** @type {{data: any}} */ (await commands.open_tab({ tab: 7 }));
  assert.equal(data.attempt.open, true);
});

test("choosing again without an answer forgets the decision only once the server has shown what is", async () => {
  page.answers.open_tab = view();
  page.answers.confirm = { ok: false, problem: AWAY, attempt: "k1", open: true };
  await open();
  press(page, "Enter");
  await settle();
  assert.equal(screen(), "no-answer");
  page.answers.suggest = { ok: false, problem: AWAY };
  click("Choose again");
  await settle();
  assert.equal(asked("acknowledge").length, 0);
  assert.match(words(), new RegExp(NOT_KNOWN));
  assert.doesNotMatch(words(), new RegExp(UNCHANGED));
  page.answers.resume = { ok: false, problem: AWAY, attempt: "k1", open: true };
  page.answers.open_tab = view();
  page.answers.suggest = { ok: true, data: { ...offer(), kind: "customer" } };
  click("Check again");
  await settle();
  assert.equal(screen(), "choose");
});

test("an outcome that was shown elsewhere is not called unchanged", async () => {
  const { commands } = await setting();
  const answer = await commands.resume({ attempt: "gone" });
  assert.ok(!answer.ok);
  assert.equal(answer.problem.type, "outcome-seen");
});

test("an undo that cannot be says nothing of a reference that no one asked Commusoft for", async () => {
  const { problemFromResponse: fromServer } = await import("../../extension/lib/server/problem.js");
  const unasked = fromServer({ type: "urn:crmlink:problem:cannot-undo", detail: "It was undone already." }, 409, null);
  const held = link();
  page.answers.suggest = { ok: true, data: { ...offer({ holders: [record({ reference: REFERENCE })], link: held }), kind: "customer" } };
  page.answers.undo = { ok: false, problem: unasked, attempt: "a1", open: false };
  await open();
  click("Undo");
  await settle();
  assert.match(words(), /It was undone already/);
  assert.doesNotMatch(words(), /It has no reference in Commusoft/);
});

test("an undo that failed is not called a link that failed", async () => {
  const failed = link({ state: "failed", undoes: "lnk_0", can_undo: false, failure: { type: "urn:crmlink:problem:write-refused", detail: "Refused." } });
  page.answers.suggest = { ok: true, data: { ...offer({ link: failed }), kind: "customer" } };
  await open();
  assert.match(words(), /last attempt to undo/i);
  assert.doesNotMatch(words(), /last attempt to link/i);
});

test("nothing is said to be above the search where there is nothing", async () => {
  page.answers.suggest = { ok: true, data: { ...offer({ suggestions: [], none: 1 }), kind: "customer" } };
  page.answers.open_tab = view({}, { details: { ...MARGARET, name: "", email: "", phones: [], address: "", town: "", postcode: "" } });
  await open();
  assert.doesNotMatch(words(), /None of these/);
  assert.match(words(), /Search/);
});

test("a page that could not be read is not said to have changed its layout", async () => {
  page.answers.suggest = { ok: true, data: { ...offer({ suggestions: [], none: 1 }), kind: "customer" } };
  page.answers.open_tab = view({}, { details: { ...MARGARET, name: "", email: "", phones: [], address: "", town: "", postcode: "" } });
  await open();
  assert.match(words(), /couldn't read this page/);
  assert.doesNotMatch(words(), /layout has changed/);
});

test("no figure is beside the word for how likely a match is", async () => {
  const two = offer({
    suggestions: [
      { record: record(), probability: 0.994, sure: true, reasons: [] },
      { record: record({ id: "customer-1002", label: "M Holloway" }), probability: 0.994, sure: false, reasons: [] },
    ],
  });
  page.answers.suggest = { ok: true, data: { ...two, kind: "customer" } };
  await open();
  const said = [...page.document.querySelectorAll(".likelihood")].map((one) => one.textContent?.trim());
  assert.deepEqual(said, ["Sure", "Very likely"]);
});

test("the button promises Enter only where Enter links", async () => {
  await open();
  const hint = () => /** @type {HTMLElement} */ (page.document.querySelector("#link kbd"));
  assert.equal(hint().hidden, false);
  press(page, "/");
  assert.equal(page.document.activeElement?.id, "search");
  assert.equal(hint().hidden, true);
  press(page, "ArrowDown");
  assert.equal(hint().hidden, false);
  /** @type {HTMLElement} */ (page.document.querySelector(".copy")).focus();
  assert.equal(hint().hidden, true);
});

test("a list promises Enter only where Enter sends it", async () => {
  const list = { page: "list", package_name: "Xero", kind: null, count: 2, names: [], list: "l1", drafts: [], refused: null };
  const data = view().data;
  page.answers.resume = { ok: false, problem: AWAY, attempt: "k1", open: true };
  page.answers.open_tab = { ok: true, data: { ...data, place: list, others: [{ key: "k1", action: "link", title: "Ann", open: true }] } };
  await open();
  const hint = () => /** @type {HTMLElement} */ (page.document.querySelector("#send-list kbd"));
  assert.equal(hint().hidden, false);
  /** @type {HTMLElement} */ (page.document.querySelector("main .inline")).focus();
  assert.equal(hint().hidden, true);
  press(page, "Enter");
  assert.equal(asked("collect").length, 0);
});
