// @ts-check
// Contacts for which Commusoft has no record yet, kept on the server for those who add customers and suppliers.

import { withOverrides } from "../page/contact.js";
import { problem } from "../server/problem.js";

/** @typedef {import("../server/api.js").Api} Api */
/** @typedef {import("../types.js").Parked} Parked */

/**
 * @template T
 * @typedef {import("../types.js").Answer<T>} Answer
 */

/**
 * @param {import("./snapshots.js").Snapshots} snapshots
 * @param {<T>(work: (api: Api) => Promise<Answer<T>>) => Promise<Answer<T>>} connected
 */
export function createParking(snapshots, connected) {
  return {
    /**
     * Park a contact that was looked at; parking it twice is parking it once.
     * @param {{snapshot: string, typed: {name: string, postcode: string} | null}} asked
     * @returns {Promise<Answer<Parked>>}
     */
    async park(asked) {
      const snapshot = await snapshots.find(asked.snapshot);
      if (!snapshot) return { ok: false, problem: problem("snapshot-lost") };
      const { package: name, reference, organisation, kind } = snapshot.contact;
      const details = withOverrides(snapshot.details, asked.typed);
      return connected((api) => api.park({ package: name, reference, organisation, kind, ...details }));
    },

    /** @param {{parked: string}} asked */
    unpark: ({ parked }) => connected((api) => api.unpark(parked)),
  };
}
