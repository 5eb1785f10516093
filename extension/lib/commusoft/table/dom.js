// @ts-check
// Tables of a page, whatever they are made of: rows, cells, headings, the texts in them.

(() => {
  /** @type {import("./types.js").CrmlinkTable} */
  const table = (/** @type {any} */ (globalThis).crmlinkTable ??= {});

  const CELL = "td, th, [role=gridcell], [role=cell], [role=rowheader], [role=columnheader]";
  const GRID = "[role=grid], [role=treegrid], [role=table]";
  const NO_TEXT = "script, style, template, [hidden], select, option";
  const FIELD = "input:not([type]), input[type=text], input[type=search], input[type=tel], textarea";
  const BUTTON = "button, a, input[type=submit], input[type=button], [role=button]";
  /** Handsontable draws its headings and fixed columns a second time, over the table itself. */
  const COPY = "[class*='ht_clone']";

  /** Without regard to case, hyphens and signs. */
  table.fold = (text) => text.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();

  /** Without regard to white space and commas, which separate the parts of an address. */
  table.flat = (text) => text.normalize("NFC").replace(/[\s,]+/g, " ").trim();

  /** The page's document and those of its frames that we may look into. */
  table.documents = () => {
    /** @type {Document[]} */
    const found = [];
    /** @param {Document} one */
    const add = (one) => {
      found.push(one);
      for (const frame of one.querySelectorAll("iframe, frame")) {
        const inner = contentOf(/** @type {HTMLIFrameElement} */ (frame));
        if (inner) add(inner);
      }
    };
    add(document);
    return found;
  };

  /** @param {HTMLIFrameElement} frame */
  function contentOf(frame) {
    try {
      return frame.contentDocument;
    } catch {
      return null;
    }
  }

  table.roots = () => table.documents().flatMap((one) => [one, ...shadows(one)]);

  /** @param {Document | ShadowRoot} root @returns {ShadowRoot[]} */
  function shadows(root) {
    /** @type {ShadowRoot[]} */
    const found = [];
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) found.push(element.shadowRoot, ...shadows(element.shadowRoot));
    }
    return found;
  }

  table.seen = (element) => element.checkVisibility?.({ visibilityProperty: true }) ?? true;

  table.cells = (row) => {
    const parts = table.parts(row);
    if (parts.length > 1) return inOrder(parts.flatMap(cellsOf));
    const own = [...row.children].filter((one) => one.matches(CELL));
    return own.length > 0 ? inOrder(own).flatMap(spread) : inOrder(cellsOf(row));
  };

  /** @param {Element} row */
  const cellsOf = (row) => [...row.querySelectorAll(CELL)].filter((one) => one.closest("[role=row]") === row);

  /** The parts of rows that are drawn in several, by the first of them. @type {WeakMap<Element, Element[]>} */
  const drawnInParts = new WeakMap();

  /** Parts that are no longer of one row are those of none. */
  table.parts = (row) => {
    const parts = drawnInParts.get(row) ?? [row];
    return parts.length === 1 || parts.every((one) => one.isConnected && placeOf(one) === placeOf(row)) ? parts : [];
  };

  /** Where a row of a grid is, as it says itself or as it is drawn; "" where neither tells. @param {Element} row */
  function placeOf(row) {
    const said = row.getAttribute("aria-rowindex") ?? row.getAttribute("row-index") ?? row.getAttribute("data-rowindex");
    if (said !== null) return said;
    const { top, height } = row.getBoundingClientRect();
    return height > 0 ? `${Math.round(top)}px` : "";
  }

  /**
   * Rows of a grid as a person sees them: one that is drawn in parts, as beside fixed columns, is one, and they are in
   * the order in which they are drawn, not in which they were.
   * @param {Element[]} all
   */
  function asDrawn(all) {
    /** @type {Map<string, Element[]>} */
    const rows = new Map();
    all.forEach((one, at) => {
      const place = placeOf(one) || `at ${at}`;
      rows.set(place, [...(rows.get(place) ?? []), one]);
    });
    const joined = [...rows.values()];
    for (const parts of joined) if (parts[0]) drawnInParts.set(parts[0], parts);
    const tops = new Map(joined.map(([first]) => [first, first?.getBoundingClientRect().top ?? 0]));
    const said = (/** @type {Element | undefined} */ one) => Number(one?.getAttribute("aria-rowindex") ?? one?.getAttribute("row-index") ?? 0);
    return joined.flatMap(([first]) => first ?? []).sort((one, other) => said(one) - said(other) || (tops.get(one) ?? 0) - (tops.get(other) ?? 0));
  }

  /** Cells as they are drawn: a grid may keep them in another order, and says so. @param {Element[]} cells */
  function inOrder(cells) {
    const places = cells.map((one) => Number(one.getAttribute("aria-colindex") ?? 0));
    if (places.some((one) => !(one > 0)) || new Set(places).size < places.length) return cells;
    return cells.map((cell, at) => ({ cell, place: places[at] ?? 0 })).sort((one, other) => one.place - other.place).map(({ cell }) => cell);
  }

  table.cellsUnder = (row, { width, places }) => {
    let cells = table.cells(row);
    if (cells.length > width) cells = cells.filter(isDisplayed);
    // A column of buttons at the end may have no heading.
    while (cells.length > width && isButtons(cells.at(-1))) cells = cells.slice(0, -1);
    return cells.length === width && isUnder(cells, places) ? cells : null;
  };

  /** Whether cells that say which column they are in say those of the headings. @param {Element[]} cells @param {string[]} places */
  function isUnder(cells, places) {
    const said = cells.map((one) => one.getAttribute("aria-colindex") ?? "");
    return [...places, ...said].includes("") || said.every((one, at) => one === places[at]);
  }

  /** @param {Element} cell */
  const isDisplayed = (cell) => !cell.hasAttribute("hidden") && cell.ownerDocument.defaultView?.getComputedStyle(cell).display !== "none";

  /** @param {Element | undefined} cell */
  const isButtons = (cell) => cell !== undefined && cell.querySelector(FIELD) === null && cell.querySelector(BUTTON) !== null;

  /** A cell over several columns, once for each. @param {Element} cell */
  function spread(cell) {
    const span = Number(cell.getAttribute("colspan") ?? 1);
    return Array.from({ length: Math.min(Math.max(1, span || 1), 50) }, () => cell);
  }

  table.text = (cell) => {
    const walker = cell.ownerDocument.createTreeWalker(cell, 4);
    const pieces = [];
    while (walker.nextNode()) {
      if (!walker.currentNode.parentElement?.closest(NO_TEXT)) pieces.push(walker.currentNode.nodeValue ?? "");
    }
    const text = pieces.join(" ").replace(/\s+/g, " ").trim();
    return text || (table.field(cell)?.value.trim() ?? "");
  };

  /** The one field of a cell; null where there is none or more than one. */
  table.field = (cell) => {
    const fields = [...cell.querySelectorAll(FIELD)].filter(table.seen);
    return fields.length === 1 ? /** @type {HTMLInputElement} */ (fields[0]) : null;
  };

  table.isGrid = (element) => element.closest(".handsontable, [role=grid], [role=treegrid]") !== null;

  table.buttons = (words) => {
    const folded = words.map(table.fold);
    return table.roots().flatMap((root) => [...root.querySelectorAll(BUTTON)])
      .filter((one) => folded.includes(table.fold(one.textContent || /** @type {HTMLInputElement} */ (one).value || "")) && table.seen(one));
  };

  table.rowElements = (element) => {
    if (!isTable(element)) return asDrawn(partsIn(element).filter(holdsCells));
    return [...element.rows].filter((row) => row.parentElement?.tagName !== "THEAD" && row.parentElement?.tagName !== "TFOOT" && holdsCells(row));
  };

  /** @param {Element} element a grid */
  const partsIn = (element) => [...element.querySelectorAll("[role=row]")].filter((row) => row.closest(GRID) === element);

  /** @param {Element} row */
  const holdsCells = (row) => row.querySelector("td, [role=gridcell], [role=cell]") !== null;

  /** Rows of headings, the likeliest first. */
  table.headings = (element) => {
    if (!isTable(element)) return asDrawn(partsIn(element).filter((row) => !holdsCells(row))).map(table.cells).filter(isHeading);
    const head = element.tHead ? [...element.tHead.rows] : [...element.rows].slice(0, 2);
    const own = head.map(table.cells).filter((cells) => cells.length > 0);
    return own.some((cells) => cells.some((one) => table.text(one) !== "")) ? own : apart(element);
  };

  /** @param {Element[]} cells */
  function isHeading(cells) {
    return cells.length > 0 && cells.every((one) => one.getAttribute("role") === "columnheader");
  }

  /**
   * The headings of a table that scrolls below them: they are a table of their own, just before it.
   * @param {Element} element
   */
  function apart(element) {
    let block = element.parentElement;
    for (let up = 0; block && up < 4; up += 1, block = block.parentElement) {
      const tables = [...block.querySelectorAll("table")].filter((one) => !one.matches(`${COPY} *`));
      const before = tables[tables.indexOf(/** @type {HTMLTableElement} */ (element)) - 1];
      if (before) return before.tBodies[0]?.rows.length ? [] : [...before.rows].map(table.cells);
    }
    return [];
  }

  /** @param {Element} element @returns {element is HTMLTableElement} */
  function isTable(element) {
    return element.tagName === "TABLE";
  }
})();
