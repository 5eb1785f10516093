// @ts-check
/** Commusoft's pages with tables, as our scripts there tell of them. */
export function fakeTableTabs() {
  const made = {
    shows: /** @type {import("../../extension/lib/linking/link_table.js").ShownTables | null} */ (null),
    opened: /** @type {number[]} */ ([]),
    allowed: true,
    seen: /** @type {string[]} */ ([]),
    addresses: async () => made.seen,
    async readTables() {
      return made.shows;
    },
    compared: /** @type {number[]} */ ([]),
    /** @param {number} tab */
    async compare(tab) {
      made.compared.push(tab);
      return made.allowed;
    },
    /** @param {number} tab */
    async open(tab) {
      if (made.allowed) made.opened.push(tab);
      return made.allowed;
    },
  };
  return made;
}
