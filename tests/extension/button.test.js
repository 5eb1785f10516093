// @ts-check
// The button's script in a page, with a background that answers when the test lets it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { JSDOM } from "jsdom";

const SCRIPT = readFileSync(new URL("../../extension/content/button.js", import.meta.url), "utf8");
const HERE = "https://go.xero.com/app/!kR4N6/contacts/contact/8275f116-6419-4b82-889a-f41dcc1d6186";
const SHOWN = { ok: true, data: { mark: "linked", places: ["h1"] } };
const ID = "abcdefghijklmnop";

/** A page with the script in it. Nothing has a size in jsdom, so names are given one. */
function openPage() {
  const { window } = new JSDOM("<!doctype html><body><h1>Margaret Holloway</h1></body>", { url: HERE, runScripts: "outside-only", pretendToBeVisual: true });
  /** @type {any[]} */
  const sent = [];
  /** @type {((answer: any) => void)[]} */
  const waiting = [];
  /** @type {((message: any, sender: any) => void)[]} */
  const ears = [];
  /** @type {string[]} */
  const modes = [];
  /** @type {any} */
  const runtime = {
    id: ID,
    sendMessage: (/** @type {any} */ message) => {
      sent.push(message);
      if (!runtime.id) throw new Error("Extension context invalidated.");
      return new Promise((resolve) => waiting.push(resolve));
    },
    onMessage: {
      addListener: (/** @type {any} */ ear) => ears.push(ear),
      removeListener: (/** @type {any} */ ear) => ears.splice(ears.indexOf(ear), 1),
    },
  };
  window.chrome = { runtime, i18n: { getMessage: (/** @type {string} */ key) => key } };
  const { attachShadow } = window.Element.prototype;
  /** @type {any} */
  let root = null;
  window.Element.prototype.attachShadow = function (/** @type {any} */ how) {
    modes.push(how.mode);
    root = attachShadow.call(this, how);
    return root;
  };
  window.Element.prototype.checkVisibility = () => true;
  window.Element.prototype.getBoundingClientRect = () => ({ left: 0, top: 0, right: 90, bottom: 20, width: 90, height: 20 });
  window.document.elementsFromPoint = () => [window.document.body];
  /** @type {Map<number, () => void>} */
  const pauses = new Map();
  let pause = 0;
  window.setTimeout = (/** @type {() => void} */ act) => {
    pause += 1;
    pauses.set(pause, act);
    return pause;
  };
  window.clearTimeout = (/** @type {number} */ one) => pauses.delete(one);
  const run = () => window.eval(SCRIPT);
  run();
  const answer = async (/** @type {any} */ told, at = waiting.length - 1) => {
    waiting[at](told);
    await new Promise(setImmediate);
  };
  const host = () => window.document.querySelector("crmlink-button");
  const words = () => root.querySelector("button").textContent;
  /** Let the script notice what happened: its pause is over at once. */
  const settle = async () => {
    await new Promise(setImmediate);
    const due = [...pauses.values()];
    pauses.clear();
    for (const act of due) act();
    await new Promise(setImmediate);
  };
  return { window, sent, waiting, ears, modes, runtime, run, answer, host, words, settle };
}

/** @param {ReturnType<typeof openPage>} page */
function close({ window, ears }) {
  ears[0]?.({ type: "leave" }, { id: ID });
  window.close();
}

test("the script tells the background nothing of the page, not even its address", async () => {
  const page = openPage();
  await page.answer(SHOWN);
  assert.equal(JSON.stringify(page.sent), '[{"type":"page_mark"}]');
  assert.equal(page.host().parentElement.localName, "h1");
  assert.equal(page.words(), "link_to_crmmark_linked");
  close(page);
});

test("its inside is closed to the page, and the page's own scripts cannot press it", async () => {
  const page = openPage();
  await page.answer(SHOWN);
  assert.deepEqual(page.modes, ["closed"]);
  assert.equal(page.host().shadowRoot, null);
  page.host().click();
  assert.equal(JSON.stringify(page.sent), '[{"type":"page_mark"}]');
  close(page);
});

test("a mark that was asked for the contact before is not shown on the next one", async () => {
  const page = openPage();
  page.window.history.pushState(null, "", "11111111-2222-4333-8444-555555555555");
  await page.answer(SHOWN, 0);
  assert.equal(page.host(), null);
  page.window.dispatchEvent(new page.window.Event("popstate"));
  await page.settle();
  assert.equal(page.sent.length, 2);
  await page.answer(SHOWN, 0);
  assert.equal(page.host(), null);
  await page.answer({ ok: true, data: { mark: "not_linked", places: [] } }, 1);
  assert.equal(page.words(), "link_to_crmmark_not_linked");
  close(page);
});

test("the mark of the contact before is gone before the next one is known", async () => {
  const page = openPage();
  await page.answer(SHOWN);
  page.window.history.pushState(null, "", "11111111-2222-4333-8444-555555555555");
  page.window.dispatchEvent(new page.window.Event("popstate"));
  await page.settle();
  assert.equal(page.host(), null);
  close(page);
});

test("where the background knows no contact there is no button", async () => {
  const page = openPage();
  await page.answer({ ok: true, data: null });
  assert.equal(page.host(), null);
  close(page);
});

test("an extension that was updated leaves no button and asks no more", async () => {
  const page = openPage();
  await page.answer(SHOWN);
  page.runtime.id = undefined;
  page.window.document.body.append("x");
  await page.settle();
  assert.equal(page.host(), null);
  page.window.document.body.append("y");
  await page.settle();
  assert.equal(page.sent.length, 1);
  page.window.close();
});

test("put into a page twice, it is there once", async () => {
  const page = openPage();
  await page.answer(SHOWN);
  page.run();
  await page.answer(SHOWN);
  assert.equal(page.window.document.querySelectorAll("crmlink-button").length, 1);
  assert.equal(page.ears.length, 1);
  close(page);
});

test("only the extension itself may send it away", async () => {
  const page = openPage();
  await page.answer(SHOWN);
  page.ears[0]({ type: "leave" }, { id: "another" });
  page.ears[0]({ type: "leave" }, { id: ID, tab: { id: 7 } });
  assert.ok(page.host());
  page.ears[0]({ type: "leave" }, { id: ID });
  assert.equal(page.host(), null);
  page.window.close();
});

test("a page that keeps throwing the button out gets it at its edge", async () => {
  const page = openPage();
  await page.answer(SHOWN);
  for (let turn = 0; turn < 25; turn += 1) {
    page.window.document.querySelector("h1").textContent = "Margaret Holloway";
    page.window.dispatchEvent(new page.window.Event("resize"));
    await page.settle();
  }
  assert.equal(page.host().parentElement.localName, "html");
  close(page);
});
