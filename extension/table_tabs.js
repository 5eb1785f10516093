// @ts-check
// Our scripts in Commusoft's pages with tables. A part of the background.

const TOOLS = ["dom", "find", "rows", "scan", "write", "fill"].map((name) => `lib/commusoft/table/${name}.js`);
const PANEL = ["on_top", "table/frame", "table/report", "table/panel"].map((name) => `content/${name}.js`);
const COMPARE = [
  ...["dom_text", "control_name", "context", "find_field", "fill_field", "detail_fields"].map((name) => `lib/commusoft/${name}.js`),
  "content/on_top.js", "content/table/frame.js", "content/table/sage.js",
];
/** A page that hangs must not hang the popup. */
const LIMIT = 15_000;

/** @type {import("./lib/linking/link_table.js").TableTabs} */
export const tableTabs = {
  async readTables(tabId, rules) {
    const target = { tabId };
    const reading = chrome.scripting.executeScript({ target, files: TOOLS })
      .then(() => chrome.scripting.executeScript({ target, func: shownTables, args: [rules] }));
    try {
      const results = await Promise.race([reading, new Promise((resolve) => setTimeout(resolve, LIMIT))]);
      return cleanTables(/** @type {any} */ (results)?.[0]?.result);
    } catch {
      return null;
    }
  },

  open: (tabId) => run(tabId, [...TOOLS, ...PANEL]),
  compare: (tabId) => run(tabId, COMPARE),
  addresses: async () => (await chrome.tabs.query({})).flatMap(({ url }) => url ?? []),
};

/** @param {number} tabId @param {string[]} files @returns {Promise<boolean>} */
async function run(tabId, files) {
  try {
    await chrome.scripting.executeScript({ target: { tabId }, files });
    return true;
  } catch {
    return false;
  }
}

/**
 * What tables a page has. It runs in the page, after our tools for it.
 * @param {import("./lib/commusoft/table/types.js").TableRules} rules
 */
function shownTables(rules) {
  const MAX_ROWS = 20_000;
  const MAX_TEXT_LENGTH = 500;
  const table = /** @type {{crmlinkTable: import("./lib/commusoft/table/types.js").CrmlinkTable}} */ (/** @type {unknown} */ (globalThis)).crmlinkTable;
  const { table: found, count } = table.find(rules);
  const tables = count > 0 ? [] : table.roots()
    .flatMap((root) => [...root.querySelectorAll("table, [role=grid], [role=table]")])
    .filter((one) => !one.matches("[class*='ht_clone'] *") && table.seen(one))
    .map((one) => ({ one, elements: table.rowElements(one) }))
    // What is read in part must not count as the whole list.
    .filter(({ elements }) => elements.length <= MAX_ROWS)
    .map(({ one, elements }) => ({
      headings: (table.headings(one)[0] ?? []).map((cell) => table.text(cell).slice(0, MAX_TEXT_LENGTH)),
      rows: elements.map((row) => ({
        cells: table.cells(row).map((cell) => table.text(cell).slice(0, MAX_TEXT_LENGTH)),
        hrefs: [...row.querySelectorAll("a[href]")].map((link) => /** @type {HTMLAnchorElement} */ (link).href),
      })),
    }));
  return { count, kind: found?.kind ?? null, tables };
}

/**
 * @param {any} reported by a page that is not ours
 * @returns {import("./lib/linking/link_table.js").ShownTables | null}
 */
function cleanTables(reported) {
  if (typeof reported?.count !== "number" || !Array.isArray(reported.tables)) return null;
  const kind = reported.kind === "customer" || reported.kind === "supplier" ? reported.kind : null;
  /** @param {unknown} values */
  const texts = (values) => (Array.isArray(values) ? values.filter((one) => typeof one === "string") : []);
  /** @param {any} row */
  const row = (row) => ({ cells: texts(row?.cells), hrefs: texts(row?.hrefs) });
  /** @param {any} one */
  const table = (one) => ({ headings: texts(one?.headings), rows: Array.isArray(one?.rows) ? one.rows.map(row) : [] });
  return { count: reported.count, kind, tables: reported.tables.map(table) };
}
