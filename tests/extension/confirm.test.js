// @ts-check
// Linking must never go wrong: the page is looked at again, and no decision is lost or doubled.
import assert from "node:assert/strict";
import { test } from "node:test";

import { CHOICE, openTab, setting, TAB } from "./commands_fixture.js";
import { HOLLOWAY_PAGE, link, lost, MARGARET, OTHER_PAGE, problemReply, reply, RULES } from "./fake_browser.js";

/** @typedef {Awaited<ReturnType<typeof setting>>["tabs"]} Tabs */

/** What may happen to the page between the look and the decision. */
const CHANGES = /** @type {[string, string, (tabs: Tabs) => void][]} */ ([
  ["shows another contact", "tab-moved", ({ open }) => open.set(TAB, { url: OTHER_PAGE, details: MARGARET })],
  ["shows the list", "tab-moved", ({ open }) => open.set(TAB, { url: "https://go.xero.com/app/!kR4N6/contacts", details: MARGARET })],
  ["went to another site", "tab-moved", ({ open }) => open.set(TAB, { url: "https://news.example/", details: MARGARET })],
  ["shows the same id in another organisation", "tab-moved",
    ({ open }) => open.set(TAB, { url: HOLLOWAY_PAGE.replace("!kR4N6", "!other"), details: MARGARET })],
  ["was closed", "tab-closed", ({ open }) => open.delete(TAB)],
  ["shows another name under the same address", "contact-changed",
    ({ open }) => open.set(TAB, { url: HOLLOWAY_PAGE, details: { ...MARGARET, name: "Peter Ashdown" } })],
  ["shows another email", "contact-changed",
    ({ open }) => open.set(TAB, { url: HOLLOWAY_PAGE, details: { ...MARGARET, email: "peter@postbox.example" } })],
  ["says nothing any more", "contact-changed", ({ open }) => open.set(TAB, { url: HOLLOWAY_PAGE, details: null })],
]);

for (const [what, type, change] of CHANGES) {
  test(`a page that ${what} stops the link`, async () => {
    const { commands, server, tabs } = await setting();
    const snapshot = await openTab(commands);
    change(tabs);
    const answer = await commands.confirm({ ...CHOICE, snapshot });
    assert.ok(!answer.ok);
    assert.equal(answer.problem.type, type);
    assert.equal(server.times("POST /links").length, 0);
  });
}

test("the same check catches a background that does not look again", async () => {
  const { commands, server, tabs } = await setting();
  const snapshot = await openTab(commands);
  tabs.address = async () => HOLLOWAY_PAGE;
  tabs.read = async () => MARGARET;
  for (const [, , change] of CHANGES) {
    change(tabs);
    await commands.confirm({ ...CHOICE, snapshot });
  }
  assert.notEqual(server.times("POST /links").length, 0);
});

test("a page that moves while it is read the second time stops the link", async () => {
  const { commands, server, tabs } = await setting();
  const snapshot = await openTab(commands);
  tabs.read = async () => {
    tabs.open.set(TAB, { url: OTHER_PAGE, details: MARGARET });
    return MARGARET;
  };
  const answer = await commands.confirm({ ...CHOICE, snapshot });
  assert.ok(!answer.ok);
  assert.equal(server.times("POST /links").length, 0);
});

for (const [what, page] of /** @type {const} */ ([
  ["another tab of the same contact", { url: `${HOLLOWAY_PAGE}?tab=history`, details: MARGARET }],
  ["details that arrived late", { url: HOLLOWAY_PAGE, details: { ...MARGARET, person: "Mrs M Holloway" } }],
])) {
  test(`${what} is still the same contact`, async () => {
    const { commands, server, tabs } = await setting();
    const snapshot = await openTab(commands);
    tabs.open.set(TAB, page);
    assert.equal((await commands.confirm({ ...CHOICE, snapshot })).ok, true);
    assert.equal(server.times("POST /links").length, 1);
  });
}

test("a decision about a forgotten look is refused", async () => {
  const { commands, server } = await setting();
  const answer = await commands.confirm({ ...CHOICE, snapshot: "l-unknown" });
  assert.ok(!answer.ok);
  assert.equal(answer.problem.type, "snapshot-lost");
  assert.equal(server.asked.length, 0);
});

test("the contact that is written is the one that was looked at, not one that a popup names", async () => {
  const { commands, server } = await setting();
  const snapshot = await openTab(commands);
  await commands.confirm(/** @type {any} */ ({ ...CHOICE, snapshot, reference: "evil", package: "sage_50" }));
  const [{ body }] = server.times("POST /links");
  assert.equal(body.package, "xero");
  assert.match(body.reference, /^8275f116/);
});

test("what the person accepted is sent with the decision", async () => {
  const { commands, server } = await setting();
  await commands.confirm({ ...CHOICE, snapshot: await openTab(commands), kind: "supplier", replaces: "OLD", also_on: ["customer-7"], checked_empty: true, accepts_kind: true });
  const [{ body }] = server.times("POST /links");
  assert.equal(body.replaces, "OLD");
  assert.deepEqual(body.also_on, ["customer-7"]);
  assert.equal(body.checked_empty, true);
  assert.deepEqual([body.kind, body.accepts_kind], ["supplier", true]);
});

test("a decision that needs no such agreement is sent as servers of earlier versions know it", async () => {
  const { commands, server } = await setting();
  await commands.confirm({ ...CHOICE, snapshot: await openTab(commands) });
  assert.equal("accepts_kind" in server.times("POST /links")[0].body, false);
});

for (const source of ["tab", "address"]) {
  test(`a kind that the rules tell only since the ${source} was looked at counts: nothing is written`, async () => {
    const { commands, server, tabs, clock } = await setting();
    const page = "https://accounts-extra.sageone.com/contacts/contacts/145570473";
    tabs.open.set(TAB, { url: page, details: MARGARET });
    const answer = source === "tab" ? await commands.open_tab({ tab: TAB }) : await commands.open_url({ address: page });
    assert.ok(answer.ok && answer.data.place?.page === "contact" && answer.data.place.contact.kind === null);
    const rules = structuredClone(RULES);
    rules.packages.sage_business_cloud.pages[2].kind = "supplier";
    server.replies["GET /packages"] = () => reply(rules);
    clock.now += 100_000;
    const refused = await commands.confirm({ ...CHOICE, snapshot: answer.data.place.snapshot });
    assert.ok(!refused.ok);
    assert.equal(refused.problem.type, "tab-moved");
    assert.deepEqual(server.times("POST /links"), []);
  });
}

test("the key is stored before the request leaves", async () => {
  const { commands, server, attempts } = await setting();
  /** @type {string[]} */
  let stored = [];
  server.replies["POST /links"] = async () => {
    stored = (await attempts.all()).map((one) => one.key);
    return reply(link(), 201);
  };
  await commands.confirm({ ...CHOICE, snapshot: await openTab(commands) });
  assert.deepEqual(stored, [server.times("POST /links")[0].headers["Idempotency-Key"]]);
});

test("a worker that died while it was sending asks again under the same key, and shows the outcome", async () => {
  const { commands, server, start } = await setting();
  /** @type {(error: Error) => void} */
  let end = () => undefined;
  const sent = new Promise((resolve) => {
    server.replies["POST /links"] = () => new Promise((_, reject) => resolve((end = reject)));
  });
  void commands.confirm({ ...CHOICE, snapshot: await openTab(commands) });
  await sent;

  const reborn = start().commands;
  server.replies["POST /links"] = () => reply(link(), 201);
  const view = await reborn.open_tab({ tab: TAB });
  assert.ok(view.ok && view.data.attempt);
  const answer = await reborn.resume({ attempt: view.data.attempt.key });
  assert.ok(answer.ok);
  assert.equal(answer.data.state, "linked");
  const keys = server.times("POST /links").map((one) => one.headers["Idempotency-Key"]);
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1]);
  end(new Error("the worker is no more"));
});

test("a popup that closed finds the outcome without asking the server again", async () => {
  const { commands, server } = await setting();
  server.replies["POST /links"] = () => problemReply("write-refused", 502, "Commusoft refused.");
  await commands.confirm({ ...CHOICE, snapshot: await openTab(commands) });
  const view = await commands.open_tab({ tab: TAB });
  assert.ok(view.ok && view.data.attempt);
  const answer = await commands.resume({ attempt: view.data.attempt.key });
  assert.ok(!answer.ok);
  assert.equal(answer.problem.type, "write-refused");
  assert.equal(server.times("POST /links").length, 1);
});

test("an outcome that was seen is not shown again", async () => {
  const { commands } = await setting();
  const answer = await commands.confirm({ ...CHOICE, snapshot: await openTab(commands) });
  await commands.acknowledge({ attempt: answer.attempt ?? "" });
  const view = await commands.open_tab({ tab: TAB });
  assert.ok(view.ok);
  assert.equal(view.data.attempt, null);
});

test("an outcome no one saw is told on the page of another contact", async () => {
  const { commands, server, tabs } = await setting();
  server.replies["POST /links"] = lost;
  await commands.confirm({ ...CHOICE, snapshot: await openTab(commands) });
  tabs.open.set(TAB, { url: OTHER_PAGE, details: MARGARET });
  const view = await commands.open_tab({ tab: TAB });
  assert.ok(view.ok);
  assert.equal(view.data.attempt, null);
  assert.deepEqual(view.data.others.map((one) => one.title), ["Margaret Holloway"]);
});

test("a lost request that is repeated keeps its key; a refused one gets a new key", async () => {
  const { commands, server } = await setting();
  const snapshot = await openTab(commands);
  server.replies["POST /links"] = lost;
  await commands.confirm({ ...CHOICE, snapshot });
  server.replies["POST /links"] = () => problemReply("commusoft-busy", 503, "Busy.");
  await commands.confirm({ ...CHOICE, snapshot });
  await commands.confirm({ ...CHOICE, snapshot });
  const [first, second, third] = server.times("POST /links").map((one) => one.headers["Idempotency-Key"]);
  assert.equal(first, second);
  assert.notEqual(second, third);
});

test("another decision never uses an earlier decision's key", async () => {
  const { commands, server } = await setting();
  const snapshot = await openTab(commands);
  server.replies["POST /links"] = lost;
  await commands.confirm({ ...CHOICE, snapshot });
  await commands.confirm({ ...CHOICE, snapshot, record: "customer-1002" });
  await commands.confirm({ ...CHOICE, snapshot, replaces: "OLD" });
  const keys = server.times("POST /links").map((one) => one.headers["Idempotency-Key"]);
  assert.equal(new Set(keys).size, 3);
});

test("two popups that confirm the same at once send it once", async () => {
  const { commands, server } = await setting();
  const snapshot = await openTab(commands);
  const both = await Promise.all([commands.confirm({ ...CHOICE, snapshot }), commands.confirm({ ...CHOICE, snapshot })]);
  assert.deepEqual(both.map((answer) => answer.ok), [true, true]);
  assert.equal(server.times("POST /links").length, 1);
});

test("an undo that got no answer keeps its key and is found again on the contact's page", async () => {
  const { commands, server } = await setting();
  const snapshot = await openTab(commands);
  const undo = { snapshot, link: "lnk_1", title: "Margaret Holloway", also_on: [] };
  server.replies["POST /links/lnk_1/undo"] = lost;
  await commands.undo(undo);
  const view = await commands.open_tab({ tab: TAB });
  assert.ok(view.ok && view.data.attempt);
  assert.equal(view.data.attempt.action, "undo");
  server.replies["POST /links/lnk_1/undo"] = () => reply(link({ id: "lnk_2", undoes: "lnk_1" }), 201);
  const answer = await commands.resume({ attempt: view.data.attempt.key });
  assert.ok(answer.ok);
  const [first, second] = server.times("POST /links/lnk_1/undo").map((one) => one.headers["Idempotency-Key"]);
  assert.equal(first, second);
});
