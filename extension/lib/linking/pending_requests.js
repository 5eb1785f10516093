// @ts-check
// Requests that change something, noted before they are sent: a popup that closes, or a worker that dies half way,
// loses neither the decision nor its outcome, and asking again uses the same idempotency key.

import { isSame } from "./same_value.js";

/** @typedef {import("../server/session.js").Store} Store */

/**
 * @typedef {object} PendingRequest
 * @property {string} key the idempotency key
 * @property {"link" | "undo"} action
 * @property {string} subject the contact it is about, see contact.js
 * @property {string} title the contact's name, for the notice
 * @property {string | null} [connection_id] the Commusoft it was decided for; an earlier version kept none
 * @property {any} body what is sent: a link's fields, or {link: id, also_on} for an undo
 * @property {number} started_at milliseconds
 * @property {boolean} unanswered whether it was sent once without an answer
 * @property {import("../types.js").Answer<import("../types.js").Link> | null} answer null while its outcome is unknown
 */

/** @typedef {Pick<PendingRequest, "action" | "subject" | "title" | "body" | "connection_id">} NewRequest */

const KEY = "attempts";

/** @typedef {ReturnType<typeof createAttempts>} Attempts */

/**
 * @param {Store} store
 * @param {{newKey: () => string, now: () => number}} wiring
 */
export function createAttempts(store, wiring) {
  /** @type {Promise<unknown>} */
  let turn = Promise.resolve();

  /** @returns {Promise<PendingRequest[]>} */
  async function all() {
    return (await store.get(KEY))[KEY] ?? [];
  }

  /**
   * Change the list one caller at a time: two popups may be open.
   * @template T
   * @param {(list: PendingRequest[]) => {list: PendingRequest[], result: T}} change
   * @returns {Promise<T>}
   */
  function alter(change) {
    const mine = turn.then(async () => {
      const { list, result } = change(await all());
      await store.set({ [KEY]: list });
      return result;
    });
    turn = mine.catch(() => undefined);
    return mine;
  }

  return {
    all,

    /**
     * Note a request before it is sent. The same request with its outcome unknown keeps its key.
     * @param {NewRequest} wanted
     * @returns {Promise<PendingRequest>}
     */
    begin(wanted) {
      return alter((list) => {
        const open = list.find((one) => one.answer === null && sameRequest(one, wanted));
        if (open) return { list, result: open };
        const attempt = { ...wanted, key: wiring.newKey(), started_at: wiring.now(), unanswered: false, answer: null };
        return { list: [...list, attempt], result: attempt };
      });
    },

    /**
     * @param {string} key
     * @param {PendingRequest["answer"]} answer
     */
    settle(key, answer) {
      return alter((list) => ({
        list: list.map((one) => (one.key === key ? { ...one, answer } : one)),
        result: undefined,
      }));
    },

    /**
     * Requests whose outcome is unknown and that are about another Commusoft than the one that is connected now: they
     * are not sent again, and end with this answer.
     * @param {string} connection_id
     * @param {PendingRequest["answer"]} answer
     */
    endOthers(connection_id, answer) {
      return alter((list) => ({
        list: list.map((one) => (one.answer === null && isAboutAnother(one, connection_id) ? { ...one, answer } : one)),
        result: undefined,
      }));
    },

    /**
     * It was sent, and no one knows what became of it.
     * @param {string} key
     */
    markUnanswered(key) {
      return alter((list) => ({
        list: list.map((one) => (one.key === key ? { ...one, unanswered: true } : one)),
        result: undefined,
      }));
    },

    /**
     * The person has seen the outcome, or gives the open question up.
     * @param {string} key
     */
    remove(key) {
      return alter((list) => ({ list: list.filter((one) => one.key !== key), result: undefined }));
    },

    /**
     * @param {string} key
     * @returns {Promise<PendingRequest | null>}
     */
    async find(key) {
      return (await all()).find((one) => one.key === key) ?? null;
    },
  };
}

/**
 * A link that names no connection may be any account's; an undo names its link, which is in one account only.
 * @param {PendingRequest} one
 * @param {string} connection_id
 */
function isAboutAnother(one, connection_id) {
  return one.connection_id ? one.connection_id !== connection_id : one.action === "link";
}

/**
 * @param {PendingRequest} one
 * @param {Pick<PendingRequest, "action" | "subject" | "body">} other
 */
function sameRequest(one, other) {
  return (
    one.action === other.action &&
    one.subject === other.subject &&
    isSame(one.body, other.body)
  );
}
