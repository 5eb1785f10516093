// @ts-check
// The panel on a record's page: where it lies, and which key answers its question.
import assert from "node:assert/strict";
import { test } from "node:test";

import { page } from "./commusoft_page.js";
import { runPanelScripts } from "./panel_scripts.js";
import "../../extension/content/on_top.js";

const VIEW = { title: "Now select Save", lines: [], actions: [] };

/** @param {{top: number, bottom: number}} field where it is in a window 700 high */
async function panelOver(field) {
  const { window, document } = page("<input id=f>");
  for (const [name, value] of Object.entries({ window, document, Element: window.Element, HTMLElement: window.HTMLElement, MutationObserver: window.MutationObserver, getComputedStyle: window.getComputedStyle })) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  await import(`../../extension/content/assist/panel.js?${Math.random()}`);
  const panel = /** @type {any} */ (globalThis).crmlinkPanel.createPanel((/** @type {string} */ key) => key, () => undefined);
  const input = /** @type {HTMLInputElement} */ (document.querySelector("#f"));
  const side = { left: 600, right: 1000 };
  input.getBoundingClientRect = () => /** @type {DOMRect} */ ({ ...side, ...field });
  panel.host.getBoundingClientRect = () => ({ ...side, top: 500, bottom: 684 });
  panel.show(VIEW, { focus: false, field: input });
  return panel.host.style;
}

test("the panel does not lie over the field it speaks of", async () => {
  const { top, bottom } = await panelOver({ top: 560, bottom: 600 });
  assert.deepEqual([top, bottom], ["16px", "auto"]);
});

test("it stays below where the field is elsewhere", async () => {
  const { top, bottom } = await panelOver({ top: 100, bottom: 140 });
  assert.deepEqual([top, bottom], ["auto", "16px"]);
});

/** A panel whose keys are pressed by a person, at times that the test sets. */
function panelAsking() {
  const { window } = page("<p>A page");
  let now = 0;
  window.Date.now = () => now;
  const shadow = runPanelScripts(window, ["on_top", "assist/panel"]);
  const panel = window.crmlinkPanel.createPanel((/** @type {string} */ key) => key, () => undefined);
  /** @type {string[]} */
  const answers = [];
  /** @param {string} title @param {string} [answer] */
  const ask = (title, answer = title) => {
    const actions = ["Yes", "No"].map((words) => ({ words, act: () => void answers.push(`${answer}: ${words}`) }));
    panel.show({ title, lines: [], actions, asks: true }, { focus: false });
  };
  const buttons = () => /** @type {HTMLElement[]} */ ([...shadow().querySelectorAll("button")]);
  const focused = () => shadow().activeElement?.textContent;
  const focus = (/** @type {string} */ words) => buttons().find((one) => one.textContent === words)?.focus();
  const at = (/** @type {number} */ time) => (now = time); // milliseconds
  const press = (/** @type {number} */ time) => {
    at(time);
    buttons().find((one) => one.textContent === focused())?.click();
  };
  return { at, ask, press, answers, focus, focused };
}

test("a key that comes with the next question does not answer it", () => {
  const { at, ask, press, answers } = panelAsking();
  ask("Edit?");
  press(1_000);
  at(1_010);
  ask("Fill in?");
  press(1_100);
  press(1_400);
  assert.deepEqual(answers, ["Edit?: Yes", "Fill in?: Yes"]);
});

test("a question that is asked again in the same words is answered as of its first time", () => {
  const { at, ask, press, answers } = panelAsking();
  ask("Edit?", "first");
  at(1_000);
  ask("Edit?", "second");
  press(1_010);
  assert.deepEqual(answers, ["second: Yes"]);
});

test("the keyboard stays on the button that it was on while the question is the same", () => {
  const { ask, press, answers, focus, focused } = panelAsking();
  ask("Fill in?");
  focus("No");
  ask("Fill in?");
  assert.equal(focused(), "No");
  press(1_000);
  assert.deepEqual(answers, ["Fill in?: No"]);
  ask("Now save?");
  assert.equal(focused(), "Yes");
});
