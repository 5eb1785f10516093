// @ts-check
// Everything that can go wrong has one shape, wherever it was noticed.

/** @typedef {import("../types.js").Problem} Problem */

/** This browser's tokens are bound to a key that it does not have any more. */
export const KEY_LOST = "key-lost";

const PREFIX = "urn:crmlink:problem:";
/** Elsewhere a Retry-After is no answer to anything: some servers send one with every reply. */
const ASKS_TO_WAIT = new Set([429, 503]);

/**
 * A problem found here, or the server's own filled up to the full shape.
 * @param {string} type
 * @param {Partial<Problem>} [more]
 * @returns {Problem}
 */
export function problem(type, more = {}) {
  return {
    type,
    status: null,
    error: null,
    detail: "",
    request_id: null,
    retry_after: null,
    record: null,
    current_reference: null,
    asked_commusoft: false,
    holders: [],
    link: null,
    by: null,
    since: null,
    ...more,
  };
}

/**
 * Read problem details (RFC 9457) as the server sends them; null when the text is something else.
 * @param {unknown} document the parsed JSON
 * @param {number} status
 * @param {string | null} retryAfter the header
 * @returns {Problem | null}
 */
export function problemFromResponse(document, status, retryAfter) {
  if (typeof document !== "object" || document === null) return null;
  const body = /** @type {Record<string, any>} */ (document);
  if (typeof body.type !== "string" || !body.type.startsWith(PREFIX)) return null;
  return problem(body.type.slice(PREFIX.length), {
    status,
    error: text(body.error),
    detail: text(body.detail) ?? "",
    request_id: text(body.request_id),
    retry_after: ASKS_TO_WAIT.has(status) ? (seconds(retryAfter) ?? seconds(String(body.retry_after ?? ""))) : null,
    record: body.record ?? null,
    current_reference: text(body.current_reference),
    asked_commusoft: "current_reference" in body,
    holders: Array.isArray(body.holders) ? body.holders : [],
    link: body.link ?? null,
    by: text(body.by),
    since: text(body.since),
  });
}

/**
 * Whether this leaves open if the server did what was asked. Such a request is sent again under the same key.
 * @param {Problem} found
 * @returns {boolean}
 */
export function outcomeUnknown(found) {
  return OUTCOME_UNKNOWN.has(found.type);
}

/**
 * Whether a request was turned away before it was looked at: this sending of it did nothing.
 * @param {Problem} found
 */
export function wasRejectedUnprocessed(found) {
  return found.error === "invalid_grant" || REJECTED_BEFORE_PROCESSING.has(found.type) || endsConnection(found);
}

/**
 * Whether this browser has to be connected anew.
 * @param {Problem} found
 */
export function endsConnection(found) {
  return ENDINGS.has(found.type);
}

const REJECTED_BEFORE_PROCESSING = new Set([
  "token-refused", "scope-missing", "role-too-low", "too-many-requests", "key-unreadable", "proof-nonce", "proof-missing", "proof-refused",
  "proof-elsewhere", "workspace-suspended",
]);

const ENDINGS = new Set(["not-connected", "device-revoked", "device-expired", "token-reused", "grant-refused", KEY_LOST]);

/** Nothing came back, or something that is not crmlink's. */
const NO_ANSWER = ["server-unreachable", "server-not-running", "secure-unreachable", "server-slow"];
const WRONG_ANSWER = ["server-redirects", "network-sign-in", "proxy-sign-in", "gateway-error", "web-page-instead", "server-odd"];

/** crmlink could not go on: it may have done what was asked before that. */
const BROKE_OFF = ["internal-error", "database-unavailable", "database-full"];

const OUTCOME_UNKNOWN = new Set(["offline", "permission-missing", ...NO_ANSWER, ...WRONG_ANSWER, ...BROKE_OFF]);

/**
 * Whether nothing came back, so far as is known.
 * @param {Problem} found
 */
export function gaveNoAnswer(found) {
  return NO_ANSWER.includes(found.type);
}

/**
 * Whether it helps to see in a tab what is at crmlink's address: a browser shows there what it hides from an extension.
 * @param {Pick<Problem, "type">} found
 */
export function seenAtAddress({ type }) {
  return NO_ANSWER.includes(type) || WRONG_ANSWER.includes(type);
}

/** @param {unknown} value */
function text(value) {
  return typeof value === "string" ? value : null;
}

/** @param {string | null} header */
function seconds(header) {
  const value = Number.parseInt(header ?? "", 10);
  return Number.isFinite(value) && value >= 0 ? value : null;
}
