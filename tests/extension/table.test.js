// @ts-check
// The reviewed list put into the table: every value in its own row, whatever the table is made of and whatever a
// person does to it meanwhile.
import assert from "node:assert/strict";
import { test } from "node:test";

import { entries, fillAll, inputTable, linked, openPage, RULES, wanted } from "./table_page.js";

/** @param {any} page */
const inputs = ({ document }) => [...document.querySelectorAll("td input")].map((one) => one.value);

test("each field gets its own record's reference, found by the link in its row", async () => {
  const list = entries(3);
  const page = openPage(inputTable(list, linked));
  const { outcomes } = await fillAll(page, [list[2], list[0]].map((one) => wanted(one)));
  assert.deepEqual(inputs(page), ["REF-1001", "", "REF-1003"]);
  assert.deepEqual([...outcomes.values()], ["filled", "filled"]);
  page.window.close();
});

test("without numbers a row is found by name and address, commas and white space aside", async () => {
  const list = entries(3);
  const shown = list.map((one) => ({ ...one, address: one.address.replaceAll(", ", "<br>") }));
  const page = openPage(`<h2>Customers</h2>${inputTable(shown)}`);
  await fillAll(page, [wanted(list[1])]);
  assert.deepEqual(inputs(page), ["", "REF-1002", ""]);
  page.window.close();
});

for (const [what, change] of /** @type {[string, object][]} */ ([
  ["another letter case in its name", { name: "firm 1 ltd" }],
  ["another address", { address: "1 High Street, Leeds, LS1 9ZZ" }],
  ["no address", { address: "" }],
])) {
  test(`a row with ${what} is not the record's`, async () => {
    const list = entries(3);
    const page = openPage(`<h2>Customers</h2>${inputTable(list)}`);
    const { state } = await fillAll(page, [wanted({ ...list[1], ...change })]);
    assert.equal(state("1002"), "not_found");
    assert.deepEqual(inputs(page), ["", "", ""]);
    page.window.close();
  });
}

test("two rows that read the same are both left alone", async () => {
  const list = entries(3);
  const twin = { ...list[1], id: "1999" };
  const page = openPage(`<h2>Customers</h2>${inputTable([...list, twin])}`);
  const { state } = await fillAll(page, [wanted(list[1])]);
  assert.equal(state("1002"), "ambiguous");
  assert.deepEqual(inputs(page), ["", "", "", ""]);
  page.window.close();
});

test("a name and address that another record has too, shown or not, decide nothing", async () => {
  const list = entries(2);
  const page = openPage(`<h2>Customers</h2>${inputTable(list)}`);
  const { state } = await fillAll(page, [wanted(list[0], { alone: false })]);
  assert.equal(state("1001"), "ambiguous");
  assert.deepEqual(inputs(page), ["", ""]);
  page.window.close();
});

test("a number in two rows decides nothing", async () => {
  const list = entries(2);
  const page = openPage(inputTable([...list, list[0]], linked));
  const { state } = await fillAll(page, list.map((one) => wanted(one)));
  assert.deepEqual([state("1001"), state("1002")], ["ambiguous", "ready"]);
  assert.deepEqual(inputs(page), ["", "REF-1002", ""]);
  page.window.close();
});

test("a column of numbers that are not the records' fills nothing", async () => {
  const list = entries(2);
  const rows = `<tr><td>1002</td><td>Firm 0 Ltd</td><td><input></td></tr><tr><td>7</td><td>Quite Another</td><td><input></td></tr>`;
  const page = openPage(`<h2>Customers</h2><table><tr><th>ID</th><th>Name</th><th>Accounting reference</th></tr>${rows}</table>`);
  const { state } = await fillAll(page, [wanted(list[1]), wanted({ id: "7", name: "Seventh Heaven", address: "", reference: "" })]);
  assert.deepEqual([state("1002"), state("7")], ["ambiguous", "ambiguous"]);
  assert.deepEqual(inputs(page), ["", ""]);
  page.window.close();
});

test("a supplier's number fills no row of the customers", async () => {
  const [one] = entries(1);
  const page = openPage(inputTable([one], linked));
  const { reading, outcomes } = await fillAll(page, [wanted(one, { kind: "supplier" })]);
  assert.equal(reading.placed.size + outcomes.size, 0);
  assert.deepEqual(inputs(page), [""]);
  page.window.close();
});

test("a table that does not say whose records it shows is of no kind until a person tells", async () => {
  const list = entries(1);
  const page = openPage(`<h1>Link Customers and Suppliers</h1><nav><a class="active">Suppliers</a></nav>${inputTable(list)}`);
  assert.equal(page.table.find(RULES).table?.kind, null);
  const nothing = await fillAll(page, [wanted(list[0])]);
  assert.equal(nothing.outcomes.size, 0);
  await fillAll(page, [wanted(list[0])], { kind: "customer" });
  assert.deepEqual(inputs(page), ["REF-1001"]);
  page.window.close();
});

test("what is there already is told apart: right, and different", async () => {
  const list = entries(3);
  list[0].reference = "REF-1001";
  list[1].reference = "OTHER";
  const page = openPage(inputTable(list, linked));
  const { state } = await fillAll(page, list.map((one) => wanted(one)));
  assert.deepEqual(["1001", "1002", "1003"].map(state), ["right", "different", "ready"]);
  assert.deepEqual(inputs(page), ["REF-1001", "OTHER", "REF-1003"]);
  page.window.close();
});

test("a value that a person types after the reading stays", async () => {
  const list = entries(2);
  const page = openPage(inputTable(list, linked));
  const { outcomes } = await fillAll(page, list.map((one) => wanted(one)), {
    afterReading: () => (page.document.querySelector("input").value = "typed"),
  });
  assert.deepEqual(inputs(page), ["typed", "REF-1002"]);
  assert.equal(outcomes.get("row-1001"), "different");
  page.window.close();
});

for (const [what, html] of /** @type {[string, string][]} */ ([
  ["a list that only shows the references", "<table><tr><th>Name</th><th>Accounting reference</th></tr><tr><td>Firm</td><td>X</td></tr></table>"],
  ["two columns of references", "<table><tr><th>Name</th><th>Accounting reference</th><th>Third-Party Reference</th></tr><tr><td>Firm</td><td><input></td><td><input></td></tr></table>"],
  ["a table of something else", "<table><tr><th>Name</th><th>Reference</th></tr><tr><td>Firm</td><td><input></td></tr></table>"],
  ["references that cannot be typed", "<table><tr><th>Name</th><th>Accounting reference</th></tr><tr><td>Firm</td><td><input readonly></td></tr></table>"],
  ["fields without names or numbers", "<table><tr><th>Colour</th><th>Accounting reference</th></tr><tr><td>Red</td><td><input></td></tr></table>"],
])) {
  test(`${what} is not the table`, () => {
    const page = openPage(html);
    assert.equal(page.table.find(RULES).table, null);
    page.window.close();
  });
}

test("of two tables that fit neither is taken", () => {
  const page = openPage(inputTable(entries(1), linked).repeat(2));
  const { table, count } = page.table.find(RULES);
  assert.deepEqual([table, count], [null, 2]);
  page.window.close();
});

test("a page that keeps its rows in the order of their references moves none to another", async () => {
  const list = entries(6);
  const page = openPage(inputTable(list, linked));
  const body = page.document.querySelector("tbody");
  body.addEventListener("change", () => {
    const rows = [...body.rows].sort((one, other) => (one.querySelector("input").value < other.querySelector("input").value ? -1 : 1));
    body.append(...rows);
  });
  await fillAll(page, list.slice(0, 4).map((one) => wanted(one)));
  const filled = [...body.rows].map((row) => [row.querySelector("a").getAttribute("href").split("/")[3], row.querySelector("input").value]);
  assert.deepEqual(Object.fromEntries(filled), { 1001: "REF-1001", 1002: "REF-1002", 1003: "REF-1003", 1004: "REF-1004", 1005: "", 1006: "" });
  page.window.close();
});

test("a page that draws its rows anew when a field is entered gets nothing into a wrong row", async () => {
  const list = entries(4);
  const page = openPage(inputTable(list, linked));
  const body = page.document.querySelector("tbody");
  let turned = 0;
  body.addEventListener("focusin", () => {
    if (turned++ > 1) return;
    const links = [...body.querySelectorAll("a")].reverse().map((one) => one.outerHTML);
    [...body.rows].forEach((row, at) => (row.cells[0].innerHTML = links[at]));
  });
  await fillAll(page, list.map((one) => wanted(one)));
  const wrong = [...body.rows].filter((row) => {
    const { value } = row.querySelector("input");
    return value !== "" && value !== `REF-${row.querySelector("a").getAttribute("href").split("/")[3]}`;
  });
  assert.equal(wrong.length, 0);
  page.window.close();
});

/**
 * A table of fields whose page draws all of it anew, once for whatever changed in one turn.
 * @param {ReturnType<typeof openPage>} page
 * @param {(values: string[], typedInto: number[]) => void} onDraw may change what the fields hold
 */
function drawnLater({ document, window }, onDraw) {
  const body = /** @type {HTMLTableSectionElement} */ (document.querySelector("tbody"));
  const drawn = { times: 0 };
  /** @type {number[]} */
  let typedInto = [];
  body.addEventListener("input", (/** @type {any} */ event) => {
    typedInto.push(event.target.closest("tr").sectionRowIndex);
    if (typedInto.length > 1) return;
    window.queueMicrotask(() => {
      const fields = [...body.querySelectorAll("input")];
      const values = fields.map((one) => one.value);
      drawn.times += 1;
      onDraw(values, typedInto);
      typedInto = [];
      fields.forEach((one, at) => (one.value = values[at] ?? ""));
    });
  });
  return drawn;
}

test("fields are filled several at a time, so that the page draws its rows that much less often", async () => {
  const list = entries(31);
  const page = openPage(inputTable(list, linked));
  const drawn = drawnLater(page, () => undefined);
  const { outcomes } = await fillAll(page, list.map((one) => wanted(one)));
  assert.deepEqual(inputs(page), list.map((one) => `REF-${one.id}`));
  assert.equal([...outcomes.values()].filter((one) => one === "filled").length, 31);
  assert.ok(drawn.times <= 5, `drawn ${drawn.times} times`);
  page.window.close();
});

test("of several fields filled at a time one that went to the next row is put back there, and filled alone", async () => {
  const list = entries(15);
  const page = openPage(inputTable(list, linked));
  let astray = 0;
  drawnLater(page, (values, typedInto) => {
    if (astray > 0 || !typedInto.includes(10)) return;
    astray = typedInto.length;
    [values[10], values[12]] = ["", values[10] ?? ""];
  });
  const { outcomes } = await fillAll(page, list.filter((_, at) => at !== 12).map((one) => wanted(one)));
  assert.ok(astray > 1, "it was filled alone from the first");
  assert.deepEqual(inputs(page), list.map((one, at) => (at === 12 ? "" : `REF-${one.id}`)));
  assert.equal(outcomes.get("row-1011"), "filled");
  page.window.close();
});

test("of several fields filled at a time one whose value the page changes has its own back", async () => {
  const list = entries(15);
  const page = openPage(inputTable(list, linked));
  drawnLater(page, (values) => {
    if (values[10] === "REF-1011") values[10] = "ref-1011";
  });
  const { outcomes } = await fillAll(page, list.map((one) => wanted(one)));
  assert.deepEqual(inputs(page), list.map((one, at) => (at === 10 ? "" : `REF-${one.id}`)));
  assert.equal(outcomes.get("row-1011"), "not_taken");
  page.window.close();
});

test("a page that takes one change at a time gets every value all the same", async () => {
  const list = entries(15);
  const page = openPage(inputTable(list, linked));
  /** @type {string[]} */
  let kept = list.map(() => "");
  drawnLater(page, (values, typedInto) => {
    const last = typedInto.at(-1) ?? 0;
    kept = kept.map((one, at) => (at === last ? (values[at] ?? "") : one));
    kept.forEach((one, at) => (values[at] = one));
  });
  const { outcomes } = await fillAll(page, list.map((one) => wanted(one)));
  assert.deepEqual(inputs(page), list.map((one) => `REF-${one.id}`));
  assert.equal([...outcomes.values()].filter((one) => one === "filled").length, 15);
  page.window.close();
});

test("rows that are to hold the same value are filled one by one", async () => {
  const list = entries(8);
  const page = openPage(inputTable(list, linked));
  await fillAll(page, list.map((one) => wanted(one, { target: "SAME" })));
  assert.deepEqual(inputs(page), list.map(() => "SAME"));
  page.window.close();
});

test("an address in several columns, with a county that crmlink does not keep, is the record's", async () => {
  const cells = ["Firm Ltd", "1 Mill Lane", "Otley", "West Yorkshire", "LS21 1AA", "<input>"].map((one) => `<td>${one}</td>`).join("");
  const page = openPage(`<table><tr><th>Customer name</th><th>Address</th><th>Town</th><th>County</th><th>Postcode</th><th>Accounting reference</th></tr><tr>${cells}</tr></table>`);
  await fillAll(page, [wanted({ id: "5", name: "Firm Ltd", address: "1 Mill Lane, Otley, LS21 1AA", reference: "" })]);
  assert.deepEqual(inputs(page), ["REF-5"]);
  page.window.close();
});

test("Stop ends it before the next row", async () => {
  const list = entries(10);
  const page = openPage(inputTable(list, linked));
  let done = 0;
  const { outcomes } = await fillAll(page, list.map((one) => wanted(one)), { progress: (now) => (done = now), stopped: () => done >= 3 });
  assert.equal(outcomes.size, 3);
  assert.equal(inputs(page).filter(Boolean).length, 3);
  page.window.close();
});

test("a value that the browser may have kept through a refresh is not what the page came with", async () => {
  const list = entries(2);
  list[1].reference = "REF-1002";
  const page = openPage(inputTable(list, linked));
  const [first] = page.document.querySelectorAll("td input");
  first.value = "REF-1001";
  const { reading } = await fillAll(page, list.map((one) => wanted(one)));
  assert.deepEqual([...reading.placed.values()].map((one) => [one.state, one.loaded]), [["right", false], ["right", true]]);
  page.window.close();
});
