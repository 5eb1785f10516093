// @ts-check
// Every row of the table, also where the page holds only the rows in sight.

(() => {
  /** @type {import("./types.js").CrmlinkTable} */
  const table = (/** @type {any} */ (globalThis).crmlinkTable ??= {});

  /** @typedef {import("./types.js").FoundTable} FoundTable */
  /** @typedef {import("./types.js").TableRules} TableRules */
  /** @typedef {import("./types.js").Lookup} Lookup */
  /** @typedef {import("./types.js").Scroller} Scroller */
  /** @typedef {import("./types.js").ShownRow} ShownRow */
  /** @typedef {import("./types.js").Placed} Placed */
  /** @typedef {import("./types.js").Control} Control */
  /** @typedef {{row: ShownRow, at: number}} Seen a row and where it is in what is scrolled */

  const FRAME_MS = 120; // milliseconds after which a browser that draws nothing is not waited for
  const MAX_TRIES = 6; // looks at rows that are being drawn
  const MORE = 200; // milliseconds in which a page fetches more rows
  const PASSES = 3; // readings of a table that moves meanwhile
  const MAX_ROWS = 50_000;

  /** Until the page has drawn what it was asked to draw. A page in the background draws nothing. */
  table.settle = async (milliseconds = 0) => {
    await whenVisible();
    await new Promise((resolve) => {
      requestAnimationFrame(() => setTimeout(resolve, milliseconds));
      setTimeout(resolve, FRAME_MS + milliseconds);
    });
  };

  /** @returns {Promise<void>} */
  async function whenVisible() {
    if (document.visibilityState !== "hidden") return;
    await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
    await whenVisible();
  }

  /** What scrolls the table; null where all of it is in sight. */
  table.scroller = (element) => {
    const view = element.ownerDocument.defaultView;
    // A grid may scroll in itself, or by a part of it.
    const [row] = table.rowElements(element);
    for (let block = (row ?? element).parentElement; block && view; block = block.parentElement) {
      const scrolls = /auto|scroll|overlay/.test(view.getComputedStyle(block).overflowY);
      if (scrolls && block !== element.ownerDocument.scrollingElement && block.scrollHeight > block.clientHeight + 1) return scrollerOf(block, block);
    }
    const page = element.ownerDocument.scrollingElement;
    return page && page.scrollHeight > page.clientHeight + 1 ? scrollerOf(page, null) : null;
  };

  /**
   * @param {Element} block
   * @param {Element | null} frame what the rows are seen through; null for the window
   * @returns {Scroller}
   */
  function scrollerOf(block, frame) {
    return {
      top: () => block.scrollTop,
      height: block.clientHeight,
      full: () => block.scrollHeight,
      to: (top) => void (block.scrollTop = top),
      at: (element) => element.getBoundingClientRect().top - (frame?.getBoundingClientRect().top ?? 0) + block.scrollTop,
    };
  }

  table.readAll = async (found, rules, lookup, control) => {
    for (let pass = 0; pass < PASSES && !control.stopped(); pass += 1) {
      const reading = await readOnce(found, rules, control);
      if (reading) return gather(reading.rows, reading.virtual, lookup);
    }
    return null;
  };

  /**
   * @param {FoundTable} found
   * @param {TableRules} rules
   * @param {Control} control
   */
  async function readOnce(found, rules, control) {
    const scroller = table.scroller(found.element);
    const before = scroller?.top() ?? 0;
    const readShown = () => shown(found, rules, scroller);
    if (!scroller || (await isWhole(scroller, readShown))) {
      scroller?.to(before);
      return { rows: readShown(), virtual: false };
    }
    const rows = await readThrough(scroller, readShown, control);
    scroller.to(before);
    await table.settle();
    return rows && { rows, virtual: true };
  }

  /**
   * @param {FoundTable} found
   * @param {TableRules} rules
   * @param {Scroller | null} scroller
   * @returns {Seen[]}
   */
  function shown(found, rules, scroller) {
    return table.rowElements(found.element).flatMap((element) => {
      const row = table.read(element, found, rules);
      return row ? [{ row, at: scroller?.at(element) ?? 0 }] : [];
    });
  }

  /**
   * Whether the page holds all rows at once: the same ones at the top and at the bottom.
   * @param {Scroller} scroller
   * @param {() => Seen[]} readShown
   */
  async function isWhole(scroller, readShown) {
    scroller.to(0);
    await table.settle();
    const top = readShown();
    scroller.to(scroller.full());
    await table.settle();
    const bottom = readShown();
    return top.length === bottom.length && top.every((one, place) => one.row.element === bottom[place]?.row.element && one.row.key === bottom[place]?.row.key);
  }

  /**
   * From top to bottom in steps that leave some rows in sight, by which each step is joined to the one before.
   * @param {Scroller} scroller
   * @param {() => Seen[]} readShown
   * @param {Control} control
   * @returns {Promise<Seen[] | null>} null when the rows did not stay as they were
   */
  async function readThrough(scroller, readShown, control) {
    scroller.to(0);
    await table.settle();
    const rows = readShown();
    let last = rows.slice();
    while (rows.length < MAX_ROWS && !control.stopped()) {
      const from = scroller.top();
      const to = from + stepOf(scroller, last);
      const now = await joined(last, readShown, () => scroller.to(to));
      if (!now) return null;
      rows.push(...now.added);
      last = now.all;
      control.progress(rows.length, Math.max(rows.length, estimate(scroller, rows)));
      if (scroller.top() <= from && now.added.length === 0 && !(await grows(scroller))) return rows;
    }
    return null;
  }

  /** Whether more rows come at the end. @param {Scroller} scroller */
  async function grows(scroller) {
    const before = scroller.full();
    await table.settle(MORE);
    return scroller.full() > before;
  }

  /**
   * Less than what is in sight, so that some rows stay.
   * @param {Scroller} scroller
   * @param {Seen[]} last
   */
  function stepOf(scroller, last) {
    return Math.max(rowHeight(last), scroller.height - 3 * rowHeight(last));
  }

  /** @param {Seen[]} rows */
  function rowHeight(rows) {
    const steps = rows.slice(1).map((one, place) => one.at - (rows[place]?.at ?? 0)).filter((one) => one > 0);
    return Math.min(...steps, 200);
  }

  /** @param {Scroller} scroller @param {Seen[]} rows */
  function estimate(scroller, rows) {
    const end = rows.at(-1)?.at ?? 0;
    return end > 0 ? Math.round((scroller.full() / end) * rows.length) : rows.length;
  }

  /**
   * The rows that are shown now, and those among them that were not before.
   * @param {Seen[]} last
   * @param {() => Seen[]} readShown
   * @param {() => void} scroll again, where a person scrolled meanwhile
   */
  async function joined(last, readShown, scroll) {
    for (let turn = 0; turn < MAX_TRIES; turn += 1) {
      scroll();
      await table.settle(turn * 20);
      const all = readShown();
      const overlap = overlapOf(last, all);
      if (overlap !== null) return { all, added: all.slice(overlap) };
    }
    return null;
  }

  /**
   * How many of the rows shown now were shown before; null when they cannot be the same rows further on.
   * @param {Seen[]} last
   * @param {Seen[]} all
   */
  function overlapOf(last, all) {
    const half = rowHeight(last) / 2;
    const fits = last
      .map((_, start) => ({ start, overlap: Math.min(last.length - start, all.length) }))
      .filter(({ start, overlap }) => all.length > 0 && all.slice(0, overlap).every((one, place) => one.row.key === last[start + place]?.row.key))
      .map(({ start, overlap }) => ({ overlap, away: Math.abs((all[0]?.at ?? 0) - (last[start]?.at ?? 0)) }))
      .sort((one, other) => one.away - other.away);
    const [best, next] = fits;
    // Rows that read the same fit in several places: then only their place tells.
    if (!best || (next && best.away > half)) return null;
    return best.overlap;
  }

  /**
   * @param {Seen[]} rows
   * @param {boolean} virtual
   * @param {Lookup} lookup
   * @returns {import("./types.js").Reading}
   */
  function gather(rows, virtual, lookup) {
    /** @type {Map<string, Seen[]>} */
    const mine = new Map();
    /** @type {Set<string>} */
    const doubted = new Set();
    /** @type {Map<string, string[]>} */
    const values = new Map();
    for (const one of rows) {
      values.set(one.row.key, [...(values.get(one.row.key) ?? []), one.row.value]);
      const { wanted, doubt } = table.identify(one.row, lookup);
      if (!wanted) continue;
      mine.set(wanted.id, [...(mine.get(wanted.id) ?? []), one]);
      if (doubt) doubted.add(wanted.id);
    }
    const placed = new Map(lookup.all.map((one) => [one.id, place(one, mine.get(one.id) ?? [], doubted.has(one.id), virtual)]));
    const places = new Map(rows.map((one) => [one.row.key, one.at]));
    return { placed, values, places, count: rows.length, virtual };
  }

  /**
   * @param {import("./types.js").Wanted} wanted
   * @param {Seen[]} rows
   * @param {boolean} doubted
   * @param {boolean} virtual
   * @returns {Placed}
   */
  function place(wanted, rows, doubted, virtual) {
    const [only] = rows;
    if (!only) return { state: "not_found", value: null, loaded: true, at: null, element: null };
    const { row, at } = only;
    const where = { value: row.value, loaded: row.loaded, at, element: virtual ? null : row.element };
    if (rows.length > 1 || doubted) return { ...where, state: "ambiguous", value: null };
    if (row.value === wanted.target) return { ...where, state: "right" };
    if (row.value !== wanted.prior) return { ...where, state: "different" };
    return { ...where, state: row.editable ? "ready" : "locked" };
  }
})();
