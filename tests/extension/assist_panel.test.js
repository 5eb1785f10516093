// @ts-check
// Where the panel on a record's page lies.
import assert from "node:assert/strict";
import { test } from "node:test";

import { page } from "./commusoft_page.js";
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
