// @ts-check
// Tables that were written from what is known of Commusoft's, without a look at how they are filled: each value in its own
// record's cell of the right column, or nothing.
import assert from "node:assert/strict";
import { test } from "node:test";

import { entries, fillAll, linked, openPage, wanted } from "./table_page.js";

/** @typedef {import("./table_page.js").Entry} Entry */

const SAVE = "<h2>Customers</h2><button>Save Accounting References</button>";
/** @param {any} page @param {string} [selector] */
const values = ({ document }, selector = "input.ref") => [...document.querySelectorAll(selector)].map((one) => one.value);
/** @param {Entry} one @param {string} [name] */
const ref = (one, name = "ref") => `<input class=${name} value="${name === "ref" ? one.reference : ""}">`;
/** @param {string} html @param {import("../../extension/lib/commusoft/table/types.js").Wanted[]} list @param {any} [how] */
async function filled(html, list, how) {
  const page = openPage(html);
  const { table, count } = page.table.find((await import("./table_page.js")).RULES);
  if (!table) return { page, count, outcomes: new Map() };
  return { page, count, ...(await fillAll(page, list, how)) };
}
/** @param {string[]} head @param {Entry[]} list @param {(one: Entry) => string} cells */
const tableOf = (head, list, cells) => `<table><thead><tr>${head.map((one) => `<th>${one}</th>`).join("")}</tr></thead><tbody>${list.map((one) => `<tr>${cells(one)}</tr>`).join("")}</tbody></table>`;

/** Tables that a sensible person can fill without a doubt. @type {Record<string, (list: Entry[]) => string>} */
const CLEAR = {
  "an ARIA grid of divs": (list) => `<div role=grid><div role=rowgroup><div role=row><div role=columnheader>Name</div><div role=columnheader>Address</div><div role=columnheader>Accounting reference</div></div></div><div role=rowgroup>${list.map((one) => `<div role=row><div role=gridcell>${one.name}</div><div role=gridcell>${one.address}</div><div role=gridcell>${ref(one)}</div></div>`).join("")}</div></div>`,
  "columns that are drawn in another order than their headings": (list) => `<div role=grid><div role=row><div role=columnheader aria-colindex=1>Name</div><div role=columnheader aria-colindex=3>Notes</div><div role=columnheader aria-colindex=2>Accounting reference</div><div role=columnheader aria-colindex=4>Address</div></div>${list.map((one) => `<div role=row><div role=gridcell aria-colindex=1>${one.name}</div><div role=gridcell aria-colindex=2>${ref(one)}</div><div role=gridcell aria-colindex=4>${one.address}</div><div role=gridcell aria-colindex=3>${ref(one, "note")}</div></div>`).join("")}</div>`,
  "a column of boxes with an empty heading": (list) => tableOf(["", "Name", "Address", "Accounting reference"], list, (one) => `<td><input type=checkbox></td><td>${one.name}</td><td>${one.address}</td><td>${ref(one)}</td>`),
  "a hidden column": (list) => tableOf(["Name", "Address", "Accounting reference"], list, (one) => `<td>${one.name}</td><td>${one.address}</td><td>${ref(one)}</td>`).replace("<th>Name", "<th style='display:none'>Key</th><th>Name").replaceAll("<tr><td>", "<tr><td style='display:none'>9</td><td>"),
  "a hidden cell that has no heading": (list) => tableOf(["Name", "Address", "Accounting reference"], list, (one) => `<td style="display:none">x</td><td>${one.name}</td><td>${one.address}</td><td>${ref(one)}</td>`),
  "signs to sort by in the headings": (list) => tableOf(["Name ▲", "Address <i class=icon></i>", "Accounting reference <span>Sort ascending</span>"], list, (one) => `<td>${one.name}</td><td>${one.address}</td><td>${ref(one)}</td>`),
  "a heading with the package's name": (list) => tableOf(["Customer name", "Address", "Xero accounting reference *"], list, (one) => `<td>${one.name}</td><td>${one.address}</td><td>${ref(one)}</td>`),
  "names with non-breaking spaces": (list) => tableOf(["Name", "Address", "Accounting reference"], list, (one) => `<td>${one.name.replaceAll(" ", "&nbsp;")}</td><td>${one.address}</td><td>${ref(one)}</td>`),
  "a second table that takes nothing": (list) => `${tableOf(["Name", "Address", "Accounting reference"], list, (one) => `<td>${one.name}</td><td>${one.address}</td><td>X</td>`)}`.replace("<table>", "<table role=presentation>").replace("<button>Save Accounting References</button>", "") + tableOf(["Name", "Address", "Accounting reference"], list, (one) => `<td>${one.name}</td><td>${one.address}</td><td>${ref(one)}</td>`),
  "customers and suppliers in one table, with links": (list) => tableOf(["Name", "Address", "Accounting reference"], list, (one) => `<td>${linked(one)}</td><td>${one.address}</td><td>${ref(one)}</td>`),
  "an id that is the customer's": (list) => tableOf(["Customer ID", "Name", "Accounting reference"], list, (one) => `<td>${one.id}</td><td>${one.name}</td><td>${ref(one)}</td>`),
};

for (const [what, html] of Object.entries(CLEAR)) {
  test(`filled: ${what}`, async () => {
    const list = entries(4);
    const saves = what.includes("takes nothing") ? "<h2>Customers</h2>" : SAVE;
    const { page } = await filled(saves + html(list), [list[1], list[3]].map((one) => wanted(one)));
    assert.deepEqual(values(page), ["", "REF-1002", "", "REF-1004"]);
    assert.deepEqual(values(page, "input.note").filter(Boolean), []);
    page.window.close();
  });
}

/** Tables in which nothing may be filled. @type {Record<string, (list: Entry[]) => string>} */
const MISLEADING = {
  "the reference that was": (list) => tableOf(["Name", "Address", "Previous accounting reference"], list, (one) => `<td>${one.name}</td><td>${one.address}</td><td>${ref(one)}</td>`),
  "the date of a reference": (list) => tableOf(["Name", "Address", "Accounting reference date"], list, (one) => `<td>${one.name}</td><td>${one.address}</td><td>${ref(one)}</td>`),
  "a site's reference": (list) => tableOf(["Name", "Address", "Site accounting reference"], list, (one) => `<td>${one.name}</td><td>${one.address}</td><td>${ref(one)}</td>`),
  "two columns of references": (list) => tableOf(["Name", "Address", "Accounting reference", "Third-Party Reference"], list, (one) => `<td>${one.name}</td><td>${one.address}</td><td>${ref(one)}</td><td>${ref(one)}</td>`),
  "rows with one cell more than there are headings": (list) => tableOf(["Name", "Notes", "Accounting reference"], list, (one) => `<td><input type=checkbox></td><td>${linked(one)}</td><td>${ref(one)}</td><td>${ref(one)}</td>`),
  "suppliers of the same numbers, in a table that a person calls customers'": (list) => tableOf(["Name", "Address", "Accounting reference"], list, (one) => `<td><a href="/suppliers/list_supplier/${one.id}/view/supplier_details">${one.name}</a></td><td>${one.address}</td><td>${ref(one)}</td>`),
  "rows of suppliers by their type": (list) => tableOf(["Type", "Name", "Address", "Accounting reference"], list, (one) => `<td>Supplier</td><td>${one.name}</td><td>${one.address}</td><td>${ref(one)}</td>`),
  "numbers that are those of the rows": (list) => tableOf(["ID", "Customer name", "Accounting reference"], list, (one) => `<td>${one.id}</td><td>${one.name.replace("Firm", "Works")}</td><td>${ref(one)}</td>`),
  "numbers of the rows, beside names of the same trade": (list) => tableOf(["ID", "Customer name", "Accounting reference"], list, (one) => `<td>${one.id}</td><td>Other ${one.name}</td><td>${ref(one)}</td>`),
  "two tables": (list) => ["Customers", "Sites"].map((title) => `<h3>${title}</h3>${tableOf(["Name", "Address", "Accounting reference"], list, (one) => `<td>${one.name}</td><td>${one.address}</td><td>${ref(one)}</td>`)}`).join(""),
  "two fields in a cell": (list) => tableOf(["Name", "Address", "Accounting reference"], list, (one) => `<td>${one.name}</td><td>${one.address}</td><td>${ref(one)}${ref(one)}</td>`),
};

for (const [what, html] of Object.entries(MISLEADING)) {
  test(`nothing is filled: ${what}`, async () => {
    const list = entries(4);
    const { page } = await filled(SAVE + html(list), list.map((one) => wanted(one)), { kind: "customer" });
    assert.deepEqual(values(page).filter(Boolean), []);
    page.window.close();
  });
}

/** @param {Entry[]} list */
const plain = (list) => SAVE + tableOf(["Name", "Address", "Accounting reference"], list, (one) => `<td>${one.name}</td><td>${one.address}</td><td>${ref(one)}</td>`);

test("a field that takes its value on Enter alone is filled", async () => {
  const list = entries(3);
  const page = openPage(plain(list));
  const model = list.map(() => "");
  [...page.document.querySelectorAll("input.ref")].forEach((one, at) => {
    const field = /** @type {any} */ (one);
    field.addEventListener("keydown", (/** @type {any} */ event) => { if (event.key === "Enter") model[at] = field.value; });
    field.addEventListener("blur", () => { field.value = model[at]; });
  });
  const { outcomes } = await fillAll(page, [wanted(list[1])]);
  assert.deepEqual([model, values(page), [...outcomes.values()]], [["", "REF-1002", ""], ["", "REF-1002", ""], ["filled"]]);
  page.window.close();
});

test("a cell's own field that takes its value when it is left is left", async () => {
  const list = entries(3);
  const page = openPage(SAVE + tableOf(["Name", "Address", "Accounting reference"], list, (one) => `<td>${one.name}</td><td>${one.address}</td><td class=ref></td>`));
  const model = list.map(() => "");
  [...page.document.querySelectorAll("td.ref")].forEach((cell, at) => {
    cell.addEventListener("click", () => {
      if (cell.querySelector("input")) return;
      const field = page.document.createElement("input");
      field.value = model[at] ?? "";
      field.addEventListener("blur", () => {
        model[at] = field.value;
        cell.textContent = field.value;
      });
      cell.replaceChildren(field);
      field.focus();
    });
  });
  await fillAll(page, [wanted(list[0]), wanted(list[2])]);
  assert.deepEqual(model, ["REF-1001", "", "REF-1003"]);
  page.window.close();
});

test("what a page checks later and takes back is not called filled", async () => {
  const list = entries(3);
  const page = openPage(plain(list));
  const fields = [...page.document.querySelectorAll("input.ref")];
  /** @type {any} */ (fields[1]).addEventListener("change", () => page.window.setTimeout(() => { /** @type {any} */ (fields[1]).value = ""; }, 400));
  const { outcomes } = await fillAll(page, list.map((one) => wanted(one)));
  assert.deepEqual([values(page), outcomes.get("row-1002")], [["REF-1001", "", "REF-1003"], "not_taken"]);
  page.window.close();
});

test("a page that sorts its rows a moment after each value, in the same elements, puts nothing in a wrong row", async () => {
  const list = entries(6);
  const page = openPage(plain(list));
  const rows = [...page.document.querySelectorAll("tbody tr")];
  let model = list.map((one) => ({ ...one }));
  const draw = () => rows.forEach((row, at) => {
    const cells = /** @type {any} */ (row).cells;
    const entry = model[at];
    cells[0].textContent = entry?.name;
    cells[1].textContent = entry?.address;
    cells[2].firstElementChild.value = entry?.reference ?? "";
  });
  rows.forEach((row, at) => row.addEventListener("change", (/** @type {any} */ event) => {
    const entry = model[at];
    if (entry) entry.reference = event.target.value;
    page.window.setTimeout(() => { model = model.slice(1).concat(model.slice(0, 1)); draw(); }, 5);
  }));
  await fillAll(page, list.map((one) => wanted(one)));
  await new Promise((done) => setTimeout(done, 20));
  for (const one of model) assert.ok(one.reference === "" || one.reference === `REF-${one.id}`, `${one.id} has ${one.reference}`);
  page.window.close();
});
