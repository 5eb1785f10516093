// @ts-check
// The panel beside the table: what it tells the server, what it fills, and that only a person works it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { runPanelScripts } from "./panel_scripts.js";
import { entries, inputTable, linked, openPage, RULES, wanted } from "./table_page.js";

const SCRIPTS = ["on_top", "table/frame", "table/report", "table/panel"];

/**
 * @param {import("./table_page.js").Entry[]} list
 * @param {{filled_here?: boolean, refuses?: string[], person?: boolean}} [how] person: what is pressed is pressed by one
 */
async function openPanel(list, { filled_here = false, refuses = [], person = true } = {}) {
  const page = openPage(`<button>Save Accounting References</button>${inputTable(list, linked)}`);
  const { window, document } = page;
  /** @type {any[]} */
  const sent = [];
  const rows = list.map((one) => wanted(one));
  /** @type {Record<string, (message: any) => any>} */
  const answers = {
    table_begin: () => ({ list: "Customers.csv", rows, rules: RULES, filled_here }),
    table_seen: (message) => ({
      fill: message.rows
        .filter((/** @type {any} */ one) => !refuses.includes(one.id) && (one.value === "" || one.replaces))
        .map((/** @type {any} */ one) => one.id),
    }),
    table_filling: () => null,
    table_reload: () => null,
  };
  window.chrome = {
    i18n: { getMessage: (/** @type {string} */ key) => key },
    runtime: {
      sendMessage: async (/** @type {any} */ message) => {
        sent.push(structuredClone(message));
        return { ok: true, data: answers[message.type]?.(message) };
      },
    },
  };
  const root = runPanelScripts(window, SCRIPTS, { person });
  const settle = () => new Promise((resolve) => setTimeout(resolve, 60));
  const work = async () => {
    await settle();
    for (let turn = 0; turn < 100 && /^table_(?:reading|filling)$/.test(root()?.querySelector("h2")?.textContent ?? ""); turn += 1) await settle();
  };
  await work();
  const words = () => root().querySelector("section").textContent;
  /** @param {string} name */
  const press = async (name) => {
    const button = [...root().querySelectorAll("button")].find((one) => one.textContent.startsWith(name) && !one.hidden);
    if (!button) throw new Error(`no button ${name}: ${words()}`);
    button.click();
    await work();
  };
  const inputs = () => [...document.querySelectorAll("td input")].map((one) => one.value);
  const close = () => {
    page.table.leave?.();
    window.close();
  };
  return { page, root, sent, words, press, settle, inputs, close };
}

test("the table is read and told before anything is filled, and filled only when the person says so", async () => {
  const { sent, words, press, inputs, close } = await openPanel(entries(3));
  assert.deepEqual(sent.map((one) => one.type), ["table_begin", "table_seen"]);
  assert.deepEqual(sent[1].rows[0], { id: "row-1001", value: "", replaces: false });
  assert.deepEqual(inputs(), ["", "", ""]);
  assert.ok(words().includes("table_ready3"), words());
  await press("table_fill");
  assert.deepEqual(inputs(), ["REF-1001", "REF-1002", "REF-1003"]);
  assert.deepEqual(sent.map((one) => one.type), ["table_begin", "table_seen", "table_filling"]);
  assert.ok(words().includes("table_save_text"));
  close();
});

test("a page that presses the panel's buttons itself fills nothing", async () => {
  const { press, inputs, sent, close } = await openPanel(entries(2), { person: false });
  await press("table_fill");
  assert.deepEqual(inputs(), ["", ""]);
  assert.ok(!sent.some((one) => one.type === "table_filling"));
  close();
});

test("a row that the server refuses is not filled", async () => {
  const { press, inputs, words, close } = await openPanel(entries(2), { refuses: ["row-1001"] });
  await press("table_fill");
  assert.deepEqual(inputs(), ["", "REF-1002"]);
  assert.ok(words().includes("table_refused"), words());
  close();
});

test("another reference is replaced only where the person ticks it, and the server is asked first", async () => {
  const list = entries(3);
  list[0].reference = "OTHER-1";
  list[1].reference = "OTHER-2";
  const { root, sent, press, inputs, close } = await openPanel(list);
  const [, second] = root().querySelectorAll("input[type=checkbox]");
  second.click();
  await press("table_fill");
  assert.deepEqual(inputs(), ["OTHER-1", "REF-1002", "REF-1003"]);
  const asked = sent.filter((one) => one.type === "table_seen").at(-1);
  assert.deepEqual(asked.rows, [{ id: "row-1002", value: "OTHER-2", replaces: true }]);
  close();
});

test("a page that was filled and not loaded again is told to nobody, and not filled again", async () => {
  const list = entries(2);
  list[0].reference = "REF-1001";
  const { sent, root, words, close } = await openPanel(list, { filled_here: true });
  assert.deepEqual(sent.map((one) => one.type), ["table_begin"]);
  assert.ok(words().includes("table_reload_text"));
  const shown = [...root().querySelectorAll("button")].filter((one) => !one.hidden).map((one) => one.textContent);
  assert.deepEqual(shown.filter((one) => one.startsWith("table_fill")), []);
  close();
});

test("a value that a refresh may have kept is not told as saved", async () => {
  const list = entries(2);
  const opened = openPanel(list);
  const { sent, words, page, press, close } = await opened;
  page.document.querySelector("td input").value = "REF-1001";
  await press("look_again");
  const rows = sent.filter((one) => one.type === "table_seen").at(-1).rows;
  assert.deepEqual(rows.map((/** @type {any} */ one) => one.id), ["row-1002"]);
  assert.ok(words().includes("table_unsure"));
  close();
});

test("Escape closes the panel and leaves the table as it is", async () => {
  const { page, root, inputs, close } = await openPanel(entries(1));
  root().dispatchEvent(new page.window.KeyboardEvent("keydown", { key: "Escape" }));
  assert.equal(page.document.querySelector("crmlink-table"), null);
  assert.deepEqual(inputs(), [""]);
  close();
});
