// @ts-check
// Our script on a record's page: what it fills and believes while the page does what pages do.
import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";

import { LABELS, page, RECORD_PAGE } from "./commusoft_page.js";
import "../../extension/lib/commusoft/evidence.js";
import { readFileSync } from "node:fs";

const words = JSON.parse(readFileSync(new URL("../../extension/_locales/en_GB/messages.json", import.meta.url), "utf8"));
const TARGET = "8275f116-6419-4b82-889a-f41dcc1d6186";
const VIEW = "<h1>Margaret Holloway</h1><a href=#>Edit</a><dl><dt>Third-Party Reference</dt><dd></dd></dl>";
/** @param {string} value */
const shows = (value) => VIEW.replace("<dd></dd>", `<dd>${value}</dd>`);
const FORM = "<h1>Margaret Holloway</h1><form id=editcustomer><input id=name name='customerDetails.surname' value=Holloway><label for=f>Third-Party Reference</label><input id=f></form>";

let runs = 0;
/** @type {() => void} */
let end = () => undefined;

/** @param {string} html @param {object} [more] of the link */
async function open(html, more = {}) {
  mock.timers.enable({ apis: ["setInterval", "setTimeout", "Date"] });
  const { window, document } = page(html);
  const state = {
    url: RECORD_PAGE,
    link: /** @type {any} */ ({ id: "lnk_1", state: "intended", reference: TARGET, prior_reference: null, contact_name: "Margaret", by: "Jan", created_at: "2026-03-02T09:00:00Z", record: "Margaret Holloway", failure: null, ...more }),
    asked: /** @type {any[]} */ ([]),
    wasFilled: Boolean(/** @type {any} */ (more).wasFilled),
    view: /** @type {any} */ (null),
    loads: 0,
    /** What the server says to an observation. @type {(seen: any) => any} */
    judge: ({ stage, value }) => {
      if (value === state.link.reference) state.link = { ...state.link, state: "linked" };
      else if (stage === "after" && value !== state.link.prior_reference) state.link = { ...state.link, state: "conflict" };
      return { ok: true, data: { link: state.link, fill: stage === "before" && state.link.state === "intended" } };
    },
  };
  const search = { labels: LABELS, edits: ["Edit"], subject: { kind: "customer", number: "1001", names: ["Margaret Holloway"] }, rule: null };
  /** @param {any} message */
  const answer = (message) => {
    const { type, ...fields } = message;
    if (type === "assist_read") return { ok: true, data: state.link.state === "intended" ? { address: state.url, link: state.link, search, may_show: false, was_filled: state.wasFilled, stays: /** @type {any} */ (more).stays ?? true } : null };
    state.asked.push({ type, ...fields });
    if (type === "assist_observe") return state.judge(fields);
    return { ok: true, data: { link: { ...state.link, state: "failed" } } };
  };
  const panel = { host: document.createElement("crmlink-assist"), show: (/** @type {any} */ view) => (state.view = view), hide: () => (state.view = null), leave: () => (state.view = null) };
  const chrome = {
    runtime: { id: "x", sendMessage: async (/** @type {any} */ message) => structuredClone(answer(message)), onMessage: { addListener: () => undefined, removeListener: () => undefined } },
    i18n: { getMessage: (/** @type {string} */ key, /** @type {string[]} */ values = []) => (words[key]?.message ?? "").replace(/\$([1-9])/g, (/** @type {string} */ _, /** @type {string} */ at) => values[Number(at) - 1] ?? "") },
  };
  const typed = /** @type {((event: any) => void)[]} */ ([]);
  const listen = document.addEventListener.bind(document);
  document.addEventListener = (/** @type {string} */ type, /** @type {any} */ hear, /** @type {any} */ how) => {
    if (type === "input") typed.push(hear);
    listen(type, hear, how);
  };
  const globals = { window, document, AbortController: window.AbortController, location: { get href() { return state.url; }, reload: () => void (state.loads += 1) }, chrome, Element: window.Element, HTMLElement: window.HTMLElement, MutationObserver: window.MutationObserver };
  for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  /** @type {any} */ (globalThis).crmlinkPanel = { createPanel: () => panel };
  await import(`../../extension/content/assist/views.js?${(runs += 1)}`);
  await import(`../../extension/content/assist/typing.js?${runs}`);
  await import(`../../extension/content/assist/assist.js?${runs}`);
  end = () => /** @type {any} */ (globalThis).crmlinkAssist?.leave();
  await pass(0);
  return {
    state, document, window,
    title: () => state.view?.title ?? null,
    /** @param {string} button */
    async press(button) {
      const found = state.view?.actions.find((/** @type {any} */ one) => one.words === button);
      assert.ok(found, `${button} is not on the panel: ${JSON.stringify(state.view)}`);
      found.act();
      await pass(0);
    },
    /** A person's own typing, which a page cannot imitate. @param {Element} field */
    byHand: (field) => typed.forEach((hear) => hear({ isTrusted: true, composedPath: () => [field] })),
    field: () => /** @type {any} */ (document.querySelector("#f")),
    observed: () => state.asked.filter((one) => one.type === "assist_observe").map((one) => [one.stage, one.value, one.replaces]),
    /** @param {string} now */
    draw: (now) => void (document.body.innerHTML = now),
  };
}

/** Let this much time pass, and what waits for it happen. @param {number} milliseconds */
async function pass(milliseconds) {
  for (let gone = 0; gone <= milliseconds; gone += 100) {
    if (gone > 0) mock.timers.tick(100);
    for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
    await new Promise(setImmediate);
  }
}

afterEach(() => {
  end();
  mock.timers.reset();
});

/** @param {Awaited<ReturnType<typeof open>>} at */
async function fillIn(at) {
  await pass(600);
  await at.press("Fill in");
  await pass(1_500);
}

test("looked at, filled, saved by the person, seen", async () => {
  const at = await open(VIEW);
  assert.equal(at.title(), "Select Edit in Commusoft");
  at.draw(FORM);
  await pass(600);
  assert.equal(at.title(), "Fill in the Third-Party Reference?");
  await fillIn(at);
  assert.equal(at.field().value, TARGET);
  assert.equal(at.title(), "Now select Save in Commusoft");
  await pass(5_000);
  assert.deepEqual(at.observed(), [["before", null, null]]);
  at.draw(shows(TARGET));
  await pass(3_000);
  assert.deepEqual([at.observed().length, at.state.loads], [1, 1]);
  await pass(3_000);
  assert.equal(at.state.loads, 1);
  end();
  mock.timers.reset();
  const anew = await open(shows(TARGET), { wasFilled: true });
  await pass(3_000);
  assert.deepEqual([anew.observed(), anew.state.loads], [[["after", TARGET, null]], 0]);
  assert.equal(anew.title(), "Linked, seen on the page");
});

test("what a page shows before it is saved is no proof, however long it shows it", async () => {
  const at = await open(FORM);
  await fillIn(at);
  at.draw(shows(TARGET));
  await pass(20_000);
  at.draw(shows(""));
  await pass(3_000);
  assert.deepEqual(at.observed(), [["before", null, null], ["after", null, null]]);
  at.draw(shows(TARGET));
  await pass(5_000);
  assert.equal(at.state.link.state, "intended");
});

test("what the person typed by hand is no proof in that page either", async () => {
  const at = await open(FORM);
  at.field().value = TARGET;
  at.byHand(at.field());
  at.draw(shows(TARGET));
  await pass(3_000);
  assert.deepEqual([at.observed(), at.state.loads], [[], 1]);
});

test("the page is not loaded anew over what a person typed and has not saved", async () => {
  const at = await open(`${FORM}<label for=o>Note</label><input id=o>`);
  await fillIn(at);
  at.draw(`${shows(TARGET)}<label for=o>Note</label><input id=o>`);
  const note = /** @type {any} */ (at.document.querySelector("#o"));
  note.value = "Call back";
  at.byHand(note);
  await pass(5_000);
  assert.deepEqual([at.state.loads, at.title()], [0, "Save your other changes, then reload"]);
  note.remove();
  await pass(3_000);
  assert.equal(at.state.loads, 1);
});

test("where we are not let in again after a load, the person loads the page and asks", async () => {
  const at = await open(FORM, { stays: false });
  await fillIn(at);
  at.draw(shows(TARGET));
  await pass(5_000);
  assert.deepEqual([at.state.loads, at.title()], [0, "Reload the page, then select crmlink"]);
  await at.press("Reload the page");
  assert.equal(at.state.loads, 1);
});

test("while the person's Save is awaited, Enter in the panel takes none of its actions", async () => {
  const at = await open(FORM);
  await pass(600);
  assert.ok(!at.state.view.waits);
  await at.press("Fill in");
  await pass(1_000);
  assert.equal(at.title(), "Now select Save in Commusoft");
  assert.ok(at.state.view.waits);
  assert.equal(at.state.view.actions[0].words, "Close");
});

test("what a page shows for a moment and takes back is not believed", async () => {
  const at = await open(FORM);
  await fillIn(at);
  at.draw(shows(TARGET));
  await pass(900);
  at.draw(`${FORM.replace("<input id=f>", `<input id=f value=${TARGET}>`)}<div role=alert>Something went wrong. Please try again</div>`);
  await pass(4_000);
  assert.deepEqual(at.observed(), [["before", null, null]]);
});

test("what a page shows beside a failure is not believed while it says so", async () => {
  const at = await open(FORM);
  await fillIn(at);
  at.draw(`${shows(TARGET)}<div role=alert>Could not be saved</div>`);
  await pass(5_000);
  assert.deepEqual(at.observed(), [["before", null, null]]);
  at.draw(shows(TARGET));
  await pass(3_000);
  assert.equal(at.state.loads, 1);
});

test("a field that is switched off while it is saved, or drawn anew, proves nothing", async () => {
  const at = await open(FORM);
  await fillIn(at);
  at.field().disabled = true;
  await pass(4_000);
  at.draw(FORM.replace("<input id=f>", `<input id=f class=ng-pristine value=${TARGET}>`));
  await pass(4_000);
  assert.deepEqual(at.observed(), [["before", null, null]]);
  assert.equal(at.title(), "Now select Save in Commusoft");
});

test("saved without it, or cancelled: not seen yet, and it stays open", async () => {
  const at = await open(FORM);
  await fillIn(at);
  at.draw(VIEW);
  await pass(3_000);
  assert.deepEqual(at.observed().at(-1), ["after", null, null]);
  assert.equal(at.title(), "Not seen yet");
  assert.equal(at.state.link.state, "intended");
});

test("another value after saving is a conflict, never linked", async () => {
  const at = await open(FORM);
  await fillIn(at);
  at.draw(shows("SOMETHING ELSE"));
  await pass(3_000);
  assert.deepEqual(at.observed().at(-1), ["after", "SOMETHING ELSE", null]);
  assert.equal(at.state.link.state, "conflict");
});

test("a page that was opened before something else was learnt is not asked about again until it is loaded anew", async () => {
  const at = await open(shows(TARGET), { record_version: 7 });
  at.state.judge = () => ({ ok: false, problem: { type: "page-read-earlier", detail: "Load the page again." } });
  await pass(3_000);
  assert.equal(at.state.asked.length, 1);
  assert.equal(at.state.asked[0].record_version, 7);
  assert.ok(JSON.stringify(at.state.view).includes("Load the page again."));
  at.draw(shows("changed meanwhile"));
  await pass(6_000);
  assert.equal(at.state.asked.length, 1);
});

test("what the server knows goes with the next look", async () => {
  const at = await open(VIEW, { record_version: 7 });
  const { judge } = at.state;
  at.state.judge = (seen) => {
    at.state.link = { ...at.state.link, record_version: at.state.link.record_version + 1 };
    return judge(seen);
  };
  at.draw(FORM);
  await fillIn(at);
  at.draw(VIEW);
  await pass(3_000);
  assert.deepEqual(at.state.asked.filter((one) => one.type === "assist_observe").map((one) => one.record_version), [7, 8]);
});

test("a page that shows it already needs no filling", async () => {
  const at = await open(shows(TARGET));
  await pass(3_000);
  assert.deepEqual(at.observed(), [["before", TARGET, null]]);
  assert.equal(at.title(), "Linked, seen on the page");
});

test("what the person typed and has not saved is neither filled over nor taken for the page's", async () => {
  const at = await open(FORM);
  at.field().value = "TYPED";
  at.field().className = "ng-dirty";
  await pass(600);
  assert.equal(at.title(), "Someone has typed into the field");
  at.field().value = TARGET;
  await pass(4_000);
  assert.deepEqual(at.observed(), []);
});

test("another reference needs its own choice, and the first offer is to keep it", async () => {
  const at = await open(FORM.replace("<input id=f>", "<input id=f value=OTHER>"));
  at.state.judge = ({ value, replaces }) => (replaces === value
    ? { ok: true, data: { link: at.state.link, fill: true } }
    : { ok: false, problem: { type: "record-has-reference", detail: "", current_reference: value } });
  await pass(600);
  await at.press("Fill in");
  assert.equal(at.title(), "Another reference is there already");
  assert.deepEqual(at.state.view.actions.map((/** @type {any} */ one) => one.words), ["Keep it", "Replace it", "Withdraw this link"]);
  await pass(2_000);
  assert.equal(at.field().value, "OTHER");
  await at.press("Replace it");
  await pass(1_500);
  assert.deepEqual(at.observed(), [["before", "OTHER", null], ["before", "OTHER", "OTHER"]]);
  assert.equal(at.field().value, TARGET);
});

test("without the server's yes nothing is filled", async () => {
  const at = await open(FORM);
  at.state.judge = () => ({ ok: true, data: { link: at.state.link, fill: false } });
  await fillIn(at);
  assert.equal(at.field().value, "");
  at.state.judge = () => ({ ok: false, problem: { type: "server-unreachable", detail: "" } });
  await at.press("Fill in");
  await pass(1_500);
  assert.deepEqual([at.field().value, at.title()], ["", "That did not work"]);
});

test("a page that goes on to another record while the server is asked is not filled", async () => {
  const at = await open(FORM);
  await pass(600);
  const { judge } = at.state;
  at.state.judge = (seen) => {
    at.state.url = RECORD_PAGE.replace("1001", "2002");
    return judge(seen);
  };
  await at.press("Fill in");
  await pass(2_000);
  assert.equal(at.field().value, "");
});

test("a value that changed while the server was asked is not filled over", async () => {
  const at = await open(FORM);
  await pass(600);
  const { judge } = at.state;
  at.state.judge = (seen) => {
    at.field().value = "A colleague's";
    return judge(seen);
  };
  await at.press("Fill in");
  await pass(1_500);
  assert.equal(at.field().value, "A colleague's");
});

test("a page whose content is another record's than its address is asked about, not filled", async () => {
  const at = await open(FORM.replace("Margaret Holloway", "Ruth Adeyemi").replace("value=Holloway", "value=Adeyemi"));
  assert.equal(at.title(), null);
  await pass(5_000);
  assert.equal(at.title(), "Is this the page of Margaret Holloway?");
  assert.notEqual(at.state.view.actions[0].words, "Yes, it is");
});

test("given up after it was filled, the field is put back first", async () => {
  const at = await open(FORM);
  await fillIn(at);
  await at.press("Withdraw this link");
  await pass(2_000);
  assert.equal(at.field().value, "");
  assert.deepEqual(at.state.asked.at(-1), { type: "assist_withdraw", link: "lnk_1", seen: true, value: null });
});

test("a page that was loaded anew after it was filled is read again: not seen, or another value", async () => {
  const at = await open(VIEW, { wasFilled: true });
  await pass(3_000);
  assert.deepEqual([at.observed(), at.title()], [[["after", null, null]], "Not seen yet"]);
  await pass(5_000);
  assert.equal(at.observed().length, 1);
  await at.press("Check again");
  assert.equal(at.title(), "Select Edit in Commusoft");
});

test("nothing waits for the page: no panel", async () => {
  const at = await open(FORM, { state: "linked" });
  await pass(2_000);
  assert.equal(at.title(), null);
});

test("a page in which the filling changes another field stays as it was", async () => {
  const at = await open(FORM);
  at.field().addEventListener("input", () => (/** @type {any} */ (at.document.querySelector("#name")).value = at.field().value));
  await fillIn(at);
  await pass(1_500);
  assert.deepEqual([at.field().value, /** @type {any} */ (at.document.querySelector("#name")).value], ["", "Holloway"]);
  assert.equal(at.title(), "The field was not filled in");
});

const LINE = "<h1>Margaret Holloway</h1><dl><dt>Third-Party Reference</dt><dd id=f contenteditable></dd></dl>";

test("where only a text can be edited, the person is told what to do, and what to type", async () => {
  const at = await open(LINE);
  await pass(600);
  assert.match(at.state.view.lines[0], /Change it there yourself/);
  assert.equal(at.state.view.change.after, TARGET);
  assert.equal(at.field().textContent, "");
});

test("what was typed into a text that can be edited is no proof in that page either", async () => {
  const at = await open(LINE);
  await pass(600);
  at.field().textContent = TARGET;
  at.byHand(at.field());
  at.field().removeAttribute("contenteditable");
  await pass(5_000);
  assert.deepEqual(at.observed(), []);
  assert.equal(at.state.link.state, "intended");
  assert.ok(at.state.loads > 0);
});

for (const remark of ["<div role=alert>Your draft was restored.</div>", "<button>Discard draft</button>", "<div class=banner>You have unsaved changes.</div>"]) {
  test(`what a page brings back without having saved it is no proof: ${remark}`, async () => {
    const at = await open(FORM.replace("<input id=f>", `<input id=f value=${TARGET}>`) + remark);
    await pass(5_000);
    assert.deepEqual([at.observed(), at.state.link.state], [[], "intended"]);
    at.draw(shows(TARGET) + remark);
    await pass(5_000);
    assert.deepEqual([at.observed(), at.state.link.state], [[], "intended"]);
  });
}
