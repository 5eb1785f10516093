// @ts-check
// Connecting this browser and ending it: what the popup and the settings ask for, and what an office's policy says.

import { problem } from "./problem.js";
import { parseServer } from "./server_url.js";
import { DISCONNECTED, serialize } from "./session.js";

/** @typedef {import("./api.js").Api} Api */
/** @typedef {import("./session.js").SessionState} Connection */

/**
 * @template T
 * @typedef {import("../types.js").Answer<T>} Answer
 */

/**
 * What a page may know of the connection.
 * @typedef {object} ConnectionStatus
 * @property {boolean} connected
 * @property {string | null} server
 * @property {import("../types.js").Person | null} person
 * @property {string | null} device the name of this browser on the server
 * @property {import("../types.js").Workspace | null} workspace
 * @property {string | null} last the server of the last connection
 * @property {import("./session.js").Ended | null} ended why the server ended it
 * @property {import("./pairing.js").PairingView | null} pairing
 * @property {import("./managed_policy.js").Policy | null} policy
 */

/**
 * @typedef {object} Parts
 * @property {import("./session.js").SessionStore} session
 * @property {import("./pairing.js").Pairings} pairings
 * @property {import("./managed_policy.js").PolicyReader} policy
 * @property {import("./rule_cache.js").Rules} rules
 * @property {import("../linking/pending_requests.js").Attempts} attempts
 * @property {import("../linking/snapshots.js").Snapshots} snapshots
 * @property {import("../linking/list_drafts.js").Lists} lists
 * @property {Pick<import("../linking/page_button.js").OnPage, "refresh" | "origins">} onPage
 * @property {(connection: Connection) => Api} api
 * @property {() => Promise<void>} forgetKey
 * @property {(origins: string[]) => Promise<boolean>} permitted whether the browser lets us reach these
 * @property {(origins: string[]) => Promise<void>} revoke give the browser's permission for these back
 */

/** @typedef {ReturnType<typeof createConnectionManager>} Connecting */

/** @param {Parts} parts */
export function createConnectionManager(parts) {
  const { session, pairings, policy, rules, attempts, snapshots, lists, onPage } = parts;
  const releasing = serialize();
  /** @type {Promise<boolean> | null} */
  let leaving = null;

  /** @returns {Promise<ConnectionStatus>} */
  async function status() {
    const set = await applyPolicy();
    const [connection, last, pairing] = await Promise.all([session.read(), session.ended(), pairings.show()]);
    return {
      connected: connection !== null,
      server: connection?.server ?? null,
      person: connection?.person ?? null,
      device: connection?.device.name ?? null,
      workspace: connection?.workspace ?? null,
      last: last?.server ?? null,
      ended: last?.type === DISCONNECTED ? null : last,
      pairing: connection ? null : pairing,
      policy: set,
    };
  }

  /** Leave a server that the office no longer allows. What a person chose stays, unless the policy says otherwise. */
  async function applyPolicy() {
    const set = await policy.read();
    const connection = set?.only ? await session.read() : null;
    if (set && connection && connection.server !== set.server) await endConnection(connection);
    return set;
  }

  /**
   * Forget the connection, on the server too where it answers. A second call in the meantime waits for the same.
   * @param {Connection} connection
   * @returns {Promise<boolean>} whether the server knows
   */
  function endConnection(connection) {
    leaving ??= forgetSession(connection).finally(() => (leaving = null));
    return leaving;
  }

  /** @param {Connection} connection */
  async function forgetSession(connection) {
    const reply = await parts.api(connection).leave();
    const gone = !reply.ok && reply.problem.error === "invalid_grant";
    await parts.forgetKey(); // before the connection: a new one, with its own key, begins only without it
    await session.forget(connection.server);
    await clearServerData();
    await release(connection.server);
    void onPage.refresh();
    return reply.ok || gone;
  }

  /**
   * Give the permission for a server's host back once its connection has ended, unless something else needs it.
   * @param {string} server
   */
  const release = (server) =>
    releasing(async () => {
      const [connection, pairing, pages] = await Promise.all([session.read(), pairings.server(), onPage.origins()]);
      const needed = new Set([...originsOf(connection?.server), ...originsOf(pairing), ...pages]);
      await parts.revoke(originsOf(server).filter((one) => !needed.has(one)));
    });

  /** At each start: the worker may have died before it gave back what the last connection had. */
  async function tidy() {
    const last = await session.ended();
    if (last && (await session.read()) === null) await release(last.server);
  }

  /** What was meant for one server is never sent to another: its customer 5 is someone else there. */
  async function clearServerData() {
    await rules.forget();
    await Promise.all([snapshots.forget(), lists.forget()]);
    for (const { key } of await attempts.all()) await attempts.remove(key);
  }

  /** @param {string} server */
  async function begin(server) {
    await pairings.begin(server);
    void pairings.poll();
  }

  /**
   * Begin to connect. Asked for right in the click, before the browser has put its question: what is not allowed yet
   * begins as soon as it is, whether or not the page that asked is still there.
   * @param {{server: string}} asked
   * @returns {Promise<Answer<ConnectionStatus>>}
   */
  async function pair(asked) {
    const address = parseServer(asked.server);
    const set = await applyPolicy();
    if (!address) return { ok: false, problem: problem("address-malformed") };
    if (set?.only && set.server !== address.server) return { ok: false, problem: problem("server-not-allowed") };
    if ((await session.read()) === null) {
      if (await parts.permitted(address.origins)) await begin(address.server);
      else await pairings.requestLater(address.server);
    }
    return answer();
  }

  /** @returns {Promise<Answer<ConnectionStatus & {server_ended: boolean}>>} `server_ended`: the server has ended it too */
  async function disconnect() {
    const connection = await session.read();
    const server_ended = connection ? await endConnection(connection) : true;
    return { ok: true, data: { ...(await status()), server_ended } };
  }

  /** @returns {Promise<Answer<ConnectionStatus>>} */
  const answer = async () => ({ ok: true, data: await status() });

  return {
    applyPolicy,
    release,
    tidy,
    status,

    /** The browser allows something more: perhaps what was waited for. */
    async onPermissionsAdded() {
      const server = await pairings.requestedServer();
      if (server && (await parts.permitted(originsOf(server)))) await begin(server);
    },

    /**
     * @param {string} server
     * @param {import("./oauth.js").Grant} grant
     */
    async paired(server, grant) {
      const before = (await session.ended())?.server ?? server;
      if (before !== server) await clearServerData();
      await session.save(server, grant);
      void onPage.refresh();
    },

    /** What our pages may ask. */
    handlers: {
      connection_status: answer,
      pair,
      pair_again: () => pairings.reopen().then(answer),
      async pair_cancel() {
        const server = await pairings.server();
        await pairings.cancel();
        if (server) await release(server);
        return answer();
      },
      disconnect,
    },
  };
}

/** @param {string | null | undefined} server */
function originsOf(server) {
  return parseServer(server ?? "")?.origins ?? [];
}
