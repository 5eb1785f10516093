// @ts-check
// Which links were filled in in which tab, until the page has shown what became of it: a page that loads anew when it
// is saved ends our script there.

/** @typedef {import("../server/session.js").Store} Store */
/** @typedef {{link: string, tab: number}} Filled */

const KEY = "filled";
const MAX_FILLED = 50;

/** @param {Store} store */
export function createFilledFields(store) {
  /** @type {Promise<unknown>} */
  let turn = Promise.resolve();

  /** @returns {Promise<Filled[]>} */
  const all = async () => (await store.get(KEY))[KEY] ?? [];

  /** @param {(list: Filled[]) => Filled[]} change */
  function alter(change) {
    const mine = turn.then(async () => store.set({ [KEY]: change(await all()) }));
    turn = mine.catch(() => undefined);
    return mine;
  }

  return {
    /** @param {Filled} filled */
    note: ({ link, tab }) => alter((list) => [...list.filter((one) => one.link !== link || one.tab !== tab), { link, tab }].slice(-MAX_FILLED)),

    /** @param {string} link */
    forget: (link) => alter((list) => list.filter((one) => one.link !== link)),

    /** @param {Filled} filled */
    has: async ({ link, tab }) => (await all()).some((one) => one.link === link && one.tab === tab),
  };
}
