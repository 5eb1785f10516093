// @ts-check
// Opens the popup on the tab it was called for.

import { PopupController } from "./app.js";
import { createFrame } from "./frame.js";

const NO_TAB = 0;

/** The tab given in our own address (a popup in its own window, and tests), else the one in front. */
async function tabInQuestion() {
  const given = Number.parseInt(new URLSearchParams(location.search).get("tab") ?? "", 10);
  if (Number.isInteger(given)) {
    document.documentElement.classList.add("in-window");
    return given;
  }
  const [front] = await chrome.tabs.query({ active: true, currentWindow: true });
  return front?.id ?? NO_TAB;
}

const app = new PopupController(createFrame(), await tabInQuestion());
await app.start();
