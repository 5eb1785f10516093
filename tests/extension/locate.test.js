// @ts-check
// Every vector, through the extension's half. `tests/unit/accounting/` is the other half.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import {
  ReferenceMalformed,
  UnknownPackage,
  canonicalReference,
  cautions,
  locate,
} from "../../extension/lib/page/locate.js";

const vectors = new URL("../vectors/", import.meta.url);
const ruleFile = new URL("../../server/crmlink/accounting/packages.json", import.meta.url);
const KEYS = ["package", "page", "kind", "reference", "organisation", "record"];

/** @typedef {import("../../extension/lib/page/locate.js").Packages} Packages */

/** @param {URL} file */
const json = (file) => JSON.parse(readFileSync(file, "utf8"));
/** @type {Packages} */
const packages = json(ruleFile);
/** @type {Record<string, any>[]} */
const entries = readdirSync(vectors)
  .filter((name) => name.includes("_urls"))
  .sort()
  .flatMap((name) => json(new URL(name, vectors)));

/** @param {Record<string, any>} entry */
function expected(entry) {
  if (entry.package === null && entry.record === undefined) return Object.fromEntries(KEYS.map((key) => [key, null]));
  const told = KEYS.filter((key) => key in entry).map((key) => [key, entry[key]]);
  return { page: "contact", ...Object.fromEntries(told) };
}

/**
 * The rules with the hosts that an administrator added; the server merges them in the same way.
 * @param {Record<string, any>} entry
 * @param {Packages} rules
 */
function rulesFor(entry, rules) {
  const merged = structuredClone(rules);
  for (const [id, hosts] of Object.entries(entry.hosts ?? {})) {
    (merged.packages[id] ?? merged.crms?.[id])?.hosts?.push(...hosts.map((/** @type {string} */ host) => host.toLowerCase()));
  }
  return merged;
}

/** @param {Packages} rules */
function failures(rules) {
  return entries.filter((entry) => {
    const location = /** @type {Record<string, unknown>} */ (locate(entry.url, rulesFor(entry, rules)));
    return Object.entries(expected(entry)).some(([key, value]) => location[key] !== value);
  });
}

test("an address gives what its vector says", () => {
  assert.ok(entries.length > 600);
  for (const entry of entries) {
    const location = /** @type {Record<string, unknown>} */ (locate(entry.url, rulesFor(entry, packages)));
    const got = Object.fromEntries(Object.keys(expected(entry)).map((key) => [key, location[key]]));
    assert.deepEqual(got, expected(entry), `${JSON.stringify(entry.url)} (${entry.why ?? entry.note ?? ""})`);
    assert.deepEqual(Object.keys(location), ["url", ...KEYS]);
    assert.equal(location.url, entry.url);
  }
});

test("a typed reference becomes canonical or is refused", () => {
  for (const entry of json(new URL("references.json", vectors))) {
    const canonical = () => canonicalReference(entry.package, entry.given, packages);
    if (entry.canonical === null) {
      assert.throws(
        canonical,
        (error) => error instanceof ReferenceMalformed && error.message.includes(error.expected),
        JSON.stringify(entry),
      );
    } else {
      assert.equal(canonical(), entry.canonical, entry.why);
    }
  }
});

test("the clerk is told what is not sure", () => {
  for (const entry of json(new URL("cautions.json", vectors))) {
    const said = cautions(locate(entry.url, packages), packages);
    assert.equal(said.length, entry.cautions.length, entry.url);
    said.forEach((text, place) => assert.ok(text.startsWith(entry.cautions[place]), text));
  }
});

test("a reference that was typed carries its package's caution too", () => {
  /** @type {import("../../extension/lib/page/locate.js").Location} */
  const typed = { url: "", package: "kashflow", page: null, kind: null, reference: "STEV01", organisation: null, record: null };
  assert.match(cautions(typed, packages)[0], /Code/);
  assert.deepEqual(cautions({ ...typed, reference: "48213" }, packages), []);
});

test("what is no string is no page", () => {
  for (const thing of [undefined, null, 58, {}, [], ["https://go.xero.com/"], new URL("https://go.xero.com/")]) {
    const location = locate(thing, packages);
    assert.deepEqual(location, { url: "", package: null, page: null, kind: null, reference: null, organisation: null, record: null });
  }
});

test("a package that is not known is said to be unknown", () => {
  for (const id of ["sage", "", "toString", "__proto__"]) {
    assert.throws(() => canonicalReference(id, "1", packages), UnknownPackage);
  }
});

test("the vectors catch a half that takes a host by its end", () => {
  const generous = structuredClone(packages);
  generous.packages.xero.hosts?.push("{name}.xero.com");
  assert.deepEqual(failures(packages), []);
  assert.notDeepEqual(failures(generous), []);
});
