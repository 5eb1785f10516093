// @ts-check
// What people type into contacts, as a contact's page shows it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { JSDOM } from "jsdom";
import { cleanDetails } from "../../extension/lib/page/contact.js";
import { readContact } from "../../extension/lib/page/read_contact.js";
import { listContacts } from "../../extension/lib/page/read_list.js";

/**
 * @typedef {{kind: string, about: string, contact: Record<string, string>,
 *   read?: {phones?: string[], emails?: string[], retired?: boolean}}} Case
 * @type {{cases: Case[]}}
 */
const { cases } = JSON.parse(readFileSync(new URL("../cases/contacts.json", import.meta.url), "utf8"));
/** @type {import("../../extension/lib/page/locate.js").Packages} */
const packages = JSON.parse(
  readFileSync(new URL("../../server/crmlink/accounting/packages.json", import.meta.url), "utf8"),
);

/** @param {string} body */
function read(body) {
  const { window } = new JSDOM(`<main>${body}</main>`, { url: "https://app.example/", runScripts: "outside-only" });
  const details = cleanDetails(JSON.parse(JSON.stringify(window.eval(`(${readContact})({})`))));
  window.close();
  const { other_emails = [], other_addresses = [], ...rest } = details;
  return { ...rest, other_emails, other_addresses };
}

/** @param {string} text */
const html = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("\n", "<br>");

/** @param {Record<string, string>} contact */
function page(contact) {
  const place = (/** @type {string} */ prefix) =>
    ["address", "town", "postcode"].map((field) => contact[prefix + field]).filter(Boolean).join("<br>");
  const fields = [
    ["Email", html(contact.email ?? "")],
    ["Second email", ""],
    ["Phone", html(contact.phone ?? "")],
    ["Billing address", place("")],
    ["Delivery address", place("other_")],
    ["Status", contact.status ?? ""],
  ];
  const list = fields.filter(([, value]) => value).map(([label, value]) => `<dt>${label}</dt><dd>${value}</dd>`);
  return `<h1>${html(contact.name ?? contact.company)}</h1><dl>${list.join("")}</dl>`;
}

for (const { kind, about, contact, read: expected } of cases) {
  test(`${kind}: ${about}`, () => {
    const details = read(page(contact));
    if (expected?.phones && contact.phone) assert.deepEqual(details.phones, expected.phones);
    if (expected?.emails && !contact.other_email) {
      assert.deepEqual([details.email, ...details.other_emails], expected.emails);
    }
    if (expected?.retired && contact.status) assert.equal(details.retired, true);
    if (kind === "addresses" && contact.other_address && contact.address && about !== "the same twice") {
      assert.equal(details.other_addresses.length, 1);
      assert.equal(details.other_addresses[0].postcode, contact.other_postcode);
      assert.equal(details.postcode, contact.postcode);
    }
    if (kind === "addresses" && about === "the same twice") assert.deepEqual(details.other_addresses, []);
    if (kind === "placeholders" && !contact.email?.includes("@")) assert.equal(details.email, "");
  });
}

test("all emails of a page are read, labelled apart or together", () => {
  const body = `<h1>John Smith</h1><dl><dt>Email</dt><dd>john@letterbox.example</dd>
    <dt>Email 2</dt><dd>jane@letterbox.example</dd></dl>`;
  const { email, other_emails } = read(body);
  assert.deepEqual([email, ...other_emails], ["john@letterbox.example", "jane@letterbox.example"]);
});

test("two phones that a space parts are two, in a page without labels too", () => {
  for (const body of ["<p>01632 960501 07700 900555</p>", "<p>Tel: 01632 960501 07700 900555</p>"]) {
    assert.deepEqual(read(`<h1>John Smith</h1>${body}`).phones, ["01632 960501", "07700 900555"]);
  }
});

for (const [about, body] of [
  ["a badge", '<h1>John Smith <span class="badge">Archived</span></h1>'],
  ["a status", "<h1>John Smith</h1><dl><dt>Status</dt><dd>Inactive</dd></dl>"],
  ["a sentence", "<h1>John Smith</h1><p>This contact has been archived.</p>"],
  ["another sentence", '<h1>John Smith</h1><div class="banner">This customer is inactive</div>'],
]) {
  test(`a contact that the package does not use any more is marked: ${about}`, () => {
    assert.equal(read(body).retired, true);
  });
}

for (const [about, body] of [
  ["a tab", '<h1>John Smith</h1><a class="badge" href="#">Archived</a>'],
  ["a table of others", '<h1>John Smith</h1><table><tr><td class="badge">Inactive</td></tr></table>'],
  ["a name", "<h1>Archived Records Ltd</h1>"],
  ["a live one", "<h1>John Smith</h1><dl><dt>Status</dt><dd>Active</dd></dl>"],
]) {
  test(`what only looks like a mark is none: ${about}`, () => {
    assert.equal(read(body).retired, false);
  });
}

test("a list's row gives all its emails and phones, and says that a contact is retired", () => {
  const href = "https://acme.freeagent.com/contacts/7";
  const row = "John Smith\n01632 960501 / 07700 900555\njohn@letterbox.example; jane@letterbox.example\nArchived";
  const [listed] = listContacts([{ href, text: "John Smith", row }], packages);
  assert.deepEqual(
    { name: listed.name, email: listed.email, other_emails: listed.other_emails, phones: listed.phones, retired: listed.retired },
    {
      name: "John Smith",
      email: "john@letterbox.example",
      other_emails: ["jane@letterbox.example"],
      phones: ["01632 960501", "07700 900555"],
      retired: true,
    },
  );
});
