// @ts-check
// Pages with the table *Link Customers and Suppliers* in jsdom, and the scripts that fill it.

import { readFileSync } from "node:fs";

import { JSDOM } from "jsdom";

const FILES = ["dom", "find", "rows", "scan", "write", "fill"];
const SCRIPTS = FILES.map((name) => readFileSync(new URL(`../../extension/lib/commusoft/table/${name}.js`, import.meta.url), "utf8"));
const ROW = 20;
const SIGHT = 200;

/** @type {import("../../extension/lib/commusoft/table/types.js").TableRules} */
export const RULES = {
  words: {
    reference: ["Accounting reference", "Third-Party Reference", "Third party accounting ref"],
    id: ["ID", "Customer ID", "Supplier ID"],
    name: ["Customer name", "Supplier name", "Name", "Customer", "Supplier"],
    address: ["Address", "Town", "County", "Postcode"],
    save: ["Save Accounting References"],
  },
  links: [
    { kind: "customer", path: "^/customers/customer/([1-9][0-9]{0,17})/view/property/view$" },
    { kind: "supplier", path: "^/suppliers/list_supplier/([1-9][0-9]{0,17})/view/supplier_details$" },
  ],
};

/** @typedef {{id: string, name: string, address: string, reference: string}} Entry */

/** @param {number} count @returns {Entry[]} */
export function entries(count) {
  return Array.from({ length: count }, (_, at) => ({
    id: String(1001 + at), name: `Firm ${at} Ltd`, address: `${at} High Street, Leeds, LS1 ${at % 10}AA`, reference: "",
  }));
}

/**
 * @param {Entry} entry
 * @param {Partial<import("../../extension/lib/commusoft/table/types.js").Wanted>} [more]
 * @returns {import("../../extension/lib/commusoft/table/types.js").Wanted}
 */
export function wanted({ id, name, address }, more = {}) {
  const [lines, town, postcode] = address.split(", ");
  return {
    id: `row-${id}`, kind: "customer", number: id, names: [name], address: lines ?? "", town: town ?? "", postcode: postcode ?? "", alone: true, prior: "", target: `REF-${id}`, ...more,
  };
}

/** @param {string} html */
export function openPage(html) {
  const { window } = new JSDOM(`<!doctype html><body>${html}</body>`, {
    url: "https://app.commusoft.co.uk/accounting/link", runScripts: "outside-only", pretendToBeVisual: true,
  });
  // Animation frames are slow in jsdom, and what is drawn in one is drawn here at once.
  window.requestAnimationFrame = (/** @type {() => void} */ act) => window.setTimeout(act, 0);
  for (const script of SCRIPTS) window.eval(script);
  /** @type {import("../../extension/lib/commusoft/table/types.js").CrmlinkTable} */
  const table = window.crmlinkTable;
  return { window, document: window.document, table };
}

/** @param {Entry[]} list @param {(entry: Entry) => string} nameCell */
export function inputTable(list, nameCell = ({ name }) => name) {
  const rows = list.map((one) => `<tr><td>${nameCell(one)}</td><td>${one.address}</td><td><input value="${one.reference}"></td></tr>`);
  return `<table><thead><tr><th>Name</th><th>Address</th><th>Accounting Reference</th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

/** @param {Entry} entry */
export function linked({ id, name }) {
  return `<a href="/customers/customer/${id}/view/property/view">${name}</a>`;
}

/**
 * A grid as Handsontable draws one: only the rows in sight, in rows that are used again; a cell has a field only
 * while it is edited. What is typed goes to the row of the model that is at that place then.
 * @param {ReturnType<typeof openPage>} page
 * @param {Entry[]} list
 * @param {{ids?: boolean, anew?: boolean}} [how] anew: a grid of another make, which draws new rows each time
 */
export function drawGrid({ window, document }, list, { ids = true, anew = false } = {}) {
  const head = ids ? "<th>Customer ID</th>" : "";
  const save = anew ? "<button>Save Accounting References</button>" : "";
  document.body.innerHTML = `<h2>Customers</h2>${save}<div class="${anew ? "grid" : "handsontable"}"><div class="ht_master"><div class="wtHolder" style="overflow-y: auto">
    <table class="htCore"><thead><tr>${head}<th>Name</th><th>Address</th><th>Accounting reference</th></tr></thead><tbody></tbody></table></div></div>
    <div class="ht_clone_top"><table><thead><tr>${head}<th>Name</th><th>Address</th><th>Accounting reference</th></tr></thead></table></div>
    <textarea class="handsontableInput"></textarea></div>`;
  const holder = /** @type {any} */ (document.querySelector(".wtHolder"));
  const body = document.querySelector("tbody");
  const editor = document.querySelector("textarea");
  const grid = {
    model: list, shown: list.slice(), top: 0, first: 0, commits: 0,
    /** Between the choice of a cell and what is typed into it. */
    beforeCommit: () => {},
    /** @param {string} text */
    accepts: (text) => /** @type {string | null} */ (text),
    draw() {
      grid.first = Math.max(0, Math.floor(grid.top / ROW) - 2);
      const rows = grid.shown.slice(grid.first, grid.first + SIGHT / ROW + 4);
      if (anew) body.replaceChildren();
      while (body.rows.length < rows.length) body.append(Object.assign(document.createElement("tr")));
      while (body.rows.length > rows.length) body.lastElementChild.remove();
      rows.forEach((entry, at) => {
        const texts = [...(ids ? [entry.id] : []), entry.name, entry.address, entry.reference];
        const row = body.rows[at];
        while (row.cells.length < texts.length) row.append(document.createElement("td"));
        texts.forEach((text, place) => {
          row.cells[place].textContent = text;
          row.cells[place].className = grid.first + at === selected && place === texts.length - 1 ? "current" : "";
        });
      });
    },
    /** @param {(one: Entry, other: Entry) => number} order */
    sort(order) {
      grid.shown.sort(order);
      grid.draw();
    },
    /** @param {(one: Entry) => boolean} test */
    filter(test) {
      grid.shown = grid.model.filter(test);
      grid.draw();
    },
  };
  let selected = -1;
  let open = false;
  const full = () => grid.shown.length * ROW;
  Object.defineProperties(holder, {
    clientHeight: { get: () => SIGHT },
    scrollHeight: { get: full },
    scrollTop: {
      get: () => grid.top,
      set: (/** @type {number} */ top) => {
        grid.top = Math.max(0, Math.min(top, full() - SIGHT));
        window.setTimeout(grid.draw, 0);
      },
    },
  });
  const place = (/** @type {any} */ element) => {
    const row = element.closest?.("tr");
    const at = row?.parentElement === body ? grid.first + [...body.rows].indexOf(row) : 0;
    const top = element === editor ? (open ? selected * ROW - grid.top : -9999) : element.closest?.("tbody") ? at * ROW - grid.top : 0;
    return { left: element === editor && !open ? -9999 : 0, top, right: 90, bottom: top + ROW, width: 90, height: ROW };
  };
  window.Element.prototype.getBoundingClientRect = function () {
    return place(this);
  };
  body.addEventListener("mousedown", (/** @type {any} */ event) => {
    const cell = event.target.closest("td");
    if (cell !== cell.parentElement.lastElementChild) return;
    open = false;
    selected = grid.first + [...body.rows].indexOf(cell.parentElement);
    grid.draw();
  });
  document.addEventListener("keydown", (/** @type {any} */ event) => {
    if (event.key === "F2" && selected >= 0) {
      open = true;
      editor.value = grid.shown[selected]?.reference ?? "";
    } else if (event.key === "Escape") {
      open = false;
    } else if (event.key === "Enter" && open) {
      open = false;
      grid.beforeCommit();
      const entry = grid.shown[selected];
      const value = entry ? grid.accepts(editor.value) : null;
      if (entry && value !== null) entry.reference = value;
      grid.commits += 1;
      selected += 1;
      grid.draw();
    }
  });
  grid.draw();
  return grid;
}

/**
 * Read the table and fill what may be filled, as the panel does.
 * @param {ReturnType<typeof openPage>} page
 * @param {import("../../extension/lib/commusoft/table/types.js").Wanted[]} list
 * @param {{kind?: "customer" | "supplier", afterReading?: () => void, progress?: (done: number) => void, stopped?: () => boolean}} [how]
 */
export async function fillAll({ table }, list, how = {}) {
  const { table: place, count } = table.find(RULES);
  if (!place) throw new Error(`${count} tables fit`);
  const found = await table.withReferences(place, RULES);
  if (!found) throw new Error("its columns are not in sight together");
  const lookup = table.lookup(list, how.kind ?? found.kind, found.sure || how.kind !== undefined, RULES);
  const control = { stopped: how.stopped ?? (() => false), progress: how.progress ?? (() => undefined) };
  const reading = await table.readAll(found, RULES, lookup, { ...control, progress: () => undefined });
  if (!reading) throw new Error("the table did not stay still");
  how.afterReading?.();
  const ready = list.filter((one) => reading.placed.get(one.id)?.state === "ready");
  const values = new Map(ready.map((one) => [one.id, one.target]));
  const expected = new Map(ready.map((one) => [one.id, one.prior]));
  const outcomes = await table.fill({ found, rules: RULES, lookup, reading, values, expected, control });
  /** @param {string} id */
  const state = (id) => reading.placed.get(`row-${id}`)?.state;
  return { found, reading, outcomes, state };
}
