// @ts-check
// The panel beside the table: closed to the page, worked by the person's own clicks and keys alone.

(() => {
  /** @type {import("../../lib/commusoft/table/types.js").CrmlinkTable} */
  const table = (/** @type {any} */ (globalThis).crmlinkTable ??= {});

  /** @typedef {Node | string | null | false} Child */

  const TAG = "crmlink-table";
  const HOST_STYLE = { all: "initial", position: "fixed", right: "16px", bottom: "16px", top: "auto", left: "auto", "z-index": "2147483000", display: "block", margin: "0", border: "0", padding: "0", background: "none", overflow: "visible" };
  const STYLE = `
    section { all: initial; box-sizing: border-box; display: flex; flex-direction: column; width: 400px; max-width: calc(100vw - 32px); max-height: calc(100vh - 32px);
      border: 1px solid #0b564f; border-radius: 10px; background: #fff; color: #1b2523; box-shadow: 0 8px 30px rgb(0 0 0 / 25%);
      font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
    h2 { margin: 0; outline: none; padding: 12px 16px; border-bottom: 1px solid #d7e0de; font-size: 15px; }
    .body { padding: 12px 16px; overflow: auto; }
    .body > :first-child { margin-top: 0; } .body > :last-child { margin-bottom: 0; }
    p, ul, dl, details, progress { margin: 8px 0; }
    dl { display: grid; grid-template-columns: 1fr auto; gap: 3px 12px; } dt { margin: 0; } dd { margin: 0; font-weight: 600; text-align: right; }
    ul { padding: 0; list-style: none; max-height: 200px; overflow: auto; } li { display: flex; gap: 8px; align-items: baseline; padding: 4px 0; border-top: 1px solid #e5ebe9; }
    li label, li > span:first-child { flex: 1; overflow-wrap: anywhere; }
    del { color: #8a1c1c; } ins { color: #12693a; text-decoration: none; font-weight: 600; }
    progress { width: 100%; accent-color: #0f6b63; }
    .actions { display: flex; flex-wrap: wrap; gap: 8px; padding: 12px 16px; border-top: 1px solid #d7e0de; }
    button { font: inherit; padding: 6px 12px; border: 1px solid #0b564f; border-radius: 7px; background: #fff; color: #0b564f; cursor: pointer; }
    button.first { background: #0f6b63; color: #fff; font-weight: 600; } li button { padding: 1px 8px; }
    button:focus-visible, summary:focus-visible, input:focus-visible { outline: 2px solid #1d8f84; outline-offset: 2px; }
    .quiet { color: #51605d; } .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
    .mark { position: fixed; border: 3px solid #c77700; border-radius: 4px; pointer-events: none; }`;

  /**
   * @param {string} tag
   * @param {Record<string, string | boolean>} [attributes]
   * @param {...(Child | Child[])} children
   */
  table.make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.flat().filter((one) => one !== null && one !== false));
    return element;
  };

  /**
   * A button that only a person can press.
   * @param {string} words
   * @param {() => void} act
   * @param {{first?: boolean}} [how]
   */
  table.button = (words, act, { first = false } = {}) => {
    const button = table.make("button", { type: "button", class: first ? "first" : "" }, words);
    button.addEventListener("click", (event) => {
      if (event.isTrusted) act();
    });
    return button;
  };

  table.openFrame = (onEscape) => {
    for (const left of document.querySelectorAll(TAG)) left.remove();
    const host = document.createElement(TAG);
    for (const [name, value] of Object.entries(HOST_STYLE)) host.style.setProperty(name, value, "important");
    const root = host.attachShadow({ mode: "closed" });
    const style = document.createElement("style");
    style.textContent = STYLE;
    const title = table.make("h2", { tabindex: "-1" });
    const body = table.make("div", { class: "body" });
    const actions = table.make("div", { class: "actions" });
    const status = table.make("div", { role: "status", "aria-live": "polite", class: "unseen" });
    const mark = table.make("div", { class: "mark", hidden: true });
    root.append(style, table.make("section", { role: "dialog", "aria-label": chrome.i18n.getMessage("table_title") }, title, body, status, actions), mark);
    // What is done in the panel is not done in the page.
    for (const type of ["click", "pointerdown", "mousedown", "mouseup", "keydown", "keyup", "keypress", "focusin", "paste"]) {
      host.addEventListener(type, (event) => event.stopPropagation());
    }
    root.addEventListener("keydown", (event) => {
      if (!event.isTrusted || /** @type {KeyboardEvent} */ (event).key !== "Escape") return;
      event.preventDefault(); // a dialog of the page's stays open
      onEscape();
    });
    const onTop = /** @type {import("../../lib/commusoft/types.js").OnTop} */ (/** @type {unknown} */ (globalThis)).crmlinkOnTop(host, root);

    return {
      /** @param {{title: string, body: Child[], actions: HTMLElement[], fromTop?: boolean}} screen */
      show(screen) {
        onTop.show();
        title.textContent = screen.title;
        body.replaceChildren(...screen.body.filter((one) => one !== null && one !== false));
        actions.replaceChildren(...screen.actions);
        ((screen.fromTop ? null : screen.actions[0]) ?? title).focus();
      },

      /** @param {string} words */
      announce(words) {
        if (status.textContent !== words) status.textContent = words;
      },

      /** Frame a row of the table. @param {Element} element */
      point(element) {
        const { left, top, width, height } = element.getBoundingClientRect();
        for (const [name, value] of Object.entries({ left, top, width, height })) mark.style.setProperty(name, `${value}px`);
        mark.hidden = false;
      },

      unpoint: () => void (mark.hidden = true),

      close: onTop.leave,
    };
  };
})();
