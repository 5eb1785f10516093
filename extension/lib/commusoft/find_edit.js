// @ts-check
// What a person presses on a record's page to edit it.

(() => {
  const tools = /** @type {{crmlinkPage: import("./types.js").PageTools}} */ (/** @type {unknown} */ (globalThis)).crmlinkPage;
  const { isVisible, labelKey, parentOf, rootsOf } = tools;

  const PRESSED = "a, button, [role=button], input[type=button]";

  /**
   * What such a thing says: the word, twice where its picture is a word too, or with what it edits.
   * @param {string[]} words
   * @param {string} kind
   */
  function sayings(words, kind) {
    const ends = ["", "details", "otherdetails", kind, `${kind}details`];
    return new Set(words.map(labelKey).flatMap((word) => [word + word, ...ends.map((end) => word + end)]));
  }

  /** What it says: a button's own words, without those of a picture. @param {Element} element */
  function wordsOf(element) {
    const text = element.localName === "input" ? /** @type {HTMLInputElement} */ (element).value : element.textContent;
    return labelKey(element.getAttribute("aria-label") || text?.trim() || element.getAttribute("title"));
  }

  /** A link that leads elsewhere is not one that edits in the page. @param {Element} element */
  function staysHere(element) {
    if (!/^(?:|_self)$/.test(element.getAttribute("target") ?? "")) return false;
    const href = element.getAttribute("href");
    if (href === null || href === "" || href.startsWith("#") || href.startsWith("javascript:")) return true;
    const { location } = /** @type {Window} */ (element.ownerDocument.defaultView);
    if (!URL.canParse(href, location.href)) return false;
    const { origin, pathname } = new URL(href, location.href);
    return origin === location.origin && pathname === location.pathname;
  }

  /** @param {Node} top @param {HTMLElement[]} all */
  function within(top, all) {
    return all.filter((one) => {
      for (let at = /** @type {Node | null} */ (one); at; at = parentOf(at)) if (at === top) return true;
      return false;
    });
  }

  /**
   * @param {Document} document
   * @param {import("./types.js").Search} search
   * @returns {HTMLElement | null} null where there is none, or more than one that it might be
   */
  function findEdit(document, { labels, subject, edits }) {
    const says = sayings(edits ?? [], subject.kind);
    const all = rootsOf(document).flatMap((root) => [.../** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(PRESSED))])
      .filter((one) => says.has(wordsOf(one)) && isVisible(one) && !one.matches(":disabled, [aria-disabled=true]") && staysHere(one) && !tools.isForeign(one, subject));
    if (all.length < 2) return all[0] ?? null;
    const keys = new Set(labels.map(labelKey).filter(Boolean));
    const places = rootsOf(document).flatMap((root) => [...root.querySelectorAll("*")]).filter((one) => one.childElementCount === 0 && keys.has(labelKey(one.textContent)) && isVisible(one));
    if (places.length !== 1) return null;
    for (let at = parentOf(/** @type {Node} */ (places[0])); at; at = parentOf(at)) {
      const near = within(at, all);
      if (near.length > 0) return near.length === 1 ? (near[0] ?? null) : null;
    }
    return null;
  }

  Object.assign(tools, { findEdit });
})();
