// @ts-check
// The reference's field on a Commusoft page: found by its label, in whatever way the page is built, or not at all.
import assert from "node:assert/strict";
import { test } from "node:test";

import { find, page, SEARCH, tools } from "./commusoft_page.js";

/** Every way a page may say that a field is the reference's. @type {Record<string, string>} */
const FOUND = {
  "label for": "<label for=f>Third-Party Reference</label><input id=f>",
  "another case, no hyphen, a colon": "<label for=f>THIRD PARTY REFERENCE:</label><input id=f>",
  "a star for what is required": "<label for=f>Third-Party Reference <span class=required>*</span></label><input id=f type=text>",
  "the help's older wording": "<label for=f>Third party accounting ref.</label><input id=f>",
  "a label around it": "<label>Accounting Reference <input id=f></label>",
  "aria-label": "<input id=f aria-label='Third-party reference'>",
  "aria-labelledby": "<span id=l>Third-Party Reference</span><p>A help text</p><input id=f aria-labelledby=l>",
  "a table's row": "<table><tr><th>Name</th><td><input id=n value=Margaret></td></tr><tr><th>Third-Party Reference</th><td><input id=f></td></tr></table>",
  "a row of plain cells": "<table><tr><td>Third-Party Reference:</td><td><input id=f></td></tr></table>",
  "a definition list": "<dl><dt>Mobile</dt><dd><input id=m></dd><dt>Third-Party Reference</dt><dd><input id=f></dd></dl>",
  "a form group": "<div class=form-group><div class=col-4>Third-Party Reference</div><div class=col-8><input id=f></div></div>",
  "a label for nothing": "<div><label>Third-Party Reference</label><div><input id=f></div></div>",
  "two pairs in a line": "<div><div>Mobile</div><div><input id=m></div><div>Third-Party Reference</div><div><input id=f></div></div>",
  "the text before it": "<p>Third-Party Reference <input id=f></p>",
  "a heading above the group": "<form id=editcustomer><h3>Other details</h3><div><span>Third-Party Reference</span> <input id=f></div></form>",
  "a legend": "<fieldset><legend>Third-Party Reference</legend><input id=f></fieldset>",
  "only a placeholder": "<div><input id=f placeholder='Third-Party Reference'></div>",
  "an icon with a word of its font": "<label for=f>Third-Party Reference <i class=material-icons>info</i></label><input id=f>",
  "a help button in the label": "<label for=f>Third-Party Reference <button type=button>Help</button></label><input id=f>",
  "a hidden twin of an older form": "<div style='display:none'><label for=f2>Third-Party Reference</label><input id=f2></div><label for=f>Third-Party Reference</label><input id=f>",
  "a twin that takes nothing": "<label for=a>Third-Party Reference</label><input id=a readonly><label for=f>Third-Party Reference</label><input id=f>",
  "the only row of a table with a column": "<table><thead><tr><th>Name</th><th>Accounting reference</th></tr></thead><tbody><tr><td>Margaret Holloway</td><td><input id=f></td></tr></tbody></table>",
  "a dialog that edits the customer": "<div role=dialog aria-label='Edit customer: Margaret Holloway'><label for=f>Third-Party Reference</label><input id=f></div>",
  "an untitled dialog with the record's name in it": "<div role=dialog><label for=n>Name</label><input id=n value='Margaret Holloway'><label for=f>Third-Party Reference</label><input id=f></div>",
  "a form for addresses and emergencies": "<form id=addressForm name=emergencyContact><label for=f>Third-Party Reference</label><input id=f></form>",
  "a field with a class that only sounds like a search": "<label for=f>Third-Party Reference</label><input id=f class='form-control no-autocomplete searchable'>",
  "a record whose name is a trade": "<h1>Job Invoice Services</h1><label for=f>Third-Party Reference</label><input id=f>",
};

for (const [how, html] of Object.entries(FOUND)) {
  test(`found by ${how}`, () => {
    const found = find(html, { subject: { ...SEARCH.subject, names: ["Margaret Holloway", "Job Invoice Services"] } });
    assert.deepEqual([found.state, found.id], ["one", "f"], JSON.stringify(found.why));
  });
}

/** @param {string} more */
const group = (more) => `<div>${more}</div>`;
const LABEL = "<label for=f>Third-Party Reference</label>";

/** Pages on which nothing may be filled. @type {Record<string, string>} */
const DECOYS = {
  "another number of the same words": "<label for=f>Third-Party Reference Number 2</label><input id=f>",
  "a second one by its badge": "<label for=f>Third-Party Reference <span>2</span></label><input id=f>",
  "a raised number": "<label for=f>Third-Party Reference \u00b2</label><input id=f>",
  "a help text that mentions it": "<label for=f>Name</label><input id=f aria-describedby=h><p id=h>Third-Party Reference</p>",
  "a help text between": group("<span>Third-Party Reference</span><p>Mobile</p><input id=f>"),
  "the label of another field before it": "<label for=x>Third-Party Reference</label><input id=f><input id=x disabled>",
  "an aria-label that says otherwise": `${LABEL}<input id=f aria-label='Old reference'>`,
  "a label that stands beside one field and names another": `${group("<label for=f>Third-Party Reference</label><input id=g>")}${group("<span>Town</span><input id=f value=Ripon>")}`,
  "a label whose field has another's id": `${group("<input id=f>")}${group("<label for=f>Third-Party Reference</label><input id=f>")}`,
  "a text area": "<label for=f>Third-Party Reference</label><textarea id=f></textarea>",
  "a list to choose from": `${LABEL}<select id=f><option>A</option></select>`,
  "a number field": `${LABEL}<input id=f type=number>`,
  "a check box": `${LABEL}<input id=f type=checkbox>`,
  "a password": `${LABEL}<input id=f type=password>`,
  "a hidden field": `${LABEL}<input id=f type=hidden>`,
  "one that is not drawn": `${LABEL}<input id=f style='visibility:hidden'>`,
  "one that cannot be seen through": `${group(`<div style='opacity:0'>${LABEL}<input id=f></div>`)}`,
  "a tab in the background": `<div hidden>${LABEL}<input id=f></div>`,
  "one behind a dialog": `<div aria-hidden=true>${LABEL}<input id=f></div>`,
  "one that is switched off": `${LABEL}<input id=f disabled>`,
  "a group that is switched off": `<fieldset disabled>${LABEL}<input id=f></fieldset>`,
  "one to read only": `${LABEL}<input id=f readonly>`,
  "one to read only, as aria says": `${LABEL}<input id=f aria-readonly=true>`,
  "a search box": `${LABEL}<input id=f type=search>`,
  "a search form": `<form role=search>${LABEL}<input id=f></form>`,
  "a filter": `${LABEL}<input id=f name=filter_reference>`,
  "a box that searches a list": `<div class=select2-search>${LABEL}<input id=f></div>`,
  "a combo box": `${LABEL}<input id=f role=combobox>`,
  "a log-in form": `<form>${LABEL}<input id=f><input type=password></form>`,
  "a log-in field": `${LABEL}<input id=f name=logintype_username>`,
  "a job's form": `<form id=newjob>${LABEL}<input id=f></form>`,
  "an invoice's dialog": `<div role=dialog aria-label='New invoice'>${LABEL}<input id=f></div>`,
  "a dialog without a title": `<div role=dialog>${LABEL}<input id=f></div>`,
  "another customer's dialog": `<div class=modal><h4 class=modal-title>Edit customer: Oakfield Lettings</h4>${LABEL}<input id=f></div>`,
  "a section about jobs": `<section><h3>Job details</h3>${LABEL}<input id=f></section>`,
  "a supplier's form on a customer's page": `<form id=editsupplier>${LABEL}<input id=f></form>`,
  "a form of another record": `<form action='/customers/customer/2002/save'>${LABEL}<input id=f></form>`,
  "a part that is another record's": `<div data-customer-id=2002>${LABEL}<input id=f></div>`,
  "a table of other customers": "<table><thead><tr><th>Name</th><th>Accounting reference</th></tr></thead><tbody><tr><td>Oakfield Lettings</td><td><input id=f></td></tr></tbody></table>",
  "a table of several": "<table><thead><tr><th>Name</th><th>Accounting reference</th></tr></thead><tbody><tr><td>Margaret Holloway</td><td><input id=f></td></tr><tr><td>Oakfield</td><td><input id=g></td></tr></tbody></table>",
  "a label for two fields": group("<span>Third-Party Reference</span> <input id=f> <input id=g>"),
  "a row with two fields": "<table><tr><th>Third-Party Reference</th><td><input id=f></td><td><input id=g></td></tr></table>",
  "a column of labels beside a column of fields": "<div><div><p>Name</p><p>Third-Party Reference</p></div><div><input id=f><input id=g></div></div>",
  "two fields with the label": `${LABEL}<input id=f><label for=g>Accounting reference</label><input id=g>`,
  "a placeholder on a field with another name": "<label for=f>Name</label><input id=f placeholder='Third-Party Reference'>",
  "a label beside one field that names another": "<div><label for=t>Third-Party Reference</label><input id=f></div><div><input id=t></div>",
  "a label far above a field": "<p>Third-Party Reference</p><hr><h3>Elsewhere</h3><div><div><input id=f></div></div>",
  "a filter under a heading of a table": "<table><thead><tr><th>Contact</th><th>Third-Party Reference</th></tr><tr><th><input aria-label=Filter></th><th><input id=f></th></tr></thead><tbody><tr><td>A</td><td>B</td></tr></tbody></table>",
  "an untitled dialog with another's name in it": `<div role=dialog><label for=n>Surname</label><input id=n value=Adeyemi>${LABEL}<input id=f></div>`,
  "a form whose name is another's": `<form><input name='customerDetails.surname' value=Adeyemi>${LABEL}<input id=f></form>`,
  "a part with a job's class": `<div class='job-form'>${LABEL}<input id=f></div>`,
  "a part that is called after a new job": `<div id=newJob>${LABEL}<input id=f></div>`,
  "a card of a related customer": `<section><h3>Related customer</h3>${LABEL}<input id=f></section>`,
  "no such label": "<label for=f>Account number</label><input id=f>",
  "an element that only looks like a field": `${LABEL}<div id=f contenteditable=true></div>`,
};

for (const [what, html] of Object.entries(DECOYS)) {
  test(`not taken: ${what}`, () => {
    const found = find(html);
    assert.equal(found.field, null, found.id ?? "");
    assert.notEqual(found.state, "one");
  });
}

test("what is seen is said: how many fit, and why a field with the label does not", () => {
  assert.deepEqual(find(`${LABEL}<input id=f readonly>`).why, ["readonly"]);
  const two = find(`${LABEL}<input id=f><label for=g>Accounting reference</label><input id=g>`);
  assert.deepEqual([two.state, two.count], ["several", 2]);
});

test("a field in an open shadow root is found, with its label inside or outside", () => {
  const { document } = page("<div><span>Third-Party Reference</span><my-field></my-field></div>");
  const root = document.querySelector("my-field")?.attachShadow({ mode: "open" });
  if (root) root.innerHTML = "<div><input id=f></div>";
  assert.equal(tools.findField(document, SEARCH).field?.id, "f");
  if (root) root.innerHTML = "<label for=f>Mobile</label><input id=f>";
  assert.equal(tools.findField(document, SEARCH).field, null);
});

test("a field in a frame of the same origin is found", () => {
  const { document } = page("<iframe></iframe>");
  const inner = document.querySelector("iframe")?.contentDocument;
  if (inner?.body) inner.body.innerHTML = `${LABEL}<input id=f>`;
  assert.equal(tools.findField(document, SEARCH).field?.id, "f");
  document.querySelector("iframe")?.setAttribute("style", "display:none");
  assert.equal(tools.findField(document, SEARCH).field, null);
});

test("a field that an admin showed counts only where no label is found, and while it is one and called the same", () => {
  const rule = { selector: "#x", label: "Ext. ledger code" };
  const named = "<label for=x>Ext. ledger code</label><input id=x>";
  assert.equal(find(named, { rule }).id, "x");
  assert.equal(find(named, { rule }).byRule, true);
  assert.equal(find("<label for=x>Mobile</label><input id=x>", { rule }).field, null);
  assert.equal(find("<label for=x>Ext. ledger code</label><input id=x readonly>", { rule }).field, null);
  assert.equal(find(`${named}<input id=x aria-label='Ext. ledger code'>`, { rule }).state, "several");
  assert.equal(find(`${named}${LABEL}<input id=f>`, { rule }).id, "f");
  assert.equal(find(named, { rule: { ...rule, selector: "][" } }).state, "none");
  assert.equal(find(`<h3>Invoice settings</h3>${named}`, { rule }).id, "x");
  assert.equal(find(`<div role=dialog aria-label='New invoice'>${named}</div>`, { rule }).field, null);
  assert.equal(find(`${named}<label for=r>Third-Party Reference</label><input id=r readonly>`, { rule }).field, null);
});

test("a page shows a record by its name, in its text or its fields", () => {
  const names = ["Margaret Holloway", "Holloway & Sons"];
  assert.equal(tools.showsSubject(page("<h1>Mrs Margaret Holloway</h1>").document, names), true);
  assert.equal(tools.showsSubject(page("<input value=Margaret><input value=Holloway>").document, names), true);
  assert.equal(tools.showsSubject(page("<h1>Margaret Lane</h1><p>Holloway Road</p>").document, names), false);
  assert.equal(tools.showsSubject(page("<h1>Ruth Adeyemi</h1><aside>Recently seen: Margaret Holloway</aside>").document, names), false);
  assert.equal(tools.showsSubject(page("<h1>Customer details</h1><aside>Margaret Holloway</aside>").document, names), true);
});
