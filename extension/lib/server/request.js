// @ts-check
// One request to the server, which never throws: it gives data or a problem.

import { KeyLost, KeyUnreadable } from "./dpop.js";
import { problemFromResponse, KEY_LOST, problem } from "./problem.js";
import { wrongAnswer } from "./wrong_answer.js";

/** A browser ends a worker whose fetch takes 30 seconds: stay below it. */
export const TIMEOUTS = { read: 15_000, write: 25_000 };

/**
 * @template T
 * @typedef {import("../types.js").Answer<T>} Answer
 */

/**
 * @typedef {object} Network
 * @property {typeof globalThis.fetch} fetch
 * @property {(server: string) => Promise<string>} explainNetworkFailure the type of problem behind a request that never got out
 * @property {Pick<import("./dpop.js").Prover, "prove" | "note">} prover
 * @property {{read: number, write: number}} [timeouts] milliseconds
 */

/** @typedef {Answer<any> & {etag?: string | null, status?: number}} Reply */
/** @typedef {{token?: string, json?: unknown, form?: Record<string, string>, key?: string, etag?: string | null}} Options */
/** @typedef {ReturnType<typeof createRequester>} Call */

/** @param {Network} wiring */
export function createRequester({ fetch, explainNetworkFailure, prover, timeouts = TIMEOUTS }) {
  /**
   * @param {string} url
   * @param {string} method
   * @param {Options} options
   * @param {AbortSignal} signal
   * @returns {Promise<Reply>}
   */
  async function send(url, method, options, signal) {
    const proof = await prover.prove({ method, url, token: options.token });
    const response = await fetch(url, {
      method,
      headers: { ...headers(options), DPoP: proof },
      body: body(options),
      signal,
      cache: "no-store",
      credentials: "omit",
      redirect: "manual", // never followed, but seen: it is how many sign-in pages come
      referrerPolicy: "no-referrer",
    });
    await prover.note(url, response.headers.get("DPoP-Nonce"));
    return read(response);
  }

  /**
   * @param {string} server
   * @param {string} method
   * @param {string} path below /api/v1
   * @param {Options} [options] json or form is the body
   * @returns {Promise<Reply>}
   */
  return async function call(server, method, path, options = {}) {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), method === "GET" ? timeouts.read : timeouts.write);
    const url = `${server}/api/v1${path}`;
    try {
      const answer = await send(url, method, options, controller.signal);
      // The server dates proofs by a word of its own. What it sent back for a newer one was not looked at.
      const stale = !answer.ok && answer.problem.error === "use_dpop_nonce";
      return stale ? await send(url, method, options, controller.signal) : answer;
    } catch (error) {
      if (error instanceof KeyLost) return { ok: false, problem: problem(KEY_LOST) };
      if (error instanceof KeyUnreadable) return { ok: false, problem: problem("key-unreadable") };
      return { ok: false, problem: problem(controller.signal.aborted ? "server-slow" : await explainNetworkFailure(server)) };
    } finally {
      clearTimeout(timer);
    }
  };
}

/**
 * The answer, if it has the shape it should have.
 * @template {Answer<any>} T
 * @param {(data: any) => boolean} isRight
 * @param {T} answer
 * @returns {T | Answer<any>}
 */
export function validated(isRight, answer) {
  return !answer.ok || isRight(answer.data) ? answer : { ok: false, problem: problem("server-odd") };
}

/** @param {Options} options */
function headers({ token, json, form, key, etag }) {
  /** @type {Record<string, string>} */
  const all = { Accept: "application/json" };
  if (token) all.Authorization = `DPoP ${token}`;
  if (json !== undefined) all["Content-Type"] = "application/json";
  if (form) all["Content-Type"] = "application/x-www-form-urlencoded";
  if (key) all["Idempotency-Key"] = key;
  if (etag) all["If-None-Match"] = etag;
  return all;
}

/** @param {Options} options */
function body({ json, form }) {
  if (form) return new URLSearchParams(form).toString();
  return json === undefined ? undefined : JSON.stringify(json);
}

/**
 * @param {Response} response
 * @returns {Promise<Reply>}
 */
async function read(response) {
  const { status } = response;
  if (response.type === "opaqueredirect") return { ok: false, problem: problem(wrongAnswer(response, "")) };
  if (status === 304 || status === 204) return { ok: true, data: null, status };
  const text = await response.text();
  const document = parse(text);
  if (response.ok && document !== null) {
    return { ok: true, data: document, status, etag: response.headers.get("ETag") };
  }
  const failure = response.ok ? null : problemFromResponse(document, status, response.headers.get("Retry-After"));
  return { ok: false, problem: failure ?? problem(wrongAnswer(response, text), { status }) };
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
