// @ts-check
// Writing on a Commusoft page: what the background lets our script there know and do.
import assert from "node:assert/strict";
import { test } from "node:test";

import { CHOICE, setting, TAB } from "./commands_fixture.js";
import { link, problemReply, record, REFERENCE, reply, RULES, WORKSPACE } from "./fake_browser.js";

const PAGE = "https://app.commusoft.co.uk/customers/customer/1001/view/property/view";
const OTHER_TAB_OF_IT = "https://app.commusoft.co.uk/customers/customer_list/1001/view_v2/work/view";
const OTHER = "https://app.commusoft.co.uk/customers/customer/2002/view/property/view";
const HERE = record({ page_url: PAGE });
const WAITING = link({ state: "intended", method: "pages", settled_at: null, can_undo: false, record: HERE });
const LINKS = "GET /links?state=intended&method=pages&record_id=customer-1001";

/** @param {object} [workspace] */
async function atRecord(workspace = {}) {
  const made = await setting();
  made.server.replies["GET /workspace"] = { ...WORKSPACE, writes: "pages", commusoft_origin: "https://app.commusoft.co.uk", record_fields: [], ...workspace };
  made.server.replies["GET /links/lnk_1"] = WAITING;
  made.server.replies[LINKS] = { links: [WAITING] };
  made.tabs.open.set(TAB, { url: PAGE, details: null });
  return { ...made, page: made.commands.onRecordPage };
}

const OBSERVED = { link: "lnk_1", stage: /** @type {const} */ ("before"), value: null, replaces: null, record_version: null };

test("a record's page is told what waits for it, and what to look for", async () => {
  const { page } = await atRecord();
  const { data } = /** @type {any} */ (await page.assist_read(TAB));
  assert.equal(data.address, PAGE);
  assert.deepEqual([data.link.id, data.link.reference, data.link.record], ["lnk_1", REFERENCE, "Margaret Holloway"]);
  assert.deepEqual(data.search, {
    labels: RULES.crms.commusoft.reference_labels, edits: ["Edit"], subject: { kind: "customer", number: "1001", names: ["Margaret Holloway"] }, rule: null,
  });
  assert.equal(data.may_show, false);
});

test("nothing waits: the page is told so", async () => {
  const { page, server } = await atRecord();
  server.replies[LINKS] = { links: [] };
  assert.deepEqual(await page.assist_read(TAB), { ok: true, data: null });
});

test("a link that is written by the API, or is another record's, is none of the page's business", async () => {
  const { page, server } = await atRecord();
  server.replies[LINKS] = { links: [{ ...WAITING, method: "api" }, { ...WAITING, record: record({ id: "customer-2002" }) }, { ...WAITING, state: "linked" }] };
  assert.deepEqual(await page.assist_read(TAB), { ok: true, data: null });
});

for (const [what, url] of Object.entries({
  "another record's page": OTHER,
  "the same number of a supplier": "https://app.commusoft.co.uk/suppliers/list_supplier/1001/view/supplier_details",
  "the same number on another host": PAGE.replace(".co.uk", ".us"),
  "a job below it": "https://app.commusoft.co.uk/customers/customer/1001/jobs/5/view",
  "the log-in page": "https://app.commusoft.co.uk/login",
  "a page that looks alike": PAGE.replace("app.commusoft.co.uk", "app.commusoft.co.uk.evil.example"),
})) {
  test(`nothing is told, observed or given up from ${what}`, async () => {
    const { page, server, tabs } = await atRecord();
    server.replies["GET /links?state=intended&method=pages&record_id=customer-2002"] = { links: [] };
    server.replies["GET /links?state=intended&method=pages&record_id=supplier-1001"] = { links: [] };
    tabs.open.set(TAB, { url, details: null });
    assert.ok(!(/** @type {any} */ (await page.assist_read(TAB)).data));
    assert.equal((await page.assist_observe(TAB, OBSERVED)).ok, false);
    assert.equal((await page.assist_withdraw(TAB, { link: "lnk_1", seen: true, value: null })).ok, false);
    assert.deepEqual(server.asked.filter((one) => one.method === "POST"), []);
  });
}

test("what the page shows goes to the server, and its word comes back", async () => {
  const { page, server } = await atRecord();
  server.replies["POST /links/lnk_1/observations"] = { ...WAITING, fill: true };
  const answer = /** @type {any} */ (await page.assist_observe(TAB, { ...OBSERVED, value: "OLD", replaces: "OLD" }));
  assert.deepEqual([answer.ok, answer.data.fill, answer.data.link.state], [true, true, "intended"]);
  assert.deepEqual(server.times("POST /links/lnk_1/observations").map((one) => one.body), [{ connection_id: "con_1", stage: "before", value: "OLD", replaces: "OLD" }]);
  await page.assist_observe(TAB, { ...OBSERVED, record_version: 7 });
  assert.equal(server.times("POST /links/lnk_1/observations")[1].body.record_version, 7);
});

test("a page that is loaded anew knows that it was filled in, in this tab and until it has shown what became of it", async () => {
  const { page, server, start } = await atRecord();
  server.replies["POST /links/lnk_1/observations"] = WAITING;
  await page.assist_filled(TAB, { link: "lnk_1" });
  const later = start().commands.onRecordPage; // another worker
  const filled = async () => /** @type {any} */ (await later.assist_read(TAB)).data.was_filled;
  assert.equal(await filled(), true);
  await later.assist_observe(TAB, OBSERVED);
  assert.equal(await filled(), true);
  await later.assist_observe(TAB, { ...OBSERVED, stage: "after" });
  assert.equal(await filled(), false);
});

test("without the server's word nothing is to be filled", async () => {
  const { page, server } = await atRecord();
  server.replies["POST /links/lnk_1/observations"] = WAITING;
  assert.equal(/** @type {any} */ (await page.assist_observe(TAB, OBSERVED)).data.fill, false);
  server.replies["POST /links/lnk_1/observations"] = () => problemReply("record-has-reference", 409, "It has another.", { current_reference: "OTHER" });
  const refused = /** @type {any} */ (await page.assist_observe(TAB, OBSERVED));
  assert.deepEqual([refused.problem.type, refused.problem.current_reference], ["record-has-reference", "OTHER"]);
});

test("an admin's field goes with the page's host, and comes back with every look", async () => {
  const { page, server } = await atRecord({ person: { name: "Ada", role: "admin" } });
  server.replies["PUT /workspace/record-fields/customer"] = {};
  const shown = { selector: "#ext", label: "Ext. ref" };
  assert.equal((await page.assist_field(TAB, shown)).ok, true);
  assert.deepEqual(server.times("PUT /workspace/record-fields/customer")[0].body, { host: "app.commusoft.co.uk", ...shown });
  server.replies["GET /workspace"] = { ...server.replies["GET /workspace"], record_fields: [
    { kind: "supplier", host: "app.commusoft.co.uk", selector: "#s", label: "S" }, { kind: "customer", host: "app.commusoft.us", selector: "#u", label: "U" },
    { kind: "customer", host: "app.commusoft.co.uk", ...shown },
  ] };
  const { data } = /** @type {any} */ (await page.assist_read(TAB));
  assert.deepEqual([data.search.rule, data.may_show], [{ selector: "#ext", label: "Ext. ref" }, true]);
});

test("the popup leads to the record's page: to the tab that shows it, else to a new one", async () => {
  const { commands, recordTabs } = await atRecord();
  assert.deepEqual(await commands.assist_open({ link: "lnk_1" }), { ok: true, data: { assisted: false } });
  assert.deepEqual(recordTabs.opened, [PAGE]);
  recordTabs.open.set(3, OTHER);
  recordTabs.open.set(4, OTHER_TAB_OF_IT);
  assert.deepEqual(await commands.assist_open({ link: "lnk_1" }), { ok: true, data: { assisted: true } });
  assert.deepEqual([recordTabs.opened.length, recordTabs.assisted], [1, [4]]);
});

test("a practice account's record is never a page of the real Commusoft, open or not", async () => {
  const { commands, recordTabs, server } = await atRecord({ commusoft_origin: "http://127.0.0.1:8790" });
  server.replies["GET /links/lnk_1"] = { ...WAITING, record: record({ page_url: "http://127.0.0.1:8790/customers/customer/1001/view/property/view" }) };
  assert.deepEqual(await commands.assist_open({ link: "lnk_1" }), { ok: true, data: { assisted: false } });
  assert.deepEqual(recordTabs.opened, []);
  recordTabs.open.set(4, OTHER_TAB_OF_IT);
  assert.deepEqual(await commands.assist_open({ link: "lnk_1" }), { ok: true, data: { assisted: false } });
});

test("given up in the popup, nothing is said of what the page shows", async () => {
  const { commands, server } = await atRecord();
  server.replies["POST /links/lnk_1/withdraw"] = { ...WAITING, state: "failed" };
  assert.equal((await commands.withdraw({ link: "lnk_1" })).ok, true);
  assert.deepEqual(server.times("POST /links/lnk_1/withdraw")[0].body, { connection_id: "con_1" });
});

const CONTACT = /** @type {any} */ ({
  package: "xero", package_name: "Xero", organisation: "!kR4N6", kind: "customer", reference: REFERENCE, label: "Margaret Holloway", name: "Margaret Holloway",
  company: "", person: "", email: "", phones: [], address: "", town: "", postcode: "GL50 2TR", other_emails: [], other_addresses: [], retired: false,
});
const RECORD = { record: HERE, synced_at: "2026-03-02T09:00:00Z", link: null, open_link: null, url: PAGE };

/** @param {object} [known] */
async function popupAtRecord(known = { known: 1, suggestions: [{ contact: CONTACT, probability: 0.97, sure: true, reasons: [], list: { id: "b", name: "Xero" }, holder: null, chosen: null }] }) {
  const made = await atRecord();
  made.server.replies["GET /records/customer-1001"] = RECORD;
  made.server.replies["GET /records/customer-1001/contacts"] = known;
  made.server.replies["POST /links"] = () => reply(WAITING, 202);
  return made;
}

test("the popup on a record's page gets the record, its reference on the page, and the contacts that it may be", async () => {
  const { commands, recordTabs } = await popupAtRecord();
  assert.deepEqual(/** @type {any} */ (await commands.open_tab({ tab: TAB })).data.place, { page: "record" });
  recordTabs.shows = { state: "shown", value: "OLD" };
  const { data } = /** @type {any} */ (await commands.record({ tab: TAB }));
  assert.deepEqual([data.record.id, data.page, data.contacts.suggestions[0].contact.reference], ["customer-1001", { state: "shown", value: "OLD" }, REFERENCE]);
});

test("what was read while the tab went on to another page is not this record's", async () => {
  const { commands, recordTabs, tabs } = await popupAtRecord();
  recordTabs.whileReading = () => void tabs.open.set(TAB, { url: OTHER, details: null });
  assert.equal(/** @type {any} */ (await commands.record({ tab: TAB })).data.page, null);
});

test("a contact chosen on a record's page is linked with what the page shows", async () => {
  const { commands, server, recordTabs } = await popupAtRecord();
  recordTabs.shows = { state: "empty" };
  const chosen = /** @type {any} */ (await commands.choose_contact({ tab: TAB, record: "customer-1001", contact: CONTACT }));
  const answer = await commands.confirm({ ...CHOICE, snapshot: chosen.data.snapshot });
  assert.equal(answer.ok, true);
  const { body } = server.times("POST /links")[0];
  assert.deepEqual([body.record_id, body.reference, body.package, body.organisation, body.seen, body.connection_id], ["customer-1001", REFERENCE, "xero", "!kR4N6", { reference: null }, "con_1"]);
});

test("a value that is not surely read is not said to be seen", async () => {
  const { commands, server, recordTabs } = await popupAtRecord();
  recordTabs.shows = { state: "unknown" };
  const chosen = /** @type {any} */ (await commands.choose_contact({ tab: TAB, record: "customer-1001", contact: CONTACT }));
  await commands.confirm({ ...CHOICE, snapshot: chosen.data.snapshot });
  assert.equal("seen" in server.times("POST /links")[0].body, false);
});

test("a choice on a record's page goes to that record alone, and only while its page is there", async () => {
  const { commands, server, tabs, recordTabs } = await popupAtRecord();
  const chosen = /** @type {any} */ (await commands.choose_contact({ tab: TAB, record: "customer-1001", contact: CONTACT }));
  const { snapshot } = chosen.data;
  assert.equal((await commands.confirm({ ...CHOICE, snapshot, record: "customer-2002" })).ok, false);
  tabs.open.set(TAB, { url: OTHER, details: null });
  assert.equal((await commands.confirm({ ...CHOICE, snapshot })).ok, false);
  assert.equal((await commands.choose_contact({ tab: TAB, record: "customer-1001", contact: CONTACT })).ok, false);
  tabs.open.set(TAB, { url: PAGE, details: null });
  recordTabs.whileReading = () => void tabs.open.set(TAB, { url: OTHER, details: null });
  assert.equal((await commands.confirm({ ...CHOICE, snapshot })).ok, false);
  assert.deepEqual(server.times("POST /links"), []);
});

test("a choice made before the worker was ended is still known after it", async () => {
  const made = await popupAtRecord();
  const chosen = /** @type {any} */ (await made.commands.choose_contact({ tab: TAB, record: "customer-1001", contact: CONTACT }));
  const again = made.start();
  assert.equal((await again.commands.confirm({ ...CHOICE, snapshot: chosen.data.snapshot })).ok, true);
});

test("switched on for Commusoft, only the workspace's own host is asked for", async () => {
  const { commands, scripts } = await atRecord();
  await commands.open_tab({ tab: TAB });
  const { data } = /** @type {any} */ (await commands.on_page());
  assert.deepEqual(data.find((/** @type {any} */ one) => one.package === "commusoft").origins, ["https://app.commusoft.co.uk/*"]);
  assert.equal((await commands.on_page_on({ package: "commusoft" })).ok, false);
  scripts.allowed.add("https://app.commusoft.co.uk/*");
  assert.equal((await commands.on_page_on({ package: "commusoft" })).ok, true);
  assert.deepEqual(scripts.registered.get("commusoft"), ["https://app.commusoft.co.uk/*"]);
  await commands.on_page_off({ package: "commusoft" });
  assert.deepEqual([scripts.registered.size, scripts.allowed.size], [0, 0]);
});

test("the button on a record's page says the state of the record, once it is switched on", async () => {
  const { commands, scripts, server } = await popupAtRecord();
  assert.equal(await commands.mark(TAB), null);
  await commands.open_tab({ tab: TAB });
  scripts.allowed.add("https://app.commusoft.co.uk/*");
  await commands.on_page_on({ package: "commusoft" });
  assert.equal((await commands.mark(TAB))?.mark, "not_linked");
  server.replies["GET /records/customer-1001"] = { ...RECORD, open_link: WAITING };
  assert.equal((await commands.mark(TAB))?.mark, "waiting");
  server.replies["GET /records/customer-1001"] = { ...RECORD, record: { ...HERE, reference: "X" } };
  assert.equal((await commands.mark(TAB))?.mark, "linked");
});

