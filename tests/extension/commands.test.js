// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { CHOICE, openTab, setting, TAB } from "./commands_fixture.js";
import { CONNECTION, HOLLOWAY_PAGE, KEY_PAIR, lost, MARGARET, offer, record, REFERENCE, reply, RULES } from "./fake_browser.js";

test("a contact's page is looked at: who it is, under which reference, and where we are", async () => {
  const { commands } = await setting();
  const answer = await commands.open_tab({ tab: TAB });
  assert.ok(answer.ok && answer.data.place?.page === "contact");
  assert.equal(answer.data.place.contact.reference, REFERENCE);
  assert.equal(answer.data.place.contact.package_name, "Xero");
  assert.equal(answer.data.place.details.name, "Margaret Holloway");
  assert.equal(answer.data.status.workspace?.name, "Severn Vale Heating");
  assert.equal(answer.data.problem, null);
});

test("without a connection nothing is read and nothing is sent", async () => {
  const { commands, server, tabs } = await setting({ connected: false });
  tabs.read = async () => assert.fail("the page was read");
  const answer = await commands.open_tab({ tab: TAB });
  assert.ok(answer.ok);
  assert.equal(answer.data.status.connected, false);
  assert.equal(answer.data.place, null);
  assert.deepEqual(server.asked, []);
});

test("a connection that is made while the popup opens is used at once", async () => {
  const { commands, browser, keys, local } = await setting({ connected: false });
  let asked = 0;
  Object.defineProperty(browser, "managed", {
    get() {
      asked += 1;
      if (asked === 2) void keys.keep(KEY_PAIR).then(() => local.set({ connection: CONNECTION }));
      return {};
    },
  });
  const answer = await commands.open_tab({ tab: TAB });
  assert.ok(answer.ok && answer.data.status.connected);
  assert.equal(answer.data.place?.page, "contact");
});

test("with the server away the contact is still shown, with what is wrong", async () => {
  const { commands, server, clock } = await setting();
  await commands.open_tab({ tab: TAB });
  clock.now += 100_000;
  server.replies["GET /packages"] = lost;
  server.replies["GET /workspace"] = lost;
  const answer = await commands.open_tab({ tab: TAB });
  assert.ok(answer.ok);
  assert.equal(answer.data.problem?.type, "server-unreachable");
  assert.equal(answer.data.place?.page, "contact");
});

for (const [where, url] of /** @type {const} */ ([
  ["an invoice that carries a GUID", "https://go.xero.com/app/!x/invoicing/view/8275f116-6419-4b82-889a-f41dcc1d6186"],
  ["a look-alike host", "https://go.xero.com.evil.example/Contacts/View/8275f116-6419-4b82-889a-f41dcc1d6186"],
  ["an ordinary page", "https://news.example/"],
])) {
  test(`${where} is no contact, and its page is not read`, async () => {
    const { commands, tabs } = await setting();
    tabs.open.set(TAB, { url, details: MARGARET });
    tabs.read = async () => assert.fail("the page was read");
    const answer = await commands.open_tab({ tab: TAB });
    assert.ok(answer.ok);
    assert.deepEqual(answer.data.place, { page: null });
  });
}

test("a tab that may not be looked at is no contact", async () => {
  const { commands } = await setting();
  const answer = await commands.open_tab({ tab: 999 });
  assert.ok(answer.ok);
  assert.deepEqual(answer.data.place, { page: null });
});

test("a list is counted by the contacts that its links lead to", async () => {
  const { commands, tabs } = await setting();
  tabs.open.set(TAB, { url: "https://go.xero.com/app/!kR4N6/contacts", details: null });
  const row = (/** @type {string} */ href) => ({ href, text: "Somebody", row: "Somebody" });
  tabs.readList = async () => [row(HOLLOWAY_PAGE), row(`${HOLLOWAY_PAGE}?tab=history`), row("https://go.xero.com/app/!kR4N6/bills")];
  const answer = await commands.open_tab({ tab: TAB });
  assert.ok(answer.ok);
  assert.deepEqual(answer.data.place, {
    page: "list", package_name: "Xero", kind: null, count: 1, names: ["Somebody"], list: "key-00000001", drafts: [], refused: null,
  });
});

test("a page on its way to the next contact is read where it arrives", async () => {
  const { commands, tabs } = await setting();
  const next = HOLLOWAY_PAGE.replace("8275f116", "11111111");
  let reads = 0;
  tabs.read = async () => {
    reads += 1;
    if (reads === 1) tabs.open.set(TAB, { url: next, details: null });
    return { ...MARGARET, name: reads === 1 ? "Margaret Holloway" : "Peter Ashdown" };
  };
  const answer = await commands.open_tab({ tab: TAB });
  assert.ok(answer.ok && answer.data.place?.page === "contact");
  assert.match(answer.data.place.contact.reference, /^11111111/);
  assert.equal(answer.data.place.details.name, "Peter Ashdown");
});

test("what a hostile page says comes out as bounded text or nothing", async () => {
  const { commands, tabs } = await setting();
  tabs.read = async () => ({ name: { toString: "x" }, company: "A".repeat(1e5), email: 7, phones: "none", address: null });
  const answer = await commands.open_tab({ tab: TAB });
  assert.ok(answer.ok && answer.data.place?.page === "contact");
  const { details } = answer.data.place;
  assert.equal(details.name, "");
  assert.equal(details.company.length, 300);
  assert.deepEqual(details.phones, []);
});

test("suggestions are asked for with what the page said", async () => {
  const { commands, server } = await setting();
  const answer = await commands.suggest({ snapshot: await openTab(commands), kind: null, typed: null });
  assert.ok(answer.ok);
  const [{ body }] = server.times("POST /suggestions");
  assert.equal(body.package, "xero");
  assert.equal(body.reference, REFERENCE);
  assert.equal(body.organisation, "!kR4N6");
  assert.equal(body.kind, null);
  assert.equal(body.email, MARGARET.email);
  assert.equal(answer.data.kind, "customer");
});

test("where the page does not tell the kind, the likelier one's suggestions are shown alone", async () => {
  const { commands, server } = await setting();
  const supplier = { record: record({ id: "supplier-501", kind: /** @type {any} */ ("supplier") }), probability: 0.4, sure: false, reasons: [] };
  server.replies["POST /suggestions"] = (/** @type {any} */ { body }) =>
    reply(body.kind ? offer({ suggestions: [/** @type {any} */ (supplier)] })
      : offer({ likely_kind: "supplier", suggestions: [/** @type {any} */ (supplier), ...offer().suggestions] }));
  const answer = await commands.suggest({ snapshot: await openTab(commands), kind: null, typed: null });
  assert.ok(answer.ok);
  assert.equal(answer.data.kind, "supplier");
  assert.deepEqual(answer.data.suggestions.map((one) => one.record.kind), ["supplier"]);
});

test("the kind that the page tells cannot be changed by a popup", async () => {
  const { commands, server, tabs } = await setting();
  tabs.open.set(TAB, { url: "https://app.qbo.intuit.com/app/vendordetail?nameId=31", details: MARGARET });
  const snapshot = await openTab(commands);
  await commands.suggest({ snapshot, kind: "customer", typed: null });
  await commands.confirm({ ...CHOICE, snapshot });
  assert.equal(server.times("POST /suggestions")[0].body.kind, "supplier");
  assert.equal(server.times("POST /links")[0].body.kind, "supplier");
});

test("a typed name stands in for a page that could not be read", async () => {
  const { commands, server, tabs } = await setting();
  tabs.open.set(TAB, { url: HOLLOWAY_PAGE, details: null });
  const snapshot = await openTab(commands);
  const typed = { name: "Margaret Holloway", postcode: "GL50 2TR" };
  await commands.suggest({ snapshot, kind: null, typed });
  await commands.confirm({ ...CHOICE, snapshot, typed });
  assert.equal(server.times("POST /suggestions")[0].body.name, "Margaret Holloway");
  assert.equal(server.times("POST /suggestions")[0].body.postcode, "GL50 2TR");
  assert.equal(server.times("POST /links")[0].body.contact_name, "Margaret Holloway");
});

test("another program's answer is not shown as suggestions", async () => {
  const { commands, server } = await setting();
  const snapshot = await openTab(commands);
  server.replies["POST /suggestions"] = { hello: "world" };
  const answer = await commands.suggest({ snapshot, kind: null, typed: null });
  assert.ok(!answer.ok);
  assert.equal(answer.problem.type, "server-odd");
});

test("a pasted address goes through the same rules and needs no tab", async () => {
  const { commands, server } = await setting();
  const answer = await commands.open_url({ address: `  ${HOLLOWAY_PAGE}\n` });
  assert.ok(answer.ok && answer.data.place?.page === "contact");
  const done = await commands.confirm({ ...CHOICE, snapshot: answer.data.place.snapshot });
  assert.ok(done.ok);
  assert.equal(server.times("POST /links")[0].body.reference, REFERENCE);
  const refused = await commands.open_url({ address: "https://go.xero.com.evil.example/Contacts/View/8275f116-6419-4b82-889a-f41dcc1d6186" });
  assert.ok(refused.ok);
  assert.deepEqual(refused.data.place, { page: null });
});

test("a reference typed by hand takes its package's own form", async () => {
  const { commands, server } = await setting();
  const typed = { package: "sage_50", reference: "holl01", name: "Margaret Holloway", postcode: "", kind: /** @type {const} */ ("customer") };
  const answer = await commands.open_form(typed);
  assert.ok(answer.ok && answer.data.place?.page === "contact");
  assert.equal(answer.data.place.contact.reference, "HOLL01");
  await commands.confirm({ ...CHOICE, snapshot: answer.data.place.snapshot });
  assert.equal(server.times("POST /links")[0].body.reference, "HOLL01");
  assert.equal(server.times("POST /links")[0].body.contact_name, "Margaret Holloway");
});

test("spaces in a QuickBooks Desktop name are kept", async () => {
  const { commands } = await setting();
  const answer = await commands.open_form({ package: "quickbooks_desktop", reference: "Holloway, M ", name: "", postcode: "", kind: "customer" });
  assert.ok(answer.ok && answer.data.place?.page === "contact");
  assert.equal(answer.data.place.contact.reference, "Holloway, M ");
});

test("a reference that a package cannot have is refused with what it should be", async () => {
  const { commands } = await setting();
  const typed = { name: "", postcode: "", kind: /** @type {const} */ ("customer") };
  const answer = await commands.open_form({ ...typed, package: "sage_50", reference: "NINE CHARS" });
  assert.ok(!answer.ok);
  assert.equal(answer.problem.detail, RULES.packages.sage_50.reference.expected);
});

for (const name of ["xero", "constructor", "__proto__", "nothing"]) {
  test(`nothing is typed by hand for the package ${name}`, async () => {
    const { commands } = await setting();
    const answer = await commands.open_form({ package: name, reference: REFERENCE, name: "", postcode: "", kind: "customer" });
    assert.ok(!answer.ok);
    assert.equal(answer.problem.type, "reference-malformed");
  });
}

test("a page that says it is loading is read again until it shows its contact", async () => {
  const { commands, tabs } = await setting();
  const blank = { name: "", loading: true };
  const shown = [blank, blank, { ...MARGARET }];
  let reads = 0;
  tabs.read = async () => shown[Math.min(reads++, 2)];
  const answer = await commands.open_tab({ tab: TAB });
  assert.ok(answer.ok && answer.data.place?.page === "contact");
  assert.equal(answer.data.place.details.name, MARGARET.name);
  assert.equal(reads, 3);
});

test("a page that never stops loading is not waited for for ever, and one that shows nothing not at all", async () => {
  for (const [loading, most] of /** @type {const} */ ([[true, 7], [false, 1]])) {
    const { commands, tabs } = await setting();
    let reads = 0;
    tabs.read = async () => ((reads += 1), { name: "", loading });
    const answer = await commands.open_tab({ tab: TAB });
    assert.ok(answer.ok && answer.data.place?.page === "contact");
    assert.equal(reads, most);
  }
});

test("a translated page is said to be one, and the server is told nothing of it", async () => {
  const { commands, tabs, server } = await setting();
  tabs.read = async () => ({ ...MARGARET, translated: true });
  const answer = await commands.open_tab({ tab: TAB });
  assert.ok(answer.ok && answer.data.place?.page === "contact");
  assert.equal(answer.data.place.translated, true);
  await commands.suggest({ snapshot: answer.data.place.snapshot, kind: null, typed: null });
  assert.ok(!JSON.stringify(server.asked).includes("translated"));
});
