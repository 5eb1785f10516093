// @ts-check
// What an office's administrators set for all browsers: the server's address, and whether it is the only one allowed.

import { parseServer } from "./server_url.js";

/** @typedef {{server: string, only: boolean}} Policy */
/** @typedef {ReturnType<typeof createPolicy>} PolicyReader */

/**
 * It is read each time anew: a browser may learn it long after it started.
 * @param {{get: () => Promise<Record<string, any>>}} managed the browser's managed storage
 */
export function createPolicy(managed) {
  return {
    /** @returns {Promise<Policy | null>} null where no one set a server */
    async read() {
      // Firefox has no managed storage at all where no policy names us.
      const set = await managed.get().catch(() => /** @type {Record<string, any>} */ ({}));
      const address = typeof set.server === "string" ? parseServer(set.server) : null;
      return address && { server: address.server, only: set.only_this_server === true };
    },
  };
}
