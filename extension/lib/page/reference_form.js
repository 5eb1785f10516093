// @ts-check
/** The form of a package's references, by its rules: what may be one, and its canonical spelling. */

import { asciiLower, asciiUpper } from "./ascii_case.js";

/** @typedef {import("./rule_types.js").PackageRules} PackageRules */

const AROUND = " \t\r\n\u00a0";
const CONTROL = /[\u0000-\u001f\u007f-\u009f]|\p{Surrogate}/u;
const BARE_GUID = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/;

/**
 * Whether a text is a reference of this package, in canonical form.
 * @param {string} text
 * @param {PackageRules} rules
 */
export function isReference(text, rules) {
  return mayBe(text, rules.reference, rules.reference.pattern);
}

/**
 * Whether a text is a reference that only a file or a person may name, in canonical form.
 * @param {string} text
 * @param {PackageRules} rules
 */
export function isListedReference(text, rules) {
  const pattern = rules.reference.in_lists;
  return pattern !== undefined && mayBe(text, rules.reference, pattern);
}

/**
 * @param {string} text
 * @param {PackageRules["reference"]} rule
 * @param {string | undefined} pattern
 */
function mayBe(text, rule, pattern) {
  if (trim(text) === "" || [...text].length > rule.max || CONTROL.test(text)) return false;
  return matches(pattern, text) && !rule.never?.includes(text);
}

/** @type {Map<string, RegExp>} */
const compiled = new Map();

/**
 * Whether a text as a whole has the form of a rule file's pattern (undefined: any form).
 * @param {string | undefined} pattern
 * @param {string} text
 */
export function matches(pattern, text) {
  if (pattern === undefined) return true;
  let whole = compiled.get(pattern);
  if (!whole) compiled.set(pattern, (whole = new RegExp(`^(?:${pattern})$`, "u")));
  return whole.test(text);
}

/**
 * A reference in canonical form, as its package's rule says.
 * @param {string} text
 * @param {string} canonical
 */
export function tidied(text, canonical) {
  if (canonical === "exact") return text;
  const trimmed = trim(text);
  if (canonical === "upper") return asciiUpper(trimmed.replace(/[ \u00a0]/g, ""));
  if (canonical !== "guid") return trimmed;
  const bare = asciiLower(trimmed).replace(/^\{(.*)\}$/, "$1");
  return BARE_GUID.exec(bare)?.slice(1).join("-") ?? bare;
}

/**
 * @param {string} text
 */
function trim(text) {
  let [start, end] = [0, text.length];
  while (start < end && AROUND.includes(text.charAt(start))) start += 1;
  while (end > start && AROUND.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}
