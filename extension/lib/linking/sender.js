// @ts-check
// Requests that change something: each is noted first, sent once, and its outcome is noted.

import { outcomeUnknown, wasRejectedUnprocessed } from "../server/problem.js";

/** @typedef {import("./pending_requests.js").PendingRequest} Attempt */
/** @typedef {import("../types.js").Problem} Problem */

/**
 * @template T
 * @typedef {import("../types.js").Answer<T>} Answer
 */

/**
 * @param {object} parts
 * @param {import("./pending_requests.js").Attempts} parts.attempts
 * @param {import("./page_button.js").OnPage} parts.onPage
 * @param {(work: (api: import("../server/api.js").Api) => Promise<Answer<any>>) => Promise<Answer<any>>} parts.connected
 */
export function createSender({ attempts, onPage, connected }) {
  /** @type {Map<string, Promise<Answer<any> & {open: boolean}>>} */
  const inFlight = new Map();

  /**
   * Send a noted request once, however many popups wait for it, and note its outcome.
   * @param {Attempt} attempt
   * @returns {Promise<Answer<any> & {attempt: string, open: boolean}>}
   */
  async function send(attempt) {
    const running = inFlight.get(attempt.key) ?? sendNow(attempt);
    inFlight.set(attempt.key, running);
    try {
      return { ...(await running), attempt: attempt.key };
    } finally {
      inFlight.delete(attempt.key);
    }
  }

  /**
   * @param {Attempt} attempt
   * @returns {Promise<Answer<any> & {open: boolean}>} open: what became of it is not known yet
   */
  async function sendNow(attempt) {
    const { action, body, key } = attempt;
    const answer = await connected(async (api) =>
      action === "link" ? api.link(body, key) : api.undo(body.link, undoFields(attempt), key),
    );
    /** @type {Answer<any>} */
    const plain = answer.ok ? { ok: true, data: answer.data } : { ok: false, problem: answer.problem };
    const open = !plain.ok && !isFinal(plain.problem, attempt);
    if (open) await attempts.markUnanswered(attempt.key);
    else await attempts.settle(attempt.key, plain);
    if (answer.ok) void onPage.refresh();
    return { ...plain, open };
  }

  return send;
}

/**
 * Whether a request's outcome is known. One that was turned away now may have been done when it was sent before.
 * @param {Problem} found
 * @param {Attempt} attempt
 */
function isFinal(found, attempt) {
  return !outcomeUnknown(found) && !(attempt.unanswered && wasRejectedUnprocessed(found));
}

/** @param {Attempt} attempt */
function undoFields({ body: { also_on }, connection_id }) {
  return { also_on, ...(connection_id ? { connection_id } : {}) };
}
