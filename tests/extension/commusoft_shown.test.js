// @ts-check
// What a record's page shows as its reference, where nothing can be typed: the whole value, or "unknown".
import assert from "node:assert/strict";
import { test } from "node:test";

import { page, SEARCH, shown, tools } from "./commusoft_page.js";

/** @type {Record<string, [string, import("../../extension/lib/commusoft/types.js").Shown]>} */
const CASES = {
  "a definition list": ["<dl><dt>Third-Party Reference</dt><dd>ABC-1</dd><dt>Mobile</dt><dd>0</dd></dl>", { state: "shown", value: "ABC-1" }],
  "a definition list without a value": ["<dl><dt>Third-Party Reference</dt><dd> </dd></dl>", { state: "empty" }],
  "a dash for nothing": ["<dl><dt>Third-Party Reference</dt><dd>\u2014</dd></dl>", { state: "empty" }],
  "a table's row": ["<table><tr><th>Third-Party Reference</th><td>ABC-1</td></tr></table>", { state: "shown", value: "ABC-1" }],
  "two columns": ["<div class=row><div class=l>Third-Party Reference:</div><div class=v>ABC-1</div></div>", { state: "shown", value: "ABC-1" }],
  "a wrapped label": ["<div><div><span class=l>Third-Party Reference</span></div><div><span>ABC-1</span></div></div>", { state: "shown", value: "ABC-1" }],
  "strong and text": ["<p><strong>Third-Party Reference:</strong> ABC-1</p>", { state: "shown", value: "ABC-1" }],
  "strong and nothing before the next line": ["<p><strong>Third-Party Reference:</strong> <br><strong>Mobile:</strong> 0163</p>", { state: "unknown" }],
  "strong and text over lines with very many spaces": [`<p><strong>Third-Party Reference:</strong>${" ".repeat(200_000)}\n \r\n ABC-1${" ".repeat(200_000)}</p>`, { state: "shown", value: "ABC-1" }],
  "one line of text": ["<p>Third-Party Reference: ABC-1</p>", { state: "shown", value: "ABC-1" }],
  "a label for nothing": ["<div><label>Third-Party Reference</label><div>ABC-1</div></div>", { state: "shown", value: "ABC-1" }],
  "a field to read only": ["<label for=f>Third-Party Reference</label><input id=f readonly value='ABC-1'>", { state: "shown", value: "ABC-1" }],
  "a field that is switched off, empty": ["<label for=f>Third-Party Reference</label><input id=f disabled>", { state: "empty" }],
  "a value with a button to copy it": ["<dl><dt>Third-Party Reference</dt><dd>ABC-1 <button>Copy</button></dd></dl>", { state: "shown", value: "ABC-1" }],
  "a value in capitals and with spaces": ["<dl><dt>Third-Party Reference</dt><dd>\n  Smith (Heating) Ltd\n </dd></dl>", { state: "shown", value: "Smith (Heating) Ltd" }],
  "words for nothing": ["<dl><dt>Third-Party Reference</dt><dd>Not set</dd></dl>", { state: "unknown" }],
  "a value that is cut off": ["<dl><dt>Third-Party Reference</dt><dd>8275f116-6419\u2026</dd></dl>", { state: "unknown" }],
  "a value of two lines": ["<dl><dt>Third-Party Reference</dt><dd><div>ABC-1</div><div>DEF-2</div></dd></dl>", { state: "unknown" }],
  "another label instead of a value": ["<div><span class=l>Third-Party Reference</span><span class=l>Mobile</span></div>", { state: "unknown" }],
  "a label with nothing beside it": ["<div><p>Third-Party Reference</p></div>", { state: "unknown" }],
  "the label twice, with two values": ["<dl><dt>Third-Party Reference</dt><dd>A</dd></dl><dl><dt>Accounting reference</dt><dd>B</dd></dl>", { state: "unknown" }],
  "the label twice, with one value": ["<dl><dt>Third-Party Reference</dt><dd>A</dd></dl><dl><dt>Accounting reference</dt><dd>A</dd></dl>", { state: "shown", value: "A" }],
  "no label": ["<dl><dt>Account number</dt><dd>A</dd></dl>", { state: "absent" }],
  "a label that only begins alike": ["<dl><dt>Third-Party Reference 2</dt><dd>A</dd></dl>", { state: "absent" }],
  "another customer's card": ["<section><h3>Parent customer</h3><dl><dt>Third-Party Reference</dt><dd>A</dd></dl></section>", { state: "absent" }],
  "a hidden label": ["<dl style='display:none'><dt>Third-Party Reference</dt><dd>A</dd></dl>", { state: "absent" }],
  "a column of a list": ["<table><thead><tr><th>Accounting reference</th><th>Name</th></tr></thead><tbody><tr><td>A</td><td>B</td></tr></tbody></table>", { state: "absent" }],
  "a field that can be typed into": ["<label for=f>Third-Party Reference</label><input id=f value=A>", { state: "absent" }],
};

for (const [what, [html, expected]] of Object.entries(CASES)) {
  test(`${expected.state}: ${what}`, () => assert.deepEqual(shown(html), expected));
}

/** @param {string} html */
function agrees(html) {
  const reading = tools.readReference(page(html).document, SEARCH);
  assert.ok(reading.found.field);
  return tools.agrees(reading);
}

test("a field goes with the page where it alone has the label, or the text says the same", () => {
  assert.equal(agrees("<label for=f>Third-Party Reference</label><input id=f value=A>"), true);
  assert.equal(agrees("<dl><dt>Accounting reference</dt><dd>A</dd></dl><label for=f>Third-Party Reference</label><input id=f value=A>"), true);
});

test("a field of another form goes not with what the page shows", () => {
  const form = "<form><label for=f>Third-Party Reference</label><input id=f></form>";
  assert.equal(agrees(`<dl><dt>Third-Party Reference</dt><dd>A</dd></dl>${form}`), false);
  assert.equal(agrees(`<dl><dt>Third-Party Reference</dt><dd></dd></dl>${form}`), false);
  const customer = "<form><input name='customerDetails.surname'><label for=f>Third-Party Reference</label><input id=f></form>";
  assert.equal(agrees(`<dl><dt>Third-Party Reference</dt><dd></dd></dl>${customer}`), true);
});

/** @param {string} html */
const edit = (html) => tools.findEdit(page(html).document, SEARCH)?.id ?? null;

test("the way to edit is the only one, or the one nearest to the label", () => {
  assert.equal(edit("<a id=e href=#>Edit</a>"), "e");
  assert.equal(edit("<button id=e><i class=icon></i> Edit</button>"), "e");
  const sections = "<section><h3>Contact</h3><a id=c>Edit</a></section><section><h3>Other details</h3><a id=e>Edit</a><dl><dt>Third-Party Reference</dt><dd>A</dd></dl></section>";
  assert.equal(edit(sections), "e");
});

for (const [what, html] of Object.entries({
  "two of them, and no label": "<a id=a>Edit</a><a id=b>Edit</a>",
  "a link to another page": "<a id=a href='/customers/customer/1001/jobs/1/edit'>Edit</a>",
  "one that edits a job": "<section><h3>Job 12</h3><a id=a>Edit</a></section>",
  "one that is hidden": "<a id=a hidden>Edit</a>",
  "one that is switched off": "<button id=a disabled>Edit</button>",
  "something else": "<a id=a>Edit this site</a>",
  "a link to the same path of another site": "<a id=a href='https://elsewhere.example/customers/customer/1001/view/property/view'>Edit</a>",
  "a link that opens another tab": "<a id=a href='#' target=_blank>Edit</a>",
  "a link with no address that can be read": "<a id=a href='http://['>Edit</a>",
})) {
  test(`no way to edit: ${what}`, () => assert.equal(edit(html), null));
}
