// @ts-check
// The frame that every screen stands in: one screen at a time, its keys, its focus, and what a screen reader hears.

import { h, icon, present } from "../ui/dom.js";
import { t } from "../ui/i18n.js";

/** @typedef {import("../ui/dom.js").Children} Children */

/**
 * @typedef {object} Screen
 * @property {string} name also on the body, as data-screen
 * @property {Children[]} body
 * @property {Children[]} [actions] the bar at the bottom
 * @property {Record<string, () => void>} [keys] by KeyboardEvent.key; Enter is left to a focused button or link
 * @property {HTMLElement | null} [focus] where the keyboard is; the heading, when not given
 * @property {boolean} [focusStep] the keyboard is on the main step, so that Enter takes it
 * @property {string} [hear] said to a screen reader
 * @property {(at: Element) => void} [focused] told where the keyboard is, and each time it goes elsewhere
 */

/** @typedef {ReturnType<typeof createFrame>} Frame */

export function createFrame() {
  const main = h("main", { class: "screen", id: "screen" });
  const bar = h("footer", { class: "actions", hidden: true });
  const status = h("div", { class: "unseen", role: "status", "aria-live": "polite" });
  const sandbox = h("p", { class: "sandbox", hidden: true }, t("sandbox"));
  const workspace = h("span", { class: "workspace" });
  document.body.append(header(workspace, sandbox), main, bar, status);

  /** @type {Record<string, () => void>} */
  let keys = {};
  /** @type {(at: Element) => void} */
  let focused = () => undefined;
  document.addEventListener("keydown", (event) => handleKey(event, keys));
  document.addEventListener("focusin", (event) => focused(/** @type {Element} */ (event.target)));
  document.addEventListener("focusout", () => focused(document.body));

  return {
    /** @param {Screen} screen */
    show(screen) {
      keys = screen.keys ?? {};
      focused = screen.focused ?? (() => undefined);
      document.body.dataset.screen = screen.name;
      main.replaceChildren(...present(screen.body));
      main.scrollTop = 0;
      const actions = present(screen.actions ?? []);
      bar.replaceChildren(...actions);
      bar.hidden = actions.length === 0;
      const step = screen.focusStep ? bar.querySelector(".first") : null;
      const focus = screen.focus ?? step ?? main.querySelector("h1");
      if (focus instanceof HTMLElement) focus.focus();
      focused(document.activeElement ?? document.body);
      if (screen.hear) this.announce(screen.hear);
    },

    /** @param {string} words */
    announce(words) {
      // The same words twice are heard twice only if the text was gone in between.
      status.textContent = "";
      requestAnimationFrame(() => (status.textContent = words));
    },

    /** @param {import("../lib/server/connection.js").ConnectionStatus} standing */
    showWorkspace(standing) {
      sandbox.hidden = !standing.workspace?.commusoft?.sandbox;
      workspace.textContent = [standing.person?.name, standing.workspace?.name].filter(Boolean).join(" · ");
    },
  };
}

/**
 * @param {HTMLElement} workspace
 * @param {HTMLElement} sandbox
 */
function header(workspace, sandbox) {
  const open = () => chrome.runtime.openOptionsPage();
  const top = h(
    "div",
    { class: "top" },
    h("img", { src: "../icons/48.png", alt: "", width: "20", height: "20" }),
    h("span", { class: "product" }, t("link_to_crm")),
    workspace,
    h("button", { type: "button", class: "quiet square", "aria-label": t("settings"), title: t("settings"), on: { click: open } },
      icon("settings")),
  );
  return h("header", {}, top, sandbox);
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
