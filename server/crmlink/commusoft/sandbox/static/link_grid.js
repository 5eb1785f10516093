// @ts-check
// A grid that draws only the rows in view. Its cells are no fields: a cell is edited by an editor laid over it, or by
// pasting. The first column's heading sorts.

/** @typedef {{number: string, name: string, address: string, reference: string, saved: string}} Row */

const ROW_HEIGHT = 28;
const WIDTHS = [300, 480, 300];
const REFERENCE = 2;
const grid = /** @type {HTMLElement} */ (document.querySelector("#grid"));
const saveButton = /** @type {HTMLButtonElement} */ (document.querySelector("#save"));
const said = /** @type {HTMLElement} */ (document.querySelector("#said"));
const filter = /** @type {HTMLInputElement} */ (document.querySelector("#filter"));
const table = document.createElement("table");
const spacer = document.createElement("div");
const editor = document.createElement("textarea");
/** @type {Row[]} */
let rows = [];
/** @type {Row[]} */
let shown = [];
let current = { row: 0, column: REFERENCE };
let ascending = true;

async function load() {
  const answer = await fetch(grid.dataset.rows ?? "");
  /** @type {{rows: [string, string, string, string][]}} */
  const sent = await answer.json();
  rows = sent.rows.map(([number, name, address, reference]) => ({ number, name, address, reference, saved: reference }));
  shown = rows;
  grid.append(spacer, table, editor);
  editor.hidden = true;
  draw();
}

function draw() {
  const first = Math.max(0, Math.floor(grid.scrollTop / ROW_HEIGHT) - 3);
  const last = Math.min(shown.length, first + Math.ceil(grid.clientHeight / ROW_HEIGHT) + 7);
  spacer.style.height = `${(shown.length + 1) * ROW_HEIGHT}px`;
  table.style.top = `${first * ROW_HEIGHT}px`;
  table.style.width = `${WIDTHS.reduce((sum, width) => sum + width)}px`;
  table.replaceChildren(heading(), ...shown.slice(first, last).map((row, place) => line(row, first + place)));
}

function heading() {
  const line = document.createElement("tr");
  [grid.dataset.heading ?? "", "Address", "Accounting reference"].forEach((text, column) => {
    const cell = document.createElement("th");
    cell.textContent = text;
    cell.style.width = `${WIDTHS[column]}px`;
    if (column === 0) cell.addEventListener("click", sort);
    line.append(cell);
  });
  return line;
}

/** @param {Row} row
 * @param {number} place */
function line(row, place) {
  const element = document.createElement("tr");
  [row.name, row.address, row.reference].forEach((text, column) => {
    const cell = document.createElement("td");
    cell.textContent = text;
    cell.classList.toggle("current", place === current.row && column === current.column);
    cell.classList.toggle("changed", column === REFERENCE && row.reference !== row.saved);
    cell.addEventListener("mousedown", () => {
      finish(true);
      current = { row: place, column };
      draw();
    });
    cell.addEventListener("dblclick", () => edit());
    element.append(cell);
  });
  return element;
}

/** @param {string} [beginning] typed text that replaces the value */
function edit(beginning) {
  const row = shown[current.row];
  if (!row || current.column !== REFERENCE) return;
  editor.value = beginning ?? row.reference;
  editor.style.top = `${(current.row + 1) * ROW_HEIGHT}px`;
  editor.style.left = `${WIDTHS.slice(0, REFERENCE).reduce((sum, width) => sum + width)}px`;
  editor.style.width = `${WIDTHS[2]}px`;
  editor.style.height = `${ROW_HEIGHT}px`;
  editor.hidden = false;
  editor.focus();
}

/** @param {boolean} keep */
function finish(keep) {
  if (editor.hidden) return;
  const row = shown[current.row];
  if (keep && row) row.reference = editor.value;
  editor.hidden = true;
  draw();
}

/** @param {number} place */
function go(place) {
  current = { row: Math.min(Math.max(place, 0), shown.length - 1), column: current.column };
  const top = current.row * ROW_HEIGHT;
  if (top < grid.scrollTop) grid.scrollTop = top;
  if (top > grid.scrollTop + grid.clientHeight - 3 * ROW_HEIGHT) grid.scrollTop = top - grid.clientHeight + 3 * ROW_HEIGHT;
  draw();
}

function sort() {
  finish(true);
  const sign = ascending ? 1 : -1;
  shown = [...shown].sort((one, other) => sign * one.name.localeCompare(other.name));
  ascending = !ascending;
  draw();
}

/** @type {Record<string, () => void>} */
const KEYS = {
  ArrowDown: () => go(current.row + 1),
  ArrowUp: () => go(current.row - 1),
  ArrowLeft: () => {
    current.column = Math.max(current.column - 1, 0);
    draw();
  },
  ArrowRight: () => {
    current.column = Math.min(current.column + 1, REFERENCE);
    draw();
  },
  Enter: () => edit(),
  F2: () => edit(),
  Delete: () => {
    const row = shown[current.row];
    if (current.column === REFERENCE && row) row.reference = "";
    draw();
  },
};

grid.addEventListener("keydown", (event) => {
  if (!editor.hidden) {
    if (event.key !== "Enter" && event.key !== "Escape" && event.key !== "Tab") return;
    event.preventDefault();
    finish(event.key !== "Escape");
    if (event.key === "Enter") go(current.row + 1);
    grid.focus();
    return;
  }
  const move = KEYS[event.key];
  if (move) {
    event.preventDefault();
    move();
  } else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    edit(event.key);
  }
});

grid.addEventListener("paste", (event) => {
  if (!editor.hidden || current.column !== REFERENCE) return;
  event.preventDefault();
  const lines = event.clipboardData?.getData("text/plain").replace(/\r?\n$/, "").split(/\r?\n/) ?? [];
  lines.forEach((text, place) => {
    const row = shown[current.row + place];
    if (row) row.reference = text.split("\t")[0] ?? "";
  });
  draw();
});

grid.addEventListener("scroll", draw);
editor.addEventListener("blur", () => finish(true));

filter.addEventListener("input", () => {
  finish(true);
  const wanted = filter.value.toLowerCase();
  shown = rows.filter((row) => row.name.toLowerCase().includes(wanted));
  current = { row: 0, column: REFERENCE };
  grid.scrollTop = 0;
  draw();
});

saveButton.addEventListener("click", async () => {
  finish(true);
  const changed = rows.filter((row) => row.reference !== row.saved);
  said.textContent = "Saving…";
  try {
    const answer = await fetch(saveButton.dataset.save ?? "", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Form-Token": document.body.dataset.formToken ?? "" },
      body: JSON.stringify({ references: Object.fromEntries(changed.map((row) => [row.number, row.reference])) }),
    });
    const { saved, message } = await answer.json();
    said.textContent = answer.ok ? `${saved} saved` : message;
    if (answer.ok) for (const row of changed) row.saved = row.reference;
    draw();
  } catch {
    said.textContent = "They could not be saved. Try again.";
  }
});

load().catch(() => {
  said.textContent = "The rows could not be loaded. Log in again.";
});

export {};
