// @ts-check
// A page is a record's only in the workspace's own Commusoft: the same number is another record in any other.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { originsOf } from "../../extension/lib/linking/page_button.js";
import { isOwnCrm } from "../../extension/lib/page/crm_tables.js";
import { locate } from "../../extension/lib/page/locate.js";
import { commusoftSite, recordAt } from "../../extension/lib/page/record_page.js";

const RULES = JSON.parse(readFileSync(new URL("../../server/crmlink/accounting/packages.json", import.meta.url), "utf8"));
const PATH = "/customers/customer/1001/view/property/view";
const SANDBOX = "127.0.0.1:8788";
/** The rules as the server gives them to a workspace. @param {string[]} hosts @param {string} [scheme] */
const rulesFor = (hosts, scheme) => ({ ...RULES, crms: { commusoft: { ...RULES.crms.commusoft, hosts, ...(scheme && { scheme }) } } });
const PRACTICE = rulesFor([SANDBOX], "http");
const IN_PRACTICE = { commusoft_origin: `http://${SANDBOX}`, commusoft_hosts: [SANDBOX] };
const IN_UK = { commusoft_origin: "https://app.commusoft.co.uk", commusoft_hosts: ["app.commusoft.co.uk"] };

/** @type {[string, any, any, boolean][]} */
const CASES = [
  [`http://${SANDBOX}${PATH}`, PRACTICE, IN_PRACTICE, true],
  [`https://${SANDBOX}${PATH}`, PRACTICE, IN_PRACTICE, false],
  [`http://127.0.0.1:8789${PATH}`, PRACTICE, IN_PRACTICE, false],
  [`http://127.0.0.1${PATH}`, PRACTICE, IN_PRACTICE, false],
  [`http://localhost:8788${PATH}`, PRACTICE, IN_PRACTICE, false],
  [`http://127.0.0.1:8788@evil.example${PATH}`, PRACTICE, IN_PRACTICE, false],
  [`https://app.commusoft.co.uk${PATH}`, PRACTICE, IN_PRACTICE, false],
  [`https://app.commusoft.us${PATH}`, PRACTICE, IN_PRACTICE, false],
  [`https://app.commusoft.co.uk${PATH}`, RULES, IN_UK, true],
  [`https://app.commusoft.us${PATH}`, RULES, IN_UK, false],
  [`http://app.commusoft.co.uk${PATH}`, RULES, IN_UK, false],
  [`http://${SANDBOX}${PATH}`, RULES, IN_UK, false],
  [`http://${SANDBOX}${PATH}`, RULES, IN_PRACTICE, false],
  [`http://${SANDBOX}${PATH}`, PRACTICE, IN_UK, false],
];

for (const [address, rules, workspace, own] of CASES) {
  test(`${address} is ${own ? "" : "not "}a page of ${workspace.commusoft_origin}${rules === RULES ? "" : " in practice"}`, () => {
    assert.equal(recordAt(address, rules, workspace)?.id ?? null, own ? "customer-1001" : null);
    assert.equal(isOwnCrm(address, rules, workspace), own);
  });
}

test("no accounting package is read without encryption, whatever the sandbox's rules say", () => {
  const contact = "go.xero.com/app/!kR4N6/contacts/contact/8275f116-6419-4b82-889a-f41dcc1d6186";
  assert.equal(locate(`https://${contact}`, PRACTICE).page, "contact");
  assert.equal(locate(`http://${contact}`, PRACTICE).page, null);
});

test("the switch asks for the workspace's own host alone, by its own scheme", () => {
  /** @param {any} rules @param {any} workspace */
  const origins = (rules, workspace) => originsOf(commusoftSite(rules, workspace) ?? {});
  assert.deepEqual(origins(PRACTICE, IN_PRACTICE), ["http://127.0.0.1/*"]);
  assert.deepEqual(origins(RULES, IN_UK), ["https://app.commusoft.co.uk/*"]);
  assert.deepEqual(origins(RULES, null), ["https://app.commusoft.co.uk/*", "https://app.commusoft.us/*"]);
});
