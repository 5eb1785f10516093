// @ts-check
// Firefox with the extension in it, by Puppeteer over WebDriver BiDi: one JSON command a line on standard input, one
// JSON answer a line on standard output. Ends, with the browser, when standard input does.

import { createInterface } from "node:readline";
import puppeteer from "puppeteer-core";
import { endBackground, onPageButton, onPagePanel, popup, pressShortcut, removeExtension, windowOnPage } from "./firefox_window.mjs";

/** @typedef {{body: string, content_type: string}} SavedPage */

const PREFERENCES = {
  // A person answers the browser's question for the server's host; no one is there to see it.
  "extensions.webextOptionalPermissionPrompts": false,
  "intl.accept_languages": "en-GB",
  "browser.tabs.warnOnClose": false,
};

// Automation pretends that its window is in front, and then a popup opened by the keyboard gets no keys.
const ON_A_SCREEN = { "focusmanager.testmode": false };

let browser = /** @type {import("puppeteer-core").Browser} */ (/** @type {unknown} */ (undefined));
/** @type {Record<string, SavedPage>} */
let site = {};
/** Open pages by a number that the other side knows them by. @type {Map<number, import("puppeteer-core").Page>} */
const pages = new Map();
let opened = 0;
let extension = "";
/** The browser's own window, which holds the toolbar and the popup. */
let window = "";

/** @type {Record<string, (asked: any) => Promise<unknown>>} */
const COMMANDS = {
  async start({ binary, folder, headless, width, height, always_private: alwaysPrivate }) {
    browser = await puppeteer.launch({
      browser: "firefox",
      executablePath: binary,
      headless,
      // The popup belongs to the browser's window, not to a page.
      args: ["--remote-allow-system-access", `--width=${width}`, `--height=${height}`],
      extraPrefsFirefox: { ...PREFERENCES, ...(headless ? {} : ON_A_SCREEN), "browser.privatebrowsing.autostart": alwaysPrivate },
      defaultViewport: null,
    });
    const data = { type: "path", path: folder };
    ({ extension } = await send("webExtension.install", { extensionData: data, "moz:allowPrivateBrowsing": alwaysPrivate }));
    const { contexts } = await send("browsingContext.getTree", { "moz:scope": "chrome" });
    window = contexts[0].context;
    await answerEverywhere();
    return { version: await browser.version() };
  },

  async serve({ pages: given }) {
    site = given;
    return null;
  },

  async visit({ url }) {
    const page = await browser.newPage();
    const before = (await browser.pages()).filter((one) => one !== page);
    await page.goto(url);
    for (const one of before) await one.close();
    return remember(page);
  },

  own_page: ({ path }) => openPageOf(extension, path),
  other_page: async ({ folder, path }) => openPageOf(await browser.installExtension(folder), path),

  has_tab: async ({ address }) => (await tabsAt(address)).length > 0,
  tab_at: async ({ address }) => remember((await tabsAt(address)).at(-1)),

  async evaluate({ page, expression }) {
    return /** @type {any} */ (await pageOf(page).evaluate(`(async () => await (${expression}))()`)) ?? null;
  },

  async press({ page, key }) {
    await pageOf(page).keyboard.press(key);
    return null;
  },

  async type({ page, text }) {
    await pageOf(page).keyboard.type(text);
    return null;
  },

  async close_page({ page }) {
    const known = pages.get(page);
    pages.delete(page);
    if (known && !known.isClosed()) await known.close();
    return null;
  },

  open_popup: () => inWindow(pressShortcut),
  popup: (asked) => inWindow(popup, asked),
  on_page_button: () => inWindow(onPageButton),
  on_page_panel: () => inWindow(onPagePanel),
  window_on_page: () => inWindow(windowOnPage),
  end_background: () => inWindow(endBackground, extension),
  remove_extension: () => inWindow(removeExtension, extension),

  async quit() {
    await browser?.close();
    return null;
  },
};

/** Answer https requests of every tab, those that the extension opens too: Puppeteer's own way knows one tab at a time. */
async function answerEverywhere() {
  const { connection } = /** @type {any} */ (browser);
  const https = { type: "pattern", protocol: "https" };
  const { intercept } = await send("network.addIntercept", { phases: ["beforeRequestSent"], urlPatterns: [https] });
  connection.on("network.beforeRequestSent", (/** @type {any} */ event) => {
    // A tab that was closed in the meantime wants no answer.
    if (event.intercepts?.includes(intercept)) answer(event.request).catch(() => {});
  });
}

/** @param {{request: string, url: string}} request */
async function answer({ request, url }) {
  const page = site[url.split(/[?#]/)[0]];
  const body = Buffer.from(page ? page.body : "No such saved page").toString("base64");
  await send("network.provideResponse", {
    request,
    statusCode: page ? 200 : 404,
    headers: [{ name: "Content-Type", value: { type: "string", value: page ? page.content_type : "text/plain" } }],
    body: { type: "base64", value: body },
  });
}

/**
 * @param {string} id of an extension
 * @param {string} path
 */
async function openPageOf(id, path) {
  const page = await browser.newPage();
  const origin = await inWindow(ownOrigin, id);
  // Puppeteer loses sight of a page that moves into the extension's process, so the move is not waited for.
  const context = /** @type {any} */ (page.mainFrame())._id;
  await send("browsingContext.navigate", { context, url: `${origin}/${path}`, wait: "none" });
  return remember(page);
}

/** @param {string} address */
async function tabsAt(address) {
  return (await browser.pages()).filter((page) => page.url().startsWith(address));
}

/** @param {import("puppeteer-core").Page | undefined} page */
function remember(page) {
  if (!page) throw new Error("there is no such tab");
  opened += 1;
  pages.set(opened, page);
  return opened;
}

/** @param {number} number */
function pageOf(number) {
  const page = pages.get(number);
  if (!page) throw new Error(`there is no page ${number}`);
  return page;
}

/**
 * @param {string} method
 * @param {object} parameters
 * @returns {Promise<any>}
 */
async function send(method, parameters) {
  const { connection } = /** @type {any} */ (browser);
  return (await connection.send(method, parameters)).result;
}

/**
 * Run a function in the browser's own window, with the browser's own rights.
 * @param {(asked: any) => unknown} work
 * @param {unknown} [asked] as JSON
 */
async function inWindow(work, asked = null) {
  const result = await send("script.callFunction", {
    functionDeclaration: `async (asked) => JSON.stringify((await (${work})(JSON.parse(asked))) ?? null)`,
    arguments: [{ type: "string", value: JSON.stringify(asked) }],
    target: { context: window },
    awaitPromise: true,
  });
  if (result.type !== "success") throw new Error(result.exceptionDetails.text);
  return JSON.parse(result.result.value);
}

/** Runs in the window. @param {string} id */
function ownOrigin(id) {
  // @ts-ignore: the browser's own
  return `moz-extension://${WebExtensionPolicy.getByID(id).mozExtensionHostname}`;
}

/** @param {string} line */
async function obey(line) {
  const { id, command, ...asked } = JSON.parse(line);
  try {
    return { id, result: await COMMANDS[command](asked) };
  } catch (error) {
    return { id, error: String(error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await obey(line))}\n`);
}
await browser?.close();
