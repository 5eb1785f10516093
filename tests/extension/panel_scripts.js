// @ts-check
// Our panels in jsdom, worked as a person would: jsdom can press nothing that is trusted, and a closed shadow is closed.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

/**
 * Run scripts of `extension/content/` in a window.
 * @param {any} window
 * @param {string[]} names
 * @param {{person?: boolean}} [how] person: what is pressed is pressed by one
 * @returns {() => any} the closed shadow root of the last panel, or null
 */
export function runPanelScripts(window, names, { person = true } = {}) {
  /** @type {any} */
  let root = null;
  const { attachShadow } = window.Element.prototype;
  window.Element.prototype.attachShadow = function (/** @type {any} */ how) {
    assert.equal(how.mode, "closed");
    root = attachShadow.call(this, how);
    return root;
  };
  for (const name of names) {
    const script = readFileSync(new URL(`../../extension/content/${name}.js`, import.meta.url), "utf8");
    window.eval(person ? script.replaceAll("event.isTrusted", "true") : script);
  }
  return () => root;
}
