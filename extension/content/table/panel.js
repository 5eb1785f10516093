// @ts-check
// A reviewed list goes into the table on this page: read it, ask the server, show what would go where, fill. Saving is
// the person's; what was saved is believed only when a page that was loaded since shows it.

(() => {
  /** @type {import("../../lib/commusoft/table/types.js").CrmlinkTable} */
  const table = (/** @type {any} */ (globalThis).crmlinkTable ??= {});

  /** @typedef {import("../../lib/commusoft/table/types.js").Row} Row */
  /** @typedef {import("../../lib/commusoft/table/types.js").Kind} Kind */
  /** @typedef {import("../../lib/commusoft/table/types.js").FoundTable} FoundTable */
  /** @typedef {import("../../lib/commusoft/table/types.js").Reading} Reading */
  /** @typedef {import("../../lib/commusoft/table/types.js").Lookup} Lookup */
  /** @typedef {import("../../lib/commusoft/table/types.js").Begun} Begun */
  /** @typedef {{found: FoundTable, lookup: Lookup, reading: Reading, rows: Row[]}} ReadTable */

  const LOAD_TIMEOUT = 15_000; // milliseconds in which a page that was just loaded brings its table
  const PAUSE_MS = 300;
  const CHUNK_SIZE = 500; // rows that the server takes at once
  const MESSAGE_MS = 4_000;
  const MAX_VALUE_LENGTH = 200; // characters that the server takes

  /** @param {string} key @param {...string} values */
  const say = (key, ...values) => chrome.i18n.getMessage(key, values);
  /** @param {string} key @param {number} count */
  const count = (key, count) => say(`${key}_${count === 1 ? "one" : "other"}`, count.toLocaleString("en-GB"));

  let stopped = false;
  let busy = false;
  /** @type {Set<string>} rows whose other value the person wants replaced */
  const chosen = new Set();
  table.leave?.();
  const frame = table.openFrame(() => (busy ? stop() : leave()));
  table.leave = leave;
  const control = { stopped: () => stopped, progress: () => undefined };

  function stop() {
    stopped = true;
  }

  function leave() {
    stopped = true;
    frame.close();
  }

  /**
   * @param {string} type
   * @param {object} [fields]
   * @returns {Promise<{ok: true, data: any} | {ok: false}>}
   */
  async function ask(type, fields = {}) {
    try {
      return (await chrome.runtime.sendMessage({ type, ...fields })) ?? { ok: false };
    } catch {
      return { ok: false };
    }
  }

  /** @param {string} words @param {boolean} [again] */
  function showText(words, again = false) {
    busy = false;
    const actions = [table.button(say("close"), leave, { first: !again })];
    if (again) actions.unshift(table.button(say("look_again"), () => void begin(), { first: true }));
    frame.show({ title: say("table_title"), body: [table.make("p", {}, words)], actions });
  }

  /** @param {string} words @param {string} progress */
  function work(words, progress) {
    busy = true;
    stopped = false;
    const bar = /** @type {HTMLProgressElement} */ (table.make("progress", { "aria-label": words }));
    const counted = table.make("p", { class: "quiet" });
    frame.show({ title: words, body: [bar, counted], actions: [table.button(say("table_stop"), stop)] });
    return (/** @type {number} */ done, /** @type {number} */ all) => {
      bar.max = Math.max(1, all);
      bar.value = done;
      counted.textContent = say(progress, done.toLocaleString("en-GB"), all.toLocaleString("en-GB"));
    };
  }

  async function begin() {
    const answer = await ask("table_begin", { page: performance.timeOrigin });
    if (!answer.ok) return showText(say("table_lost"));
    /** @type {Begun} */
    const begun = answer.data;
    const found = await findTable(begun);
    if (!found.table) return showText(say(found.count > 1 ? "table_several" : "table_none"), true);
    const { table: place } = found;
    if (place.kind) return readTable(begun, place, place.kind, place.sure);
    return askKind((kind) => void readTable(begun, place, kind, true));
  }

  /** @param {Begun} begun */
  async function findTable({ rules }) {
    for (const until = performance.now() + LOAD_TIMEOUT; ; ) {
      const found = table.find(rules);
      if (found.count > 0 || performance.now() > until) return found;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  /** @param {(kind: Kind) => void} answer */
  function askKind(answer) {
    frame.show({
      title: say("table_title"),
      body: [table.make("p", {}, say("table_which_kind"))],
      actions: [table.button(say("table_customers"), () => answer("customer")), table.button(say("table_suppliers"), () => answer("supplier")), table.button(say("close"), leave)],
    });
  }

  /**
   * @param {Begun} begun
   * @param {FoundTable} place
   * @param {Kind} kind
   * @param {boolean} sure
   */
  async function readTable(begun, place, kind, sure) {
    const lookup = table.lookup(begun.rows, kind, sure, begun.rules);
    if (lookup.all.length === 0) return showText(say(kind === "customer" ? "table_no_customers" : "table_no_suppliers"), true);
    const found = await table.withReferences(place, begun.rules);
    if (!found) return showText(say("table_columns"), true);
    const progress = work(say("table_reading"), "table_read_rows");
    const reading = await table.readAll(found, begun.rules, lookup, { ...control, progress });
    if (!reading) return showText(say(stopped ? "table_stopped" : "table_moves"), true);
    const rows = lookup.all.map((wanted) => {
      const { state: placed, value, loaded } = reading.placed.get(wanted.id) ?? { state: "not_found", value: null, loaded: true };
      const state = placed === "locked" ? "not_taken" : placed;
      return { wanted, value, loaded, state: state === "right" && !loaded ? "unsure" : state };
    });
    const result = { found, lookup, reading, rows: /** @type {Row[]} */ (rows) };
    // What was filled in this page and not loaded since is ours, and tells nothing of Commusoft.
    if (!begun.filled_here && !(await observe(result.rows))) return showText(say("table_unanswered"), true);
    return offer(begun, result);
  }

  /**
   * Tell the server what the table shows; it says which rows may be filled.
   * @param {Row[]} rows
   * @param {Set<string>} [replacing] rows whose other value may go
   */
  async function observe(rows, replacing = new Set()) {
    const seen = rows.filter((row) => row.value !== null && row.state !== "ambiguous" && (row.loaded || row.value === row.wanted.prior));
    for (let at = 0; at < seen.length; at += CHUNK_SIZE) {
      const piece = seen.slice(at, at + CHUNK_SIZE);
      const sent = piece.map(({ wanted, value }) => ({ id: wanted.id, value: (value ?? "").slice(0, MAX_VALUE_LENGTH), replaces: replacing.has(wanted.id) }));
      const answer = await ask("table_seen", { page: performance.timeOrigin, rows: sent });
      if (!answer.ok) return false;
      const fill = new Set(answer.data.fill);
      for (const row of piece) {
        if (row.state === "ready" && !fill.has(row.wanted.id)) row.state = "refused";
        if (row.state === "different" && fill.has(row.wanted.id)) row.state = "ready";
      }
    }
    return true;
  }

  /** @param {Begun} begun @param {ReadTable} result */
  function offer(begun, result) {
    busy = false;
    const ready = result.rows.filter((row) => row.state === "ready").length;
    const all = () => (begun.filled_here ? 0 : ready + chosen.size);
    const go = table.button("", () => void fill(begun, result), { first: true });
    const name = () => {
      go.textContent = count("table_fill", all());
      go.hidden = all() === 0;
    };
    name();
    const others = [table.button(say("look_again"), () => void begin()), table.button(say("close"), leave)];
    const text = begun.filled_here ? "table_reload_text" : ready > 0 ? "table_offer_text" : "table_nothing_text";
    if (begun.filled_here) others.unshift(reloadButton());
    frame.show({ title: say("table_title_list", begun.list), body: [table.make("p", {}, say(text)), ...report(result, name)], actions: all() > 0 ? [go, ...others] : [...others, go] });
    frame.announce("");
  }

  /** @param {ReadTable} result @param {() => void} chose */
  function report(result, chose) {
    return table.report(result.rows, { chosen, chose, show: (row) => void show(result, row) });
  }

  /** @param {ReadTable} result @param {Row} row */
  async function show({ found, lookup, reading }, { wanted }) {
    const placed = reading.placed.get(wanted.id);
    const scroller = table.scroller(found.element);
    if (placed?.element) placed.element.scrollIntoView({ block: "center" });
    else if (scroller && typeof placed?.at === "number") scroller.to(placed.at - scroller.height / 2);
    await table.settle();
    const row = table.rowElements(found.element).find((one) => {
      const read = table.read(one, found, lookup.rules);
      return read !== null && table.identify(read, lookup).wanted?.id === wanted.id;
    });
    if (!row) return;
    frame.point(row);
    setTimeout(frame.unpoint, MESSAGE_MS);
  }

  /** @param {Begun} begun @param {ReadTable} result */
  async function fill(begun, result) {
    const { rows, found, lookup, reading } = result;
    const replaced = rows.filter((row) => row.state === "different" && chosen.has(row.wanted.id));
    if (replaced.length > 0 && !(await observe(replaced, chosen))) return showText(say("table_unanswered"), true);
    const ready = rows.filter((row) => row.state === "ready");
    if (!(await ask("table_filling", { page: performance.timeOrigin, rows: ready.map((row) => row.wanted.id) })).ok) return showText(say("table_lost"));
    const progress = work(say("table_filling"), "table_filled_rows");
    const values = new Map(ready.map(({ wanted }) => [wanted.id, wanted.target]));
    const expected = new Map(ready.map(({ wanted, value }) => [wanted.id, value ?? ""]));
    /** @type {import("../../lib/commusoft/table/types.js").Work} */
    const filling = { found, rules: begun.rules, lookup, reading, values, expected, control: { ...control, progress } };
    const outcomes = await table.fill(filling);
    for (const row of ready) {
      const outcome = outcomes.get(row.wanted.id);
      if (outcome) row.state = outcome === "gone" ? "not_found" : outcome;
    }
    chosen.clear();
    return finish(begun, result, ready, stopped ? say("table_stopped") : filling.moved ? say("table_columns_moved") : "");
  }

  /** @param {Begun} begun @param {ReadTable} result @param {Row[]} tried @param {string} words why it ended before the end, or "" */
  function finish(begun, result, tried, words) {
    busy = false;
    const filled = tried.filter((row) => row.state === "filled").length;
    const save = begun.rules.words.save[0] ?? "";
    frame.show({
      title: count("table_filled_count", filled),
      body: [words !== "" && table.make("p", {}, words), filled > 0 && table.make("p", {}, say("table_save_text", save)), ...report(result, () => undefined)],
      actions: [filled > 0 ? reloadButton() : table.button(say("look_again"), () => void begin(), { first: true }), table.button(say("close"), leave)],
    });
    frame.announce(count("table_filled_count", filled));
  }

  function reloadButton() {
    return table.button(say("table_reload"), async () => {
      await ask("table_reload");
      // Opened and not refreshed: a browser that refreshes puts back what was typed.
      if (location.hash) location.reload();
      else location.assign(location.href);
    }, { first: true });
  }

  void begin();
})();
