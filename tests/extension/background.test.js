// @ts-check
// The background as a browser starts it: listeners at once, state from storage, and no one heard but our own pages.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ACCESS, CONNECTION, fakeIndexedDB, fakeServer, fakeStore, fakeTabs, HOLLOWAY_PAGE, KEY_PAIR, lost, MARGARET, SERVER } from "./fake_browser.js";
import { fakeTokens } from "./fake_tokens.js";

const ID = "abcdefghijklmnop";
const ORIGIN = `chrome-extension://${ID}`;
const POPUP = { id: ID, url: `${ORIGIN}/popup/popup.html` };
const OPTIONS = { id: ID, url: `${ORIGIN}/options/options.html` };

/** An event that remembers its listeners. */
function fakeEvent() {
  /** @type {((...args: any[]) => any)[]} */
  const listeners = [];
  /** @param {(...args: any[]) => any} one */
  const addListener = (one) => listeners.push(one);
  return { listeners, addListener };
}

function fakeChrome() {
  const tabs = fakeTabs();
  /** @type {any[]} */
  const menus = [];
  /** @type {any[]} */
  const windows = [];
  /** @type {string[]} */
  const opened = [];
  /** @type {any[]} */
  const registered = [];
  /** @type {[number, string][]} */
  const sent = [];
  const state = { permitted: true, popupOpens: true, access: "", openedPopups: 0 };
  const chrome = {
    runtime: { id: ID, getURL: (/** @type {string} */ path) => `${ORIGIN}/${path}`, onInstalled: fakeEvent(), onStartup: fakeEvent(), onMessage: fakeEvent(), getPlatformInfo: async () => ({ os: "linux" }) },
    i18n: { getMessage: (/** @type {string} */ key) => key },
    storage: {
      local: { ...fakeStore(), setAccessLevel: (/** @type {any} */ level) => (state.access = level.accessLevel) },
      session: fakeStore(),
      managed: { get: async () => ({}), onChanged: fakeEvent() },
    },
    contextMenus: { removeAll: (/** @type {() => void} */ done) => done(), create: (/** @type {any} */ one) => menus.push(one), onClicked: fakeEvent() },
    action: {
      async openPopup() {
        if (!state.popupOpens) throw new Error("no popup here");
        state.openedPopups += 1;
      },
    },
    windows: { create: async (/** @type {any} */ one) => windows.push(one) },
    tabs: {
      onUpdated: fakeEvent(),
      create: async (/** @type {any} */ { url }) => opened.push(url),
      async get(/** @type {number} */ id) {
        if (!tabs.open.has(id)) throw new Error("No tab with that id.");
        return { id, url: tabs.open.get(id)?.url };
      },
      query: async () => [...tabs.open.keys()].map((id) => ({ id })),
      sendMessage: async (/** @type {number} */ id, /** @type {any} */ message) => sent.push([id, message.type]),
    },
    scripting: {
      async executeScript(/** @type {any} */ { target }) {
        const page = tabs.open.get(target.tabId);
        if (!page?.details) throw new Error("Cannot access contents of the page.");
        return [{ result: page.details }];
      },
      async insertCSS() {},
      registerContentScripts: async (/** @type {any[]} */ scripts) => void registered.push(...scripts),
      async unregisterContentScripts(/** @type {any} */ { ids }) {
        const at = registered.findIndex((one) => one.id === ids[0]);
        if (at < 0) throw new Error(`Nonexistent script ID '${ids[0]}'`);
        registered.splice(at, 1);
      },
    },
    permissions: { getAll: async () => ({}), contains: async () => state.permitted, remove: async () => true, onAdded: fakeEvent(), onRemoved: fakeEvent() },
  };
  return { chrome, tabs, menus, windows, opened, registered, sent, state };
}

let browser = fakeChrome();
let server = fakeServer();
let keys = fakeIndexedDB();
let starts = 0;

/** Start a worker anew: its module is read again, the browser's storage stays. */
async function start() {
  for (const event of [browser.chrome.runtime.onInstalled, browser.chrome.runtime.onStartup, browser.chrome.runtime.onMessage, browser.chrome.contextMenus.onClicked, browser.chrome.permissions.onRemoved, browser.chrome.permissions.onAdded]) {
    event.listeners.length = 0;
  }
  const define = (/** @type {string} */ name, /** @type {unknown} */ value) =>
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  define("chrome", browser.chrome);
  define("fetch", server.fetch);
  define("navigator", { onLine: true });
  define("indexedDB", keys.factory);
  starts += 1;
  await import(`../../extension/background.js?start=${starts}`);
}

/**
 * @param {object} message
 * @param {object} [sender]
 * @returns {Promise<any>} undefined when no one wants to answer
 */
function send(message, sender = POPUP) {
  return new Promise((resolve) => {
    const [listener] = browser.chrome.runtime.onMessage.listeners;
    if (listener(message, sender, resolve) !== true) resolve(undefined);
  });
}

beforeEach(async () => {
  browser = fakeChrome();
  server = fakeServer();
  keys = fakeIndexedDB(new Map([["connection", KEY_PAIR]]));
  browser.tabs.open.set(7, { url: HOLLOWAY_PAGE, details: MARGARET });
  await start();
});

/** Connect, open a contact, and return its snapshot's id. */
async function ready() {
  await browser.chrome.storage.local.set({ connection: CONNECTION });
  return (await send({ type: "open_tab", tab: 7 })).data.place.snapshot;
}

test("every listener is registered as soon as the module has run", () => {
  const { runtime, contextMenus } = browser.chrome;
  for (const event of [runtime.onInstalled, runtime.onStartup, runtime.onMessage, contextMenus.onClicked]) {
    assert.equal(event.listeners.length, 1);
  }
});

test("from the page to linked, through the messages alone", async () => {
  const snapshot = await ready();
  const offered = await send({ type: "suggest", snapshot, kind: null, typed: null });
  assert.equal(offered.data.suggestions[0].record.id, "customer-1001");
  const decision = { snapshot, kind: "customer", typed: null, record: "customer-1001", replaces: null, also_on: [], checked_empty: false, accepts_kind: false, differences: [] };
  const done = await send({ type: "confirm", ...decision });
  assert.equal(done.data.state, "linked");
});

test("a worker that was ended between reading and confirming still knows what is confirmed", async () => {
  const snapshot = await ready();
  await start();
  const decision = { snapshot, kind: "customer", typed: null, record: "customer-1001", replaces: null, also_on: [], checked_empty: false, accepts_kind: false, differences: [] };
  const done = await send({ type: "confirm", ...decision });
  assert.equal(done.data.state, "linked");
});

test("a page's script gets no answer at all", async () => {
  await ready();
  assert.equal(await send({ type: "connection_status" }, { id: ID, url: HOLLOWAY_PAGE, tab: { id: 7 } }), undefined);
  assert.equal(await send({ type: "connection_status" }, { id: "another", url: POPUP.url }), undefined);
});

test("there is no listener for other extensions and web pages", () => {
  assert.ok(!("onMessageExternal" in browser.chrome.runtime));
  assert.ok(!("onConnectExternal" in browser.chrome.runtime));
});

test("a failure inside answers with a problem and without its text", async () => {
  await ready();
  browser.chrome.storage.session.get = async () => {
    throw new Error(`quota exceeded near ${ACCESS}`);
  };
  const answer = await send({ type: "suggest", snapshot: "l1", kind: null, typed: null });
  assert.equal(answer.problem.type, "unexpected");
  assert.ok(!JSON.stringify(answer).includes(ACCESS));
});

test("pages' scripts are kept out of the storage where the token lies, however the worker starts", async () => {
  browser.state.access = "";
  await start();
  assert.equal(browser.state.access, "TRUSTED_CONTEXTS");
});

test("a browser without that setting starts all the same", async () => {
  Reflect.deleteProperty(browser.chrome.storage.local, "setAccessLevel");
  await start();
  browser.chrome.runtime.onInstalled.listeners[0]({ reason: "install" });
  assert.equal(browser.menus[0].title, "link_to_crm");
});

test("the page's menu opens the popup, and a window where the browser opens none", async () => {
  const [click] = browser.chrome.contextMenus.onClicked.listeners;
  browser.chrome.runtime.onInstalled.listeners[0]({ reason: "install" });
  click({ menuItemId: browser.menus[0].id }, { id: 7 });
  assert.equal(browser.state.openedPopups, 1);
  browser.state.popupOpens = false;
  click({ menuItemId: browser.menus[0].id }, { id: 7 });
  await new Promise(setImmediate);
  assert.match(browser.windows[0].url, /popup\/popup\.html\?tab=7$/);
});

test("another extension's menu is none of ours", () => {
  browser.chrome.contextMenus.onClicked.listeners[0]({ menuItemId: "other" }, { id: 7 });
  assert.equal(browser.state.openedPopups, 0);
});

test("a page that may not be read is a contact without details", async () => {
  await ready();
  browser.tabs.open.set(7, { url: HOLLOWAY_PAGE, details: null });
  const answer = await send({ type: "open_tab", tab: 7 });
  assert.equal(answer.data.place.page, "contact");
  assert.equal(answer.data.place.details.name, "");
});

test("a lost server is told apart from a permission that was taken back", async () => {
  await ready();
  server.replies["POST /suggestions"] = lost;
  const snapshot = (await send({ type: "open_tab", tab: 7 })).data.place.snapshot;
  const away = await send({ type: "suggest", snapshot, kind: null, typed: null });
  assert.equal(away.problem.type, "server-not-running");
  browser.state.permitted = false;
  const refused = await send({ type: "suggest", snapshot, kind: null, typed: null });
  assert.equal(refused.problem.type, "permission-missing");
});

test("Connect in a popup that the browser's question closes goes on once it is allowed", async () => {
  fakeTokens(server, { now: 0 });
  browser.state.permitted = false;
  await send({ type: "pair", server: SERVER });
  assert.deepEqual(server.asked, []);
  await start();
  browser.state.permitted = true;
  browser.chrome.permissions.onAdded.listeners[0]({ origins: ["http://127.0.0.1/*"] });
  for (let turn = 0; turn < 5_000 && browser.opened.length === 0; turn += 1) await new Promise(setImmediate);
  assert.deepEqual(browser.opened, [`${SERVER}/pair?code=BCDF-GHJK`]);
  assert.equal((await send({ type: "connection_status" })).data.pairing.code, "BCDF-GHJK");
  await send({ type: "pair_cancel" });
});

const PAGE = { id: ID, url: HOLLOWAY_PAGE, frameId: 0, tab: { id: 7 } };

test("a page's script learns of the button only where it was switched on", async () => {
  await ready();
  assert.deepEqual(await send({ type: "page_mark" }, PAGE), { ok: true, data: null });
  await send({ type: "on_page_on", package: "xero" }, OPTIONS);
  assert.deepEqual(browser.registered.map((one) => [one.id, one.matches]), [["button-xero", ["https://go.xero.com/*"]]]);
  assert.equal((await send({ type: "page_mark" }, PAGE)).data.mark, "not_linked");
  await send({ type: "on_page_off", package: "xero" }, OPTIONS);
  assert.deepEqual(browser.registered, []);
  assert.deepEqual(browser.sent, [[7, "leave"]]);
});

test("the button in the page opens the popup over its own tab", async () => {
  await ready();
  await send({ type: "on_page_on", package: "xero" }, OPTIONS);
  browser.state.popupOpens = false;
  assert.equal(await send({ type: "page_open" }, PAGE), undefined);
  await new Promise(setImmediate);
  assert.match(browser.windows[0].url, /popup\.html\?tab=7$/);
});

test("a permission taken back in the browser's own settings takes the script away", async () => {
  await ready();
  await send({ type: "on_page_on", package: "xero" }, OPTIONS);
  browser.state.permitted = false;
  browser.chrome.permissions.onRemoved.listeners[0]({ origins: ["https://go.xero.com/*"] });
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  assert.deepEqual(browser.registered, []);
});
