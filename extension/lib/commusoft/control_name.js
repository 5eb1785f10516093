// @ts-check
// What a control is called on a page: as the page itself says, or by what is written beside it.

(() => {
  const tools = /** @type {{crmlinkPage: import("./types.js").PageTools}} */ (/** @type {unknown} */ (globalThis)).crmlinkPage;
  const { childrenOf, isControl, isVisible, parentOf, textOf } = tools;

  const MAX_LEVELS = 6;
  /** What no label says. */
  const AMBIGUOUS = "?!";
  const CELL = /^(?:td|th)$/;
  const CELL_ROLE = /^(?:cell|gridcell|rowheader)$/;
  /** What may be between a label and its field: a sign before the field, never a dash, which is a value. */
  const SIGN = /^[^\p{L}\p{N}\p{Pd}\u2212]+$/u;
  /** Small things beside a label, which are no place for a value. */
  const NO_PLACE = /^(?:br|hr|i|em|b|strong|sup|sub|small|abbr|svg|img|script|style|template)$/;
  const NO_PLACE_CLASS = /icon|req|mandator|star|asterisk|help|hint|tip|error|invalid|valid|info|badge|count|clear|sr-only|hidden/i;
  /** A placeholder may only help to type what the label asks for. */
  const GENERIC = new Set(("e g eg example optional required enter type here none not set n a an value text please the your no yes it its for of this add edit click to id code " +
    "xero sage quickbooks freeagent kashflow contact customer supplier account accounting ref reference number guid uuid").split(" "));
  const END = /^(?:form|fieldset|section|article|dialog|table|main|body|html)$/;

  /** @typedef {import("./types.js").Name} Name */

  /** @param {Node | null} node @returns {node is Element} */
  const isElement = (node) => node?.nodeType === 1;

  /**
   * Whether a label that names a control from elsewhere is beside another one.
   * @param {HTMLLabelElement} label
   * @param {Element} control
   */
  function isBesideAnother(label, control) {
    let at = parentOf(label);
    while (isElement(at) && !holdsControl(at)) at = parentOf(at);
    return isElement(at) && !at.contains(control);
  }

  /** @param {Element} control */
  function explicitNames(control) {
    const root = /** @type {Document} */ (control.getRootNode());
    const ids = (control.getAttribute("aria-labelledby") ?? "").split(/\s+/).filter(Boolean);
    const referenced = ids.map((id) => root.getElementById?.(id)).map((one) => (one ? textOf(one) : "")).join(" ");
    const labels = [.../** @type {HTMLInputElement} */ (control).labels ?? []].filter(isVisible)
      .map((one) => (isBesideAnother(one, control) ? AMBIGUOUS : textOf(one)));
    return [referenced, control.getAttribute("aria-label") ?? "", ...labels].map((text) => text.trim()).filter(Boolean);
  }

  /**
   * Whether a label that names a control is beside others: its words and its markup say two things.
   * @param {Element} control
   */
  function isNamedFromAfar(control) {
    return [.../** @type {HTMLInputElement} */ (control).labels ?? []].filter(isVisible).some((label) => {
      if (label.contains(control) && controlsIn(label).length > 1) return true;
      for (let at = parentOf(label); isElement(at); at = parentOf(at)) {
        const near = controlsIn(at);
        if (near.length > 0) return !near.includes(control);
      }
      return false;
    });
  }

  /** @param {Element} element */
  const isCell = (element) => CELL.test(element.localName) || CELL_ROLE.test(element.getAttribute("role") ?? "");

  /** @param {Node} node */
  const holdsControl = (node) => isElement(node) && (isControl(node) || [...node.querySelectorAll("*")].some(isControl));

  /**
   * The name of a cell: the text of the one before it, or its row's only heading, and the heading of its column.
   * @param {Element} cell
   * @returns {Name}
   */
  function nameOfCell(cell) {
    const before = cell.previousElementSibling;
    const row = cell.parentElement;
    const heads = [...(row?.children ?? [])].filter((one) => one.localName === "th" && one !== cell && !holdsControl(one)).map((one) => textOf(one));
    const text = (before && !holdsControl(before) ? textOf(before) : "") || (heads.length === 1 ? (heads[0] ?? "") : "");
    return { texts: text ? [text] : [], column: headingOf(cell), how: text ? "beside" : "none", group: row };
  }

  /** @param {Element} cell */
  function headingOf(cell) {
    const table = /** @type {HTMLTableElement | null} */ (cell.closest("table"));
    const row = /** @type {HTMLTableRowElement | null} */ (cell.parentElement);
    const head = table?.tHead?.rows[table.tHead.rows.length - 1] ?? table?.rows[0];
    if (!head || head === row || ![...head.cells].every((one) => one.localName === "th" || table?.tHead)) return "";
    let place = 0;
    for (let at = cell.previousElementSibling; at; at = at.previousElementSibling) place += /** @type {HTMLTableCellElement} */ (at).colSpan ?? 1;
    for (const heading of head.cells) {
      if (place < heading.colSpan) return textOf(heading);
      place -= heading.colSpan;
    }
    return "";
  }

  /** @param {Element} description a dd */
  function termOf(description) {
    let at = description.previousElementSibling;
    if (at?.localName === "dd") return ""; // several under one term
    while (at && at.localName !== "dt") at = at.previousElementSibling;
    return at ? textOf(at) : "";
  }

  /**
   * @param {Element} control
   * @returns {Name}
   */
  function besideName(control) {
    let at = parentOf(control);
    for (let level = 0; isElement(at) && level < MAX_LEVELS; level += 1, at = parentOf(at)) {
      const lines = tools.blocksBefore(at, control).filter(({ text }) => !SIGN.test(text));
      const last = lines.at(-1);
      // A column of labels beside a column of fields: which belongs to which cannot be known.
      if (last) return isAbout(last, at, control, lines.length === 1) ? { texts: [last.text], how: "beside", group: at } : { texts: [], how: "none", group: at };
      const after = labelAfter(at, control);
      if (after) return { texts: [after], how: "beside", group: at };
      if (isCell(at)) return nameOfCell(at);
      if (at.localName === "dd") return { texts: [termOf(at)].filter(Boolean), how: "beside", group: at };
      if (END.test(at.localName) || sharesWithEarlier(at, control)) break;
    }
    return { texts: [], how: "none", group: null };
  }

  /**
   * Whether a line before a control is about it, and not about what comes before it or has a place of its own.
   * @param {import("./types.js").Block} line
   * @param {Element} group
   * @param {Element} control
   * @param {boolean} only since the control before
   */
  function isAbout({ alone, apart, top, text }, group, control, only) {
    if (!alone || apart || !tools.isDrawnBefore(top, control) || (isElement(top) && controlsIn(top).length > 0)) return false;
    if (hasOwnPlace(top, control) || isOfEarlier(group, control, only)) return false;
    return isLabelLike(top) || !saysOther(control.getAttribute("placeholder") ?? "", text);
  }

  /** @param {Node} top */
  const isLabelLike = (top) => isElement(top) && (/^(?:label|dt|th|td|legend)$/.test(top.localName) || top.querySelector("label") !== null);

  /**
   * Whether a place for the value comes right after a label, empty, and the control only after that.
   * @param {Node} top the part with the label
   * @param {Element} control
   */
  function hasOwnPlace(top, control) {
    if (!isElement(top)) return false;
    for (let at = top.nextElementSibling; at && !at.contains(control); at = at.nextElementSibling) {
      if (at.localName !== "span" && isEmptyPlace(at)) return true;
    }
    const inner = [...top.children];
    const label = inner.findIndex((one) => textOf(one) !== "");
    return label >= 0 && inner.slice(label + 1).some(isEmptyPlace);
  }

  /** @param {Element} element */
  function isEmptyPlace(element) {
    if (NO_PLACE.test(element.localName) || NO_PLACE_CLASS.test(element.getAttribute("class") ?? "")) return false;
    return !/^(?:button|a)$/.test(element.localName) && !element.hasAttribute("role") && textOf(element) === "" && controlsIn(element).length === 0 && isVisible(element);
  }

  /**
   * Whether the text between two controls is as well the first one's, which has no other name: labels may come after
   * their fields, and those of boxes to tick do.
   * @param {Element} group
   * @param {Element} control
   * @param {boolean} only whether it is all the text between them
   */
  function isOfEarlier(group, control, only) {
    const all = controlsIn(group);
    const earlier = all[all.indexOf(control) - 1];
    if (!earlier || explicitNames(earlier).length > 0 || earlier.hasAttribute("placeholder") || isCell(group)) return false;
    if (earlier.matches("[type=checkbox], [type=radio]")) return only;
    return tools.blocksBefore(group, earlier).length === 0;
  }

  /** @param {string} placeholder @param {string} label */
  function saysOther(placeholder, label) {
    if (!/\p{L}/u.test(placeholder) || /\p{N}/u.test(placeholder)) return false;
    const known = new Set(wordsOf(label));
    return wordsOf(placeholder).some((word) => !GENERIC.has(word) && ![...known].some((one) => one.startsWith(word) || word.startsWith(one)));
  }

  /** @param {string} text */
  const wordsOf = (text) => text.normalize("NFKC").toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);

  /** The label of a box's only control, where it comes after it. @param {Element} box @param {Element} control */
  function labelAfter(box, control) {
    const labels = [...box.querySelectorAll("label")].filter((one) => !one.control && !one.contains(control) && isVisible(one) && textOf(one) !== "");
    if (labels.length !== 1 || controlsIn(box).length !== 1) return "";
    return labels[0] ? textOf(labels[0]) : "";
  }

  /** Whether another control comes first: what is written further out is that one's. @param {Element} top @param {Element} control */
  function sharesWithEarlier(top, control) {
    const before = controlsIn(top);
    return before.indexOf(control) > 0;
  }

  /** @param {Node} top @returns {Element[]} in the order in which they are drawn */
  function controlsIn(top) {
    if (isElement(top) && isControl(top)) return [top];
    return childrenOf(top).flatMap((one) => (isElement(one) ? controlsIn(one) : [])).filter((one) => isVisible(one));
  }

  /**
   * Whether the text beside a control is as much another's: the next control has none of its own.
   * @param {Element} control
   * @param {Name} name
   */
  function sharesLabel(control, name) {
    if (name.how === "none" || !name.group) return false;
    const all = controlsIn(name.group);
    const next = all[all.indexOf(control) + 1];
    if (!next || explicitNames(next).length > 0 || !next.matches("input:not([type]), input[type=text i], textarea, select")) return false;
    if (next.matches("[readonly], :disabled") || (next.hasAttribute("placeholder") && !control.hasAttribute("placeholder"))) return false;
    const own = besideName(next);
    return own.texts.length === 0 || own.texts[0] === name.texts[0];
  }

  /**
   * @param {Element} control
   * @returns {Name}
   */
  function nameOf(control) {
    const texts = explicitNames(control);
    if (texts.length > 0) return isNamedFromAfar(control) || sharesWithNext(control) ? { texts, how: "none", group: null } : { texts, how: "explicit", group: null };
    const beside = besideName(control);
    if (beside.texts.length > 0 || beside.column) return sharesLabel(control, beside) ? { ...beside, how: "none" } : beside;
    const placeholder = control.getAttribute("placeholder")?.trim();
    if (placeholder && !beside.group) return { texts: [placeholder], how: "placeholder", group: null };
    const title = control.getAttribute("title")?.trim();
    return title && !beside.group ? { texts: [title], how: "placeholder", group: null } : beside;
  }

  /** Whether the next field has nothing but this one's label, and no word between them. @param {Element} control */
  function sharesWithNext(control) {
    const group = parentOf(control);
    if (!isElement(group) || ![.../** @type {HTMLInputElement} */ (control).labels ?? []].some(isVisible)) return false;
    return sharesLabel(control, { texts: [], how: "explicit", group });
  }

  Object.assign(tools, { nameOf });
})();
