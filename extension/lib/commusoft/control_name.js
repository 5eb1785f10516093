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
  const END = /^(?:form|fieldset|section|article|dialog|table|main|body|html)$/;

  /** @typedef {import("./types.js").Name} Name */

  /** @param {Node | null} node @returns {node is Element} */
  const isElement = (node) => node?.nodeType === 1;

  /**
   * Whether a label that names a control from elsewhere stands beside another one.
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
   * Whether a label that names a control stands beside others: its words and its markup say two things.
   * @param {Element} control
   */
  function isNamedFromAfar(control) {
    return [.../** @type {HTMLInputElement} */ (control).labels ?? []].filter(isVisible).some((label) => {
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
      const lines = tools.blocksBefore(at, control);
      const last = lines.at(-1);
      // A column of labels beside a column of fields: which belongs to which cannot be known.
      if (last) return { texts: last.alone ? [last.text] : [], how: last.alone ? "beside" : "none", group: at };
      if (isCell(at)) return nameOfCell(at);
      if (at.localName === "dd") return { texts: [termOf(at)].filter(Boolean), how: "beside", group: at };
      if (END.test(at.localName) || sharesWithEarlier(at, control)) break;
    }
    return { texts: [], how: "none", group: null };
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
    if (name.how !== "beside" || !name.group) return false;
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
    if (texts.length > 0) return { texts, how: isNamedFromAfar(control) ? "none" : "explicit", group: null };
    const beside = besideName(control);
    if (beside.texts.length > 0 || beside.column) return sharesLabel(control, beside) ? { ...beside, how: "none" } : beside;
    const placeholder = control.getAttribute("placeholder")?.trim();
    if (placeholder && !beside.group) return { texts: [placeholder], how: "placeholder", group: null };
    return beside;
  }

  Object.assign(tools, { nameOf });
})();
