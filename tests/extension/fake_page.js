// @ts-check
// The popup in jsdom, with a background that a test scripts.

import { readFileSync } from "node:fs";

import { JSDOM } from "jsdom";

const EXTENSION = new URL("../../extension/", import.meta.url);
/** @type {Record<string, {message: string}>} */
const words = JSON.parse(readFileSync(new URL("_locales/en_GB/messages.json", EXTENSION), "utf8"));

/**
 * @param {string} key
 * @param {string | string[]} [values]
 */
function getMessage(key, values = []) {
  const given = Array.isArray(values) ? values : [values];
  return (words[key]?.message ?? "").replace(/\$([1-9])/g, (_, at) => given[Number(at) - 1] ?? "");
}

/** A page with the globals that the popup uses. */
export function openPage() {
  const { window } = new JSDOM("<!doctype html><html lang='en-GB'><body></body></html>", { url: "https://popup.example/", pretendToBeVisual: true });
  /** @type {{type: string, [name: string]: any}[]} */
  const asked = [];
  /** @type {Record<string, any>} */
  const answers = {};
  const calls = { options: 0, permissions: /** @type {string[][]} */ ([]), order: /** @type {string[]} */ ([]) };
  /** What the person answers to the browser's question. */
  const person = { allows: true };
  /** @type {Map<string, () => void>} */
  const waiting = new Map();
  const chrome = {
    i18n: { getMessage },
    permissions: {
      /** @param {{origins: string[]}} asked */
      async request({ origins }) {
        calls.order.push("permissions");
        calls.permissions.push(origins);
        return person.allows;
      },
    },
    runtime: {
      openOptionsPage: () => (calls.options += 1),
      /** @param {any} message */
      async sendMessage(message) {
        asked.push(message);
        calls.order.push(message.type);
        const answer = answers[message.type];
        waiting.get(message.type)?.();
        return structuredClone(typeof answer === "function" ? await answer(message) : (answer ?? { ok: true, data: null }));
      },
    },
  };
  window.Element.prototype.scrollIntoView = () => undefined;
  for (const [name, value] of Object.entries({
    window, document: window.document, chrome, localStorage: window.localStorage, Element: window.Element, HTMLElement: window.HTMLElement,
    requestAnimationFrame: (/** @type {() => void} */ act) => act(),
  })) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  /** Once the popup has asked this. @param {string} type @returns {Promise<void>} */
  const answersTo = (type) => new Promise((resolve) => waiting.set(type, resolve));
  return { window, document: window.document, asked, answers, calls, person, answersTo };
}

/**
 * Press a key where the keyboard is. Like a browser, Enter on a button presses it.
 * @param {any} page
 * @param {string} key
 * @param {object} [more]
 */
export function press({ window, document }, key, more = {}) {
  const target = document.activeElement ?? document.body;
  const event = new window.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more });
  const untouched = target.dispatchEvent(event);
  if (untouched && key === "Enter" && target.matches("button")) target.click();
  return event;
}

/** Let everything that was asked be answered. */
export async function settle() {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
}
