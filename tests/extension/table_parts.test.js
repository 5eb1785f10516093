// @ts-check
// Grids that draw a row in parts, beside fixed columns, and scroll in themselves, as AG Grid does; and columns that are
// moved or taken out of sight meanwhile.
import assert from "node:assert/strict";
import { test } from "node:test";

import { entries, fillAll, inputTable, openPage, RULES, wanted } from "./table_page.js";

/** @typedef {import("./table_page.js").Entry} Entry */
/** @typedef {{title: string, of: (entry: Entry) => string, edits?: boolean}} Column */

const ROW = 20;
const SIGHT = 200;
/** @type {Record<string, Column>} */
const COLUMNS = {
  id: { title: "Customer ID", of: (entry) => entry.id },
  name: { title: "Name", of: (entry) => entry.name },
  address: { title: "Address", of: (entry) => entry.address },
  notes: { title: "Notes", of: () => "", edits: true },
  reference: { title: "Accounting reference", of: (entry) => entry.reference, edits: true },
};

/** @param {Entry[]} list */
const references = (list) => Object.fromEntries(list.filter((one) => one.reference !== "").map((one) => [one.id, one.reference]));

/**
 * A grid as AG Grid draws one: rows are added at the end whichever they are, a cell that is chosen has the keyboard and
 * no sign, and its field is in it while it is edited.
 * @param {ReturnType<typeof openPage>} page
 * @param {Entry[]} list
 * @param {{fixed: string[], moving: string[], rowIndex?: boolean}} how
 */
function drawParts({ window, document }, list, { fixed, moving, rowIndex = true }) {
  document.body.innerHTML = `<h2>Customers</h2><div role=grid><div class=heads></div><div class=view style="overflow-y: auto"><div class=fixed></div><div class=moving></div></div></div>`;
  const view = /** @type {any} */ (document.querySelector(".view"));
  const grid = { panes: { fixed, moving }, top: 0, notes: /** @type {Record<string, string>} */ ({}), anew };
  /** @type {Map<string, any>} */
  const drawn = new Map();
  const all = () => [...grid.panes.fixed, ...grid.panes.moving];

  /** @param {Entry} entry @param {number} at @param {"fixed" | "moving"} pane */
  function rowOf(entry, at, pane) {
    const row = document.createElement("div");
    row.setAttribute("role", "row");
    row.dataset.at = String(at);
    if (rowIndex) row.setAttribute("aria-rowindex", String(at + 2));
    row.append(...grid.panes[pane].map((key) => {
      const cell = document.createElement("div");
      const place = String(all().indexOf(key) + 1);
      for (const [name, value] of Object.entries({ role: "gridcell", tabindex: "-1", "aria-colindex": place })) cell.setAttribute(name, value);
      cell.textContent = key === "notes" ? (grid.notes[entry.id] ?? "") : (COLUMNS[key]?.of(entry) ?? "");
      if (COLUMNS[key]?.edits) cell.addEventListener("keydown", (/** @type {any} */ event) => edit(event, cell, entry, key));
      return cell;
    }));
    return row;
  }

  /** @param {any} event @param {any} cell @param {Entry} entry @param {string} key */
  function edit(event, cell, entry, key) {
    const field = cell.querySelector("input");
    if (event.key === "Enter" && field) {
      if (key === "notes") grid.notes[entry.id] = field.value;
      else entry.reference = field.value;
      cell.textContent = field.value;
    } else if (event.key === "F2" && !field && event.target === document.activeElement) {
      cell.innerHTML = "<input>";
      cell.firstChild.value = key === "notes" ? (grid.notes[entry.id] ?? "") : entry.reference;
      cell.firstChild.focus();
    }
  }

  function draw() {
    const first = Math.max(0, Math.floor(grid.top / ROW) - 2);
    const wantedRows = list.slice(first, first + SIGHT / ROW + 4);
    for (const [key, row] of drawn) {
      if (!wantedRows.some((one) => key.startsWith(`${one.id} `))) {
        row.remove();
        drawn.delete(key);
      }
    }
    for (const pane of /** @type {("fixed" | "moving")[]} */ (["moving", "fixed"])) {
      for (const [at, entry] of wantedRows.entries()) {
        const key = `${entry.id} ${pane}`;
        if (drawn.has(key) || grid.panes[pane].length === 0) continue;
        const row = rowOf(entry, first + at, pane);
        drawn.set(key, row);
        document.querySelector(`.${pane}`).append(row);
      }
    }
    document.querySelector(".heads").innerHTML = /** @type {("fixed" | "moving")[]} */ (["fixed", "moving"]).map((pane) => `<div role=row ${rowIndex ? "aria-rowindex=1" : ""} data-at=-1>${
      grid.panes[pane].map((key) => `<div role=columnheader aria-colindex=${all().indexOf(key) + 1}>${COLUMNS[key]?.title}</div>`).join("")}</div>`).join("");
  }

  function anew() {
    for (const row of drawn.values()) row.remove();
    drawn.clear();
    draw();
  }
  Object.defineProperties(view, {
    scrollWidth: { get: () => 500 },
    clientHeight: { get: () => SIGHT },
    scrollHeight: { get: () => list.length * ROW },
    scrollTop: {
      get: () => grid.top,
      set: (/** @type {number} */ top) => {
        grid.top = Math.max(0, Math.min(top, list.length * ROW - SIGHT));
        window.setTimeout(draw, 0);
      },
    },
  });
  window.Element.prototype.getBoundingClientRect = function () {
    const row = /** @type {any} */ (this).closest("[role=row]");
    const top = row ? (Number(row.dataset.at) + 1) * ROW - grid.top : 0;
    return /** @type {any} */ ({ left: 0, top, right: 90, bottom: top + ROW, width: 90, height: ROW });
  };
  draw();
  return grid;
}

for (const [what, how] of /** @type {[string, Parameters<typeof drawParts>[2]][]} */ ([
  ["one part", { fixed: [], moving: ["id", "name", "address", "reference"] }],
  ["the names in a fixed part", { fixed: ["id", "name"], moving: ["address", "reference"] }],
  ["the references in the fixed part", { fixed: ["reference"], moving: ["id", "name", "address"] }],
  ["the names in a fixed part, by where they are drawn alone", { fixed: ["id", "name"], moving: ["address", "reference"], rowIndex: false }],
])) {
  test(`a grid that scrolls in itself is read and filled to its end: ${what}`, async () => {
    const list = entries(60);
    const page = openPage("");
    drawParts(page, list, how);
    const { reading, outcomes } = await fillAll(page, [0, 7, 39, 59].map((at) => wanted(/** @type {Entry} */ (list[at]))));
    assert.deepEqual([reading.count, reading.virtual], [60, true]);
    assert.deepEqual(references(list), { 1001: "REF-1001", 1008: "REF-1008", 1040: "REF-1040", 1060: "REF-1060" });
    assert.deepEqual([...outcomes.values()], ["filled", "filled", "filled", "filled"]);
    page.window.close();
  });
}

test("a fixed part is not taken for rows of its own, whatever its cells would be under the other's headings", async () => {
  const list = entries(8);
  const page = openPage("");
  COLUMNS.counted = { title: "#", of: (entry) => String(Number(entry.id) - 998) };
  COLUMNS.remark = { title: "Remark", of: () => "" };
  // Under the headings of the other part a row's own count would be a customer's number.
  for (const one of list) one.id = String(Number(one.id) - 1000);
  drawParts(page, list, { fixed: ["counted", "remark"], moving: ["id", "reference"] });
  const { reading, state } = await fillAll(page, [wanted(/** @type {Entry} */ (list[4]))]);
  assert.equal(reading.count, 8);
  assert.equal(state("5"), "ready");
  assert.deepEqual(references(list), { 5: "REF-5" });
  page.window.close();
});

test("columns that a person moves while a grid is filled put nothing into another one", async () => {
  const list = entries(30);
  const page = openPage("");
  const grid = drawParts(page, list, { fixed: ["id", "name"], moving: ["notes", "reference"] });
  let moved = false;
  await fillAll(page, [2, 3, 20].map((at) => wanted(/** @type {Entry} */ (list[at]))), { progress: () => {
    if (moved) return;
    moved = true;
    grid.panes.moving = ["reference", "notes"];
    grid.anew();
  } });
  assert.deepEqual(grid.notes, {});
  assert.deepEqual(references(list), { 1003: "REF-1003" });
  page.window.close();
});

test("columns that a person moves while fields are filled put nothing into another one", async () => {
  const list = entries(12);
  const page = openPage(`<h2>Customers</h2>${inputTable(list)}`);
  for (const row of page.document.querySelectorAll("tr")) {
    const other = page.document.createElement(row.closest("thead") ? "th" : "td");
    other.innerHTML = row.closest("thead") ? "Notes" : "<input class=notes>";
    row.lastElementChild.before(other);
  }
  let moved = false;
  const { outcomes } = await fillAll(page, list.map((one) => wanted(one)), { progress: () => {
    if (!moved) for (const row of page.document.querySelectorAll("tr")) row.lastElementChild.after(row.children[2]);
    moved = true;
  } });
  assert.deepEqual([...page.document.querySelectorAll(".notes")].map((one) => /** @type {any} */ (one).value).filter(Boolean), []);
  assert.equal([...outcomes.values()].filter((one) => one === "filled").length, 1);
  page.window.close();
});

test("a grid whose names are out of sight once its references are in sight is not filled", async () => {
  const list = entries(6);
  const page = openPage("");
  const grid = drawParts(page, list, { fixed: [], moving: ["id", "name", "reference"] });
  const { table: found } = page.table.find(RULES);
  assert.ok(found);
  page.window.Element.prototype.scrollIntoView = () => {
    grid.panes.moving = ["name", "reference"];
    grid.anew();
  };
  assert.equal(await page.table.withReferences(found, RULES), null);
  page.window.close();
});
