// @ts-check
// The one field that a record's reference is typed into: found by its label, and only if exactly one fits.

(() => {
  const tools = /** @type {{crmlinkPage: import("./types.js").PageTools}} */ (/** @type {unknown} */ (globalThis)).crmlinkPage;
  const { isControl, isVisible, labelKey, nameOf, parentOf, rootsOf, textOf } = tools;

  const MAX_CONTROLS = 20_000;
  const SEARCHES = /(?:^|[^a-z])(?:search|filter|typeahead|lookup|quick-?find)/i;
  const SEARCH_CLASS = /(?:^|[\s_-])(?:search|filter|typeahead|quick-?find)(?:$|[\s_-])/i;
  const FILTER_CLASS = /^(?!(?:has|no|with|without|is|js)-)(?:[a-z]+-)*(?:filters?|search)(?:-(?:panel|bar|row|drawer|form|box|area|section|sidebar|container|wrapper))?$/;
  const SENDS_TO_FILTER = /^(?:filter|applyfilters?)$/;
  const SENDS_TO_SEARCH = /^(?:search|find|lookup)$/;
  const MAX_SEARCHED = 3; // fields; a longer form has such a button for a postcode, and saves elsewhere
  const CLEARS = /^(?:clear(?:all|filters?)?|reset(?:filters?)?|cancel|close|x)$/;
  const SEARCH_PLACES =
    "[role=search], [role=grid], [role=listbox], .handsontable, .handsontableInputHolder, .select2-container, .select2-drop, .select2-search, " +
    ".select2-dropdown, .chosen-container, .dataTables_filter, .ag-root, .ui-grid, .typeahead";

  /** @typedef {import("./types.js").Search} Search */
  /** @typedef {import("./types.js").Unfit} Unfit */

  /** @param {Element} element @param {string} selector also outside of a shadow root or a frame */
  function closest(element, selector) {
    for (let at = /** @type {Node | null} */ (element); at; at = parentOf(at)) {
      const found = at.nodeType === 1 ? /** @type {Element} */ (at).closest(selector) : null;
      if (found) return found;
      if (at.nodeType === 1) at = at.getRootNode();
    }
    return null;
  }

  /**
   * Whether a control is called so, and by what.
   * @param {Element} control
   * @param {Set<string>} keys
   */
  function isCalled(control, keys) {
    const { texts, column, how } = nameOf(control);
    const is = (/** @type {string} */ text) => keys.has(labelKey(text));
    if (texts.length > 0 && texts.every(is)) return how === "none" ? "shared" : "own";
    return how !== "explicit" && column && is(column) ? "column" : null;
  }

  /**
   * A column's field is this record's only where it has the only row, and the row names no other.
   * @param {Element} control
   * @param {import("./types.js").Subject} subject
   */
  function isOnlyRow(control, subject) {
    const row = closest(control, "tr");
    const body = row?.parentElement;
    if (!row || !body) return false;
    const rows = [...body.children].filter((one) => one.localName === "tr" && isVisible(one) && !one.querySelector(":scope > th:only-child") && one.closest("thead") === null);
    if (rows.length !== 1) return false;
    const texts = [...row.children].map((one) => textOf(one)).filter(Boolean);
    const names = new Set([...subject.names, subject.number].map(labelKey));
    return texts.length === 0 || texts.some((text) => names.has(labelKey(text)));
  }

  /** @param {Element} control */
  function isSearch(control) {
    const role = control.getAttribute("role") ?? "";
    if (control.getAttribute("type")?.toLowerCase() === "search" || /^(?:searchbox|combobox|listbox|spinbutton)$/.test(role)) return true;
    if (control.matches("[aria-autocomplete]:not([aria-autocomplete=none]), [aria-haspopup=listbox], [list]") || closest(control, SEARCH_PLACES)) return true;
    if (SEARCH_CLASS.test(control.getAttribute("class") ?? "")) return true;
    const words = ["id", "name", "placeholder", "ng-model", "formcontrolname"].map((one) => control.getAttribute(one) ?? "");
    return words.some((text) => SEARCHES.test(text)) || isInFilter(control) || isSentToSearch(control);
  }

  /** @param {Element} control */
  function isInFilter(control) {
    for (let at = parentOf(control); at?.nodeType === 1; at = parentOf(at)) {
      const element = /** @type {Element} */ (at);
      if ([...element.classList].some((name) => FILTER_CLASS.test(name.toLowerCase())) && !element.querySelector("h1, main") && !element.matches("body, html")) return true;
    }
    return false;
  }

  /** Whether all that its form is for is to find something. @param {Element} control */
  function isSentToSearch(control) {
    const { form } = /** @type {HTMLInputElement} */ (control);
    const says = [...form?.querySelectorAll("button, input[type=submit], input[type=button]") ?? []].filter(isVisible)
      .map((one) => labelKey(textOf(one) || one.textContent || /** @type {HTMLInputElement} */ (one).value)).filter(Boolean);
    const searches = (/** @type {string} */ words) => SENDS_TO_FILTER.test(words) || SENDS_TO_SEARCH.test(words);
    if (!says.some(searches) || !says.every((words) => searches(words) || CLEARS.test(words))) return false;
    return says.some((words) => SENDS_TO_FILTER.test(words)) || [...form?.elements ?? []].filter((one) => one.matches("input:not([type=hidden]), textarea, select")).length <= MAX_SEARCHED;
  }

  /** @param {Element} control */
  function isSignIn(control) {
    const words = `${control.id} ${control.getAttribute("name") ?? ""}`;
    if (/(?:^|\s)logintype_/i.test(words) || /username|current-password|one-time-code/.test(control.getAttribute("autocomplete") ?? "")) return true;
    return Boolean(/** @type {HTMLInputElement} */ (control).form?.querySelector("input[type=password]"));
  }

  /** @param {Element} control */
  function isDisabled(control) {
    return control.matches(":disabled") || closest(control, "[aria-disabled=true], [inert]") !== null;
  }

  /**
   * @param {Element} control
   * @param {import("./types.js").Subject} subject
   * @param {{byHeading?: boolean}} [signs]
   * @returns {Unfit | null}
   */
  function unfitness(control, subject, signs) {
    if (!isVisible(control) || closest(control, "[aria-hidden=true]")) return "hidden";
    if (isSearch(control)) return "search";
    if (isSignIn(control)) return "sign-in";
    if (control.localName !== "input" || /** @type {HTMLInputElement} */ (control).type !== "text") return "not-text";
    if (tools.isForeign(control, subject, signs)) return "foreign";
    if (isDisabled(control)) return "disabled";
    if (control.matches("[readonly], [aria-readonly=true]")) return "readonly";
    return null;
  }

  /** @param {Document} document */
  function controlsOf(document) {
    const all = rootsOf(document).flatMap((root) => [...root.querySelectorAll("input, textarea, select, [contenteditable], [role=textbox], [role=combobox]")]);
    return all.filter(isControl).slice(0, MAX_CONTROLS);
  }

  /**
   * @param {Document} document
   * @param {Search} search
   * @returns {import("./types.js").Found}
   */
  function findField(document, { labels, subject, rule }) {
    const keys = new Set(labels.map(labelKey).filter(Boolean));
    /** @type {HTMLInputElement[]} */
    const fits = [];
    /** @type {{control: Element, why: Unfit}[]} */
    const unfit = [];
    for (const control of controlsOf(document)) {
      const called = isCalled(control, keys);
      if (!called) continue;
      const foreign = called === "column" && !isOnlyRow(control, subject);
      const why = foreign ? "foreign" : (unfitness(control, subject) ?? (called === "shared" ? "shared-label" : null));
      if (why) unfit.push({ control, why });
      else fits.push(/** @type {HTMLInputElement} */ (control));
    }
    const shared = unfit.some(({ why }) => why === "shared-label");
    if (fits.length === 0 && rule && unfit.every(({ why }) => why === "foreign")) return byRule(document, rule, subject);
    const drawn = fits.length === 0 && unfit.length === 0 ? drawnBeside(document, keys, subject) : null;
    if (drawn) return { state: "one", ...drawn, count: 1, unfit, byRule: false };
    const one = fits.length === 1 && !shared ? (fits[0] ?? null) : null;
    const state = one ? "one" : fits.length > 0 || shared ? "several" : "none";
    return { state, field: one, count: fits.length, unfit, byRule: false };
  }

  /** @param {Range | Element} what */
  const boxOf = (what) => what.getBoundingClientRect();

  /** The part of the lower of two boxes that is beside the other. @param {DOMRect} one @param {DOMRect} other */
  const beside = (one, other) => (Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top)) / Math.max(1, Math.min(one.height, other.height));

  /**
   * All words that a document shows, and where.
   * @param {Document} document
   * @returns {{element: Element, text: string, box: DOMRect}[]}
   */
  function wordsIn(document) {
    const walker = document.createTreeWalker(document.body, 4);
    /** @type {ReturnType<typeof wordsIn>} */
    const found = [];
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      if (!walker.currentNode.nodeValue?.trim() || !element || element.closest("script, style, template, option, button, svg") || !isVisible(element)) continue;
      const range = document.createRange();
      range.selectNodeContents(walker.currentNode);
      found.push({ element, text: walker.currentNode.nodeValue, box: boxOf(range) });
    }
    return found;
  }

  /**
   * Labels may have a column of their own, as fields have, so that only the drawing tells which goes with which: the one
   * field in the label's line that has no other name, with no other words before it there and none above it.
   * @param {Document} top
   * @param {Set<string>} keys
   * @param {import("./types.js").Subject} subject
   * @returns {{field: HTMLInputElement, label: Element} | null}
   */
  function drawnBeside(top, keys, subject) {
    const documents = rootsOf(top).filter((one) => one.nodeType === 9 && /** @type {Document} */ (one).documentElement.getBoundingClientRect().width > 0);
    const all = documents.flatMap((one) => wordsIn(/** @type {Document} */ (one)));
    const [label, another] = all.filter(({ element, text }) => keys.has(labelKey(text)) && keys.has(labelKey(textOf(element))));
    if (!label || another || label.element.closest("a, nav, thead, [role=columnheader]") || /** @type {HTMLLabelElement | null} */ (label.element.closest("label"))?.control) return null;
    const { element, box } = label;
    const document = element.ownerDocument;
    const controls = controlsOf(document).filter((one) => one.ownerDocument === document && isVisible(one)).map((control) => ({ control, at: boxOf(control) }));
    const inLine = controls.filter(({ at }) => at.left >= box.right - 1 && beside(at, box) > 0.5).sort((one, other) => one.at.left - other.at.left);
    const [first, second] = inLine;
    if (!first || isNamedOtherwise(first.control) || scrolledBy(first.control) !== scrolledBy(element)) return null;
    const others = all.filter((one) => one !== label && one.element.ownerDocument === document && one.text.trim().length > 1);
    const before = others.some((one) => one.box.left >= box.left - 2 && one.box.right <= first.at.left + 1 && beside(one.box, first.at) > 0.2);
    const above = others.some((one) => one.box.left < first.at.right && one.box.right > first.at.left && one.box.bottom <= first.at.top + 2 && first.at.top - one.box.bottom < one.box.height);
    const shares = controls.some(({ control, at }) => control !== first.control && at.left < first.at.right && at.right > first.at.left && beside(at, box) > 0.2);
    const two = second && !isNamedOtherwise(second.control) && !others.some((one) => one.box.left >= first.at.right - 1 && one.box.right <= second.at.left + 1 && beside(one.box, second.at) > 0.2);
    if (before || above || shares || two || tools.isForeign(element, subject) || unfitness(first.control, subject) !== null) return null;
    return { field: /** @type {HTMLInputElement} */ (first.control), label: element };
  }

  /** What moves it against the rest of the page. @param {Element} element */
  function scrolledBy(element) {
    for (let at = element.parentElement; at; at = at.parentElement) {
      if (/auto|scroll|overlay|hidden/.test(getComputedStyle(at).overflowY) && at.scrollHeight > at.clientHeight + 1) return at;
    }
    return null;
  }

  /** @param {Element} control */
  function isNamedOtherwise(control) {
    const { texts, column } = nameOf(control);
    return texts.length > 0 || Boolean(column);
  }

  /**
   * Where the label is not known, the field that an admin showed, while it is still called the same.
   * @param {Document} document
   * @param {import("./types.js").FieldRule} rule
   * @param {import("./types.js").Subject} subject
   * @returns {import("./types.js").Found}
   */
  function byRule(document, { selector, label }, subject) {
    const found = rootsOf(document).flatMap((root) => matching(root, selector)).filter(isControl);
    const unfit = found.map((control) => ({ control, why: unfitness(control, subject, { byHeading: false }) }));
    const fits = found.filter((_, at) => unfit[at]?.why === null);
    const [field] = fits;
    const named = field !== undefined && isNamed(field, selector, label);
    const one = fits.length === 1 && named ? /** @type {HTMLInputElement} */ (field) : null;
    const why = unfit.flatMap((each) => (each.why ? [{ control: each.control, why: each.why }] : []));
    return { state: one ? "one" : fits.length > 1 ? "several" : "none", field: one, count: fits.length, unfit: why, byRule: true };
  }

  /** Whether a field is called as it was when it was shown; one without words by its name in the page's code. @param {Element} field @param {string} selector @param {string} label */
  function isNamed(field, selector, label) {
    const { texts, column } = nameOf(field);
    const words = [...texts, column ?? ""].filter(Boolean);
    return words.length === 0 ? selector.includes(label) : words.some((text) => labelKey(text) === labelKey(label));
  }

  /** @param {Document | ShadowRoot} root @param {string} selector */
  function matching(root, selector) {
    try {
      return [...root.querySelectorAll(selector)];
    } catch {
      return [];
    }
  }

  Object.assign(tools, { findField, unfitness });
})();
