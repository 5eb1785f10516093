// @ts-check
// The server's JSON API as calls that never throw: each returns data or a problem.

import { fromServer, problem } from "./problem.js";
import { isDrafts, isFinds, isLink, isOffer, isTaken, isWorkspace } from "./shapes.js";

/** @typedef {import("./types.js").Problem} Problem */
/** @typedef {import("./types.js").Kind} Kind */

/** How many records a search brings. */
export const MOST_FOUND = 20;

/** A browser ends a worker whose fetch takes 30 seconds: stay below it. */
export const TIMEOUTS = { read: 15_000, write: 25_000 };

/**
 * @template T
 * @typedef {import("./types.js").Answer<T>} Answer
 */

/**
 * @typedef {object} Wiring
 * @property {typeof globalThis.fetch} fetch
 * @property {(server: string) => Promise<string>} whySilent the type of problem behind a request that never got out
 * @property {{read: number, write: number}} [timeouts] milliseconds
 */

/** @typedef {ReturnType<typeof createApi>} Api */

/**
 * @param {{server: string, token: string}} connection
 * @param {Wiring} wiring
 */
export function createApi(connection, wiring) {
  const timeouts = wiring.timeouts ?? TIMEOUTS;

  /**
   * @param {string} method
   * @param {string} path below /api/v1
   * @param {{body?: unknown, key?: string, etag?: string | null}} [options]
   * @returns {Promise<Answer<any> & {etag?: string | null, status?: number}>}
   */
  async function call(method, path, options = {}) {
    const patience = new AbortController();
    const limit = method === "GET" ? timeouts.read : timeouts.write;
    const timer = setTimeout(() => patience.abort(), limit);
    try {
      const response = await wiring.fetch(`${connection.server}/api/v1${path}`, {
        method,
        headers: headers(connection.token, options),
        body: options.body === undefined ? undefined : JSON.stringify(options.body),
        signal: patience.signal,
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        referrerPolicy: "no-referrer",
      });
      return await read(response);
    } catch {
      const type = patience.signal.aborted ? "server-slow" : await wiring.whySilent(connection.server);
      return { ok: false, problem: problem(type) };
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    /** @param {string | null} etag */
    packages: (etag) => call("GET", "/packages", { etag }),
    workspace: async () => only(isWorkspace, await call("GET", "/workspace")),
    /** @param {object} contact */
    suggest: async (contact) => only(isOffer, await call("POST", "/suggestions", { body: contact })),
    /** @param {string} q @param {Kind | null} kind */
    search: async (q, kind) => only(isFinds, await call("GET", `/records?${query({ q, kind, limit: String(MOST_FOUND) })}`)),
    /** @param {object} body @param {string} key */
    link: async (body, key) => only(isLink, await call("POST", "/links", { body, key })),
    /** @param {string} id */
    readLink: async (id) => only(isLink, await call("GET", `/links/${encodeURIComponent(id)}`)),
    /** @param {string} id @param {object} body @param {string} key */
    undo: async (id, body, key) => only(isLink, await call("POST", `/links/${encodeURIComponent(id)}/undo`, { body, key })),
    /** @param {object} body a list page's contacts */
    collect: async (body) => only(isTaken, await call("POST", "/batches", { body })),
    drafts: async () => only(isDrafts, await call("GET", "/batches")),
  };
}

/**
 * The answer, if it has the shape it should have.
 * @param {(data: any) => boolean} isRight
 * @param {Answer<any>} answer
 * @returns {Answer<any>}
 */
function only(isRight, answer) {
  if (!answer.ok || isRight(answer.data)) return answer;
  return { ok: false, problem: problem("server-odd") };
}

/**
 * @param {string} token
 * @param {{body?: unknown, key?: string, etag?: string | null}} options
 */
function headers(token, options) {
  /** @type {Record<string, string>} */
  const all = { Accept: "application/json", Authorization: `Bearer ${token}` };
  if (options.body !== undefined) all["Content-Type"] = "application/json";
  if (options.key) all["Idempotency-Key"] = options.key;
  if (options.etag) all["If-None-Match"] = options.etag;
  return all;
}

/** @param {Record<string, string | null>} fields */
function query(fields) {
  const given = Object.entries(fields).filter(([, value]) => value !== null);
  return new URLSearchParams(/** @type {[string, string][]} */ (given)).toString();
}

/**
 * @param {Response} response
 * @returns {Promise<Answer<any> & {etag?: string | null, status?: number}>}
 */
async function read(response) {
  const { status } = response;
  if (status === 304) return { ok: true, data: null, status };
  const document = parse(await response.text());
  if (response.ok && document !== null) {
    return { ok: true, data: document, status, etag: response.headers.get("ETag") };
  }
  const told = response.ok ? null : fromServer(document, status, response.headers.get("Retry-After"));
  return { ok: false, problem: told ?? problem("server-odd", { status }) };
}

/**
 * The JSON object in a reply, or null: a proxy or another program may answer anything.
 * @param {string} text
 */
function parse(text) {
  try {
    const document = JSON.parse(text);
    return typeof document === "object" ? document : null;
  } catch {
    return null;
  }
}
