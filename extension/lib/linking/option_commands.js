// @ts-check
// What the background does for the settings page: trying the connection, and the button on the pages themselves.

import { COMMUSOFT, commusoftSite } from "../page/record_page.js";
import { parseServer } from "../server/server_url.js";

/** @typedef {import("../server/api.js").Api} Api */
/** @typedef {import("../server/session.js").SessionState} Connection */
/** @typedef {import("../server/connection.js").ConnectionStatus} ConnectionStatus */

/**
 * @template T
 * @typedef {import("../types.js").Answer<T>} Answer
 */

/**
 * What the settings share with the other commands.
 * @typedef {object} Shared
 * @property {<T>(work: (api: Api, connection: Connection) => Promise<Answer<T>>) => Promise<Answer<T>>} connected
 * @property {(connection: Connection, api: Api) => Promise<Answer<any>>} askWorkspace
 */

/**
 * @param {Pick<import("./commands.js").Parts, "session" | "connecting" | "rules" | "onPage" | "api">} parts
 * @param {Shared} shared
 */
export function createSettings(parts, { connected, askWorkspace }) {
  const { session, connecting, rules, onPage } = parts;

  /**
   * Where a button can be: the packages' pages, and the workspace's Commusoft.
   * @returns {Promise<Record<string, {name: string, hosts?: string[], scheme?: string}>>}
   */
  async function knownSites() {
    const connection = await session.read();
    const known = connection ? (await rules.get(connection.server, parts.api(connection))).packages : null;
    const commusoft = commusoftSite(known, connection?.workspace ?? null);
    return { ...known?.packages, ...(commusoft ? { [COMMUSOFT]: commusoft } : {}) };
  }

  return {
    /** @returns {Promise<Answer<ConnectionStatus>>} */
    test: () =>
      connected(async (api, connection) => {
        const answer = await askWorkspace(connection, api);
        return answer.ok ? connecting.handlers.connection_status() : answer;
      }),

    /** The switches for the button on the pages themselves. */
    async on_page() {
      return { ok: true, data: await onPage.describe(await knownSites()) };
    },

    /** @param {{package: string}} asked */
    async on_page_on({ package: name }) {
      const sites = await knownSites();
      return onPage.switchOn(name, Object.hasOwn(sites, name) ? sites[name] : null);
    },

    /** @param {{package: string}} asked */
    async on_page_off({ package: name }) {
      const connection = await session.read();
      await onPage.switchOff(name, parseServer(connection?.server ?? "")?.origins ?? []);
      return { ok: true, data: null };
    },
  };
}
