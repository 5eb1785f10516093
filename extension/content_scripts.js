// @ts-check
// The button's script in the packages' pages, as the browser keeps and runs it. A part of the background.

import { requiredPermissions } from "./lib/linking/consent.js";

const FILES = { js: ["content/button.js"], css: ["content/button.css"] };

/** @type {import("./lib/linking/page_button.js").PageScripts} */
export const pageScripts = {
  granted: async (origins) => chrome.permissions.contains(requiredPermissions(origins, await chrome.permissions.getAll())),

  async revoke(origins) {
    if (origins.length === 0) return;
    // A policy may have granted it for good: leaving it is no failure.
    await chrome.permissions.remove({ origins }).catch(() => false);
  },

  async register(name, origins) {
    await pageScripts.unregister(name);
    await chrome.scripting.registerContentScripts([{ id: `button-${name}`, matches: origins, ...FILES }]);
  },

  async unregister(name) {
    // It is not there when the browser forgot it, as Chrome does with an update.
    await chrome.scripting.unregisterContentScripts({ ids: [`button-${name}`] }).catch(() => undefined);
  },

  async inject(origins) {
    await inTabs(origins, async (tabId) => {
      await chrome.scripting.insertCSS({ target: { tabId }, files: FILES.css });
      await chrome.scripting.executeScript({ target: { tabId }, files: FILES.js });
    });
  },

  tell: (origins, word) => inTabs(origins, (tabId) => chrome.tabs.sendMessage(tabId, { type: word })),
};

/**
 * In every open page of these origins; a page that cannot be reached has no button.
 * @param {string[]} origins
 * @param {(tab: number) => Promise<unknown>} work
 */
async function inTabs(origins, work) {
  if (origins.length === 0) return;
  const tabs = await chrome.tabs.query({ url: origins });
  await Promise.allSettled(tabs.map((tab) => work(Number(tab.id))));
}
