// @ts-check
// What saved pages say about their contacts, as the injected function reads them.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { JSDOM } from "jsdom";
import { readContact, readList } from "../../extension/lib/page/read_contact.js";
import { listContacts } from "../../extension/lib/page/read_list.js";
import { locate } from "../../extension/lib/page/locate.js";

const folder = new URL("../saved_pages/", import.meta.url);
const ruleFile = new URL("../../server/crmlink/accounting/packages.json", import.meta.url);
/** @type {import("../../extension/lib/page/locate.js").Packages} */
const packages = JSON.parse(readFileSync(ruleFile, "utf8"));

const MORE = { other_emails: [], other_addresses: [], retired: false };
const BLANK = { name: "", company: "", person: "", email: "", phones: [], address: "", town: "", postcode: "", ...MORE };

/** @type {{id: string, stem: string, url: string, about: string, expected?: any, listed?: any[]}[]} */
const saved = readdirSync(folder).flatMap((id) =>
  readdirSync(new URL(`${id}/`, folder))
    .filter((file) => file.endsWith(".json"))
    .map((file) => ({
      id,
      stem: file.replace(".json", ""),
      ...JSON.parse(readFileSync(new URL(`${id}/${file}`, folder), "utf8")),
    })),
);
const contacts = saved.filter((page) => page.expected);
const lists = saved.filter((page) => page.listed);

/**
 * What a function returns when it runs in a page as the browser injects it: from its text alone.
 * @param {(...args: any[]) => unknown} func
 * @param {string} html
 * @param {{url?: string, hints?: unknown}} [at]
 * @returns {any}
 */
function inPage(func, html, { url = "https://app.example/", hints = {} } = {}) {
  const { window } = new JSDOM(html, { url, runScripts: "outside-only" });
  const result = window.eval(`(${func})(${JSON.stringify(hints)})`);
  window.close();
  return JSON.parse(JSON.stringify(result));
}

/** @param {{id: string, stem: string}} page */
const html = (page) => readFileSync(new URL(`${page.id}/${page.stem}.html`, folder), "utf8");

test("every package with pages has an ordinary, a sparse and a misleading saved page", () => {
  for (const [id, rules] of Object.entries(packages.packages)) {
    const stems = contacts.filter((page) => page.id === id).map((page) => page.stem);
    if (rules.pages) assert.ok(stems.length >= 3 && stems.includes("sparse") && stems.includes("decoy"), id);
  }
});

for (const page of contacts) {
  test(`${page.id}/${page.stem}: ${page.about}`, () => {
    assert.equal(locate(page.url, packages).package, page.id, "the page's address is a contact's");
    const hints = packages.packages[page.id].hints;
    const read = inPage(readContact, html(page), { url: page.url, hints });
    assert.deepEqual(read, { ...MORE, ...page.expected, kind: null });
  });
}

test("a page is read without the package's hints too", () => {
  const page = contacts.find((one) => one.id === "xero" && one.stem === "contact");
  assert.ok(page);
  const { name, email, postcode, town } = inPage(readContact, html(page), { url: page.url });
  assert.deepEqual({ name, email, postcode, town }, {
    name: "Margaret Holloway",
    email: "margaret.holloway@postbox.example",
    postcode: "GL50 2TR",
    town: "Cheltenham",
  });
});

test("hints that no page understands do no harm", () => {
  const hints = { name: ["h1[", "::nope(", "h9"], icons: { constructor: "email" }, titles: ["("] };
  assert.equal(inPage(readContact, "<h1>John Smith</h1>", { hints }).name, "John Smith");
});

test("reading never throws, whatever the page is", () => {
  const odd = [
    "",
    "<html></html>",
    "<svg><title>Email</title></svg>",
    "<label for='x'>Email</label>",
    "<label>Email<label>Email<label>Email</label></label></label>",
    "<dl><dt>Email</dl><table><tr><th>Phone",
    `<a href="mailto:%E0%A4%A">x</a><a href="tel:%">y</a>`,
    "<form><input name='tagName'><input name='getAttribute' aria-label='Email' value='a@b.example'></form>",
    "<frameset><frame></frameset>",
    `${"<div>".repeat(300)}Email${"</div>".repeat(300)}`,
  ];
  for (const page of odd) {
    const read = inPage(readContact, page);
    assert.deepEqual(Object.keys(read).sort(), [...Object.keys(BLANK), "kind"].sort(), page.slice(0, 60));
  }
});

test("a page that cannot be read at all gives blanks", () => {
  const broken = `Object.defineProperty(document, "createTreeWalker", { value() { throw new Error("no"); } });`;
  const { window } = new JSDOM("<h1>John Smith</h1>", { runScripts: "outside-only" });
  window.eval(broken);
  assert.deepEqual(JSON.parse(JSON.stringify(window.eval(`(${readContact})({})`))), { ...BLANK, kind: null });
});

for (const [about, page] of /** @type {const} */ ([
  ["long", `<h1>John Smith</h1><table>${"<tr><td>Email</td><td>Phone: 01632 960000</td></tr>".repeat(3000)}</table>`],
  ["deep", `<h1>John Smith</h1>${"<div><p>Email</p>some words".repeat(100)}${"<b>Phone</b><i>x</i>".repeat(1000)}`],
  ["wordy", `<h1>John Smith</h1>${`<p>${"Email and Phone ".repeat(20_000)}</p>`.repeat(5)}`],
])) {
  test(`only a part of a ${about} page is looked at`, () => {
    const { window } = new JSDOM(page, { runScripts: "outside-only" });
    let looks = 0;
    for (const [owner, property] of /** @type {const} */ ([["CharacterData", "data"], ["Node", "nodeValue"], ["Node", "nodeType"]])) {
      const real = Object.getOwnPropertyDescriptor(window[owner].prototype, property);
      const get = /** @this {unknown} */ function () {
        looks += 1;
        return real?.get?.call(this);
      };
      Object.defineProperty(window[owner].prototype, property, { ...real, get });
    }
    assert.equal(window.eval(`(${readContact})({})`).name, "John Smith");
    assert.ok(looks > 50 && looks < 400_000, `${looks} looks at ${page.length} characters`);
  });
}

for (const page of lists) {
  test(`${page.id}/${page.stem}: ${page.about}`, () => {
    const list = locate(page.url, packages);
    assert.equal(list.page, "list");
    const rows = inPage(readList, html(page), { url: page.url });
    const listed = listContacts(rows, packages, list).map(({ url, ...told }) => {
      assert.equal(locate(url, packages).reference, told.reference);
      return told;
    });
    assert.deepEqual(listed, page.listed?.map((row) => ({ package: page.id, other_emails: [], retired: false, ...row })));
  });
}

test("without the list's place, contacts of every package are listed, and no look-alike", () => {
  const page = lists.find((one) => one.id === "xero");
  assert.ok(page);
  const rows = inPage(readList, html(page), { url: page.url });
  const ids = listContacts(rows, packages).map((one) => `${one.package} ${one.organisation}`);
  assert.deepEqual(ids.filter((id) => !id.includes("kR4N6")), ["xero null", "xero !other", "freeagent severnvale"]);
});

test("rows that a page made up are read without harm", () => {
  const href = "https://acme.freeagent.com/contacts/7";
  for (const rows of [null, "x", [null], [58], [{ href: 58 }], [{ href, text: {}, row: [] }], [{ href }]]) {
    for (const one of listContacts(rows, packages)) assert.equal(one.name, "");
  }
});

test("a list of thousands is cut, not refused", () => {
  const page = `<ul>${"<li><a href='/contacts/7'>John Smith</a></li>".repeat(6000)}</ul>`;
  assert.equal(inPage(readList, page, { url: "https://acme.freeagent.com/contacts" }).length, 5000);
});

/** @type {[about: string, html: string, expected: Record<string, unknown>][]} */
const shapes = [
  ["a UK address in one line", "<p>Address: 3 Bryn Awel, Bangor, Gwynedd, LL57 1DT, Wales</p>", { address: "3 Bryn Awel", town: "Bangor", postcode: "LL57 1DT" }],
  ["a postcode in small letters without a space", "<dl><dt>Postcode<dd>ll571dt</dl>", { postcode: "LL57 1DT" }],
  ["a postcode behind the town", "<dl><dt>Address<dd>8 Mill Lane<br>Ripon HG4 1AB</dl>", { address: "8 Mill Lane", town: "Ripon", postcode: "HG4 1AB" }],
  ["a name above the address", "<h1>John Smith</h1><address>John Smith<br>8 Mill Lane<br>Ripon<br>HG4 1AB</address>", { name: "John Smith", address: "8 Mill Lane", town: "Ripon", postcode: "HG4 1AB" }],
  ["a US address in three lines", "<dl><dt>Billing address<dd>1600 Oak Street<br>Springfield, IL 62704-1234<br>USA</dl>", { address: "1600 Oak Street", town: "Springfield", postcode: "62704-1234" }],
  ["a US address in parts", "<table><tr><th>Street<td>1600 Oak Street<tr><th>City<td>Springfield<tr><th>State<td>IL<tr><th>ZIP code<td>62704</table>", { address: "1600 Oak Street", town: "Springfield", postcode: "62704" }],
  ["an address without a postcode", "<dl><dt>Address<dd>8 Mill Lane<br>Ripon</dl>", { address: "8 Mill Lane", town: "Ripon", postcode: "" }],
  ["a town alone", "<dl><dt>Town<dd>Ripon</dl>", { address: "", town: "Ripon" }],
  ["a delivery address where there is no other", "<dl><dt>Delivery address<dd>8 Mill Lane<br>Ripon<br>HG4 1AB</dl>", { address: "8 Mill Lane", postcode: "HG4 1AB" }],
  ["a fax number is no telephone", "<p>Fax: 01632 960406</p><p>Tel: 01632 960405</p>", { phones: ["01632 960405"] }],
  ["one number written twice", "<p>Phone: 01632 960405</p><p>Mobile: +44 1632 960405</p>", { phones: ["01632 960405"] }],
  ["an empty value is not the next label", "<dl><dt>Email<dd><dt>Phone<dd>01632 960405</dl>", { email: "", phones: ["01632 960405"] }],
  ["a label without a value takes no other label's", "<div><b>Email</b></div><div><b>Phone</b></div><div>01632 960405</div>", { email: "" }],
  ["words for no value", "<dl><dt>Email<dd>Not set<dt>Phone<dd>—<dt>Address<dd>No address</dl>", { email: "", phones: [], address: "", town: "" }],
  ["a label in strong letters", "<p><strong>Email</strong> <span>a.b@postbox.example</span></p>", { email: "a.b@postbox.example" }],
  ["the user's own email", "<p>Signed in as <b>me@severnvale.example</b></p>", { email: "" }],
  ["an email within a sentence is someone's, not the contact's", "<p>Sent to ruth@someoneelse.example by Joan on Monday</p>", { email: "" }],
  ["an email in a table of many", "<table><tr><td>1<td>ruth@someoneelse.example</table>", { email: "" }],
  ["a title with the package's name at either end", "<title>Xero - John Smith - Xero</title><body>", { name: "John Smith" }],
  ["a title that goes on with very many spaces", `<title>Xero - John Smith - Xero${"\u00a0".repeat(200_000)}x</title><body>`, { name: "John Smith" }],
  ["a title that is only the package's name", "<title>xero</title><body>", { name: "" }],
  ["a heading that names a section", "<h1>Customer details</h1><h2>Invoices</h2><h2>John Smith</h2>", { name: "John Smith" }],
  ["a heading with a badge and a button", "<h1>John Smith <span class='status-badge'>Active</span><button>Edit</button></h1>", { name: "John Smith" }],
  ["hidden, and hidden by style", "<h1 hidden>Jane Doe</h1><h1 style='display:none'>Jane Doe</h1><h1>John Smith</h1>", { name: "John Smith" }],
  ["microdata of the page's own maker in the footer", "<h1>John Smith</h1><footer itemscope itemtype='https://schema.org/Organization'><span itemprop='email'>x@maker.example</span></footer>", { email: "" }],
  ["microdata in meta elements", "<div itemscope itemtype='http://schema.org/Person'><meta itemprop='telephone' content='01632 960405'><span itemprop='name'>John Smith</span></div>", { name: "John Smith", phones: ["01632 960405"] }],
  ["Welsh and accented names", "<h1>Siân  O’Connor\u00a0</h1>", { name: "Siân O’Connor" }],
];

for (const [about, page, expected] of shapes) {
  test(`reads ${about}`, () => {
    const read = inPage(readContact, page, { hints: { titles: ["Xero"] } });
    for (const [field, value] of Object.entries(expected)) assert.deepEqual(read[field], value, `${field}: ${JSON.stringify(read)}`);
  });
}
