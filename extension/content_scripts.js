// @ts-check
// Our scripts in pages that are not ours, as the browser keeps and runs them. A part of the background.

import { requiredPermissions } from "./lib/linking/consent.js";
import { COMMUSOFT } from "./lib/page/record_page.js";

const BUTTON = { js: ["content/button.js"], css: ["content/button.css"] };
const READING = ["dom_text", "control_name", "context", "find_field", "read_shown"].map((name) => `lib/commusoft/${name}.js`);
const ASSIST = [
  ...READING,
  ...["find_edit", "fill_field", "evidence"].map((name) => `lib/commusoft/${name}.js`),
  "content/on_top.js",
  ...["panel", "pick_field", "typing", "views", "assist"].map((name) => `content/assist/${name}.js`),
];

/** @param {string} name */
const filesFor = (name) => (name === COMMUSOFT ? { ...BUTTON, js: [...BUTTON.js, ...ASSIST] } : BUTTON);

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
    await chrome.scripting.registerContentScripts([{ id: `button-${name}`, matches: origins, ...filesFor(name) }]);
  },

  async unregister(name) {
    // It is not there when the browser forgot it, as Chrome does with an update.
    await chrome.scripting.unregisterContentScripts({ ids: [`button-${name}`] }).catch(() => undefined);
  },

  async inject(name, origins) {
    const { js, css } = filesFor(name);
    await inTabs(origins, async (tabId) => {
      await chrome.scripting.insertCSS({ target: { tabId }, files: css });
      await chrome.scripting.executeScript({ target: { tabId }, files: js });
    });
  },

  notify: (origins, word) => inTabs(origins, (tabId) => chrome.tabs.sendMessage(tabId, { type: word })),
};

/** A page that hangs must not hang the popup. */
const READING_LIMIT = 4_000;

/** @type {import("./lib/linking/assist.js").RecordTabs} */
export const recordTabs = {
  async show(isRecord, url) {
    // Addresses are known only of the tabs that we may see.
    const tabs = await chrome.tabs.query({});
    const open = tabs.find((tab) => tab.url !== undefined && isRecord(tab.url));
    if (open?.id === undefined) {
      if (url !== null) await chrome.tabs.create({ url });
      return null;
    }
    await chrome.tabs.update(open.id, { active: true });
    await chrome.windows.update(open.windowId, { focused: true }).catch(() => undefined);
    return open.id;
  },

  async assist(tabId) {
    try {
      await chrome.scripting.executeScript({ target: { tabId }, files: ASSIST });
      return true;
    } catch {
      return false;
    }
  },

  async read(tabId, search) {
    const target = { tabId };
    const reading = chrome.scripting.executeScript({ target, files: READING }).then(() => chrome.scripting.executeScript({ target, func: readPage, args: [search] }));
    try {
      const results = await Promise.race([reading, new Promise((resolve) => setTimeout(resolve, READING_LIMIT))]);
      return pageReading(/** @type {any} */ (results)?.[0]?.result);
    } catch {
      return null;
    }
  },
};

/**
 * What the page in `document` shows as its record's reference. It runs in the page, after our scripts for it.
 * @param {import("./lib/commusoft/types.js").Search} search
 */
function readPage(search) {
  const tools = /** @type {{crmlinkPage: import("./lib/commusoft/types.js").PageTools}} */ (/** @type {unknown} */ (globalThis)).crmlinkPage;
  const { found, shown } = tools.readReference(document, search);
  // What can be typed into a field may not be saved.
  return found.field ? { state: "unknown" } : shown;
}

/**
 * @param {any} reading from a page that is not ours
 * @returns {import("./lib/linking/assist.js").PageReading | null}
 */
function pageReading(reading) {
  if (reading?.state === "shown" && typeof reading.value === "string") return { state: "shown", value: reading.value.slice(0, 250) };
  return ["empty", "unknown", "absent"].includes(reading?.state) ? { state: reading.state } : null;
}

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
