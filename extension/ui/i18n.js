// @ts-check
// Every word of the interface comes from _locales.

/**
 * @param {string} key
 * @param {...(string | number)} values
 * @returns {string}
 */
export function t(key, ...values) {
  return chrome.i18n.getMessage(key, values.map(String)) || key;
}

const plural = new Intl.PluralRules("en-GB");

/**
 * A sentence about a number: `KEY_one` or `KEY_other`.
 * @param {string} key
 * @param {number} count
 */
export function tCount(key, count) {
  return t(`${key}_${plural.select(count) === "one" ? "one" : "other"}`, count.toLocaleString("en-GB"));
}

/** @param {"customer" | "supplier"} kind */
export function sayKind(kind) {
  return t(kind === "customer" ? "customer" : "supplier");
}

const dated = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

/**
 * @param {string | null} instant ISO 8601
 * @returns {string} "" when it is none
 */
export function formatDateTime(instant) {
  const time = Date.parse(instant ?? "");
  return Number.isNaN(time) ? "" : dated.format(time);
}

const timed = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });

/** @param {string} instant ISO 8601, of today */
export function sayTime(instant) {
  return timed.format(Date.parse(instant));
}

/** From here on a time of day says more than a number of seconds. */
const LONG = 90;

/** @param {number} seconds until it may be tried again */
export function sayRetry(seconds) {
  return seconds > LONG ? t("retry_at", timed.format(Date.now() + seconds * 1000)) : tCount("retry_after", seconds);
}

const ROLES = ["clerk", "manager", "admin"];

/**
 * @param {string} role
 * @param {"is" | "may"} [what]
 */
export function sayRole(role, what = "is") {
  if (!ROLES.includes(role)) return what === "is" ? role : "";
  return t(what === "is" ? `role_${role}` : `role_${role}_text`);
}
