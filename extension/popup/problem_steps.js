// @ts-check
// Which screen a problem gets, and which next steps it offers. Words are in _locales under `trouble_NAME` and
// `trouble_NAME_text`; the server's own sentence is preferred to the second.

/** @typedef {import("../lib/types.js").Problem} Problem */

/**
 * The next steps: `start` look at the page again, `choose` back to the suggestions, `again` send the same decision
 * as a new request, `options` open the settings, `address` show in a tab what is at crmlink's address,
 * `elsewhere` name a contact in another way.
 * @typedef {"start" | "choose" | "again" | "options" | "address" | "elsewhere"} Step
 */

/**
 * `unchanged`: what was asked is known to have done nothing, and its words do not say so themselves.
 * @typedef {{title: string, text: string, steps: Step[], tone: "stop" | "caution" | "info", unchanged: boolean}} ProblemScreen
 */

/**
 * @param {Step[]} steps
 * @param {ProblemScreen["tone"]} [tone]
 */
const to = (steps, tone = "caution") => ({ steps, tone });

/** @type {Record<string, {steps: Step[], tone: ProblemScreen["tone"]}>} */
const KNOWN = {
  "offline": to(["start"]),
  "server-unreachable": to(["start", "address"]),
  "server-not-running": to(["start", "address"]),
  "secure-unreachable": to(["start", "address"]),
  "server-slow": to(["start", "address"]),
  "server-redirects": to(["start", "address"]),
  "network-sign-in": to(["start", "address"]),
  "proxy-sign-in": to(["start", "address"]),
  "gateway-error": to(["start", "address"]),
  "web-page-instead": to(["start", "address"]),
  "server-odd": to(["start", "address"]),
  "server-too-old": to(["start", "options"], "stop"),
  "key-unreadable": to(["start", "options"]),
  "permission-missing": to(["options"]),
  "token-refused": to(["start", "options"]),
  "scope-missing": to(["start"], "stop"),
  "role-too-low": to(["start"], "stop"),
  "not-yours": to(["start"], "info"),
  "too-many-requests": to(["start"]),
  "rules-unknown": to(["start"]),
  "background-silent": to(["start"]),
  "snapshot-lost": to(["start"], "info"),
  "outcome-seen": to(["start"], "info"),
  "tab-closed": to(["elsewhere"], "info"),
  "tab-moved": to(["start"], "info"),
  "contact-changed": to(["start"], "info"),
  "list-changed": to(["start"], "info"),
  "list-unanswered": to(["start"]),
  "other-connection": to(["start"], "info"),
  "record-unknown": to(["choose"]),
  "record-gone": to(["choose"]),
  "kind-differs": to(["choose"]),
  "reference-malformed": to(["elsewhere"]),
  "invalid-fields": to(["start"]),
  "record-changed": to(["choose"]),
  "link-in-progress": to(["start"], "info"),
  "link-waits-on-page": to(["start"], "info"),
  "record-being-tested": to(["start"], "info"),
  "cannot-undo": to(["start"], "stop"),
  "reference-not-kept": to(["again"], "stop"),
  "write-refused": to(["again"], "stop"),
  "commusoft-unreachable": to(["again"]),
  "commusoft-slow": to(["again"]),
  "commusoft-busy": to(["again"]),
  "commusoft-fault": to(["again"]),
  "commusoft-unreadable": to(["again"]),
  "commusoft-refused": to(["again"], "stop"),
};

/** Problems whose words leave open, or say themselves, whether anything was changed. */
const SAYS_ITSELF = new Set([
  "permission-missing", "rules-unknown", "background-silent", "outcome-seen", "tab-closed", "tab-moved", "contact-changed",
  "list-changed", "list-unanswered", "other-connection", "record-unknown", "record-changed", "link-in-progress", "link-waits-on-page", "cannot-undo",
  "reference-not-kept", "write-refused", "server-odd", "web-page-instead", "server-redirects", "network-sign-in",
  "proxy-sign-in", "gateway-error", "commusoft-refused",
]);

/** @param {string} type */
export function isKnown(type) {
  return Object.hasOwn(KNOWN, type);
}

/** All problem types that have words of their own. */
export const KNOWN_TYPES = Object.keys(KNOWN);

/**
 * @param {Problem} problem
 * @param {boolean} deciding whether it came back on a decision that can be sent once more
 * @returns {ProblemScreen} `title` and `text` are keys of messages
 */
export function problemScreen(problem, deciding) {
  const name = isKnown(problem.type) ? problem.type.replaceAll("-", "_") : "general";
  const { steps, tone } = KNOWN[problem.type] ?? to(["start"], "stop");
  /** @type {Step[]} */
  const possible = steps.map((step) => (step === "again" && !deciding ? "start" : step));
  const unchanged = isKnown(problem.type) && !problem.detail && !SAYS_ITSELF.has(problem.type);
  return { title: `trouble_${name}`, text: `trouble_${name}_text`, steps: possible, tone, unchanged };
}
