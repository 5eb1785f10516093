// @ts-check
// The reference that a record's page shows beside the label, where nothing can be typed. What is not surely the whole
// value is unknown.

(() => {
  const tools = /** @type {{crmlinkPage: import("./types.js").PageTools}} */ (/** @type {unknown} */ (globalThis)).crmlinkPage;
  const { isControl, isVisible, labelKey, parentOf, rootsOf, textOf } = tools;

  const MAX_LEVELS = 3;
  const MAX_VALUE = 250;
  const NOTHING = /^[-\u2010-\u2015]*$/;
  const UNSURE = /^(?:e\.?g\.? .*|not (?:yet )?(?:set|provided|given|available|specified|entered|known|recorded)|none|n\/?a|no [a-z ]+|add\b.*|click\b.*|enter\b.*|edit|loading.*|null|undefined|unknown)\.?$|(?:\.\.\.|\u2026)$/i;
  /** Not yet what Commusoft holds, or not the value itself: hidden by dots, or what a program shows by mistake. */
  const PASSING = /\b(?:unsaved|not (?:yet )?saved|pending|saving|syncing)\W*$|[\u2022\u25cf]{2}|\*{3}|^\{\{|^\[object /i;
  const BUSY = "[aria-busy=true], [class*=spinner i], [class*=skeleton i], [class*=shimmer i], [class~=loading], [class~=loader]";
  const PASSING_CLASS = "[class~=placeholder], [class*=-placeholder]";
  /** What was, or what a person wrote about it. */
  const PROSE = "blockquote, pre, q, del, s, strike, code, [aria-hidden=true]";
  const PROSE_CLASS = /^(?:[a-z]+-)*(?:notes?|comments?|remarks?|descriptions?|e?mails?|sms|letters?|previews?|drafts?|unsaved|pending)(?:-(?:text|body|content|item|box|card|preview|changes?|value))*$/;
  const PROSE_HEADING = /\b(?:notes?|comments?|remarks?|descriptions?|(?:e ?mail|sms|letter) (?:text|body|preview|template)|previews?|drafts?|pending|unsaved|proposed|suggest(?:ed|ions?)|duplicates?|previous|old|before)\b/;
  /** What a column of values may be called where there is one. */
  const VALUE_HEADING = /^(?:value|details?|current|currentvalue|data)?$/;
  const DOES = /^(?:edit|change|copy|copied|remove|clear)$/;
  const LAYOUT = /^(?:col|column|cell|grid|flex|td|item)(?:[-_].*)?$/i;

  const RECORD_FIELD = /(?:^|[\s.[])(?:name|surname|companyname|mobile|landline|email(?:address)?|addressline[1-3]?|address_line_?[1-3]|town|county|postcode)(?:$|[\s\]])/i;

  /** As the search says that is under way. */
  let textOnly = false;
  /** @type {import("./types.js").Subject} */
  let about;

  /** @typedef {import("./types.js").Search} Search */
  /** @typedef {import("./types.js").Shown} Shown */

  /** @param {Node | null} node @returns {node is Element} */
  const isElement = (node) => node?.nodeType === 1;

  /** @param {string} value @returns {Shown} */
  function judged(value) {
    if (NOTHING.test(value)) return { state: "empty" };
    const bare = value.replace(/^[\s([+]+|[\s)\].]+$/g, "");
    return value.length > MAX_VALUE || UNSURE.test(value) || UNSURE.test(bare) || PASSING.test(value) ? { state: "unknown" } : { state: "shown", value };
  }

  /** The value in an element that holds nothing else. @param {Element | null | undefined} element @returns {Shown} */
  function valueIn(element) {
    if (!element) return { state: "unknown" };
    const inner = [element, ...element.querySelectorAll("*")].filter(isControl);
    if (inner.length > 0) return inner.length === 1 && inner[0] ? valueOfControl(inner[0]) : { state: "unknown" };
    if (element.matches(PASSING_CLASS) || element.querySelector(PASSING_CLASS) || isStruck(element)) return { state: "unknown" };
    if ([element, ...element.querySelectorAll("a[href]")].some((one) => tools.leadsToOther(one, about))) return { state: "unknown" };
    if (element.shadowRoot || element.closest("[aria-busy=true]") || element.matches(BUSY) || element.querySelector(BUSY)) return { state: "unknown" };
    const lines = tools.blocksBefore(element, document_(element), (one) => one.localName === "a" && DOES.test(labelKey(one.textContent)));
    if (lines.length > 1) return { state: "unknown" };
    const value = lines[0]?.text ?? "";
    return /[:\uff1a]$/.test(value) ? { state: "unknown" } : judged(value);
  }

  /** Whether any of it is struck out. @param {Element} element */
  function isStruck(element) {
    const view = element.ownerDocument.defaultView;
    return [element, ...element.querySelectorAll("*")].some((one) => /^(?:del|s|strike)$/.test(one.localName) || /line-through/.test(view?.getComputedStyle(one).textDecoration ?? ""));
  }

  /** Whether a part of the page is something that a person wrote, or is not yet or no more so. @param {Element} element */
  function isProse(element) {
    if (element.closest(PROSE)) return true;
    for (let at = /** @type {Node | null} */ (element); isElement(at); at = parentOf(at)) {
      const inner = at;
      if ([...inner.classList].some((name) => PROSE_CLASS.test(name.toLowerCase())) && inner.querySelector("h1, main") === null) return true;
    }
    return tools.headingsOf(element, about).some((text) => PROSE_HEADING.test(text));
  }

  /** Whether it is no more than part of the value of another label. @param {Element} element */
  function isValueOfAnother(element) {
    if (element.closest("dd")?.parentElement?.querySelector("dt")) return true;
    const cell = element.closest("td");
    if (cell?.previousElementSibling && textOf(cell.previousElementSibling) !== "") return true;
    const before = element.closest("p, div, span, pre, blockquote")?.previousElementSibling;
    return before?.localName === "label" && /** @type {HTMLLabelElement} */ (before).control === null;
  }

  /** @param {Element} element */
  const isOther = (element) => tools.isForeign(element, about) || isProse(element) || tools.isBesideWrittenName(element, about);

  /** @param {Node} node */
  const document_ = (node) => /** @type {Document} */ (node.ownerDocument);

  /** @param {Element} control @returns {Shown} what it holds, where nothing can be typed into it */
  function valueOfControl(control) {
    if (textOnly || control.localName !== "input" || !control.matches("[type=text i], :not([type])")) return { state: "unknown" };
    if (!control.matches("[readonly], :disabled")) return { state: "unknown" };
    const { value } = /** @type {HTMLInputElement} */ (control);
    return value === "" ? { state: "empty" } : { state: "shown", value };
  }

  /**
   * What is written after a label, in its own line or in the part of the page beside it.
   * @param {Element} label
   * @returns {Shown}
   */
  function valueBeside(label) {
    if (label.localName === "dt") return label.nextElementSibling?.localName === "dd" ? valueIn(label.nextElementSibling) : { state: "unknown" };
    if (/^(?:td|th)$/.test(label.localName)) return valueOfRow(label);
    let at = /** @type {Element} */ (label);
    for (let level = 0; level < MAX_LEVELS; level += 1) {
      const next = nextOf(at);
      if (next) return isAnotherLabel(next, at) ? { state: "unknown" } : next.nodeType === 3 ? judged(textAfter(at)) : valueIn(/** @type {Element} */ (next));
      const parent = parentOf(at);
      if (!isElement(parent) || labelKey(textOf(parent)) !== labelKey(textOf(label))) break;
      at = parent;
      if (/^(?:td|th)$/.test(at.localName)) return valueOfRow(at);
      if (at.localName === "dt") return valueBeside(at);
    }
    return { state: "unknown" };
  }

  /** @param {Element} cell with the label */
  function valueOfRow(cell) {
    if (cell.closest("thead")) return { state: /** @type {const} */ ("unknown") };
    const next = cell.nextElementSibling;
    if (!next || !/^(?:td|th)$/.test(next.localName)) return { state: /** @type {const} */ ("unknown") };
    if (!VALUE_HEADING.test(labelKey(columnOf(next)))) return { state: /** @type {const} */ ("unknown") };
    return labelKey(textOf(next)) === labelKey(textOf(cell)) ? { state: /** @type {const} */ ("unknown") } : valueIn(next);
  }

  /** The heading of a cell's column; "" where the table has none. @param {Element} cell */
  function columnOf(cell) {
    const table = /** @type {HTMLTableElement | null} */ (cell.closest("table"));
    const head = table?.tHead?.rows[0] ?? table?.rows[0];
    if (!head || head === cell.parentElement || ![...head.cells].every((one) => one.localName === "th" || table?.tHead)) return "";
    const heading = head.cells[/** @type {HTMLTableCellElement} */ (cell).cellIndex];
    return heading ? textOf(heading) : "";
  }

  /** The next node that can hold a value: an element, or text. @param {Element} element */
  function nextOf(element) {
    for (let at = element.nextSibling; at; at = at.nextSibling) {
      if (/^\s*[:\uff1a]\s*$/.test(at.textContent ?? "")) continue;
      if (at.nodeType === 3 && at.nodeValue?.trim()) return at;
      if (isElement(at) && !/^(?:button|svg|script|style|template)$/.test(at.localName) && (isVisible(at) || textOf(at) === "")) return at;
    }
    return null;
  }

  /** The text after an element up to the next line; "" where another element's text follows in it. @param {Element} element */
  function textAfter(element) {
    let text = "";
    for (let at = element.nextSibling; at; at = at.nextSibling) {
      if (at.nodeType === 3) text += at.nodeValue ?? "";
      else if (isElement(at) && at.localName === "br") break;
      else if (isElement(at) && textOf(at) !== "") return "\u2026";
    }
    return text.split(/[\n\r]/).map((line) => line.trim()).filter(Boolean).join(" ");
  }

  /** A page of labels without values has one label after the other. @param {Node} next @param {Element} label */
  function isAnotherLabel(next, label) {
    if (!isElement(next)) return false;
    if (/^(?:label|dt|th|h[1-6]|legend|br|hr)$/.test(next.localName)) return true;
    const name = label.getAttribute("class") ?? "";
    const alike = next.localName === label.localName && (next.getAttribute("class") ?? "") === name;
    if (label.id !== "" && next.getAttribute("aria-labelledby") === label.id) return false;
    const others = isElement(label.parentNode) ? [...label.parentNode.children].filter((one) => !/^\s*[:\uff1a]\s*$/.test(one.textContent ?? "")).length : 0;
    if (others === 2 && name.split(/\s+/).filter(Boolean).every((one) => LAYOUT.test(one))) return false;
    return alike && (name !== "" || others > 2);
  }

  /**
   * Every place where a label is text.
   * @param {Document} document
   * @param {Set<string>} keys
   * @returns {Element[]}
   */
  function labelsOf(document, keys) {
    const found = rootsOf(document).flatMap((root) => {
      const walker = document_(root.firstChild ?? document.documentElement).createTreeWalker(root, 4);
      /** @type {Element[]} */
      const here = [];
      while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (element && keys.has(labelKey(walker.currentNode.nodeValue)) && keys.has(labelKey(textOf(element)))) here.push(element);
      }
      return here;
    });
    return [...new Set(found)].filter((one) => !one.closest("button, option, [role=option], [role=columnheader], nav, thead") && isVisible(one));
  }

  /**
   * Lines that hold label and value in one text.
   * @param {Document} document
   * @param {Set<string>} keys
   * @returns {{element: Element, shown: Shown}[]}
   */
  function linesOf(document, keys) {
    return rootsOf(document).flatMap((root) => {
      const walker = document_(root.firstChild ?? document.documentElement).createTreeWalker(root, 4);
      /** @type {{element: Element, shown: Shown}[]} */
      const here = [];
      while (walker.nextNode()) {
        const text = walker.currentNode.nodeValue ?? "";
        const element = walker.currentNode.parentElement;
        const parts = text.length > MAX_VALUE * 2 ? null : /^\s*([^:\uff1a]{3,80})[:\uff1a](.+)$/s.exec(text);
        if (!element || !parts?.[2]?.trim() || !keys.has(labelKey(parts[1])) || !isVisible(element)) continue;
        const whole = textOf(element) === text.replace(/\s*[\n\r]\s*/g, " ").trim();
        here.push({ element, shown: whole ? judged(parts[2].trim()) : { state: "unknown" } });
      }
      return here;
    });
  }

  /**
   * A label of a control is read from the control.
   * @param {Element} element
   * @returns {Shown | null} null where something can be typed into it
   */
  function shownAt(element) {
    const label = /** @type {HTMLLabelElement | null} */ (element.closest("label"));
    const control = label?.control;
    if (!control || !isVisible(control)) return valueBeside(label ?? element);
    if (control.localName === "output") return valueIn(control);
    const shown = valueOfControl(control);
    return shown.state === "unknown" ? null : shown;
  }

  /**
   * @param {Document} document
   * @param {Search} search
   * @returns {Shown}
   */
  function readShown(document, search) {
    const { labels, subject } = search;
    textOnly = search.textOnly ?? false;
    about = subject;
    const keys = new Set(labels.map(labelKey).filter(Boolean));
    const places = labelsOf(document, keys).filter((one) => !isOther(one)).map(shownAt);
    const lines = linesOf(document, keys).filter(({ element }) => !isOther(element) && !isValueOfAnother(element)).map(({ shown }) => shown);
    const all = [...places, ...lines].filter((one) => one !== null);
    const [first] = all;
    if (!first) return { state: "absent" };
    return all.every((one) => JSON.stringify(one) === JSON.stringify(first)) ? first : { state: "unknown" };
  }

  /**
   * @param {Document} document
   * @param {Search} search
   * @returns {import("./types.js").Reading}
   */
  function readReference(document, search) {
    textOnly = search.textOnly ?? false;
    about = search.subject;
    const found = tools.findField(document, search);
    const shown = found.field ? readShownBeside(document, search, found.field, found.label ?? null) : readShown(document, search);
    return { found, shown };
  }

  /** What else the page shows, while the field can be typed into. @param {Document} document @param {Search} search @param {Element} field @param {Element | null} label */
  function readShownBeside(document, search, field, label) {
    const keys = new Set(search.labels.map(labelKey).filter(Boolean));
    const name = tools.nameOf(field);
    const elsewhere = labelsOf(document, keys).filter((one) => one !== label && !isOther(one) && !isLabelOf(one, field, name)).map(shownAt).filter((one) => one !== null);
    const [first] = elsewhere;
    if (!first) return { state: /** @type {const} */ ("absent") };
    return elsewhere.every((one) => JSON.stringify(one) === JSON.stringify(first)) ? first : { state: /** @type {const} */ ("unknown") };
  }

  /** @param {Element} element @param {Element} field @param {import("./types.js").Name} name */
  function isLabelOf(element, field, name) {
    if ([.../** @type {HTMLInputElement} */ (field).labels ?? []].some((one) => one.contains(element))) return true;
    const root = /** @type {Document} */ (field.getRootNode());
    const ids = (field.getAttribute("aria-labelledby") ?? "").split(/\s+/).filter(Boolean);
    if (ids.some((id) => root.getElementById?.(id)?.contains(element))) return true;
    return name.group?.contains(element) ?? false;
  }

  /**
   * Whether what the page shows as text goes with what the field holds: a page in view mode may have another form, of
   * something else, with a field of the same name.
   * @param {import("./types.js").Reading} reading
   */
  function agrees({ found: { field }, shown }) {
    if (!field || shown.state === "absent") return true;
    if (shown.state === "shown") return shown.value === field.value;
    return field.value === "" && isInRecordForm(field);
  }

  /** Whether the fields beside it are those of a customer or supplier. @param {Element} field */
  function isInRecordForm(field) {
    const form = field.closest("form, ng-form, [formgroup], [role=dialog], dialog, #editcustomer, section") ?? field.ownerDocument;
    return [...form.querySelectorAll("input")].some((one) => one !== field && RECORD_FIELD.test([one.id, one.name, one.getAttribute("formcontrolname")].join(" ")));
  }

  Object.assign(tools, { agrees, readShown, readReference });
})();
