// @ts-check
// The keyboard shortcut that the browser really gave, and where to change it.

import { h } from "../ui/dom.js";
import { t } from "../ui/i18n.js";

const COMMAND = "_execute_action";

/** Firefox opens its own page for this; Chrome and Edge have an address. */
const firefox = /** @type {{openShortcutSettings?: () => Promise<void>}} */ (/** @type {unknown} */ (chrome.commands));

export async function shortcutCard() {
  const commands = await chrome.commands.getAll();
  const given = commands.find((command) => command.name === COMMAND)?.shortcut ?? "";
  return h(
    "section",
    { class: "card", "aria-labelledby": "shortcut-title" },
    h("h2", { id: "shortcut-title" }, t("shortcut_title")),
    given ? h("p", { class: "keys" }, drawn(given)) : h("p", {}, t("shortcut_none")),
    h("p", { class: "muted" }, t("shortcut_text")),
    h("div", { class: "row" }, h("button", { type: "button", class: "button", on: { click: change } }, t("shortcut_change"))),
  );
}

/** @param {string} shortcut */
function drawn(shortcut) {
  return shortcut.split("+").flatMap((key, index) => (index ? [" + ", h("kbd", {}, key)] : [h("kbd", {}, key)]));
}

function change() {
  if (firefox.openShortcutSettings) return void firefox.openShortcutSettings();
  const edge = navigator.userAgent.includes("Edg/");
  return void chrome.tabs.create({ url: edge ? "edge://extensions/shortcuts" : "chrome://extensions/shortcuts" });
}
