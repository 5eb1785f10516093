// @ts-check
// The reviewed list put into the table, row by row. Before each value the row is identified anew, and after it read
// back: where anything but this row changed, that is put back.

(() => {
  /** @type {import("./types.js").CrmlinkTable} */
  const table = (/** @type {any} */ (globalThis).crmlinkTable ??= {});

  /** @typedef {import("./types.js").Work} Work */
  /** @typedef {import("./types.js").Wanted} Wanted */
  /** @typedef {import("./types.js").ShownRow} ShownRow */
  /** @typedef {import("./types.js").Outcome} Outcome */

  const MAX_TRIES = 3;
  const MAX_READS = 8; // at a value that the page is taking over
  const CHECKED_BY = 600; // milliseconds in which a page checks what it took
  const NEIGHBOURS = 4;
  /** So many rows in a row that take no value: the table does not take any. */
  const MAX_REFUSALS = 3;
  /** A row at the edge of what is in sight lies under headings, or moves when it is chosen. */
  const EDGE = 60;
  /** Fields that are filled before the page draws again: with thousands of rows each drawing takes long. */
  const TOGETHER = 16;

  /**
   * @typedef {object} Run
   * @property {Work} work
   * @property {Map<string, import("./types.js").Placed>} placed
   * @property {Map<string, string[]>} known values by a row's key, with what was filled since
   * @property {Map<string, Outcome>} outcomes
   * @property {number} refused so many rows in a row took no value
   */

  table.fill = async (work) => {
    const { reading, lookup, values, control } = work;
    /** @type {Run} */
    const run = { work, placed: new Map(reading.placed), known: new Map(reading.values), outcomes: new Map(), refused: 0 };
    const wanted = lookup.all.filter((one) => values.has(one.id)).sort((one, other) => heightOf(run, one) - heightOf(run, other));
    let size = 1;
    for (let at = 0; at < wanted.length && !isOver(run); ) {
      const group = wanted.slice(at, at + size);
      const together = size > 1 ? await fillTogether(run, group) : [];
      for (const one of together) run.outcomes.set(one.id, "filled");
      await fillEach(run, group.filter((one) => !together.includes(one)));
      control.progress(run.outcomes.size, wanted.length);
      at += size;
      size = !reading.virtual && group.every((one) => run.outcomes.get(one.id) === "filled") ? Math.min(TOGETHER, 2 * size) : 1;
    }
    table.release(work.found.element);
    await table.settle(CHECKED_BY);
    for (const one of work.moved ? [] : wanted) {
      if (run.outcomes.get(one.id) === "filled" && isTakenBack(run, one)) run.outcomes.set(one.id, "not_taken");
    }
    return run.outcomes;
  };

  /** Whether a row in sight holds something else by now: a page may check a value late. @param {Run} run @param {Wanted} wanted */
  function isTakenBack(run, wanted) {
    return candidates(run, wanted).some((row) => isOf(run.work, row, wanted) && row.value !== targetOf(run, wanted));
  }

  /** @param {Run} run */
  const isOver = ({ work, refused }) => work.control.stopped() || work.moved === true || refused >= MAX_REFUSALS;

  /** Whether the columns are where they were, also once what was scrolled sideways is back there. @param {Work} work */
  async function columnsStay(work) {
    if (!work.found.element.isConnected || table.columnsStay(work.found, work.rules)) return true;
    for (const { block, left } of work.found.sideways) block.scrollLeft = left;
    await table.settle();
    work.moved = !table.columnsStay(work.found, work.rules);
    return !work.moved;
  }

  /** @param {Run} run @param {Wanted[]} wanted */
  async function fillEach(run, wanted) {
    for (const one of wanted) {
      const outcome = isOver(run) ? null : await fillOne(run, one, targetOf(run, one));
      if (outcome === null) return;
      run.outcomes.set(one.id, outcome);
      run.refused = outcome === "not_taken" ? run.refused + 1 : 0;
    }
  }

  /** @param {Run} run @param {Wanted} wanted */
  const targetOf = ({ work }, { id }) => work.values.get(id) ?? "";

  /**
   * Several fields before the page draws again: each row is identified and read back as one that is filled alone, and
   * what does not take its value is left for that.
   * @param {Run} run
   * @param {Wanted[]} group
   * @returns {Promise<Wanted[]>} those that are filled
   */
  async function fillTogether(run, group) {
    if (new Set(group.map((one) => targetOf(run, one))).size < group.length) return [];
    const written = group.flatMap((wanted) => handOver(run, wanted) ?? []);
    const filled = [];
    for (const { wanted, row, before, target, expected, handing } of written) {
      if (!(await taken(run, wanted, { before, target, expected, handed: await handing }))) continue;
      note(run.known, row.key, expected, target);
      filled.push(wanted);
    }
    return filled;
  }

  /**
   * One field's value, at once; null where the row is not as it should be, or has no field.
   * @param {Run} run
   * @param {Wanted} wanted
   */
  function handOver(run, wanted) {
    const element = run.placed.get(wanted.id)?.element;
    const row = element?.isConnected ? table.read(element, run.work.found, run.work.rules) : null;
    const [target, expected] = [targetOf(run, wanted), expectedOf(run, wanted)];
    if (!table.columnsStay(run.work.found, run.work.rules) || !row?.editable || row.value !== expected || !table.field(row.cell) || !isOf(run.work, row, wanted)) return null;
    const before = valuesOf(near(run, row));
    return { wanted, row, before, target, expected, handing: table.write(() => findAgain(run, row, wanted, expected), target) };
  }

  /** @param {Run} run @param {Wanted} wanted */
  const expectedOf = ({ work }, { id, prior }) => work.expected.get(id) ?? prior;

  /** @param {Run} run @param {Wanted} wanted */
  function heightOf({ placed }, wanted) {
    return placed.get(wanted.id)?.at ?? 0;
  }

  /**
   * @param {Run} run
   * @param {Wanted} wanted
   * @param {string} target
   * @returns {Promise<Outcome | null>} null when it was stopped before
   */
  async function fillOne(run, wanted, target) {
    const expected = expectedOf(run, wanted);
    for (let turn = 0; turn < MAX_TRIES; turn += 1) {
      const row = await bring(run, wanted);
      if (row === null && turn > 0 && run.work.moved) return "not_taken";
      if (row === null || typeof row === "string") return row;
      if (row.value === target) return "filled";
      if (row.value !== expected) return "different";
      if (!row.editable) return "not_taken";
      const before = valuesOf(near(run, row));
      const handed = await table.write(() => findAgain(run, row, wanted, expected), target, { enter: turn > 0 });
      if (await taken(run, wanted, { before, target, expected, handed })) {
        note(run.known, row.key, expected, target);
        return "filled";
      }
    }
    return "not_taken";
  }

  /**
   * The record's row as it is now, with the value that may be replaced: in the same element, or where the page holds
   * only the rows in sight and draws them anew, the one among these.
   * @param {Run} run
   * @param {ShownRow} row
   * @param {Wanted} wanted
   * @param {string} expected
   */
  function findAgain({ work }, row, wanted, expected) {
    /** @param {ShownRow} one */
    const isMine = (one) => isOf(work, one, wanted) && one.value === expected;
    if (!table.columnsStay(work.found, work.rules)) return null;
    const same = readAgain(work, row).find(isMine);
    if (same) return same;
    const mine = work.reading.virtual ? inSight(work).filter((one) => table.identify(one, work.lookup).wanted?.id === wanted.id) : [];
    return mine.length === 1 && mine[0] && isMine(mine[0]) ? mine[0] : null;
  }

  /** @param {Work} work @param {ShownRow} row */
  function readAgain({ found, rules }, { element, cell }) {
    const now = element.isConnected ? table.read(element, found, rules) : null;
    return now?.cell === cell ? [now] : [];
  }

  /** @param {Work} work @param {ShownRow} row @param {Wanted} wanted */
  function isOf({ lookup }, row, wanted) {
    const found = table.identify(row, lookup);
    return found.wanted?.id === wanted.id && !found.doubt;
  }

  /**
   * The record's row, in sight; a word where there is not exactly one.
   * @param {Run} run
   * @param {Wanted} wanted
   * @returns {Promise<ShownRow | "gone" | "ambiguous" | null>}
   */
  async function bring(run, wanted) {
    let tries = 0;
    let scrolled = false;
    while (tries < MAX_TRIES) {
      if (!(await columnsStay(run.work))) return null;
      const rows = candidates(run, wanted).filter((row) => table.identify(row, run.work.lookup).wanted?.id === wanted.id);
      const [row, another] = rows;
      if (another || (row && !isOf(run.work, row, wanted))) return "ambiguous";
      if (row && (await isClear(run, row))) return row;
      if (!row && !scrolled && (await scrollTo(run, run.placed.get(wanted.id)?.at ?? null))) {
        scrolled = true;
        continue;
      }
      tries += 1;
      if (row) continue;
      const state = await stateNow(run, wanted);
      if (state === null || state === "ambiguous") return state;
      if (state === "not_found") return "gone";
      scrolled = false;
    }
    return "gone";
  }

  /** @param {Run} run @param {Wanted} wanted @returns {ShownRow[]} */
  function candidates({ work, placed }, wanted) {
    const element = placed.get(wanted.id)?.element;
    const row = element?.isConnected ? table.read(element, work.found, work.rules) : null;
    if (row && isOf(work, row, wanted)) return [row];
    return work.reading.virtual ? inSight(work) : [];
  }

  /** @param {Work} work */
  function inSight({ found, rules }) {
    return table.rowElements(found.element).flatMap((one) => table.read(one, found, rules) ?? []);
  }

  /**
   * Whether a row is well within what is in sight; it is scrolled there, and then not there yet.
   * @param {Run} run
   * @param {ShownRow} row
   */
  async function isClear({ work }, row) {
    const scroller = work.reading.virtual ? table.scroller(work.found.element) : null;
    if (!scroller || scroller.height < 3 * EDGE) return true;
    const at = scroller.at(row.element) - scroller.top();
    const stays = scroller.top();
    if (at >= EDGE && at <= scroller.height - EDGE) return true;
    scroller.to(stays + at - scroller.height / 2);
    if (scroller.top() === stays) return true;
    await table.settle();
    return false;
  }

  /** @param {Run} run @param {number | null} at */
  async function scrollTo({ work }, at) {
    const scroller = work.reading.virtual && at !== null ? table.scroller(work.found.element) : null;
    if (!scroller || at === null) return false;
    scroller.to(at - scroller.height / 2);
    await table.settle();
    return true;
  }

  /**
   * The person sorted, filtered or paged: where everything is now.
   * @param {Run} run
   * @param {Wanted} wanted
   */
  async function stateNow(run, wanted) {
    const { work } = run;
    if (!work.found.element.isConnected) {
      const again = table.find(work.rules).table;
      if (!again) return "not_found";
      work.found = again;
    }
    const reading = await table.readAll(work.found, work.rules, work.lookup, { ...work.control, progress: () => undefined });
    if (reading === null) return work.control.stopped() ? null : "not_found";
    work.reading = reading;
    run.placed = new Map(reading.placed);
    return reading.placed.get(wanted.id)?.state ?? "not_found";
  }

  /**
   * What lies around a row: where a value would have gone astray.
   * @param {Run} run
   * @param {ShownRow} row
   */
  function near({ work }, row) {
    if (work.reading.virtual) return inSight(work);
    const elements = [row.element];
    let [before, after] = [row.element.previousElementSibling, row.element.nextElementSibling];
    for (let step = 0; step < NEIGHBOURS; step += 1) {
      if (before) elements.unshift(before);
      if (after) elements.push(after);
      before = before?.previousElementSibling ?? null;
      after = after?.nextElementSibling ?? null;
    }
    return elements.flatMap((one) => table.read(one, work.found, work.rules) ?? []);
  }

  /** @param {ShownRow[]} rows */
  function valuesOf(rows) {
    /** @type {Map<string, string[]>} */
    const values = new Map();
    for (const { key, value } of rows) values.set(key, [...(values.get(key) ?? []), value]);
    return values;
  }

  /**
   * Whether the record's row took the value, and no other did.
   * @param {Run} run
   * @param {Wanted} wanted
   * @param {{before: Map<string, string[]>, target: string, expected: string, handed: boolean}} written
   */
  async function taken(run, wanted, { before, target, expected, handed }) {
    await new Promise((resolve) => setTimeout(resolve));
    let row = await bring(run, wanted);
    for (let attempt = 0; handed && attempt < MAX_READS && isRow(row) && row.value !== target; attempt += 1) {
      await table.settle(attempt * 10);
      row = await bring(run, wanted);
    }
    const strays = isRow(row) ? near(run, row).filter((one) => one.key !== row.key && isStray(one, before, target)) : [];
    for (const one of strays) await putBack(run, one, before.get(one.key)?.[0] ?? "");
    if (isRow(row) && row.value === target) return strays.length === 0 || (await bringsTarget(run, wanted, target));
    if (isRow(row) && handed && row.value !== expected) await putBack(run, row, expected);
    else if (handed && strays.length === 0) await findStrays(run, target);
    return false;
  }

  /** @param {unknown} row @returns {row is ShownRow} */
  function isRow(row) {
    return typeof row === "object" && row !== null;
  }

  /** @param {Run} run @param {Wanted} wanted @param {string} target */
  async function bringsTarget(run, wanted, target) {
    const row = await bring(run, wanted);
    return isRow(row) && row.value === target;
  }

  /**
   * @param {ShownRow} row
   * @param {Map<string, string[]>} before
   * @param {string} target
   */
  function isStray({ key, value }, before, target) {
    const earlier = before.get(key);
    return value === target && earlier !== undefined && !earlier.includes(target);
  }

  /**
   * A value went somewhere out of sight: found by what every row had before, and put back also when all is stopped.
   * @param {Run} run
   * @param {string} target
   */
  async function findStrays(run, target) {
    const { work, known } = run;
    const reading = await table.readAll(work.found, work.rules, work.lookup, { stopped: () => false, progress: () => undefined });
    for (const [key, values] of reading?.values ?? []) {
      const earlier = known.get(key);
      if (!earlier || earlier.includes(target) || !values.includes(target)) continue;
      await scrollTo(run, reading?.places.get(key) ?? null);
      const row = inSight(work).find((one) => one.key === key && one.value === target);
      if (row) await putBack(run, row, earlier[0] ?? "");
    }
  }

  /**
   * @param {Run} run
   * @param {ShownRow} row
   * @param {string} value
   */
  async function putBack({ work }, row, value) {
    await table.write(() => {
      const rows = work.reading.virtual ? inSight(work) : readAgain(work, row);
      const mine = rows.filter((one) => one.key === row.key && one.value === row.value);
      return mine.length === 1 ? (mine[0] ?? null) : null;
    }, value);
    await table.settle();
  }

  /**
   * @param {Map<string, string[]>} known
   * @param {string} key
   * @param {string} expected
   * @param {string} target
   */
  function note(known, key, expected, target) {
    const values = [...(known.get(key) ?? [expected])];
    const place = values.indexOf(expected);
    if (place >= 0) values[place] = target;
    known.set(key, values);
  }
})();
