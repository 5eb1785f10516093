// @ts-check
// The reviewed list put into a grid, which holds only the rows in sight and may sort or filter them meanwhile.
import assert from "node:assert/strict";
import { test } from "node:test";

import { drawGrid, entries, fillAll, openPage, wanted } from "./table_page.js";

/** @param {import("./table_page.js").Entry[]} list */
const references = (list) => Object.fromEntries(list.filter((one) => one.reference !== "").map((one) => [one.id, one.reference]));

test("a grid that holds only the rows in sight is read and filled to its end", async () => {
  const list = entries(120);
  const page = openPage("");
  drawGrid(page, list);
  const chosen = [list[0], list[7], list[60], list[119]];
  const { reading, outcomes } = await fillAll(page, chosen.map((one) => wanted(one)));
  assert.deepEqual([reading.count, reading.virtual], [120, true]);
  assert.deepEqual(references(list), { 1001: "REF-1001", 1008: "REF-1008", 1061: "REF-1061", 1120: "REF-1120" });
  assert.deepEqual([...outcomes.values()], ["filled", "filled", "filled", "filled"]);
  page.window.close();
});

test("a grid of another make, which draws new rows when one is chosen, is filled as well", async () => {
  const list = entries(60);
  const page = openPage("");
  drawGrid(page, list, { ids: false, anew: true });
  await fillAll(page, [list[3], list[40]].map((one) => wanted(one)));
  assert.deepEqual(references(list), { 1004: "REF-1004", 1041: "REF-1041" });
  page.window.close();
});

test("two rows of a grid that read the same and are never in sight together are ambiguous", async () => {
  const list = entries(120);
  list[110] = { ...list[3], id: "5555" };
  const page = openPage("");
  drawGrid(page, list, { ids: false });
  const { state } = await fillAll(page, [wanted(list[3]), wanted(list[4])]);
  assert.deepEqual([state("1004"), state("1005")], ["ambiguous", "ready"]);
  assert.deepEqual(references(list), { 1005: "REF-1005" });
  page.window.close();
});

test("a person who sorts the grid after each row puts nothing in a wrong row", async () => {
  const list = entries(60);
  const page = openPage("");
  const grid = drawGrid(page, list);
  let turn = 1;
  const chosen = [3, 20, 41, 59].map((at) => wanted(list[at]));
  await fillAll(page, chosen, { progress: () => {
    turn = -turn;
    grid.sort((one, other) => turn * (Number(one.id) - Number(other.id)));
  } });
  assert.deepEqual(references(list), { 1004: "REF-1004", 1021: "REF-1021", 1042: "REF-1042", 1060: "REF-1060" });
  page.window.close();
});

for (const [title, count, other] of /** @type {[string, number, number][]} */ ([
  ["a grid that sorts itself between the choice of a cell and what is typed has it put back", 60, 59],
  ["what went into another row in sight is put back there", 14, 8],
])) test(title, async () => {
  const list = entries(count);
  list[other].reference = "KEEP";
  const page = openPage("");
  const grid = drawGrid(page, list);
  let sorted = false;
  grid.beforeCommit = () => {
    if (!sorted) grid.shown.reverse();
    sorted = true;
  };
  const { outcomes } = await fillAll(page, [wanted(list[5])]);
  assert.deepEqual(references(list), { 1006: "REF-1006", [list[other].id]: "KEEP" });
  assert.equal(outcomes.get("row-1006"), "filled");
  page.window.close();
});

test("a row that a filter took away is left, and no other is taken for it", async () => {
  const list = entries(60);
  const page = openPage("");
  const grid = drawGrid(page, list);
  const { outcomes } = await fillAll(page, [wanted(list[5]), wanted(list[50])], { afterReading: () => grid.filter((one) => one.id !== "1006") });
  assert.deepEqual(references(list), { 1051: "REF-1051" });
  assert.equal(outcomes.get("row-1006"), "gone");
  page.window.close();
});

test("a grid that changes what is typed has its own value back", async () => {
  const list = entries(30);
  const page = openPage("");
  const grid = drawGrid(page, list);
  grid.accepts = (text) => text.slice(0, 4);
  const { outcomes } = await fillAll(page, [wanted(list[2])]);
  assert.deepEqual(references(list), {});
  assert.equal(outcomes.get("row-1003"), "not_taken");
  page.window.close();
});

test("a table that takes nothing is given up after three rows", async () => {
  const list = entries(30);
  const page = openPage("");
  const grid = drawGrid(page, list);
  grid.accepts = () => null;
  const { outcomes } = await fillAll(page, list.map((one) => wanted(one)));
  assert.deepEqual([...outcomes.values()], ["not_taken", "not_taken", "not_taken"]);
  page.window.close();
});
