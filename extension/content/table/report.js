// @ts-check
// The state of the list's rows in the table, in words, and the way to see them.

(() => {
  /** @type {import("../../lib/commusoft/table/types.js").CrmlinkTable} */
  const table = (/** @type {any} */ (globalThis).crmlinkTable ??= {});

  /** @typedef {import("../../lib/commusoft/table/types.js").Row} Row */
  /** @typedef {import("../../lib/commusoft/table/types.js").State} State */

  /** More rows than these are counted and not shown. */
  const MAX_ROWS_SHOWN = 200;

  /** @type {[State, string, string][]} the state, what is counted, what it means */
  const STATES = [
    ["ready", "table_ready", ""],
    ["filled", "table_filled", ""],
    ["right", "table_right", ""],
    ["different", "table_different", "table_different_text"],
    ["ambiguous", "table_ambiguous", "table_ambiguous_text"],
    ["not_found", "table_not_found", "table_not_found_text"],
    ["not_taken", "table_not_taken", "table_not_taken_text"],
    ["unsure", "table_unsure", "table_unsure_text"],
    ["refused", "table_refused", "table_refused_text"],
  ];

  /** @param {string} key @param {...string} values */
  const say = (key, ...values) => chrome.i18n.getMessage(key, values);

  /**
   * @param {Row[]} rows
   * @param {{show: (row: Row) => void, chosen: Set<string>, chose: () => void}} how show: bring a row into sight;
   *   chosen: the rows whose other value is to be replaced
   */
  table.report = (rows, how) => {
    const groups = STATES.map(([state, counted, text]) => ({ counted, text, mine: rows.filter((row) => row.state === state) }));
    const shown = groups.filter(({ mine }) => mine.length > 0);
    const counts = table.make("dl", {}, shown.flatMap(({ counted, mine }) => [
      table.make("dt", {}, say(counted)), table.make("dd", {}, mine.length.toLocaleString("en-GB")),
    ]));
    return [counts, ...shown.filter(({ text }) => text !== "").map(({ counted, text, mine }) => details(say(counted), say(text), mine, how))];
  };

  /**
   * @param {string} title
   * @param {string} text
   * @param {Row[]} rows
   * @param {Parameters<typeof table.report>[1]} how
   */
  function details(title, text, rows, how) {
    const more = rows.length - MAX_ROWS_SHOWN;
    return table.make("details", {},
      table.make("summary", {}, `${title} (${rows.length.toLocaleString("en-GB")})`),
      table.make("p", { class: "quiet" }, text),
      table.make("ul", {}, rows.slice(0, MAX_ROWS_SHOWN).map((row) => line(row, how)), more > 0 && table.make("li", {}, say("and_more_other", more.toLocaleString("en-GB")))));
  }

  /** @param {Row} row @param {Parameters<typeof table.report>[1]} how */
  function line(row, { show, chosen, chose }) {
    const name = row.wanted.names[0] ?? row.wanted.number;
    const see = row.state === "not_found" ? null : table.button(say("table_show"), () => show(row));
    see?.setAttribute("aria-label", say("table_show_name", name));
    if (row.state !== "different") return table.make("li", {}, table.make("span", {}, name), see);
    const box = /** @type {HTMLInputElement} */ (table.make("input", { type: "checkbox" }));
    box.checked = chosen.has(row.wanted.id);
    box.addEventListener("change", (event) => {
      if (!event.isTrusted) return;
      if (box.checked) chosen.add(row.wanted.id);
      else chosen.delete(row.wanted.id);
      chose();
    });
    const values = [table.make("del", {}, row.value ?? ""), " → ", table.make("ins", {}, row.wanted.target)];
    return table.make("li", {}, table.make("label", {}, box, ` ${name}: `, ...values), see);
  }
})();
