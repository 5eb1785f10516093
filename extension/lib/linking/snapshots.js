// @ts-check
// The last few contacts that were looked at, kept so that a worker that was ended in between still knows what the
// person confirms.

/** @typedef {import("../types.js").Look} Look */

const KEY = "looks";
const KEPT = 20;

/** @typedef {ReturnType<typeof createLooks>} Looks */

/**
 * @param {import("../server/session.js").Store} store
 * @param {() => string} newId
 */
export function createLooks(store, newId) {
  /** @type {Promise<unknown>} */
  let turn = Promise.resolve();

  /** @returns {Promise<Look[]>} */
  async function all() {
    return (await store.get(KEY))[KEY] ?? [];
  }

  return {
    /**
     * @param {Omit<Look, "id">} seen
     * @returns {Promise<Look>}
     */
    keep(seen) {
      const look = { ...seen, id: newId() };
      const mine = turn.then(async () => {
        await store.set({ [KEY]: [...(await all()), look].slice(-KEPT) });
        return look;
      });
      turn = mine.catch(() => undefined);
      return mine;
    },

    forget() {
      const mine = turn.then(() => store.remove(KEY));
      turn = mine.catch(() => undefined);
      return mine;
    },

    /**
     * @param {string} id
     * @returns {Promise<Look | null>}
     */
    async find(id) {
      return (await all()).find((look) => look.id === id) ?? null;
    },
  };
}
