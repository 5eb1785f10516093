// @ts-check
// The table *Link Customers and Suppliers* on the page, by its headings, and whose records it shows.

(() => {
  /** @type {import("./types.js").CrmlinkTable} */
  const table = (/** @type {any} */ (globalThis).crmlinkTable ??= {});

  /** @typedef {import("./types.js").FoundTable} FoundTable */
  /** @typedef {import("./types.js").TableRules} TableRules */
  /** @typedef {import("./types.js").Kind} Kind */

  const TABLE = "table, [role=grid], [role=treegrid], [role=table]";
  const COPY = "[class*='ht_clone'] *";
  const CHOSEN = "[role=tab][aria-selected=true], .active, h1, h2, h3, caption, option:checked";
  const AROUND = "nav, header, aside, footer, [role=navigation], [role=banner], [role=menubar]";
  /** What may be beside the words of a heading and not change what it heads. */
  const BESIDE = new Set(("sort sorted sortable ascending descending asc desc by click to column menu filter optional required editable help info arrow upward downward unfold more " +
    "number no code in your the customer customers supplier suppliers s account package system software xero sage quickbooks freeagent kashflow online desktop business cloud accounting 50 50cloud 200").split(" "));
  /** How many rows are looked at to see what a table is. */
  const SAMPLE = 30;

  table.find = (rules) => {
    const saves = table.buttons(rules.words.save).length > 0;
    const fitting = table.roots()
      .flatMap((root) => [...root.querySelectorAll(TABLE)])
      .filter((one) => !one.matches(COPY) && table.seen(one))
      .map((one) => fit(one, rules, saves))
      .filter((one) => one !== null);
    // An element with the role of a table may hold a real one: the inner one has the rows.
    const inner = fitting.filter((one) => !fitting.some((other) => other !== one && one.element.contains(other.element)));
    return { table: inner.length === 1 ? (inner[0] ?? null) : null, count: inner.length };
  };

  /**
   * @param {Element} element
   * @param {TableRules} rules
   * @param {boolean} saves
   * @returns {FoundTable | null}
   */
  function fit(element, rules, saves) {
    const columns = table.columns(element, rules);
    if (!columns) return null;
    /** @type {FoundTable} */
    const found = { element, columns, kind: null, saves, sure: false, sideways: [] };
    const rows = table.rowElements(element).slice(0, SAMPLE);
    const sample = rows.flatMap((row) => table.read(row, found, rules) ?? []);
    if (!sample.some((row) => row.editable)) return null;
    return { ...found, ...kindOf(element, rows, rules) };
  }

  table.columns = (element, { words }) => {
    for (const cells of table.headings(element)) {
      const texts = cells.map((one) => table.fold(table.text(one)));
      const reference = referenceColumn(texts, words.reference.map(table.fold));
      const name = firstOf(texts, words.name);
      const id = firstOf(texts, words.id);
      const address = allOf(texts, words.address);
      if (reference === null || (name === null && id === null)) continue;
      const places = cells.map((one) => one.getAttribute("aria-colindex") ?? "");
      return { reference, name, id, address, width: cells.length, own: id !== null && kindIn(texts[id] ?? "") !== null, places };
    }
    return null;
  };

  /** A grid may hold only the columns in sight, and bring another there when it is typed into. */
  table.withReferences = async (found, rules) => {
    const row = table.rowElements(found.element)[0];
    const cell = row ? table.read(row, found, rules)?.cell : null;
    const before = sideways(cell);
    if (before.length === 0) return found;
    cell?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
    await table.settle();
    const columns = found.element.isConnected ? table.columns(found.element, rules) : null;
    if (columns && (columns.id !== null) === (found.columns.id !== null) && (columns.name !== null) === (found.columns.name !== null) && columns.address.length === found.columns.address.length) {
      return { ...found, columns, sideways: before.map(({ block }) => ({ block, left: block.scrollLeft })) };
    }
    for (const { block, left } of before) block.scrollLeft = left;
    return null;
  };

  /** What scrolls sideways around a cell. @param {Element | null | undefined} cell */
  function sideways(cell) {
    /** @type {FoundTable["sideways"]} */
    const found = [];
    for (let block = cell?.parentElement; block; block = block.parentElement) {
      if (block.scrollWidth > block.clientWidth + 1) found.push({ block, left: block.scrollLeft });
    }
    return found;
  }

  table.columnsStay = ({ element, columns }, rules) => JSON.stringify(table.columns(element, rules)) === JSON.stringify(columns);

  /**
   * The one column whose heading is a reference's, or else holds those words and nothing that makes them another's;
   * null where several do.
   * @param {string[]} texts
   * @param {string[]} words
   */
  function referenceColumn(texts, words) {
    const same = indexes(texts, (text) => words.includes(text));
    const near = indexes(texts, (text) => words.some((word) => ` ${text} `.includes(` ${word} `) && ` ${text} `.replace(` ${word} `, " ").split(" ").every((one) => one === "" || BESIDE.has(one))));
    const [only, another] = same.length > 0 ? same : near;
    return only === undefined || another !== undefined ? null : only;
  }

  /** @param {string[]} texts @param {string[]} words the likeliest first */
  function firstOf(texts, words) {
    for (const word of words.map(table.fold)) {
      if (texts.includes(word)) return texts.indexOf(word);
    }
    return null;
  }

  /** @param {string[]} texts @param {string[]} words */
  function allOf(texts, words) {
    const folded = words.map(table.fold);
    return indexes(texts, (text) => folded.includes(text));
  }

  /** @param {string[]} texts @param {(text: string) => boolean} test */
  function indexes(texts, test) {
    return texts.flatMap((text, index) => (test(text) ? [index] : []));
  }

  /**
   * Whose records the table shows: as its links tell, or its headings, or what is chosen around it, which is less
   * sure. Null where these tell nothing or not the same: a number may then be a customer's or a supplier's.
   * @param {Element} element
   * @param {Element[]} rows
   * @param {TableRules} rules
   * @returns {{kind: Kind | null, sure: boolean}}
   */
  function kindOf(element, rows, rules) {
    const links = rows.flatMap(table.parts).flatMap((row) => [...row.querySelectorAll("a[href]")].map((link) => linkKind(link, rules)));
    const headings = table.headings(element).flat().map((one) => kindIn(table.text(one)));
    const chosen = [...element.ownerDocument.querySelectorAll(CHOSEN)]
      .filter((one) => !one.contains(element) && !one.closest(AROUND) && table.seen(one))
      .map((one) => kindIn((one.textContent ?? "").slice(0, 100)));
    for (const signs of [links, headings, chosen]) {
      const [kind, other] = new Set(signs.filter((one) => one !== null));
      if (kind) return { kind: other ? null : kind, sure: signs !== chosen };
    }
    return { kind: null, sure: false };
  }

  /** @param {Element} link @param {TableRules} rules */
  function linkKind(link, { links }) {
    const { pathname } = /** @type {HTMLAnchorElement} */ (link);
    return links.find(({ path }) => new RegExp(path).test(pathname))?.kind ?? null;
  }

  /** @param {string} text @returns {Kind | null} */
  function kindIn(text) {
    const customer = /\bcustomers?\b/i.test(text);
    const supplier = /\bsuppliers?\b/i.test(text);
    if (customer === supplier) return null;
    return customer ? "customer" : "supplier";
  }
})();
