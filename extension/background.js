// @ts-check
// The only part that talks to the server and holds the tokens. A browser may end it at any time: every listener
// is at top level, and everything it must remember lies in storage.

import { composeBackground } from "./lib/compose.js";
import { browserName } from "./lib/server/browser_name.js";
import { createKeyStore } from "./lib/server/key_store.js";
import { acceptMessage, acceptPageMessage } from "./lib/messages.js";
import { problem } from "./lib/server/problem.js";
import { readContact, readList } from "./lib/page/read_contact.js";
import { parseServer } from "./lib/server/server_url.js";
import { noAnswer } from "./lib/server/wrong_answer.js";
import { pageScripts, recordTabs } from "./content_scripts.js";
import { tableTabs } from "./table_tabs.js";

const MENU = "link-to-crm";
/** A page that hangs must not hang the popup. */
const READING_LIMIT = 4_000;

const own = { id: chrome.runtime.id, origin: chrome.runtime.getURL("").replace(/\/$/, "") };
const { local, session: memory, managed } = chrome.storage;

const background = composeBackground({
  local,
  memory,
  managed: { get: async () => managed?.get() ?? {} },
  net: { fetch: (...request) => fetch(...request), explainNetworkFailure },
  tabs: { address, read, readList: (tab) => inPage(tab, readList, []), wait: pause },
  scripts: pageScripts,
  recordTabs,
  tableTabs,
  hasPermissions: (origins) => chrome.permissions.contains({ origins }),
  name: async () => browserName(/** @type {any} */ (navigator), (await chrome.runtime.getPlatformInfo()).os),
  open: (url) => chrome.tabs.create({ url }),
  now: Date.now,
  sleep: pause,
  newKey: () => crypto.randomUUID(),
  keys: createKeyStore(() => indexedDB, memory),
});
const { commands, onPage, connecting } = background;

chrome.runtime.onInstalled.addListener(onInstalled);
chrome.runtime.onStartup.addListener(restrictStorageAccess);
chrome.contextMenus.onClicked.addListener(openFromMenu);
chrome.runtime.onMessage.addListener(onMessage);
chrome.permissions.onAdded.addListener(() => void connecting.onPermissionsAdded());
chrome.permissions.onRemoved.addListener(() => void onPage.restore());
chrome.tabs.onUpdated.addListener((tab, { status }) => status === "complete" && void commands.loaded(tab));
managed?.onChanged?.addListener(() => void connecting.applyPolicy());

restrictStorageAccess();
void background.resume();

function onInstalled() {
  void onPage.restore();
  chrome.contextMenus.removeAll(() => {
    chrome.contextMenus.create({
      id: MENU,
      title: chrome.i18n.getMessage("link_to_crm"),
      contexts: ["page", "selection"],
    });
  });
}

/**
 * Scripts in pages have no business in our storage; Firefox has no such setting and gives them none. Said at each
 * start: an extension that is switched on again is neither installed nor started with its browser.
 */
function restrictStorageAccess() {
  chrome.storage.local.setAccessLevel?.({ accessLevel: "TRUSTED_CONTEXTS" });
}

/**
 * @param {chrome.contextMenus.OnClickData} click
 * @param {chrome.tabs.Tab} [tab]
 */
function openFromMenu(click, tab) {
  if (click.menuItemId !== MENU) return;
  openPopup(tab);
}

/** @param {chrome.tabs.Tab} [tab] */
function openPopup(tab) {
  // Straight in the click: Firefox opens a popup only for a person's own action.
  chrome.action.openPopup().catch(() => {
    const url = chrome.runtime.getURL(`popup/popup.html?tab=${tab?.id ?? ""}`);
    return chrome.windows.create({ url, type: "popup", width: 416, height: 640 });
  });
}

/**
 * @param {unknown} message
 * @param {chrome.runtime.MessageSender} sender
 * @param {(answer: unknown) => void} reply
 */
function onMessage(message, sender, reply) {
  const fromPage = acceptPageMessage(message, sender, own);
  if (fromPage) return onPageMessage(fromPage, sender, reply);
  const type = acceptMessage(message, sender, own);
  if (type === null) return false;
  const work = /** @type {Record<string, (asked: any) => Promise<unknown>>} */ (/** @type {unknown} */ (commands))[type];
  if (!work) return false;
  work(message).then(reply, () => reply({ ok: false, problem: problem("unexpected") }));
  return true;
}

/**
 * Our script in a page: what its button shows, and that it was pressed.
 * @param {{type: string, tab: number, fields: any}} said
 * @param {chrome.runtime.MessageSender} sender
 * @param {(answer: unknown) => void} reply
 */
function onPageMessage({ type, tab, fields }, sender, reply) {
  if (type === "page_open") {
    openPopup(sender.tab);
    return false;
  }
  const work = /** @type {Record<string, (tab: number, fields: any) => Promise<unknown>>} */ (commands.onRecordPage)[type];
  if (work) {
    work(tab, fields).then(reply, () => reply({ ok: false, problem: problem("unexpected") }));
    return true;
  }
  commands.mark(tab).then((data) => reply({ ok: true, data }), () => reply({ ok: false }));
  return true;
}

/** @param {number} tab */
async function address(tab) {
  try {
    return (await chrome.tabs.get(tab)).url ?? null;
  } catch {
    return null;
  }
}

/**
 * @param {number} tab
 * @param {any} hints
 */
async function read(tab, hints) {
  return (await inPage(tab, readContact, [hints])) ?? null;
}

/**
 * What a function returns in a page; undefined when it may not run there or takes too long.
 * @param {number} tab
 * @param {(...args: any[]) => unknown} func
 * @param {unknown[]} args
 */
async function inPage(tab, func, args) {
  const running = chrome.scripting.executeScript({ target: { tabId: tab }, func, args });
  try {
    const results = await Promise.race([running, timeout(READING_LIMIT)]);
    return results?.[0]?.result;
  } catch {
    return undefined;
  }
}

/**
 * @param {number} milliseconds
 * @returns {Promise<void>}
 */
function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * @param {number} milliseconds
 * @returns {Promise<undefined>}
 */
function timeout(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * Why a request never reached a server.
 * @param {string} server
 */
async function explainNetworkFailure(server) {
  const origins = parseServer(server)?.origins ?? [];
  if (!(await chrome.permissions.contains({ origins }))) return "permission-missing";
  return noAnswer(server, navigator.onLine);
}
