// @ts-check
// Pairing this browser with a server (RFC 8628): a short code that both sides show, and asking until a person has
// approved it there. All of it lies in storage: a popup may close and the worker may die at any time.

import { problem } from "./problem.js";
import { approvalUrl } from "./server_url.js";
import { serialize } from "./session.js";

/** @typedef {import("../types.js").Problem} Problem */

/**
 * @template T
 * @typedef {import("../types.js").Answer<T>} Answer
 */

/**
 * `wanted` until the browser lets us reach the server; `waiting` for the person there; then `denied`, `over` (too
 * late) or `failed` (it could not begin), until it is begun again or cancelled.
 * @typedef {"wanted" | "waiting" | "denied" | "over" | "failed"} State
 */

/**
 * @typedef {object} Pairing
 * @property {State} state
 * @property {string} server
 * @property {string} device_code
 * @property {string} code
 * @property {string} page where it is approved
 * @property {number} until milliseconds
 * @property {number} pause seconds between two questions
 * @property {number} next_at milliseconds
 * @property {Problem | null} problem why it failed, or why the server cannot be asked now
 */

/** What pages may know of it. @typedef {Pick<Pairing, "state" | "server" | "code" | "problem">} PairingView */

const KEY = "pairing";
/** RFC 8628: where the server names no interval, and what is added when it says slow_down. */
const DEFAULT_POLL_SECONDS = 5;
const EXTRA_POLL_SECONDS = 5;
const MAX_POLL_SECONDS = 30;
/** How long a request waits for the browser to grant its permission before it is forgotten. */
const REQUEST_TTL_MS = 120_000;
/** A browser ends a worker that asks nothing of it for 30 seconds. */
const MAX_SLEEP_MS = 20_000;

/** @typedef {ReturnType<typeof createPairings>} Pairings */

/**
 * @param {import("./session.js").Store} store that lives as long as the browser runs
 * @param {object} wiring
 * @param {import("./oauth.js").Tokens} wiring.tokens
 * @param {() => number} wiring.now milliseconds
 * @param {(milliseconds: number) => Promise<void>} wiring.sleep
 * @param {() => Promise<string>} wiring.browser what this browser is called
 * @param {(address: string) => Promise<unknown>} wiring.open show a page in a tab
 * @param {() => Promise<boolean>} wiring.connected
 * @param {(server: string, grant: import("./oauth.js").Grant) => Promise<void>} wiring.done
 */
export function createPairings(store, { tokens, now, sleep, browser, open, connected, done }) {
  const alone = serialize();
  /** @type {Promise<void> | null} */
  let watching = null;
  /** Ends the nap that is being taken. */
  let rouse = () => undefined;

  /** @returns {Promise<Pairing | null>} */
  const read = async () => (await store.get(KEY))[KEY] ?? null;

  /** @param {Pairing} pairing */
  const keep = (pairing) => store.set({ [KEY]: pairing });

  /** @param {State} state @param {string} server @param {Partial<Pairing>} [more] @returns {Pairing} */
  const blank = (state, server, more = {}) =>
    ({ state, server, device_code: "", code: "", page: "", until: now() + REQUEST_TTL_MS, pause: DEFAULT_POLL_SECONDS, next_at: 0, problem: null, ...more });

  /**
   * @param {string} server
   * @returns {Promise<Pairing>}
   */
  async function start(server) {
    const answer = await tokens.requestDeviceCode(server, await browser());
    if (!answer.ok) return blank("failed", server, { problem: answer.problem });
    const { device_code, user_code, verification_uri_complete, expires_in, interval = DEFAULT_POLL_SECONDS } = answer.data;
    return blank("waiting", server, {
      device_code, code: user_code, page: approvalUrl(server, user_code, verification_uri_complete),
      until: now() + expires_in * 1000, pause: interval, next_at: now() + interval * 1000,
    });
  }

  /**
   * What comes after a question that brought no tokens. There is one after the last moment too: the approval may have
   * come just before it.
   * @param {Pairing} pairing
   * @param {Problem} found
   * @returns {Pairing}
   */
  function after(pairing, found) {
    if (found.error === "access_denied") return { ...pairing, state: "denied", device_code: "", problem: null };
    if (found.type === "server-too-old") return { ...pairing, state: "failed", device_code: "", problem: found };
    const refused = found.error === "expired_token" || found.error === "invalid_grant";
    if (refused || now() >= pairing.until) return { ...pairing, state: "over", device_code: "", problem: null };
    const waits = found.error === "authorization_pending" || found.error === "slow_down";
    const slower = found.error === "slow_down" ? pairing.pause + EXTRA_POLL_SECONDS : pairing.pause;
    const pause = waits ? slower : Math.min(pairing.pause * 2, MAX_POLL_SECONDS);
    const rest = Math.max(pause, found.retry_after ?? 0) * 1000;
    return { ...pairing, pause, next_at: now() + rest, problem: waits ? null : found };
  }

  /** Ask if it is time to; whether there is still something to wait for. */
  async function step() {
    const pairing = await read();
    if (pairing?.state !== "waiting") return false;
    // A code that brought its tokens must not be sent again.
    if (await connected()) return settle(pairing, null);
    if (now() < Math.min(pairing.next_at, pairing.until)) return true;
    const answer = await tokens.redeem(pairing.server, pairing.device_code);
    return settle(pairing, answer);
  }

  /**
   * Note what the server said, unless the person gave it up while it was asked.
   * @param {Pairing} pairing
   * @param {Answer<import("./oauth.js").Grant> | null} answer null: connected already
   */
  const settle = (pairing, answer) =>
    alone(async () => {
      const current = await read();
      if (current?.device_code !== pairing.device_code) return current?.state === "waiting";
      const next = answer?.ok === false ? after(current, answer.problem) : null;
      if (answer?.ok) await done(pairing.server, answer.data);
      await (next ? keep(next) : store.remove(KEY));
      return next?.state === "waiting";
    });

  async function watch() {
    while (await step()) {
      const pairing = await read();
      if (!pairing) return;
      const due = Math.min(pairing.next_at, pairing.until) - now();
      const called = new Promise((resolve) => (rouse = () => void resolve(undefined)));
      await Promise.race([sleep(Math.min(Math.max(due, 0), MAX_SLEEP_MS)), called]);
    }
  }

  return {
    /**
     * What a person wants, noted before the browser asks them: its question may close the popup they pressed in.
     * @param {string} server
     */
    requestLater: (server) =>
      alone(async () => {
        if ((await read())?.state !== "waiting") await keep(blank("wanted", server));
      }),

    /** The server that a pairing under way is with, or that is wished for. */
    async server() {
      const pairing = await read();
      return pairing && (pairing.state === "wanted" || pairing.state === "waiting") ? pairing.server : null;
    },

    /** The server whose connection was requested, unless that was too long ago. */
    async requestedServer() {
      const pairing = await read();
      return pairing?.state === "wanted" && now() < pairing.until ? pairing.server : null;
    },

    /**
     * Begin, and open the page to approve it on. One that waits already is gone on with.
     * @param {string} server
     */
    begin: (server) =>
      alone(async () => {
        const before = await read();
        if (before?.state === "waiting" && before.server === server) return;
        const pairing = await start(server);
        await keep(pairing);
        if (pairing.state === "waiting") await open(pairing.page);
      }),

    /** Show the page to approve it on once more. */
    async reopen() {
      const pairing = await read();
      if (pairing?.state === "waiting") await open(pairing.page);
    },

    cancel: () => alone(() => store.remove(KEY)),

    /**
     * Go on asking while there is something to wait for. Every start of the worker calls this: it may have died.
     * @returns {Promise<void>}
     */
    poll() {
      rouse(); // from a nap of an earlier pairing
      watching ??= watch().finally(() => (watching = null));
      return watching;
    },

    /** @returns {Promise<PairingView | null>} */
    async show() {
      const pairing = await read();
      if (!pairing || pairing.state === "wanted") return null;
      const { state, server, code, problem: found } = pairing;
      return { state, server, code, problem: found && problem(found.type, { retry_after: found.retry_after }) };
    },
  };
}
