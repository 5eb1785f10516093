// @ts-check
// Which server this browser is connected to. The token stays in here and in api.js.

/** @typedef {import("./types.js").Workspace} Workspace */

/** @typedef {{server: string, token: string, workspace: Workspace | null}} Connection */

/**
 * What a page may know of the connection.
 * @typedef {{connected: boolean, server: string | null, workspace: Workspace | null}} Standing
 */

/**
 * The part of chrome.storage.local and chrome.storage.session that is used.
 * @typedef {object} Store
 * @property {(key: string) => Promise<Record<string, any>>} get
 * @property {(items: Record<string, any>) => Promise<void>} set
 * @property {(key: string) => Promise<void>} remove
 */

const KEY = "connection";

/**
 * Read a server address as a person types it.
 * @param {string} typed
 * @returns {{server: string, origins: string[], plain: boolean} | null} null when it is none; `plain` when the way
 *   to it is neither encrypted nor within this computer
 */
export function parseServer(typed) {
  const trimmed = typed.trim();
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`;
  if (trimmed === "" || !URL.canParse(text)) return null;
  const url = new URL(text);
  const web = url.protocol === "http:" || url.protocol === "https:";
  if (!web || url.username || url.password || url.search || url.hash) return null;
  const local = url.hostname === "localhost" || url.hostname === "127.0.0.1" || url.hostname === "[::1]";
  return {
    server: url.origin + url.pathname.replace(/\/+$/, ""),
    // Host permissions know no ports in every browser; without one they cover all.
    origins: [`${url.protocol}//${url.hostname}/*`],
    plain: url.protocol === "http:" && !local,
  };
}

/**
 * A token fit for a header, or null.
 * @param {string} typed
 */
export function parseToken(typed) {
  const token = typed.trim();
  return /^[\x21-\x7e]{8,500}$/.test(token) ? token : null;
}

/** @typedef {ReturnType<typeof createSession>} Session */

/** @param {Store} store */
export function createSession(store) {
  /** @type {Promise<unknown>} */
  let turn = Promise.resolve();

  /** @returns {Promise<Connection | null>} */
  async function read() {
    return (await store.get(KEY))[KEY] ?? null;
  }

  /**
   * One change at a time: what the server said must not bring back a connection that is being forgotten.
   * @param {() => Promise<void>} work
   * @returns {Promise<void>}
   */
  function alone(work) {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  }

  return {
    read,

    /** @returns {Promise<Standing>} */
    async describe() {
      const connection = await read();
      return {
        connected: connection !== null,
        server: connection?.server ?? null,
        workspace: connection?.workspace ?? null,
      };
    },

    /** @param {Connection} connection */
    save: (connection) => alone(() => store.set({ [KEY]: connection })),

    /**
     * Keep what the server last said of the workspace, unless the connection changed while it was asked.
     * @param {Connection} asked
     * @param {Workspace} workspace
     */
    noteWorkspace: (asked, workspace) =>
      alone(async () => {
        const now = await read();
        if (now?.token === asked.token && now.server === asked.server) {
          await store.set({ [KEY]: { ...now, workspace } });
        }
      }),

    forget: () => alone(() => store.remove(KEY)),
  };
}
