// @ts-check
// The last few contacts that were looked at, kept so that a worker that was ended in between still knows what the
// person confirms.

/** @typedef {import("../types.js").ContactSnapshot} ContactSnapshot */

const KEY = "looks";
const MAX_SNAPSHOTS = 20;

/** @typedef {ReturnType<typeof createSnapshots>} Snapshots */

/**
 * @param {import("../server/session.js").Store} store
 * @param {() => string} newId
 */
export function createSnapshots(store, newId) {
  /** @type {Promise<unknown>} */
  let turn = Promise.resolve();

  /** @returns {Promise<ContactSnapshot[]>} */
  async function all() {
    return (await store.get(KEY))[KEY] ?? [];
  }

  return {
    /**
     * @param {Omit<ContactSnapshot, "id">} seen
     * @returns {Promise<ContactSnapshot>}
     */
    keep(seen) {
      const snapshot = { ...seen, id: newId() };
      const mine = turn.then(async () => {
        await store.set({ [KEY]: [...(await all()), snapshot].slice(-MAX_SNAPSHOTS) });
        return snapshot;
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
     * @returns {Promise<ContactSnapshot | null>}
     */
    async find(id) {
      return (await all()).find((snapshot) => snapshot.id === id) ?? null;
    },
  };
}
