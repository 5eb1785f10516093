// @ts-check
/**
 * From the address of a page to the contact, or the Commusoft record, that it shows.
 *
 * The address alone decides. What is not surely such a page yields nothing: a missing reference
 * costs a search, a wrong one sends invoices to the wrong account. The server's
 * `accounting/locate.py` is the same in Python; `tests/vectors/` and a property test hold the two
 * together. Pure: no browser API beyond `URL`.
 */

import { parseAddress, splitPath } from "./page_url.js";
import { asciiLower } from "./ascii_case.js";
import { isListedReference, isReference, matches, tidied } from "./reference_form.js";

/**
 * @typedef {import("./rule_types.js").Kind} Kind
 * @typedef {import("./rule_types.js").PageRule} PageRule
 * @typedef {import("./rule_types.js").PackageRules} PackageRules
 * @typedef {import("./rule_types.js").Packages} Packages
 * @typedef {import("./rule_types.js").CrmRules} CrmRules
 * @typedef {{url: string, package: string | null, page: "contact" | "list" | "record" | null, kind: Kind | null,
 *   reference: string | null, organisation: string | null, record: string | null}} Location
 * @typedef {[name: string, text: string][]} Captures
 * @typedef {import("./page_url.js").Address} Address
 * @typedef {{package: string | null, rule: PageRule, reference: string | null, organisation: string | null,
 *   record: string | null}} Found
 */

const LABELS = { organisation: /^[a-z0-9-]+$/, name: /^[a-z0-9-]+$/, digits: /^[0-9]{1,3}$/ };
const HOST_SLOT = /\{(organisation|name|digits)\}/;
const TAB = /^[A-Za-z][A-Za-z_-]{0,63}$/;
const NUMBER = /^[0-9]+$/;

/** The text cannot be a reference of this package; `expected` says what one looks like. */
export class ReferenceMalformed extends Error {
  /**
   * @param {string} packageId
   * @param {string} reference
   * @param {string} expected
   */
  constructor(packageId, reference, expected) {
    super(`“${reference}” cannot be the reference. It should be ${expected}.`);
    this.name = "ReferenceMalformed";
    this.package = packageId;
    this.reference = reference;
    this.expected = expected;
  }
}

/** No accounting package has this id. */
export class UnknownPackage extends Error {
  /** @param {string} packageId */
  constructor(packageId) {
    super(`crmlink knows no accounting package called “${packageId}”.`);
    this.name = "UnknownPackage";
    this.package = packageId;
  }
}

/**
 * Which page of which package an address is, and the reference in it. Anything else yields nulls.
 * Never throws on an address, whatever it is.
 * @param {unknown} url
 * @param {Packages} packages
 * @returns {Location}
 */
export function locate(url, packages) {
  const text = typeof url === "string" ? url : "";
  const found = find(parseAddress(text), packages, true);
  return {
    url: text,
    package: found?.package ?? null,
    page: /** @type {"contact" | "list" | "record" | null} */ (found?.rule.page ?? null),
    kind: found?.rule.kind ?? null,
    reference: found?.reference ?? null,
    organisation: found?.organisation ?? null,
    record: found?.record ?? null,
  };
}

/**
 * Sentences to say to the clerk beside the reference, where the facts are not sure.
 * @param {Location} location
 * @param {Packages} packages
 * @returns {string[]}
 */
export function cautions(location, packages) {
  if (location.package === null || location.reference === null) return [];
  const { reference } = location;
  const said = (rulesOf(location.package, packages).cautions ?? [])
    .filter(({ unless_reference: fine }) => fine === undefined || !matches(fine, reference))
    .map((caution) => caution.say);
  const found = find(parseAddress(location.url), packages, true);
  if (found?.package === location.package && found.rule.caution) said.push(found.rule.caution);
  return said;
}

/**
 * A typed or pasted reference in the package's own form, in NFC: GUIDs in lower case with dashes, a
 * Sage 50 A/C in capitals without spaces, numbers and QuickBooks Desktop names as they are.
 * @param {string} packageId
 * @param {string} reference
 * @param {Packages} packages
 * @returns {string}
 * @throws {UnknownPackage | ReferenceMalformed}
 */
export function canonicalReference(packageId, reference, packages) {
  const rules = rulesOf(packageId, packages);
  const tidy = tidied(reference.normalize("NFC"), rules.reference.canonical);
  if (!isReference(tidy, rules) && !isListedReference(tidy, rules)) {
    throw new ReferenceMalformed(packageId, reference, rules.reference.expected);
  }
  return tidy;
}

/**
 * The rules of one package.
 * @throws {UnknownPackage}
 * @param {string | null} packageId
 * @param {Packages} packages
 * @returns {PackageRules}
 */
export function rulesOf(packageId, packages) {
  const id = String(packageId);
  const rules = Object.hasOwn(packages.packages, id) ? packages.packages[id] : undefined;
  if (!rules) throw new UnknownPackage(id);
  return rules;
}

/**
 * @param {Address | null} address
 * @param {Packages} packages
 * @param {boolean} follow whether a redirect may be followed (once)
 * @returns {Found | null}
 */
function find(address, packages, follow) {
  if (address === null) return null;
  for (const { packageId, rule, values } of matching(address, packages)) {
    const { reference = null, organisation = null, record = null } = values;
    if (rule.page === "redirect") {
      const found = follow ? target(values, address, packages) : null;
      if (found) return found;
    } else if ((reference !== null) === (rule.page === "contact") && (record !== null) === (rule.page === "record")) {
      return { package: packageId, rule, reference, organisation, record };
    }
  }
  return null;
}

/**
 * Every page rule that an address meets, with what the rule's slots hold.
 * @param {Address} address
 * @param {Packages} packages
 * @returns {Generator<{packageId: string | null, rule: PageRule, values: Record<string, string>}>}
 */
function* matching(address, packages) {
  /** @type {[string | null, PackageRules | CrmRules][]} */
  const sites = Object.entries(packages.packages);
  for (const crm of Object.values(packages.crms ?? {})) sites.push([null, crm]);
  for (const [packageId, rules] of sites) {
    if (address.scheme !== (rules.scheme ?? "https")) continue;
    for (const host of rules.hosts ?? []) {
      const captured = hostCaptures(host, address);
      for (const rule of captured ? (rules.pages ?? []) : []) {
        const more = pageCaptures(rule, address);
        const values = captured && more && agreed([...captured, ...more], rules);
        if (values) yield { packageId, rule, values };
      }
    }
  }
}

/**
 * Where a redirect leads, when that is a page of the same host and organisation.
 * @param {Record<string, string>} values
 * @param {Address} address
 * @param {Packages} packages
 * @returns {Found | null}
 */
function target(values, address, packages) {
  const to = values.target ?? "";
  const inner = parseAddress(to.startsWith("/") ? address.origin + to : to);
  if (inner === null || inner.origin !== address.origin) return null;
  const found = find(inner, packages, false);
  const organisation = values.organisation ?? null;
  if (!found) return null;
  if (organisation && found.organisation !== null && found.organisation !== organisation) return null;
  return { ...found, organisation: found.organisation ?? organisation };
}

/**
 * @param {string} template
 * @param {Address} address
 * @returns {Captures | null}
 */
function hostCaptures(template, address) {
  const [name = "", port = ""] = template.split(":");
  const wanted = name.split(".");
  const labels = address.host.split(".");
  if (port !== address.port || wanted.length !== labels.length) return null;
  /** @type {Captures} */
  const captured = [];
  for (const [place, expected] of wanted.entries()) {
    const label = labels[place] ?? "";
    const slot = HOST_SLOT.exec(expected);
    if (slot === null) {
      if (expected !== label) return null;
      continue;
    }
    const kind = /** @type {keyof typeof LABELS} */ (slot[1]);
    const before = expected.slice(0, slot.index);
    const rest = label.slice(before.length);
    if (!label.startsWith(before) || !LABELS[kind].test(rest) || rest.startsWith("xn--")) return null;
    if (kind === "organisation") captured.push(["organisation", rest]);
  }
  return captured;
}

/**
 * @param {PageRule} rule
 * @param {Address} address
 * @returns {Captures | null}
 */
function pageCaptures(rule, address) {
  if (rule.below !== undefined) return belowCaptures(rule, rule.below, address);
  const ignored = rule.ignore_case ?? [];
  const path = pathCaptures(splitPath(rule.path ?? ""), address.path, ignored.includes("path"));
  const query = queryCaptures(rule.query ?? {}, address.query, ignored.includes("query"));
  if (path === null || query === null) return null;
  // A route of its own: perhaps of another record.
  if (rule.page === "record" && (address.fragment?.length ?? 2) > 1) return null;
  if (rule.fragment === undefined) return [...path, ...query];
  const fragment = pathCaptures(splitPath(rule.fragment), address.fragment, false);
  return fragment && [...path, ...query, ...fragment];
}

/**
 * @param {string[]} template
 * @param {string[] | null} parts
 * @param {boolean} ignoreCase
 * @returns {Captures | null}
 */
function pathCaptures(template, parts, ignoreCase) {
  if (parts === null || parts.length !== template.length) return null;
  /** @type {Captures} */
  const captured = [];
  for (const [place, expected] of template.entries()) {
    const part = parts[place] ?? "";
    if (expected === "{tab}") {
      if (!TAB.test(part)) return null;
    } else if (expected.startsWith("{")) {
      captured.push([expected.slice(1, -1), part]);
    } else if (!same(expected, part, ignoreCase)) {
      return null;
    }
  }
  return captured;
}

/**
 * What the named parameters hold; null when one of them is there twice with two values. Another
 * spelling of a name never gives a value unless the rule says so, but it can disagree.
 * @param {Record<string, string>} wanted
 * @param {import("./page_url.js").Pair[]} query
 * @param {boolean} ignoreCase
 * @returns {Captures | null}
 */
function queryCaptures(wanted, query, ignoreCase) {
  /** @type {Captures} */
  const captured = [];
  for (const [name, slot] of Object.entries(wanted)) {
    const values = new Set(query.filter(([key]) => same(name, key, true)).map(([, value]) => value));
    if (values.size > 1 || values.has(null)) return null;
    if (ignoreCase || query.some(([key]) => key === name)) {
      for (const value of values) if (value) captured.push([slot.slice(1, -1), value]);
    }
  }
  return captured;
}

/**
 * The captured values in canonical form; null when two disagree or one is malformed.
 * @param {Captures} captured
 * @param {PackageRules | CrmRules} rules
 * @returns {Record<string, string> | null}
 */
function agreed(captured, rules) {
  /** @type {Record<string, string>} */
  const values = {};
  for (const [name, text] of captured) {
    const value = valid(name, text, rules);
    if (value === null || (values[name] ??= value) !== value) return null;
  }
  return values;
}

/**
 * @param {string} name
 * @param {string} text
 * @param {PackageRules | CrmRules} rules
 * @returns {string | null}
 */
function valid(name, text, rules) {
  if ("record" in rules) return name === "record" && matches(rules.record.pattern, text) ? text : null;
  if (name === "reference") {
    // Nothing but the case is forgiven: what an address holds is never tidied into a reference.
    const reference = rules.reference.canonical === "guid" ? asciiLower(text) : text;
    return isReference(reference, rules) ? reference : null;
  }
  if (name === "organisation") {
    const rule = rules.organisation;
    return rule && matches(rule.pattern, text) && !rule.never?.includes(text) ? text : null;
  }
  return text;
}

/**
 * The number at the end of an address whose path is not known; null unless path, query and
 * fragment end in one and the same number, as far as they end in any.
 * @param {PageRule} rule
 * @param {string} below
 * @param {Address} address
 * @returns {Captures | null}
 */
function belowCaptures(rule, below, { path, fragment, query, fragmentQuery }) {
  const start = splitPath(below);
  const ignoreCase = (rule.ignore_case ?? []).includes("path");
  if (path === null || fragment === null || path.length < start.length) return null;
  if (pathCaptures(start, path.slice(0, start.length), ignoreCase) === null) return null;
  const rest = path.slice(start.length);
  const names = [...query, ...fragmentQuery].map(([name]) => name);
  const words = asciiLower([...rest, ...fragment, ...names].join("\n"));
  if (rule.never_words?.some((word) => words.includes(word))) return null;
  const ends = [rest.at(-1), fragment.at(-1), lastOf(query), lastOf(fragmentQuery)];
  const numbers = new Set(ends.filter((text) => text !== undefined && NUMBER.test(text)));
  const [number] = numbers;
  return numbers.size === 1 && number !== undefined ? [["reference", number]] : null;
}

/**
 * @param {import("./page_url.js").Pair[]} query
 * @returns {string | undefined}
 */
function lastOf(query) {
  const last = query.at(-1);
  return last && (last[1] || last[0]);
}

/**
 * @param {string} expected
 * @param {string} given
 * @param {boolean} ignoreCase
 */
function same(expected, given, ignoreCase) {
  return ignoreCase ? asciiLower(expected) === asciiLower(given) : expected === given;
}
