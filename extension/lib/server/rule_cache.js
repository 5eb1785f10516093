// @ts-check
// The rule file of accounting packages: fetched from the server, kept, and the last good one never given up.

/** @typedef {import("../page/rule_types.js").Packages} Packages */
/** @typedef {import("./session.js").Store} Store */
/** @typedef {import("./api.js").Api} Api */
/** @typedef {import("../types.js").Problem} Problem */

/** @typedef {{server: string, etag: string | null, packages: Packages, fetched_at: number}} Kept */

const KEY = "rules";
const MAX_AGE_MS = 60_000;
export const VERSION = 1;

/**
 * Whether this extension understands such a rule file.
 * @param {any} document
 * @returns {boolean}
 */
export function isSupported(document) {
  return document?.version === VERSION && typeof document.packages === "object" && document.packages !== null;
}

/** @typedef {ReturnType<typeof createRules>} Rules */

/**
 * @param {Store} store
 * @param {() => number} now milliseconds
 */
export function createRules(store, now) {
  /**
   * @param {string} server
   * @returns {Promise<Kept | null>}
   */
  async function kept(server) {
    /** @type {Kept | undefined} */
    const found = (await store.get(KEY))[KEY];
    return found?.server === server && isSupported(found.packages) ? found : null;
  }

  return {
    /**
     * The rules to use now. Without an answer from the server the last good ones serve.
     * @param {string} server
     * @param {Api} api
     * @returns {Promise<{packages: Packages | null, problem: Problem | null}>} packages is null when there never were any
     */
    async get(server, api) {
      const last = await kept(server);
      const age = last ? now() - last.fetched_at : Infinity;
      if (last && age >= 0 && age < MAX_AGE_MS) return { packages: last.packages, problem: null };
      const answer = await api.packages(last?.etag ?? null);
      if (!answer.ok) return { packages: last?.packages ?? null, problem: answer.problem };
      const packages = answer.status === 304 ? last?.packages : answer.data;
      if (!isSupported(packages)) return { packages: last?.packages ?? null, problem: null };
      const etag = answer.status === 304 ? (last?.etag ?? null) : (answer.etag ?? null);
      await store.set({ [KEY]: { server, etag, packages, fetched_at: now() } });
      return { packages, problem: null };
    },

    async forget() {
      await store.remove(KEY);
    },
  };
}
