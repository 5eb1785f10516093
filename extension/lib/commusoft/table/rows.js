// @ts-check
// A row of the table: what it shows, and which record of the list it is, if it surely is one.

(() => {
  /** @type {import("./types.js").CrmlinkTable} */
  const table = (/** @type {any} */ (globalThis).crmlinkTable ??= {});

  /** @typedef {import("./types.js").ShownRow} ShownRow */
  /** @typedef {import("./types.js").Wanted} Wanted */
  /** @typedef {import("./types.js").Lookup} Lookup */
  /** @typedef {import("./types.js").TableRules} TableRules */

  const NUMBER = /^[1-9][0-9]{0,17}$/;
  const NAMED = ["data-customer-id", "data-supplier-id", "data-record-id", "data-customerid", "data-supplierid"];
  /** @type {Record<string, import("./types.js").Kind>} */
  const KINDS = { customer: "customer", customers: "customer", supplier: "supplier", suppliers: "supplier" };
  /** Words that many names share. */
  const COMMON = new Set("ltd limited plc llp the and of co company group services service mr mrs ms miss dr sons uk".split(" "));
  const LOCKED = ":disabled, :read-only, [aria-readonly=true], [aria-disabled=true]";
  const COUNTY = /^[\p{L}.'-]+(?: [\p{L}.'-]+){0,3}$/u;
  /** These may be the number of the row and not the record's. */
  const UNNAMED = ["data-id", "data-key", "data-row-id", "row-id"];

  table.read = (element, found, rules) => {
    const { reference, name, id, address, own } = found.columns;
    const cells = table.cellsUnder(element, found.columns);
    const cell = cells?.[reference];
    // A row over several columns is a remark of the table's, not a record's.
    if (!cells || !cell || new Set(cells).size < cells.length) return null;
    const named = namedIn(element, rules);
    const written = (id === null ? [] : [textIn(cells, id).replace(/^#\s*/, "")]).filter((one) => NUMBER.test(one));
    const shown = {
      numbers: [...new Set([...named, ...written])],
      counted: named.length === 0 && !own,
      kind: kindOf(element, cells.filter((_, at) => at !== reference && at !== name && !address.includes(at)), rules),
      weak: attributes(element, UNNAMED),
      name: name === null ? "" : flatName(textIn(cells, name)),
      address: address.map((one) => table.flat(textIn(cells, one))).reduce(added, ""),
    };
    const key = JSON.stringify([shown.numbers, shown.weak, shown.name, shown.address]);
    return { ...shown, key, element, cell, ...content(cell, found.saves) };
  };

  /** @param {Element[]} cells @param {number} place */
  function textIn(cells, place) {
    const cell = cells[place];
    return cell ? table.text(cell) : "";
  }

  /** @param {string} text */
  function flatName(text) {
    return text.normalize("NFC").replace(/\s+/g, " ").trim();
  }

  /** A column may show again what is part of another. @param {string} address @param {string} part */
  function added(address, part) {
    return ` ${address} `.includes(` ${part} `) ? address : `${address} ${part}`.trim();
  }

  /** @param {Element} cell @param {boolean} saves */
  function content(cell, saves) {
    const field = table.field(cell);
    if (field) return { value: field.value.trim(), editable: !field.matches(LOCKED), loaded: isLoaded(field) };
    const value = cell.classList.contains("htPlaceholder") ? "" : table.text(cell);
    const locked = cell.classList.contains("htDimmed") || cell.getAttribute("aria-readonly") === "true" || cell.querySelector("input, textarea, select, button") !== null;
    return { value, editable: !locked && (saves || table.isGrid(cell)), loaded: true };
  }

  /**
   * Whether a field holds what its page came with: a browser puts back what was typed before a page is refreshed,
   * saved or not.
   * @param {HTMLInputElement | HTMLTextAreaElement} field
   */
  function isLoaded(field) {
    if (field.classList.contains("ng-dirty")) return false;
    if (field.classList.contains("ng-pristine") || field.defaultValue === field.value) return true;
    const [opened] = /** @type {PerformanceNavigationTiming[]} */ (field.ownerDocument.defaultView?.performance.getEntriesByType?.("navigation") ?? []);
    return opened?.type === "navigate";
  }

  /**
   * The numbers of records that a row names, by its links or in the page's code.
   * @param {Element} row
   * @param {TableRules} rules
   */
  function namedIn(row, { links }) {
    const linked = within(row, "a[href]").flatMap((link) => {
      const { pathname } = /** @type {HTMLAnchorElement} */ (link);
      return links.flatMap(({ path }) => new RegExp(path).exec(pathname)?.[1] ?? []);
    });
    return [...linked, ...attributes(row, NAMED)].filter((one) => NUMBER.test(one));
  }

  /**
   * Whether a row is a customer's or a supplier's, where it tells: by a link, or by a cell that says no more.
   * @param {Element} row
   * @param {Element[]} cells
   * @param {TableRules} rules
   */
  function kindOf(row, cells, { links }) {
    const linked = within(row, "a[href]").flatMap((link) => links.filter(({ path }) => new RegExp(path).test(/** @type {HTMLAnchorElement} */ (link).pathname)).map(({ kind }) => kind));
    const said = cells.flatMap((one) => KINDS[table.fold(table.text(one))] ?? []);
    const [kind, other] = new Set([...linked, ...said]);
    return kind && !other ? kind : null;
  }

  /** @param {Element} row @param {string[]} names */
  function attributes(row, names) {
    const found = names.flatMap((name) => [...table.parts(row), ...within(row, `[${name}]`)].map((one) => one.getAttribute(name) ?? ""));
    return [...new Set(found)].filter((one) => NUMBER.test(one));
  }

  /** @param {Element} row @param {string} selector */
  function within(row, selector) {
    return table.parts(row).flatMap((part) => [...part.querySelectorAll(selector)]);
  }

  table.lookup = (wanted, kind, sure, rules) => {
    const all = kind === null ? [] : wanted.filter((one) => one.kind === kind);
    return { all, rules, sure, byNumber: grouped(all, (one) => [one.number]), byName: grouped(all, (one) => one.names.slice(0, 1).map(flatName)) };
  };

  /** @param {Wanted[]} all @param {(one: Wanted) => string[]} keysOf */
  function grouped(all, keysOf) {
    /** @type {Map<string, Wanted[]>} */
    const groups = new Map();
    for (const one of all) {
      for (const key of new Set(keysOf(one))) if (key) groups.set(key, [...(groups.get(key) ?? []), one]);
    }
    return groups;
  }

  /**
   * Whether an address is the record's: all that is known of it, in this order, and nothing else but a county, which
   * crmlink does not keep.
   * @param {string} shown
   * @param {Wanted} wanted
   */
  function isAt(shown, { address, town, postcode }) {
    const start = table.flat(`${address} ${town}`);
    const end = table.flat(postcode);
    if (!start || !shown) return false;
    if (shown === table.flat(`${start} ${end}`)) return true;
    const between = end !== "" && shown.startsWith(`${start} `) && shown.endsWith(` ${end}`) ? shown.slice(start.length, -end.length).trim() : "";
    return COUNTY.test(between);
  }

  table.identify = (row, lookup) => {
    if (row.kind !== null && lookup.all[0] && row.kind !== lookup.all[0].kind) return { wanted: null, doubt: false };
    const [number, another] = row.numbers;
    if (number !== undefined) return byNumber(row, lookup, number, another !== undefined);
    const same = (lookup.byName.get(row.name) ?? []).filter((one) => isAt(row.address, one));
    const [only] = same;
    if (!only) return byWeak(row, lookup);
    const known = row.weak.includes(only.number);
    // A record that is not shown, or not on the list, may have the same name and address.
    const sure = same.length === 1 && (known || only.alone);
    return { wanted: only, doubt: !sure };
  };

  /**
   * @param {ShownRow} row
   * @param {Lookup} lookup
   * @param {string} number
   * @param {boolean} several whether the row names more than one
   */
  function byNumber(row, lookup, number, several) {
    const named = row.numbers.flatMap((one) => lookup.byNumber.get(one) ?? []);
    const [only] = named;
    if (!only) return { wanted: null, doubt: false };
    const doubt = several || named.length > 1 || only.number !== number || !only.names.some((name) => alike(row.name, name, lookup.sure && !row.counted));
    return { wanted: only, doubt };
  }

  /**
   * A number that may be the row's own counts only beside the record's name.
   * @param {ShownRow} row
   * @param {Lookup} lookup
   */
  function byWeak(row, lookup) {
    const named = row.weak.flatMap((one) => lookup.byNumber.get(one) ?? []);
    const [only] = named.filter((one) => row.name !== "" && one.names.map(flatName).includes(row.name));
    return { wanted: only ?? null, doubt: only !== undefined && (named.length > 1 || row.address !== "") };
  }

  /**
   * Whether two names can be one record's: a number alone may be something else's.
   * @param {string} shown
   * @param {string} known
   * @param {boolean} sure whether the number is one of a record of the kind
   */
  function alike(shown, known, sure) {
    if (table.fold(shown) === table.fold(known)) return true;
    if (!shown || !known || !sure) return sure;
    const words = new Set(table.fold(known).split(" "));
    return table.fold(shown).split(" ").some((one) => one.length > 1 && !COMMON.has(one) && words.has(one));
  }
})();
