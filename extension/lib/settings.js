// @ts-check
// What the background does for the settings page: the connection, and the button on the pages themselves.

import { problem } from "./problem.js";
import { parseServer, parseToken } from "./session.js";

/** @typedef {import("./api.js").Api} Api */
/** @typedef {import("./session.js").Connection} Connection */
/** @typedef {import("./session.js").Standing} Standing */

/**
 * @template T
 * @typedef {import("./types.js").Answer<T>} Answer
 */

/**
 * What the settings share with the rest of the desk.
 * @typedef {object} Shared
 * @property {<T>(work: (api: Api, connection: Connection) => Promise<Answer<T>>) => Promise<Answer<T>>} connected
 * @property {(connection: Connection, api: Api) => Promise<Answer<any>>} askWorkspace
 * @property {() => Promise<void>} forgetTraces
 */

/**
 * @param {Pick<import("./desk.js").Parts, "session" | "rules" | "onPage" | "api">} parts
 * @param {Shared} shared
 */
export function createSettings(parts, { connected, askWorkspace, forgetTraces }) {
  const { session, rules, onPage } = parts;

  async function knownRules() {
    const connection = await session.read();
    return connection ? (await rules.get(connection.server, parts.api(connection))).packages : null;
  }

  return {
    /** @returns {Promise<Answer<Standing>>} */
    standing: async () => ({ ok: true, data: await session.describe() }),

    /** @returns {Promise<Answer<Standing>>} */
    test: () =>
      connected(async (api, connection) => {
        const answer = await askWorkspace(connection, api);
        return answer.ok ? { ok: true, data: await session.describe() } : answer;
      }),

    /**
     * Try a connection and keep it only if it works.
     * @param {{server: string, token: string}} asked
     * @returns {Promise<Answer<Standing>>}
     */
    async connect(asked) {
      const address = parseServer(asked.server);
      const token = parseToken(asked.token);
      if (!address) return { ok: false, problem: problem("address-malformed") };
      if (!token) return { ok: false, problem: problem("token-malformed") };
      const connection = { server: address.server, token, workspace: null };
      const answer = await parts.api(connection).workspace();
      if (!answer.ok) return answer;
      const before = await session.read();
      if (before && before.server !== connection.server) await forgetTraces();
      await session.save({ ...connection, workspace: answer.data });
      await rules.get(connection.server, parts.api(connection));
      void onPage.refresh();
      return { ok: true, data: await session.describe() };
    },

    /** @returns {Promise<Answer<Standing>>} */
    async disconnect() {
      await session.forget();
      await forgetTraces();
      void onPage.refresh();
      return { ok: true, data: await session.describe() };
    },

    /** The switches for the button on the pages themselves. */
    async on_page() {
      return { ok: true, data: await onPage.describe(await knownRules()) };
    },

    /** @param {{package: string}} asked */
    async on_page_on({ package: name }) {
      const packages = (await knownRules())?.packages ?? {};
      return onPage.switchOn(name, Object.hasOwn(packages, name) ? packages[name] : null);
    },

    /** @param {{package: string}} asked */
    async on_page_off({ package: name }) {
      const connection = await session.read();
      await onPage.switchOff(name, parseServer(connection?.server ?? "")?.origins ?? []);
      return { ok: true, data: null };
    },
  };
}
