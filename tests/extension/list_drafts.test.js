// @ts-check
// Whole lists: what is shown, what is sent, and what stops it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { joinable, suggestedDraft } from "../../extension/lib/linking/list_drafts.js";
import { setting, TAB } from "./commands_fixture.js";
import { draft, HOLLOWAY_PAGE, lost, MARGARET, OTHER_PAGE, problemReply, REFERENCE } from "./fake_browser.js";

const LIST = "https://go.xero.com/app/!kR4N6/contacts";
/** @param {string} href @param {string} name */
const row = (href, name) => ({ href, text: name, row: `${name}\n${name.split(" ")[0].toLowerCase()}@postbox.example\n01632 960114` });
const ROWS = [row(HOLLOWAY_PAGE, "Margaret Holloway"), row(OTHER_PAGE, "Peter Ashdown")];

/** A browser on a list's page. @param {unknown} [rows] */
async function onList(rows = ROWS) {
  const made = await setting();
  const shown = { rows };
  made.tabs.open.set(TAB, { url: LIST, details: null });
  made.tabs.readList = async () => shown.rows;
  const snapshot = async () => {
    const answer = await made.commands.open_tab({ tab: TAB });
    if (!answer.ok || answer.data.place?.page !== "list") throw new Error("no list");
    return answer.data.place;
  };
  return { ...made, shown, snapshot };
}

/** @param {any} place */
const idOf = (place) => /** @type {string} */ (place.list);

test("a list is shown by its first names and its number, and sent as the page shows it", async () => {
  const { commands, server, snapshot } = await onList();
  const place = await snapshot();
  assert.deepEqual([place.names, place.count], [["Margaret Holloway", "Peter Ashdown"], 2]);
  assert.equal(server.times("POST /batches").length, 0);
  const answer = await commands.collect({ list: idOf(place), batch: null });
  assert.ok(answer.ok);
  const [{ body }] = server.times("POST /batches");
  assert.deepEqual({ ...body, contacts: body.contacts[0] }, {
    package: "xero", organisation: "!kR4N6", kind: null, batch: null,
    contacts: { reference: REFERENCE, kind: null, name: "Margaret Holloway", email: "margaret@postbox.example", phones: ["01632 960114"] },
  });
});

test("a list that changed after it was shown is not sent", async () => {
  const { commands, server, snapshot, shown } = await onList();
  const place = await snapshot();
  shown.rows = [ROWS[0]];
  const answer = await commands.collect({ list: idOf(place), batch: null });
  assert.ok(!answer.ok);
  assert.equal(answer.problem.type, "list-changed");
  assert.deepEqual(server.times("POST /batches"), []);
});

test("a tab that left the list, or was closed, sends nothing", async () => {
  const { commands, server, tabs, snapshot } = await onList();
  const list = idOf(await snapshot());
  tabs.open.set(TAB, { url: HOLLOWAY_PAGE, details: null });
  const moved = await commands.collect({ list, batch: null });
  tabs.open.delete(TAB);
  const closed = await commands.collect({ list, batch: null });
  assert.deepEqual([moved, closed].map((one) => one.ok || one.problem.type), ["list-changed", "tab-closed"]);
  assert.deepEqual(server.times("POST /batches"), []);
});

test("a list whose tab went on to another company while it was read is read again where it arrived", async () => {
  const { commands, server, tabs, shown, snapshot } = await onList();
  shown.rows = [row("https://go.xero.com/Contacts/View/3e776c4b-ea9e-4bb1-96be-6b0c7a71a37f", "Peter Ashdown")];
  let reads = 0;
  tabs.readList = async () => {
    reads += 1;
    if (reads === 1) tabs.open.set(TAB, { url: LIST.replace("!kR4N6", "!OTHER"), details: null });
    return shown.rows;
  };
  const list = idOf(await snapshot());
  assert.equal(reads, 2);
  assert.ok((await commands.collect({ list, batch: null })).ok);
  assert.equal(server.times("POST /batches")[0].body.organisation, "!OTHER");
});

test("a list whose tab goes on to a contact while it is read is not shown as a list", async () => {
  const { commands, tabs } = await onList();
  tabs.readList = async () => {
    tabs.open.set(TAB, { url: HOLLOWAY_PAGE, details: MARGARET });
    return ROWS;
  };
  const answer = await commands.open_tab({ tab: TAB });
  assert.ok(answer.ok);
  assert.equal(answer.data.place?.page, "contact");
});

test("a tab that never rests is no list", async () => {
  const { commands, tabs } = await onList();
  let reads = 0;
  tabs.readList = async () => {
    tabs.open.set(TAB, { url: LIST.replace("!kR4N6", `!X${(reads += 1)}`), details: null });
    return ROWS;
  };
  const answer = await commands.open_tab({ tab: TAB });
  assert.ok(answer.ok);
  assert.deepEqual(answer.data.place, { page: null });
});

test("a list whose tab went on to another company while it was read again is not sent", async () => {
  const { commands, server, tabs, shown, snapshot } = await onList();
  shown.rows = [row("https://go.xero.com/Contacts/View/3e776c4b-ea9e-4bb1-96be-6b0c7a71a37f", "Peter Ashdown")];
  const list = idOf(await snapshot());
  tabs.readList = async () => {
    tabs.open.set(TAB, { url: LIST.replace("!kR4N6", "!OTHER"), details: null });
    return shown.rows;
  };
  const answer = await commands.collect({ list, batch: null });
  assert.ok(!answer.ok);
  assert.equal(answer.problem.type, "list-changed");
  assert.deepEqual(server.times("POST /batches"), []);
});

test("contacts of another organisation are left out, for ids mean something else there", async () => {
  const elsewhere = row(HOLLOWAY_PAGE.replace("!kR4N6", "!OTHER"), "Somebody Else");
  const { snapshot } = await onList([...ROWS, elsewhere]);
  assert.equal((await snapshot()).count, 2);
});

test("a worker that was ended in between still knows the list", async () => {
  const { start, snapshot } = await onList();
  const list = idOf(await snapshot());
  const answer = await start().commands.collect({ list, batch: null });
  assert.ok(answer.ok);
});

test("only drafts of the same package and organisation are offered to join", async () => {
  const { server, snapshot } = await onList();
  server.replies["GET /batches"] = {
    batches: [draft(), draft({ id: "bat_2", organisation: "!OTHER" }), draft({ id: "bat_3", package: "kashflow" })],
  };
  assert.deepEqual((await snapshot()).drafts.map((one) => one.id), ["bat_1"]);
  assert.deepEqual(joinable([draft({ organisation: null })], /** @type {any} */ ({ package: "xero", organisation: "!kR4N6" })), []);
});

test("the draft of a file is offered too, for it learns its organisation from the page that joins it", async () => {
  const xero = /** @type {any} */ ({ package: "xero", organisation: "!kR4N6" });
  const file = { source: "file", name: "Contacts.csv" };
  const drafts = [
    draft({ ...file, organisation: null }), draft({ ...file, id: "bat_2", package: "", organisation: null }),
    draft({ ...file, id: "bat_3", organisation: "!OTHER" }), draft({ ...file, id: "bat_4", package: "kashflow", organisation: null }),
  ];
  assert.deepEqual(joinable(drafts, xero).map((one) => one.id), ["bat_1", "bat_2"]);
  const { commands, server, snapshot } = await onList();
  server.replies["POST /batches"] = draft({ ...file, added: 0, completed: 2 });
  const answer = await commands.collect({ list: idOf(await snapshot()), batch: "bat_1" });
  assert.ok(answer.ok);
  assert.deepEqual([answer.data.draft.added, answer.data.draft.completed], [0, 2]);
});

test("a draft begun today is the likely one, an old one is not", () => {
  const begun = Date.parse(draft().created_at);
  assert.equal(suggestedDraft([draft()], begun + 3_600_000), "bat_1");
  assert.equal(suggestedDraft([draft()], begun + 48 * 3_600_000), null);
  assert.equal(suggestedDraft([], begun), null);
});

test("the next page of a list joins its draft", async () => {
  const { commands, server, snapshot } = await onList();
  await commands.collect({ list: idOf(await snapshot()), batch: "bat_1" });
  assert.equal(server.times("POST /batches")[0].body.batch, "bat_1");
});

test("a list longer than the server takes at once goes in pieces into one draft", async () => {
  const many = Array.from({ length: 1201 }, (_, at) =>
    row(HOLLOWAY_PAGE.replace("6186", at.toString(16).padStart(4, "0")), `No ${at}`));
  const { commands, server, snapshot } = await onList(many);
  const answer = await commands.collect({ list: idOf(await snapshot()), batch: null });
  assert.ok(answer.ok);
  const pieces = server.times("POST /batches").map(({ body }) => [body.contacts.length, body.batch]);
  assert.deepEqual(pieces, [[1000, null], [201, "bat_1"]]);
  assert.deepEqual([answer.data.draft.added, answer.data.draft.sent], [1201, 1201]);
});

test("a token without the right to send lists is said to be so", async () => {
  const { server, snapshot } = await onList();
  server.replies["GET /batches"] = () => problemReply("scope-missing", 403, "No.");
  assert.equal((await snapshot()).refused?.type, "scope-missing");
});

test("after a lost answer no one is told that nothing was kept", async () => {
  const { commands, server, snapshot } = await onList();
  const list = idOf(await snapshot());
  server.replies["POST /batches"] = lost;
  const answer = await commands.collect({ list, batch: null });
  assert.ok(!answer.ok);
  assert.equal(answer.problem.type, "list-unanswered");
  server.replies["POST /batches"] = () => problemReply("not-found", 404, "The draft is gone.");
  const refused = await commands.collect({ list, batch: "bat_9" });
  assert.equal(!refused.ok && refused.problem.type, "not-found");
});

test("what a hostile list says stays within the server's bounds", async () => {
  const { commands, server, snapshot } = await onList([{ href: HOLLOWAY_PAGE, text: "N".repeat(5000), row: `${"9".repeat(90)}\n${"a".repeat(64)}@${"b.".repeat(300)}` }]);
  await commands.collect({ list: idOf(await snapshot()), batch: null });
  const [contact] = server.times("POST /batches")[0].body.contacts;
  assert.ok(contact.name.length <= 300 && contact.email.length <= 320);
  assert.ok(contact.phones.every((/** @type {string} */ phone) => phone.length <= 60));
});
