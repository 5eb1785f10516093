// @ts-check
// Which server this browser is connected to, and the two tokens for it. They stay in here and in api.js.

import { KEY_LOST, problem } from "./problem.js";

/** @typedef {import("../types.js").Workspace} Workspace */
/** @typedef {import("../types.js").Person} Person */
/** @typedef {import("./oauth.js").Grant} Grant */

/**
 * @template T
 * @typedef {import("../types.js").Answer<T>} Answer
 */

/**
 * @typedef {object} SessionState
 * @property {string} server
 * @property {{id: string, name: string}} device
 * @property {Person} person
 * @property {string} refresh_token
 * @property {string} access_token
 * @property {number} access_until milliseconds
 * @property {Workspace | null} workspace
 */

/**
 * The last connection: `disconnected` by the person, or why the server ended it.
 * @typedef {{server: string, type: string, detail: string}} Ended
 */

/**
 * The part of chrome.storage.local and chrome.storage.session that is used.
 * @typedef {object} Store
 * @property {(key: string) => Promise<Record<string, any>>} get
 * @property {(items: Record<string, any>) => Promise<void>} set
 * @property {(key: string) => Promise<void>} remove
 */

const KEY = "connection";
const ENDED_KEY = "ended";
/** How a connection ended that the person ended. */
export const DISCONNECTED = "disconnected";
/** Renew when less than this is left: a request and its answer take their time. */
const RENEW_BEFORE_MS = 60_000;

/** @typedef {ReturnType<typeof createSession>} SessionStore */

/**
 * @param {Store} store
 * @param {object} wiring
 * @param {import("./oauth.js").Tokens} wiring.tokens
 * @param {() => number} wiring.now milliseconds
 * @param {(server: string) => Promise<void>} [wiring.ended] called when the server has ended the connection
 */
export function createSession(store, { tokens, now, ended: whenEnded = async () => undefined }) {
  const changing = serialize();
  const renewing = serialize();

  /** @returns {Promise<SessionState | null>} */
  async function read() {
    return (await store.get(KEY))[KEY] ?? null;
  }

  /** @returns {Promise<Ended | null>} */
  async function ended() {
    return (await store.get(ENDED_KEY))[ENDED_KEY] ?? null;
  }

  async function whyGone() {
    const last = await ended();
    return last && last.type !== DISCONNECTED ? last.type : "not-connected";
  }

  /**
   * Change the connection, unless it is no longer the one that was meant: what the server said must not bring back
   * one that was forgotten meanwhile.
   * @param {Pick<SessionState, "server" | "device">} meant
   * @param {(current: SessionState) => Record<string, any> | null} change what to store, if anything
   * @returns {Promise<SessionState | null>} as it was
   */
  const change = (meant, change) =>
    changing(async () => {
      const current = await read();
      if (!current || !isSame(current, meant)) return null;
      const items = change(current);
      if (items) await store.set(items);
      return current;
    });

  /**
   * The old refresh token is kept until the new one is stored: if the answer, or this worker, is lost before that, the
   * old one is sent again, and the server gives the same new one. An answer to a token that another worker has renewed
   * meanwhile is late: what that one stored counts.
   * @param {SessionState} connection
   * @returns {Promise<Answer<string>>}
   */
  async function renew(connection) {
    const shown = connection.refresh_token;
    const answer = await tokens.renew(connection.server, shown);
    if (!answer.ok && answer.problem.error !== "invalid_grant" && answer.problem.type !== KEY_LOST) return answer;
    const found = await change(connection, (current) => {
      if (current.refresh_token !== shown) return null;
      if (answer.ok) return { [KEY]: { ...current, ...fromTokenResponse(answer.data, now()) } };
      const { type, detail } = answer.problem;
      return { [KEY]: null, [ENDED_KEY]: { server: current.server, type, detail } };
    });
    if (found && found.refresh_token !== shown) return { ok: true, data: found.access_token };
    if (!answer.ok) {
      if (found) await whenEnded(found.server);
      return answer;
    }
    return found ? { ok: true, data: answer.data.access_token } : { ok: false, problem: problem("not-connected") };
  }

  return {
    read,
    ended,

    /**
     * A token to send with a request of this connection.
     * @param {Pick<SessionState, "server" | "device">} meant
     * @param {string | null} [refused] the token that the server did not take
     * @returns {Promise<Answer<string>>}
     */
    async access(meant, refused = null) {
      /** @param {SessionState | null} found @returns {found is SessionState} */
      const isIt = (found) => found !== null && isSame(found, meant);
      /** @param {SessionState} found */
      const isGood = (found) => found.access_token !== refused && found.access_until - now() > RENEW_BEFORE_MS;
      const found = await read();
      if (isIt(found) && isGood(found)) return { ok: true, data: found.access_token };
      return renewing(async () => {
        // A call before ours in the queue may have renewed it: the refresh token read above must not be used again.
        const current = await read();
        if (!isIt(current)) return { ok: false, problem: problem(await whyGone()) };
        return isGood(current) ? { ok: true, data: current.access_token } : renew(current);
      });
    },

    /**
     * Keep what a pairing brought.
     * @param {string} server
     * @param {Grant} grant
     */
    save: (server, grant) =>
      changing(async () => {
        await store.set({ [KEY]: { server, workspace: null, ...fromTokenResponse(grant, now()) }, [ENDED_KEY]: null });
      }),

    /**
     * Keep what the server last said of the workspace, unless the connection changed while it was asked.
     * @param {SessionState} asked
     * @param {Workspace} workspace
     */
    noteWorkspace: (asked, workspace) =>
      change(asked, (current) => {
        const { person, device } = workspace;
        return { [KEY]: { ...current, workspace, person: person ?? current.person, device: { ...current.device, name: device.name } } };
      }),

    /**
     * Forget it all but where it led to.
     * @param {string} server
     */
    forget: (server) => changing(() => store.set({ [KEY]: null, [ENDED_KEY]: { server, type: DISCONNECTED, detail: "" } })),
  };
}

/**
 * @param {Grant} grant
 * @param {number} now milliseconds
 */
function fromTokenResponse({ access_token, expires_in, refresh_token, device, person }, now) {
  return { access_token, access_until: now + expires_in * 1000, refresh_token, device, person };
}

/**
 * @param {Pick<SessionState, "server" | "device">} one
 * @param {Pick<SessionState, "server" | "device">} other
 */
function isSame(one, other) {
  return one.server === other.server && one.device.id === other.device.id;
}

/**
 * A row in which each waits for the one before, whatever became of it.
 * @returns {<T>(work: () => Promise<T>) => Promise<T>}
 */
export function serialize() {
  /** @type {Promise<unknown>} */
  let last = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
}
