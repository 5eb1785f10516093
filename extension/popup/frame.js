// @ts-check
// The frame around every screen: one screen at a time, its keys, its focus, and what a screen reader hears.

import { httpUrl } from "../lib/linking/ranking.js";
import { h, icon, present } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { recordAge } from "../ui/record_age.js";

/** @typedef {import("../ui/dom.js").Children} Children */

/**
 * @typedef {object} Screen
 * @property {string} name also on the body, as data-screen
 * @property {Children[]} body
 * @property {Children[]} [actions] the bar at the bottom
 * @property {Record<string, () => void>} [keys] by KeyboardEvent.key; Enter is left to a focused button or link
 * @property {HTMLElement | null} [focus] where the keyboard is; the heading, when not given
 * @property {boolean} [focusStep] the keyboard is on the main step, so that Enter takes it
 * @property {string} [announcement] said to a screen reader
 * @property {HTMLElement | null} [enter] the button that Enter presses; it shows so while Enter does
 */

/** @typedef {ReturnType<typeof createFrame>} Frame */

export function createFrame() {
  const main = h("main", { class: "screen", id: "screen" });
  const age = h("p", { class: "age muted", hidden: true });
  const bar = h("footer", { class: "actions", hidden: true });
  const announcer = h("div", { class: "unseen", role: "status", "aria-live": "polite" });
  const sandbox = h("p", { class: "sandbox", hidden: true }, t("sandbox"));
  const workspace = h("span", { class: "workspace" });
  const pages = h("a", { class: "quiet square", target: "_blank", rel: "noreferrer noopener", hidden: true, "aria-label": t("open_crmlink"), title: t("open_crmlink") }, icon("open"));
  const top = header(workspace, sandbox, pages);
  document.body.append(top, main, age, bar, announcer);

  /** @type {Record<string, () => void>} */
  let keys = {};
  /** @type {HTMLElement | null} */
  let enter = null;
  document.addEventListener("keydown", (event) => handleKey(event, keys));
  document.addEventListener("focusin", (event) => hintEnter(/** @type {Element} */ (event.target)));
  document.addEventListener("focusout", () => hintEnter(document.body));

  /** @param {Element} at where the keyboard is */
  function hintEnter(at) {
    const hint = enter?.querySelector("kbd");
    if (hint) hint.hidden = !(at === enter || leavesEnter(at));
  }

  return {
    /** @param {Screen} screen */
    show(screen) {
      enter = screen.enter ?? null;
      keys = { ...screen.keys, ...(enter ? { Enter: () => enter?.click() } : {}) };
      document.body.dataset.screen = screen.name;
      main.replaceChildren(...present(screen.body));
      const actions = present(screen.actions ?? []);
      bar.replaceChildren(...actions);
      bar.hidden = actions.length === 0;
      scrollBetween(top, bar);
      const step = screen.focusStep ? bar.querySelector(".first") : null;
      const focus = screen.focus ?? step ?? main.querySelector("h1");
      // The steps are always in sight: going there must not scroll what was said away.
      if (focus instanceof HTMLElement) focus.focus({ preventScroll: focus === step });
      hintEnter(document.activeElement ?? document.body);
      if (screen.announcement) this.announce(screen.announcement);
    },

    /** @param {string} words */
    announce(words) {
      // The same words twice are heard twice only if the text was gone in between.
      announcer.textContent = "";
      requestAnimationFrame(() => (announcer.textContent = words));
    },

    /** @param {import("../lib/server/connection.js").ConnectionStatus} status */
    showWorkspace(status) {
      sandbox.hidden = !status.workspace?.commusoft?.sandbox;
      const address = status.connected && status.server ? httpUrl(status.server) : null;
      pages.hidden = address === null;
      pages.setAttribute("href", address ?? "");
      age.textContent = status.connected ? recordAge(status.workspace) : "";
      age.hidden = age.textContent === "";
      workspace.textContent = [status.person?.name, status.workspace?.name].filter(Boolean).join(" · ");
    },
  };
}

/**
 * @param {HTMLElement} workspace
 * @param {HTMLElement} sandbox
 * @param {HTMLElement} pages the way to crmlink's own pages
 */
function header(workspace, sandbox, pages) {
  const open = () => chrome.runtime.openOptionsPage();
  const top = h(
    "div",
    { class: "top" },
    h("img", { src: "../icons/48.png", alt: "", width: "20", height: "20" }),
    h("span", { class: "product" }, t("link_to_crm")),
    workspace,
    pages,
    h("button", { type: "button", class: "quiet square", "aria-label": t("settings"), title: t("settings"), on: { click: open } },
      icon("settings")),
  );
  return h("header", {}, top, sandbox);
}

/**
 * A new screen begins at its top, and what the keyboard goes to is never under the header or the steps.
 * @param {HTMLElement} top
 * @param {HTMLElement} bar
 */
function scrollBetween(top, bar) {
  const page = document.documentElement;
  page.scrollTop = 0;
  page.style.scrollPadding = `${top.offsetHeight + 8}px 0 ${bar.offsetHeight + 8}px`;
}

/**
 * @param {KeyboardEvent} event
 * @param {Record<string, () => void>} keys
 */
function handleKey(event, keys) {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = Object.hasOwn(keys, event.key) ? keys[event.key] : null;
  const target = event.target instanceof Element ? event.target : document.body;
  if (!act || event.repeat || typesText(target)) return;
  if (event.key === "Enter" && !leavesEnter(target)) return;
  if (event.key.startsWith("Arrow") && target.matches("input")) return;
  event.preventDefault();
  act();
}

/**
 * Whether Enter is the screen's: not where text is typed, nor on anything that takes Enter itself.
 * @param {Element} target
 */
export function leavesEnter(target) {
  return !typesText(target) && !target.closest("a, button, summary, select");
}

/** @param {Element} target */
function typesText(target) {
  return target.matches("textarea, select, input:not([type=radio], [type=checkbox])");
}
