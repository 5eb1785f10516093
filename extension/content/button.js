// @ts-check
// The Link to CRM button on a contact's own page. It runs in pages that are not ours: it reads nothing of them, tells
// the background nothing but that it is there, and leaves without a trace.

(() => {
  const TAG = "crmlink-button";
  const OWN = "crmlinkButton";
  const DEBOUNCE_MS = 250; // milliseconds between two looks at a page that keeps changing
  const POLL_MS = 1_000; // a page may move on without any change to see
  const MAX_AGE_MS = 5_000;
  const MAX_MOVES = 20; // a page that throws the button out again and again gets it at its edge
  const CONTROLS =
    "a, button, input, select, textarea, label, summary, option, video, audio, iframe, embed, object, [role=button], [role=link], " +
    "[role=menuitem], [role=tab], [role=checkbox], [role=slider], [tabindex]:not([tabindex='-1']), [contenteditable=true], [onclick]";
  const WITHIN = "a, button, label, summary, [role=button], [role=link], [role=tab], [contenteditable=true]";
  const MARKS = { linked: "mark_linked", not_linked: "mark_not_linked", waiting: "mark_waiting", unknown: "" };
  const STYLE = `
    button { all: initial; box-sizing: border-box; display: inline-flex; align-items: center; gap: 6px; height: 26px; padding: 0 10px 0 8px;
      border: 1px solid #0b564f; border-radius: 7px; background: #0f6b63; color: #fff; cursor: pointer; white-space: nowrap;
      font: 600 12px/1 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
    button:hover { background: #0b564f; }
    button:focus-visible { outline: 2px solid #1d8f84; outline-offset: 2px; box-shadow: 0 0 0 2px #fff; }
    svg { width: 15px; height: 15px; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; }
    .mark { margin-right: -5px; padding: 3px 6px; border-radius: 4px; background: rgb(255 255 255 / 16%); font-size: 11px; }
    .mark.linked { background: #e3f3e9; color: #12693a; }
    .mark.not_linked { background: #fdf1d8; color: #7a4900; }
    .mark:empty { display: none; }
    .edge { border-right: 0; border-radius: 7px 0 0 7px; }`;

  /** @typedef {{mark: keyof typeof MARKS, places: string[]}} Shown */

  const kept = /** @type {Record<string, {leave: () => void} | undefined>} */ (/** @type {unknown} */ (globalThis));
  kept[OWN]?.leave();
  for (const left of document.querySelectorAll(TAG)) left.remove();

  const host = document.createElement(TAG);
  const root = host.attachShadow({ mode: "closed" });
  const button = document.createElement("button");
  const mark = document.createElement("span");
  /** @type {Shown | null} */
  let shown = null;
  let shownFor = "";
  let asked = 0;
  let askedAt = 0;
  let moves = 0;
  let timer = 0;

  /** @param {string} key */
  const say = (key) => chrome.runtime.id && chrome.i18n.getMessage(key);
  /** An extension that was updated or switched off leaves its scripts behind without an id. */
  const alive = () => Boolean(globalThis.chrome?.runtime?.id);

  function build() {
    const style = document.createElement("style");
    style.textContent = STYLE;
    const words = document.createElement("span");
    words.textContent = say("link_to_crm") || "";
    button.type = "button";
    button.append(drawing(), words, mark);
    button.addEventListener("click", (event) => event.isTrusted && void send("page_open"));
    root.append(style, button);
    // The page's own clicks and keys around the name are for the name.
    for (const type of ["click", "pointerdown", "mousedown", "keydown", "keyup", "keypress"]) {
      host.addEventListener(type, (event) => event.stopPropagation());
    }
    dress(host, { all: "initial", display: "none" }, "");
  }

  function drawing() {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("viewBox", "0 0 20 20");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", "M11.5 6.5h1.6a3.5 3.5 0 0 1 0 7h-1.6M8.5 6.5H6.9a3.5 3.5 0 0 0 0 7h1.6M7.6 10h4.8");
    svg.append(path);
    return svg;
  }

  /**
   * @param {HTMLElement} element
   * @param {Record<string, string>} values
   * @param {"important" | ""} [weight]
   */
  function dress(element, values, weight = "important") {
    for (const [name, value] of Object.entries(values)) element.style.setProperty(name, value, weight);
  }

  /** @param {"page_mark" | "page_open"} type */
  async function send(type) {
    try {
      return await chrome.runtime.sendMessage({ type });
    } catch {
      if (!alive()) leave();
      return null;
    }
  }

  async function ask() {
    asked += 1;
    const mine = asked;
    const address = location.href;
    askedAt = Date.now();
    const answer = await send("page_mark");
    // Whatever it says is about another contact when the page has moved on meanwhile.
    if (mine !== asked || address !== location.href) return;
    draw(answer?.ok ? answer.data : null);
  }

  /** @param {Shown | null} now */
  function draw(now) {
    shown = now;
    if (!shown) return host.remove();
    const words = MARKS[shown.mark] ? say(MARKS[shown.mark]) || "" : "";
    mark.textContent = words;
    mark.className = `mark ${shown.mark}`;
    place();
  }

  /** The page may have changed in any way. */
  function update() {
    clearTimeout(timer);
    timer = 0;
    if (!alive()) return leave();
    if (location.href === shownFor) return place();
    shownFor = location.href;
    moves = 0;
    shown = null;
    host.remove();
    return void ask();
  }

  function place() {
    if (!shown) return;
    const name = moves < MAX_MOVES ? nameElement(shown.places) : null;
    if (name && placeBeside(name)) return;
    placeAtEdge();
  }

  /** @param {Element} name */
  function placeBeside(name) {
    if (host.parentElement !== name) {
      moves += 1;
      button.className = "";
      dress(host, { position: "static", margin: "0 0 0 12px", "vertical-align": "middle", visibility: "visible" });
      name.append(host);
    }
    return !isClipped();
  }

  /** A name that ends in dots, or a bar of fixed height, has no room for more. */
  function isClipped() {
    const { right, bottom } = host.getBoundingClientRect();
    let block = host.parentElement;
    for (let up = 0; block && up < 4; up += 1, block = block.parentElement) {
      const bounds = block.getBoundingClientRect();
      const cut = getComputedStyle(block).overflow !== "visible";
      if (cut && (right > bounds.right + 1 || bottom > bounds.bottom + 1)) return true;
    }
    return false;
  }

  /** @param {string[]} places */
  function nameElement(places) {
    for (const selector of places) {
      const found = all(selector).find(canHold);
      if (found) return found;
    }
    const headings = all("h1").filter((one) => canHold(one) && !one.closest("nav, [role=banner]"));
    return headings.length === 1 ? headings[0] : null;
  }

  /** @param {string} selector it came from the server's rules */
  function all(selector) {
    try {
      return [...document.querySelectorAll(selector)];
    } catch {
      return [];
    }
  }

  /** @param {Element} element */
  function canHold(element) {
    const { width, height } = element.getBoundingClientRect();
    return width > 0 && height > 0 && element.textContent?.trim() !== "" && !element.closest(WITHIN) && element.checkVisibility();
  }

  function placeAtEdge() {
    if (host.parentElement !== document.documentElement) {
      button.className = "edge";
      dress(host, { position: "fixed", right: "0", top: "0", margin: "0", "z-index": "2147483000", visibility: "hidden" });
      document.documentElement.append(host);
    }
    const { left, top: now, width, height } = host.getBoundingClientRect();
    const stays = host.style.visibility === "visible" && isFree(left, now, width, height);
    const top = stays ? now : freeTop(width, height);
    dress(host, top === null ? { visibility: "hidden" } : { visibility: "visible", top: `${top}px` });
  }

  /**
   * The place at the right edge that covers nothing to press; null where there is none.
   * @param {number} width
   * @param {number} height
   */
  function freeTop(width, height) {
    const middle = Math.round(innerHeight * 0.4);
    const steps = Array.from({ length: Math.ceil(innerHeight / 36) }, (_, step) => [middle + step * 36, middle - step * 36]);
    const tops = steps.flat().filter((top) => top >= 8 && top + height <= innerHeight - 8);
    return tops.find((top) => isFree(document.documentElement.clientWidth - width, top, width, height)) ?? null;
  }

  /**
   * @param {number} left
   * @param {number} top
   * @param {number} width
   * @param {number} height
   */
  function isFree(left, top, width, height) {
    for (let y = top; y <= top + height; y += 6) {
      for (let x = left; x < left + width; x += 8) {
        const under = document.elementsFromPoint(x, y).find((one) => one !== host);
        if (under && isControl(under)) return false;
      }
    }
    return true;
  }

  /** @param {Element} element */
  function isControl(element) {
    return element.closest(CONTROLS) !== null || element.tagName.includes("-") || getComputedStyle(element).cursor === "pointer";
  }

  function soon() {
    timer ||= window.setTimeout(update, DEBOUNCE_MS);
  }

  /** What lies below moves while the button at the edge stays: it steps aside until the page has come to rest. */
  function scrolled() {
    if (host.parentElement !== document.documentElement) return;
    dress(host, { visibility: "hidden" });
    clearTimeout(timer);
    timer = window.setTimeout(update, DEBOUNCE_MS);
  }

  /** Back from another tab, where the contact may have been linked. */
  function returned() {
    if (document.visibilityState === "visible" && Date.now() - askedAt > MAX_AGE_MS && shownFor === location.href) void ask();
  }

  /** @param {any} message @param {chrome.runtime.MessageSender} sender */
  function onMessage(message, sender) {
    if (sender.id !== chrome.runtime.id || sender.tab) return;
    if (message?.type === "leave") leave();
    if (message?.type === "refresh") void ask();
  }

  const observer = new MutationObserver(soon);
  const pulse = setInterval(() => {
    if (!alive()) leave();
    else if (location.href !== shownFor) update();
  }, POLL_MS);
  const moved = /** @type {EventTarget | undefined} */ (/** @type {any} */ (globalThis).navigation);

  function leave() {
    asked += 1;
    shown = null;
    host.remove();
    observer.disconnect();
    clearInterval(pulse);
    clearTimeout(timer);
    removeEventListener("popstate", soon);
    removeEventListener("hashchange", soon);
    removeEventListener("pageshow", soon);
    removeEventListener("resize", soon);
    removeEventListener("focus", returned);
    removeEventListener("scroll", scrolled, true);
    document.removeEventListener("visibilitychange", returned);
    moved?.removeEventListener("currententrychange", soon);
    if (alive()) chrome.runtime.onMessage.removeListener(onMessage);
    kept[OWN] = undefined;
  }

  kept[OWN] = { leave };
  build();
  addEventListener("popstate", soon);
  addEventListener("hashchange", soon);
  addEventListener("pageshow", soon);
  addEventListener("resize", soon);
  addEventListener("focus", returned);
  addEventListener("scroll", scrolled, { capture: true, passive: true });
  document.addEventListener("visibilitychange", returned);
  moved?.addEventListener("currententrychange", soon);
  chrome.runtime.onMessage.addListener(onMessage);
  observer.observe(document.documentElement, { childList: true, subtree: true });
  update();
})();
