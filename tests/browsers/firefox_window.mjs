// What runs inside Firefox's own window, where the popup lives. Each function is sent there as text, so it stands alone.

/** A page's part of a message manager, and what it is told. @typedef {any} Frame */
/** @typedef {{data: any}} Told */

/** Alt+Shift+K, through the browser's own key handling: it grants activeTab and opens the popup. */
export function pressShortcut() {
  const keyboard = Cc["@mozilla.org/text-input-processor;1"].createInstance(Ci.nsITextInputProcessor);
  if (!keyboard.beginInputTransactionForTests(window)) throw new Error("the window takes no keys");
  const held = [
    { key: "Alt", code: "AltLeft", keyCode: 18 },
    { key: "Shift", code: "ShiftLeft", keyCode: 16 },
  ].map((one) => new KeyboardEvent("", one));
  const letter = new KeyboardEvent("", { key: "K", code: "KeyK", keyCode: 75 });
  for (const one of held) keyboard.keydown(one);
  keyboard.keydown(letter);
  keyboard.keyup(letter);
  for (const one of held.toReversed()) keyboard.keyup(one);
}

/**
 * Look into the popup, or work it.
 * @param {{action: "open" | "evaluate" | "press" | "type" | "close", expression?: string, keys?: object[]}} asked
 */
export async function popup(asked) {
  const found = /** @type {any[]} */ ([...document.querySelectorAll("browser.webextension-popup-browser")]);
  const browser = found.find(
    (one) => one.currentURI?.spec.endsWith("/popup/popup.html") && one.clientWidth > 0,
  );
  if (asked.action === "open") return browser?.closest("panel")?.state === "open";
  if (asked.action === "close") {
    const panels = /** @type {NodeListOf<any>} */ (document.querySelectorAll("panel[panelopen], panel[open]"));
    for (const panel of panels) panel.hidePopup();
    return null;
  }
  if (!browser) throw new Error("the popup is closed");

  /** Runs in the popup's process, beside the popup's own scripts. @param {Frame} frame @param {any} asked */
  const inside = async (frame, { answer, action, expression, keys }) => {
    const tell = (/** @type {object} */ outcome) => frame.sendAsyncMessage(answer, outcome);
    try {
      if (action === "evaluate") {
        const sandbox = new Cu.Sandbox(frame.content, { sandboxPrototype: frame.content, wantXrays: false });
        const value = await Cu.evalInSandbox(`(async () => JSON.stringify((await (${expression})) ?? null))()`, sandbox);
        return tell({ value });
      }
      const keyboard = Cc["@mozilla.org/text-input-processor;1"].createInstance(Ci.nsITextInputProcessor);
      if (!keyboard.beginInputTransactionForTests(frame.content)) throw new Error("the popup takes no keys");
      for (const key of keys) {
        const event = new frame.content.KeyboardEvent("", key);
        keyboard.keydown(event);
        keyboard.keyup(event);
      }
      return tell({ value: "null" });
    } catch (error) {
      return tell({ error: String(error) });
    }
  };

  return new Promise((resolve, reject) => {
    const answer = `crmlink:${crypto.randomUUID()}`;
    const manager = browser.messageManager;
    const watch = setInterval(() => {
      if (!browser.isConnected) settle(() => reject(new Error("the popup closed while it was asked something")));
    }, 50);
    const settle = (/** @type {() => void} */ then) => {
      clearInterval(watch);
      if (browser.isConnected) manager.removeMessageListener(answer, hear);
      then();
    };
    const hear = (/** @type {Told} */ { data }) =>
      settle(() => ("error" in data ? reject(new Error(data.error)) : resolve(JSON.parse(data.value))));
    manager.addMessageListener(answer, hear);
    const script = `(${inside})(this, ${JSON.stringify({ answer, ...asked })});`;
    manager.loadFrameScript(`data:text/javascript;charset=utf-8,${encodeURIComponent(script)}`, false);
  });
}

/** What the button on the page in front says; its shadow is closed to the page, not to the browser. */
export function onPageButton() {
  const inside = (/** @type {Frame} */ frame, /** @type {string} */ answer) => {
    const host = frame.content.document.querySelector("crmlink-button");
    const button = host?.openOrClosedShadowRoot?.querySelector("button");
    const parts = button ? [...button.querySelectorAll("span")].map((one) => one.textContent) : [];
    frame.sendAsyncMessage(answer, parts.filter(Boolean).join(" "));
  };
  return new Promise((resolve) => {
    const answer = `crmlink:${crypto.randomUUID()}`;
    const manager = gBrowser.selectedBrowser.messageManager;
    const hear = (/** @type {Told} */ { data }) => {
      manager.removeMessageListener(answer, hear);
      resolve(data);
    };
    manager.addMessageListener(answer, hear);
    const script = `(${inside})(this, ${JSON.stringify(answer)});`;
    manager.loadFrameScript(`data:text/javascript;charset=utf-8,${encodeURIComponent(script)}`, false);
  });
}

/** What the panel on the page in front says, and which of its buttons the keyboard is on. */
export function onPagePanel() {
  const inside = (/** @type {Frame} */ frame, /** @type {string} */ answer) => {
    const { document } = frame.content;
    const roots = [document, ...[...document.querySelectorAll("*")].map((one) => one.openOrClosedShadowRoot).filter(Boolean)];
    const hosts = roots.map((one) => one.querySelector("crmlink-assist, crmlink-table"));
    const root = hosts.find(Boolean)?.openOrClosedShadowRoot;
    const section = root?.querySelector("section");
    const words = (/** @type {Element} */ top) => {
      const walker = top.ownerDocument.createTreeWalker(top, 4);
      const parts = [];
      while (walker.nextNode()) parts.push(walker.currentNode.nodeValue?.trim());
      return parts.filter(Boolean).join(" ");
    };
    const focused = root?.activeElement?.localName === "button" ? words(root.activeElement) : "";
    frame.sendAsyncMessage(answer, section ? { words: words(section), focus: focused } : null);
  };
  return new Promise((resolve) => {
    const answer = `crmlink:${crypto.randomUUID()}`;
    const manager = gBrowser.selectedBrowser.messageManager;
    const hear = (/** @type {Told} */ { data }) => {
      manager.removeMessageListener(answer, hear);
      resolve(data);
    };
    manager.addMessageListener(answer, hear);
    const script = `(${inside})(this, ${JSON.stringify(answer)});`;
    manager.loadFrameScript(`data:text/javascript;charset=utf-8,${encodeURIComponent(script)}`, false);
  });
}

/** Whether the popup stands open in a window of its own; it is closed again. */
export function windowOnPage() {
  const found = [...Services.wm.getEnumerator("navigator:browser")].filter((one) =>
    one.gBrowser?.currentURI.spec.includes("/popup/popup.html?tab="),
  );
  for (const one of found) one.close();
  return found.length > 0;
}

/** @param {string} id */
export async function endBackground(id) {
  await WebExtensionPolicy.getByID(id).extension.terminateBackground({ ignoreDevToolsAttached: true });
}

/** @param {string} id */
export async function removeExtension(id) {
  const { AddonManager } = ChromeUtils.importESModule("resource://gre/modules/AddonManager.sys.mjs");
  await (await AddonManager.getAddonByID(id)).uninstall();
}
