// @ts-check
// The panel on a Commusoft page: what will go where, and what a person can do about it. The page can neither look into
// it nor press anything in it.

(() => {
  const own = /** @type {{crmlinkPanel?: import("./types.js").PanelTools}} */ (/** @type {unknown} */ (globalThis));

  const TAG = "crmlink-assist";
  const MIN_ANSWER_MS = 350; // milliseconds: a key that was still down does not answer the next question
  const HOST_STYLE = { all: "initial", position: "fixed", right: "16px", bottom: "16px", top: "auto", "z-index": "2147483647", display: "block", opacity: "1", visibility: "visible", "pointer-events": "auto", transform: "none", filter: "none", "clip-path": "none" };
  const STYLE = `
    :host { color-scheme: light; }
    section { box-sizing: border-box; width: 344px; max-width: calc(100vw - 32px); max-height: calc(100vh - 32px); overflow: auto; padding: 14px 16px 14px; border: 1px solid #0b564f; border-radius: 12px;
      background: #fff; color: #17211f; box-shadow: 0 10px 34px rgb(0 0 0 / 26%); font: 400 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; text-align: left; }
    header { display: flex; align-items: center; gap: 8px; margin-bottom: 6px; color: #0b564f; font-size: 12px; font-weight: 600; }
    header span { flex: 1; }
    h2 { margin: 0 0 4px; font-size: 16px; line-height: 1.3; font-weight: 650; outline: none; }
    p { margin: 0 0 8px; overflow-wrap: anywhere; }
    .muted { color: #55625f; font-size: 13px; }
    dl { display: grid; grid-template-columns: auto 1fr; gap: 2px 10px; margin: 8px 0; padding: 8px 10px; border-radius: 8px; background: #f2f6f5; }
    dt { color: #55625f; } dd { margin: 0; font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: 13px; overflow-wrap: anywhere; }
    dd.none { font-family: inherit; color: #55625f; }
    .row { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 10px; }
    button { font: 600 13px/1 inherit; font-family: inherit; min-height: 32px; padding: 0 12px; border: 1px solid #9db3ae; border-radius: 8px; background: #fff; color: #17211f; cursor: pointer; }
    button.first { border-color: #0b564f; background: #0f6b63; color: #fff; }
    button.close { min-height: 24px; padding: 0 8px; border: 0; background: none; color: #55625f; font-size: 16px; }
    button:focus-visible { outline: 2px solid #1d8f84; outline-offset: 2px; }
    kbd { margin-left: 6px; font: 500 11px/1 inherit; opacity: .8; }
    section.good { border-color: #12693a; } section.caution { border-color: #7a4900; } section.good h2 { color: #12693a; } section.caution h2 { color: #7a4900; }
    .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }`;

  /** @typedef {import("./types.js").PanelView} PanelView */
  /** @typedef {import("./types.js").PanelAction} PanelAction */

  /**
   * @param {(key: string) => string} say
   * @param {() => void} closed by the person
   * @returns {import("./types.js").Panel}
   */
  function createPanel(say, closed) {
    const host = document.createElement(TAG);
    const root = host.attachShadow({ mode: "closed" });
    const section = document.createElement("section");
    const status = element("div", { class: "unseen", role: "status", "aria-live": "polite" });
    /** @type {PanelView | null} */
    let shown = null;
    /** @type {Element | null} */
    let cameFrom = null;
    let drawnAt = 0;

    /** @param {string} name @param {Record<string, string>} [attributes] @param {...(Node | string)} children */
    function element(name, attributes = {}, ...children) {
      const made = document.createElement(name);
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
      made.append(...children);
      return made;
    }

    function dress() {
      for (const [name, value] of Object.entries(HOST_STYLE)) host.style.setProperty(name, value, "important");
    }

    /** The panel moves to the top where it would lie over the field it speaks of. @param {Element | null | undefined} field */
    function clear(field) {
      if (!field?.isConnected || field.ownerDocument !== document) return;
      const [own_, other] = [host.getBoundingClientRect(), field.getBoundingClientRect()];
      const isOver = own_.left < other.right && other.left < own_.right && own_.top < other.bottom && other.top < own_.bottom;
      if (isOver) for (const [name, value] of Object.entries({ top: "16px", bottom: "auto" })) host.style.setProperty(name, value, "important");
    }

    /** Whether the page has left the panel as it was: what a person cannot see they cannot agree to. */
    function isUntouched() {
      const style = getComputedStyle(host);
      return host.isConnected && style.opacity === "1" && style.visibility === "visible" && style.transform === "none" && style.clipPath === "none";
    }

    /** @param {Event} event @param {() => void} act */
    function pressed(event, act) {
      if (!event.isTrusted || Date.now() - drawnAt < MIN_ANSWER_MS) return;
      if (isUntouched()) return act();
      dress();
    }

    /** @param {PanelAction} action @param {number} at @param {boolean} first */
    function button({ words, hint }, at, first) {
      const made = element("button", { type: "button", ...(first ? { class: "first" } : {}) }, words);
      if (hint) made.append(element("kbd", { "aria-hidden": "true" }, hint));
      made.addEventListener("click", (event) => pressed(event, () => shown?.actions[at]?.act()));
      return made;
    }

    /** @param {KeyboardEvent} event */
    function key(event) {
      if (!event.isTrusted || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.key === "Escape") {
        event.preventDefault();
        return close();
      }
      const first = shown?.waits ? null : shown?.actions[0];
      const target = /** @type {Element | null} */ (event.composedPath()[0]);
      if (event.key !== "Enter" || event.repeat || !first || target?.localName === "button") return;
      event.preventDefault();
      pressed(event, first.act);
    }

    function close() {
      hide();
      closed();
    }

    function hide() {
      const hadFocus = root.activeElement !== null;
      shown = null;
      onTop.hide();
      if (hadFocus && cameFrom instanceof HTMLElement && cameFrom.isConnected) cameFrom.focus({ preventScroll: true });
    }

    /** @param {PanelView} view */
    function draw(view) {
      const close_ = element("button", { type: "button", class: "close", "aria-label": say("close") }, "\u00d7");
      close_.addEventListener("click", (event) => event.isTrusted && close());
      section.className = view.tone ?? "";
      section.replaceChildren(
        element("header", {}, element("span", {}, say("link_to_crm")), close_),
        element("h2", { id: "title", tabindex: "-1" }, view.title),
        ...view.lines.map((line) => element("p", {}, line)),
        ...(view.change ? [change(view.change)] : []),
        ...(view.small ? [element("p", { class: "muted" }, view.small)] : []),
        element("div", { class: "row" }, ...view.actions.map((action, at) => button(action, at, at === 0 && !view.waits))),
      );
      status.textContent = [view.title, ...view.lines].join(" ");
      drawnAt = Date.now();
    }

    /** @param {{before: string | null | undefined, after: string | null}} values */
    function change({ before, after }) {
      /** @param {string | null | undefined} value */
      const shownAs = (value) => (value ? element("dd", {}, value) : element("dd", { class: "none" }, say(value === undefined ? "assist_not_known" : "no_reference")));
      return element("dl", {}, element("dt", {}, say("assist_on_page")), shownAs(before), element("dt", {}, say("new")), shownAs(after));
    }

    /** Whether the keyboard is nowhere: it is not taken away from where a person types. @param {Element | null} at */
    const isFree = (at) => at === null || at === document.body || at === document.documentElement || at === host;

    root.append(Object.assign(document.createElement("style"), { textContent: STYLE }), section, status);
    section.setAttribute("role", "dialog");
    section.setAttribute("aria-labelledby", "title");
    section.addEventListener("keydown", key);
    // A page's own keys and traps for the keyboard have no business here.
    for (const type of ["click", "pointerdown", "mousedown", "mouseup", "keydown", "keyup", "keypress", "focusin", "focusout", "input", "change"]) {
      host.addEventListener(type, (event) => event.stopPropagation());
    }
    dress();
    const onTop = /** @type {import("../../lib/commusoft/types.js").OnTop} */ (/** @type {unknown} */ (globalThis)).crmlinkOnTop(host, root);

    return {
      host,
      show(view, { focus, field }) {
        const at = document.activeElement;
        if (at !== host) cameFrom = at;
        const hadFocus = root.activeElement !== null;
        // A page that is looked at again leaves the question as it was, with the button that the keyboard is on.
        const isSame = shown !== null && JSON.stringify(shown) === JSON.stringify(view);
        shown = view;
        if (!isSame) draw(view);
        dress();
        onTop.show();
        clear(field);
        const takesFocus = isSame ? focus && !hadFocus : focus || hadFocus || isFree(at);
        if (!takesFocus) return;
        const first = view.asks ? section.querySelector("button.first") : null;
        /** @type {HTMLElement} */ (first ?? section.querySelector("h2")).focus({ preventScroll: true });
      },
      hide,
      leave() {
        hide();
        onTop.leave();
      },
    };
  }

  for (const left of document.querySelectorAll(TAG)) left.remove();
  own.crmlinkPanel = { createPanel };
})();
