// @ts-check
// Commusoft's tables and lists, as the background deals with them: what a page is told, and what is told of it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { JSDOM } from "jsdom";

import { readList } from "../../extension/lib/page/read_list.js";
import { setting, TAB } from "./commands_fixture.js";
import { problemReply, record, RULES, WORKSPACE } from "./fake_browser.js";

const PAGE = "https://app.commusoft.co.uk/system_settings/integrations/link";
const TABLE = { count: 1, kind: /** @type {const} */ ("customer"), tables: [] };
const SEEN = "POST /batches/bat_1/table/observations";
const ROW = { link_id: "lnk_1", position: 1, record: record(), number: "1001", alone: true, prior: null, target: "ACC-1", undoes: null };
const CUSTOMERS = {
  headings: ["ID", "Name", "Address", "Town", "Postcode", "Email", "Landline"],
  rows: [["1001", "Margaret Holloway", "14 Orchard Close"], ["1002", "Ashdown Ltd", "2 Mill Lane"]].map(([number, name, address]) => ({
    cells: [number, name, address, "Leeds", "LS1 1AA", "a@b.example", "01632 960114"],
    hrefs: [`https://app.commusoft.co.uk/customers/customer_list/${number}/view_v2/property/view`],
  })),
};
const TAKEN = { import_id: "key-00000001", new: 2, changed: 0, unchanged: 0, older: 0, gone: 0, would_remove: 0, missing_parts: [], finished: true };

async function atTable() {
  const made = await setting();
  const { server, tabs, tableTabs } = made;
  server.replies["GET /workspace"] = { ...WORKSPACE, commusoft_hosts: ["app.commusoft.co.uk"] };
  server.replies["GET /batches?state=filling"] = { batches: [{ id: "bat_1", name: "Customers.csv", package: "xero", created_at: "2026-03-02T14:05:00Z", contacts: 9 }] };
  server.replies["GET /batches?state=reverting"] = { batches: [] };
  server.replies["GET /batches/bat_1"] = { counts: { states: { filling: 1, successful: 8 } } };
  server.replies["GET /batches/bat_1/table?after=0"] = { connection_id: "con_1", rows: [ROW], next: 1 };
  server.replies["GET /batches/bat_1/table?after=1"] = { connection_id: "con_1", rows: [], next: null };
  server.replies[SEEN] = (/** @type {any} */ { body }) => ({ rows: body.rows.map((/** @type {any} */ { link_id }) => ({ link_id, state: "intended", fill: body.stage === "before" })) });
  tabs.open.set(TAB, { url: PAGE, details: null });
  tableTabs.shows = TABLE;
  const start = () => made.commands.table_start({ tab: TAB, batch: "bat_1", list: "Customers.csv" });
  return { ...made, start, page: made.commands.onRecordPage };
}

/** @param {any} answer */
const data = (answer) => {
  assert.ok(answer.ok, JSON.stringify(answer));
  return answer.data;
};
const SHOWN = { id: "lnk_1", value: "", replaces: false };

test("over the table the lists that wait are offered, with how many references they have", async () => {
  const { commands } = await atTable();
  const place = data(await commands.crm_page({ tab: TAB }));
  assert.deepEqual(place, { page: "table", kind: "customer", several: false, lists: [{ id: "bat_1", name: "Customers.csv", rows: 1 }], named: null });
});

/** @param {string[]} ids */
const batches = (...ids) => ({ batches: ids.map((id) => ({ id, name: `${id}.csv`, package: "xero", created_at: "2026-03-02T14:05:00Z", contacts: 9 })) });

test("of several lists that wait the one whose page is open in crmlink is named; of two open ones neither", async () => {
  const { commands, server, tableTabs } = await atTable();
  server.replies["GET /batches?state=filling"] = batches("bat_1", "bat_2", "bat_3", "bat_4", "bat_5", "bat_6");
  for (const id of ["bat_2", "bat_3", "bat_4", "bat_5", "bat_6"]) server.replies[`GET /batches/${id}`] = { counts: { states: { filling: 2 } } };
  const named = async () => data(await commands.crm_page({ tab: TAB })).named;
  assert.equal(await named(), null);
  tableTabs.seen = ["http://127.0.0.1:8787/lists/bat_6?state=filling", "http://127.0.0.1:8787/links", "https://elsewhere.example/lists/bat_1"];
  const place = data(await commands.crm_page({ tab: TAB }));
  assert.equal(place.named, "bat_6");
  assert.equal(place.lists[0].id, "bat_6", "not among the ones that are left out");
  tableTabs.seen.push("http://127.0.0.1:8787/lists/bat_2/rows/4");
  assert.equal(await named(), null);
});

test("over another page of Commusoft the lists that wait are told, and without any nothing is", async () => {
  const { commands, server, tableTabs } = await atTable();
  tableTabs.shows = { count: 0, kind: null, tables: [] };
  assert.deepEqual(data(await commands.crm_page({ tab: TAB })), { page: "crm", lists: [{ id: "bat_1", name: "Customers.csv", rows: 1 }], named: null });
  server.replies["GET /batches?state=filling"] = { batches: [] };
  assert.equal(data(await commands.crm_page({ tab: TAB })), null);
});

test("a page of another Commusoft is not looked at", async () => {
  const { commands, tabs, tableTabs, start } = await atTable();
  tabs.open.set(TAB, { url: "https://app.commusoft.us/system_settings/integrations/link", details: null });
  assert.equal(data(await commands.crm_page({ tab: TAB })), null);
  const answer = await start();
  assert.ok(!answer.ok);
  assert.deepEqual(tableTabs.opened, []);
});

test("the page that the person began in is told the rows and how to find them", async () => {
  const { page, start, tableTabs } = await atTable();
  data(await start());
  assert.deepEqual(tableTabs.opened, [TAB]);
  const begun = data(await page.table_begin(TAB, { page: 5 }));
  assert.deepEqual(begun.rows, [{
    id: "lnk_1", kind: "customer", number: "1001", names: ["Margaret Holloway"], address: "14 Orchard Close", town: "Cheltenham", postcode: "GL50 2TR",
    alone: true, prior: "", target: "ACC-1",
  }]);
  assert.deepEqual(begun.rules.words.save, RULES.crms.commusoft.table.save_words);
  const links = begun.rules.links.filter((/** @type {any} */ { path }) => new RegExp(path).test("/suppliers/list_supplier/12/view/supplier_details"));
  assert.deepEqual(links.map((/** @type {any} */ one) => one.kind), ["supplier"]);
});

test("a page in another tab, or one that no one began in, is told nothing", async () => {
  const { page, start, tabs } = await atTable();
  assert.equal((await page.table_begin(TAB, { page: 5 })).ok, false);
  data(await start());
  tabs.open.set(99, { url: PAGE, details: null });
  assert.equal((await page.table_begin(99, { page: 5 })).ok, false);
  assert.equal((await page.table_seen(99, { page: 5, rows: [SHOWN] })).ok, false);
});

test("anyone who may not fill lists is told so before anything opens in the page", async () => {
  const { start, server, tableTabs } = await atTable();
  server.replies["GET /batches/bat_1/table?after=0"] = problemReply("scope-missing", 403, "");
  const answer = await start();
  assert.ok(!answer.ok);
  assert.equal(answer.problem.type, "scope-missing");
  assert.deepEqual(tableTabs.opened, []);
});

test("what the table shows is told before anything is filled, and the server says what may be", async () => {
  const { page, start, server } = await atTable();
  data(await start());
  assert.deepEqual(data(await page.table_seen(TAB, { page: 5, rows: [SHOWN] })).fill, ["lnk_1"]);
  assert.deepEqual(server.times(SEEN).map((one) => one.body), [{ connection_id: "con_1", stage: "before", rows: [{ link_id: "lnk_1", value: null, replaces: null }] }]);
});

test("each row is told with the version of its record that the table was begun with, then with the newest", async () => {
  const { page, start, server } = await atTable();
  server.replies["GET /batches/bat_1/table?after=0"] = { connection_id: "con_1", rows: [{ ...ROW, record_version: 7 }], next: 1 };
  server.replies[SEEN] = { rows: [{ link_id: "lnk_1", state: "intended", fill: true, record_version: 9 }] };
  data(await start());
  data(await page.table_begin(TAB, { page: 5 }));
  data(await page.table_seen(TAB, { page: 5, rows: [SHOWN] }));
  data(await page.table_seen(TAB, { page: 5, rows: [SHOWN] }));
  assert.deepEqual(server.times(SEEN).map((one) => one.body.rows[0].record_version), [7, 9]);
});

test("a page that crmlink filled tells nothing until it is loaded again", async () => {
  const { page, start, server } = await atTable();
  data(await start());
  data(await page.table_filling(TAB, { page: 5, rows: ["lnk_1"] }));
  assert.equal(data(await page.table_begin(TAB, { page: 5 })).filled_here, true);
  const answer = await page.table_seen(TAB, { page: 5, rows: [{ ...SHOWN, value: "ACC-1" }] });
  assert.equal(answer.ok, false);
  assert.deepEqual(server.times(SEEN), []);
  data(await start());
  assert.equal(data(await page.table_begin(TAB, { page: 5 })).filled_here, true, "begun again in the same page");
  assert.equal(data(await page.table_begin(TAB, { page: 6 })).filled_here, false);
});

test("after the page was loaded again, a row that was filled and not saved may be filled once more", async () => {
  const { page, start, server } = await atTable();
  data(await start());
  data(await page.table_filling(TAB, { page: 5, rows: ["lnk_1"] }));
  assert.deepEqual(data(await page.table_seen(TAB, { page: 6, rows: [SHOWN] })).fill, ["lnk_1"]);
  assert.deepEqual(server.times(SEEN).map((one) => one.body.stage), ["after", "before"]);
});

test("after the page was loaded again, what was saved is told once and is over", async () => {
  const { page, start, server } = await atTable();
  server.replies[SEEN] = { rows: [{ link_id: "lnk_1", state: "linked", fill: false }] };
  data(await start());
  data(await page.table_filling(TAB, { page: 5, rows: ["lnk_1"] }));
  assert.deepEqual(data(await page.table_seen(TAB, { page: 6, rows: [{ ...SHOWN, value: "ACC-1" }] })).fill, []);
  assert.deepEqual(server.times(SEEN).map((one) => [one.body.stage, one.body.rows[0].value]), [["after", "ACC-1"]]);
});

test("the panel comes back when the person asked for the page to be loaded again, and then only", async () => {
  const { page, start, commands, tableTabs } = await atTable();
  data(await start());
  await commands.loaded(TAB);
  assert.deepEqual(tableTabs.opened, [TAB]);
  data(await page.table_reload(TAB));
  await commands.loaded(98);
  await commands.loaded(TAB);
  await commands.loaded(TAB);
  assert.deepEqual(tableTabs.opened, [TAB, TAB]);
});

/** A browser on Commusoft's list of customers. */
async function onList() {
  const made = await atTable();
  made.tabs.readList = async () => [];
  made.tableTabs.shows = { count: 0, kind: null, tables: [CUSTOMERS] };
  made.server.replies["POST /records/import"] = TAKEN;
  const look = async () => data(await made.commands.crm_page({ tab: TAB }));
  return { ...made, look };
}

test("a list of customers is shown by its names, and sent as the first part of an import", async () => {
  const { commands, server, look } = await onList();
  const place = await look();
  assert.deepEqual([place.page, place.kind, place.count, place.names], ["records", "customer", 2, ["Margaret Holloway", "Ashdown Ltd"]]);
  data(await commands.records_send({ list: place.list, fresh: false }));
  const [{ body }] = server.times("POST /records/import");
  assert.deepEqual({ ...body, import_id: "", rows: body.rows[1] }, {
    connection_id: "con_1", import_id: "", part: 1, parts: null, complete: false, removes: null,
    rows: {
      kind: "customer", number: "1002", name: "Ashdown Ltd", company: "", person: "", email: "a@b.example", phones: ["01632 960114"],
      address: "2 Mill Lane", town: "Leeds", postcode: "LS1 1AA", account_number: "",
    },
  });
});

test("a page with more customers than one part takes is sent whole, in several", async () => {
  const { commands, server, look, tableTabs } = await onList();
  const [row] = CUSTOMERS.rows;
  const rows = Array.from({ length: 11_000 }, (_, place) => ({ ...row, hrefs: row.hrefs.map((href) => href.replace("1001", `${place + 1}`)) }));
  tableTabs.shows = { count: 0, kind: null, tables: [{ ...CUSTOMERS, rows }] };
  const place = await look();
  assert.equal(place.count, 11_000);
  const sent = data(await commands.records_send({ list: place.list, fresh: false }));
  const parts = server.times("POST /records/import").map(({ body }) => [body.part, body.parts, body.complete, body.rows.length]);
  assert.deepEqual(parts, [[1, null, false, 5_000], [2, null, false, 5_000], [3, null, false, 1_000]]);
  assert.deepEqual([sent.fresh, sent.begun.count, sent.begun.pages], [3 * TAKEN.new, 11_000, 3]);
});

test("a page of which a later part is refused does not count as read", async () => {
  const { commands, server, look, tableTabs } = await onList();
  const [row] = CUSTOMERS.rows;
  const rows = Array.from({ length: 6_000 }, (_, place) => ({ ...row, hrefs: row.hrefs.map((href) => href.replace("1001", `${place + 1}`)) }));
  tableTabs.shows = { count: 0, kind: null, tables: [{ ...CUSTOMERS, rows }] };
  const { list } = await look();
  server.replies["POST /records/import"] = (/** @type {any} */ { body }) => (body.part === 2 ? problemReply("internal-error", 500, "") : TAKEN);
  assert.equal((await commands.records_send({ list, fresh: false })).ok, false);
  assert.equal((await look()).begun, null);
  assert.equal((await commands.records_complete({ kind: "customer", removes: null })).ok, false);
});

test("a page that is read in part is no list, so nothing beyond counts as gone", async () => {
  const { tabs, look, tableTabs } = await onList();
  tableTabs.shows = { count: 0, kind: null, tables: [] };
  const [href] = CUSTOMERS.rows.flatMap(({ hrefs }) => hrefs);
  const { window } = new JSDOM(`<p><a href="${href}">Ann Lee</a></p>`.repeat(6_000), { runScripts: "outside-only" });
  const links = window.eval(`(${readList})()`);
  window.close();
  tabs.readList = async () => links.slice(1);
  assert.equal((await look()).page, "records");
  tabs.readList = async () => links;
  assert.notEqual((await look()).page, "records");
});

test("the next page joins it, and only the person says that this was all", async () => {
  const { commands, server, look, tableTabs } = await onList();
  data(await commands.records_send({ list: (await look()).list, fresh: false }));
  tableTabs.shows = { count: 0, kind: null, tables: [{ ...CUSTOMERS, rows: CUSTOMERS.rows.slice(1) }] };
  const place = await look();
  assert.deepEqual(place.begun, { kind: "customer", count: 2, pages: 1 });
  data(await commands.records_send({ list: place.list, fresh: false }));
  server.replies["POST /records/import"] = { ...TAKEN, would_remove: 7, finished: false };
  const asked = data(await commands.records_complete({ kind: "customer", removes: null }));
  assert.deepEqual([asked.finished, asked.would_remove], [false, 7]);
  server.replies["POST /records/import"] = { ...TAKEN, gone: 7 };
  data(await commands.records_complete({ kind: "customer", removes: 7 }));
  const sent = server.times("POST /records/import").map(({ body }) => [body.part, body.parts, body.complete, body.removes, body.rows.length]);
  assert.deepEqual(sent, [[1, null, false, null, 2], [2, null, false, null, 1], [3, 3, true, null, 0], [3, 3, true, 7, 0]]);
  assert.equal(new Set(server.times("POST /records/import").map(({ body }) => body.import_id)).size, 1);
  assert.equal((await look()).begun, null);
});

test("a part whose answer was lost is sent again under its own number", async () => {
  const { commands, server, look } = await onList();
  server.replies["POST /records/import"] = () => { throw new TypeError("lost"); };
  const { list } = await look();
  assert.equal((await commands.records_send({ list, fresh: false })).ok, false);
  server.replies["POST /records/import"] = TAKEN;
  data(await commands.records_send({ list, fresh: false }));
  const parts = server.times("POST /records/import").map(({ body }) => [body.import_id, body.part]);
  assert.deepEqual(parts[0], parts.at(-1));
});

test("a list that changed after it was shown is not sent", async () => {
  const { commands, server, look, tableTabs } = await onList();
  const { list } = await look();
  tableTabs.shows = { count: 0, kind: null, tables: [{ ...CUSTOMERS, rows: CUSTOMERS.rows.slice(1) }] };
  const answer = await commands.records_send({ list, fresh: false });
  assert.ok(!answer.ok);
  assert.equal(answer.problem.type, "list-changed");
  assert.deepEqual(server.times("POST /records/import"), []);
});

test("a list with a column of references sends them, empty ones too", async () => {
  const { commands, server, look, tableTabs } = await onList();
  const rows = CUSTOMERS.rows.map((row, at) => ({ ...row, cells: [...row.cells, at === 0 ? "ACC-1" : ""] }));
  tableTabs.shows = { count: 0, kind: null, tables: [{ headings: [...CUSTOMERS.headings, "Third-Party Reference"], rows }] };
  data(await commands.records_send({ list: (await look()).list, fresh: false }));
  assert.deepEqual(server.times("POST /records/import")[0].body.rows.map((/** @type {any} */ one) => one.reference), ["ACC-1", ""]);
});

test("a page that shows customers and suppliers is no list", async () => {
  const { look, tableTabs } = await onList();
  const supplier = { cells: ["7", "Pipes Ltd"], hrefs: ["https://app.commusoft.co.uk/suppliers/list_supplier/7/view/supplier_details"] };
  tableTabs.shows = { count: 0, kind: null, tables: [{ ...CUSTOMERS, rows: [...CUSTOMERS.rows, supplier] }] };
  assert.equal((await look()).page, "crm");
});

test("a row that leads to two customers, as that of a job does, is not taken", async () => {
  const { look, tableTabs } = await onList();
  const [first, second] = CUSTOMERS.rows;
  tableTabs.shows = { count: 0, kind: null, tables: [{ ...CUSTOMERS, rows: [first, { ...second, hrefs: [...first.hrefs, ...second.hrefs] }] }] };
  assert.equal((await look()).count, 1);
});

test("a page sent after one whose answer was lost becomes the next part", async () => {
  const { commands, server, look, tableTabs } = await onList();
  server.replies["POST /records/import"] = () => { throw new TypeError("lost"); };
  await commands.records_send({ list: (await look()).list, fresh: false });
  tableTabs.shows = { count: 0, kind: null, tables: [{ ...CUSTOMERS, rows: CUSTOMERS.rows.slice(1) }] };
  server.replies["POST /records/import"] = (/** @type {any} */ { body }) => (body.part === 1 ? problemReply("import-key-reused", 409, "") : TAKEN);
  data(await commands.records_send({ list: (await look()).list, fresh: false }));
  assert.deepEqual(server.times("POST /records/import").map(({ body }) => body.part), [1, 1, 2]);
});
