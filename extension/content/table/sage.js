// @ts-check
// A record's form beside Sage's details. A difference goes only where the person says so, into its one field; saving
// is theirs.

(() => {
  /** @type {import("../../lib/commusoft/table/types.js").CrmlinkTable} */
  const table = (/** @type {any} */ (globalThis).crmlinkTable ??= {});
  const tools = /** @type {{crmlinkPage: import("../../lib/commusoft/types.js").PageTools}} */ (/** @type {unknown} */ (globalThis)).crmlinkPage;

  /** @typedef {import("../../lib/linking/sage_form.js").SageView} SageView */
  /** @typedef {import("../../lib/linking/sage_form.js").Part} Part */

  const POLL_MS = 500; // milliseconds between two looks at the page's address

  /** @param {string} key @param {...string} values */
  const say = (key, ...values) => chrome.i18n.getMessage(key, values);
  const address = location.href;
  table.leave?.();
  const frame = table.openFrame(leave);
  table.leave = leave;
  const pulse = setInterval(() => {
    if (location.href !== address) leave();
  }, POLL_MS);

  function leave() {
    clearInterval(pulse);
    frame.close();
  }

  /** @param {string} words */
  function showText(words) {
    const again = table.button(say("look_again"), () => void begin(), { first: true });
    frame.show({ title: say("sage_compare"), body: [table.make("p", {}, words)], actions: [again, table.button(say("close"), leave)] });
  }

  async function begin() {
    const answer = await chrome.runtime.sendMessage({ type: "sage_begin" }).catch(() => null);
    if (!answer?.ok || location.href !== address) return showText(say("sage_gone"));
    return compare(answer.data, "");
  }

  /** @param {SageView} view */
  function rowsOf({ labels, subject, parts }) {
    const all = /** @type {[Part, string][]} */ (Object.entries(parts));
    return all.map(([part, wanted]) => ({ part, wanted, field: tools.detailField(labels[part] ?? [], subject) }));
  }

  /** @param {SageView} view @param {string} remark what became of the last step */
  function compare(view, remark) {
    if (!tools.showsSubject(document, view.subject.names)) return showText(say("sage_gone"));
    const rows = rowsOf(view);
    if (!rows.some((row) => row.field)) return showText(say("sage_no_form"));
    // A line that neither has is no difference.
    const differ = rows.filter(({ field, wanted }) => (field ? field.value !== wanted : wanted !== ""));
    frame.show({
      title: say("sage_title", view.name), fromTop: true,
      body: [
        table.make("p", {}, say(differ.length > 0 ? "sage_text" : "sage_none")),
        remark !== "" && table.make("p", { role: "status" }, remark),
        table.make("ul", {}, differ.map((row) => line(view, row))),
      ],
      actions: [table.button(say("look_again"), () => compare(view, "")), table.button(say("close"), leave)],
    });
    return undefined;
  }

  /** @param {SageView} view @param {ReturnType<typeof rowsOf>[number]} row */
  function line(view, { part, wanted, field }) {
    const label = say(`detail_${part}`);
    if (!field) return table.make("li", {}, table.make("span", {}, `${label}: ${say("sage_missing")}`));
    const use = table.button(say("sage_use"), () => void fill(view, part, wanted, field));
    use.setAttribute("aria-label", say("sage_use_for", label));
    const now = table.make("del", {}, field.value || say("sage_empty"));
    return table.make("li", {}, table.make("span", {}, `${label}: `, now, " → ", table.make("ins", {}, wanted || say("sage_empty"))), use);
  }

  /**
   * @param {SageView} view
   * @param {Part} part
   * @param {string} wanted
   * @param {HTMLInputElement} field as it was shown
   */
  async function fill(view, part, wanted, field) {
    const shown = field.value;
    const same = () => location.href === address && tools.detailField(view.labels[part] ?? [], view.subject) === field;
    if (!same() || !field.isConnected) return compare(view, say("sage_not_filled"));
    const result = await tools.fillField(field, wanted, { same });
    if (location.href !== address) return leave();
    if (result.ok) return compare(view, say("sage_filled"));
    return compare(view, say(result.restored && field.value === shown ? "sage_not_filled" : "sage_not_restored"));
  }

  void begin();
})();
