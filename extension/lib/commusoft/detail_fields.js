// @ts-check
// The fields of a name, address and email on a record's form, each found by its label.

(() => {
  const tools = /** @type {{crmlinkPage: import("./types.js").PageTools}} */ (/** @type {unknown} */ (globalThis)).crmlinkPage;

  /**
   * The one field with a label; a field for an email is one as well.
   * @param {string[]} labels
   * @param {import("./types.js").Subject} subject
   * @returns {HTMLInputElement | null}
   */
  function detailField(labels, subject) {
    const { state, field, unfit } = tools.findField(document, { labels, subject, rule: null });
    if (state === "one") return field;
    const emails = unfit.filter(({ control, why }) => why === "not-text" && /** @type {HTMLInputElement} */ (control).type === "email");
    const [only] = emails;
    const one = state === "none" && emails.length === 1 && unfit.length === 1 ? /** @type {HTMLInputElement} */ (only?.control) : null;
    return one && !one.matches(":disabled, :read-only") && !tools.isForeign(one, subject) ? one : null;
  }

  Object.assign(tools, { detailField });
})();
