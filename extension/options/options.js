// @ts-check
// The settings: the connection, the button on the packages' pages, and the shortcut.

import { h } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { connectionCard } from "./connection.js";
import { drawOnPage, onPageCards } from "./page_button.js";
import { shortcutCard } from "./shortcut.js";

document.body.append(
  h("header", { class: "brand" }, h("img", { src: "../icons/48.png", alt: "", width: "40", height: "40" }), h("h1", {}, t("settings_title"))),
  h("main", {}, await connectionCard(() => void drawOnPage()), ...onPageCards(), await shortcutCard()),
);
await drawOnPage();
