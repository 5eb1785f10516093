// @ts-check
// A decision about one Commusoft account's record is never sent to the account that was connected meanwhile.
import assert from "node:assert/strict";
import { test } from "node:test";

import { CHOICE, openTab, setting, TAB } from "./commands_fixture.js";
import { link, lost, offer, OTHER_PAGE, MARGARET, problemReply, record, reply, WORKSPACE } from "./fake_browser.js";

/** @typedef {Awaited<ReturnType<typeof setting>>["server"]} Server */

const OTHER = { ...WORKSPACE, name: "Another account", connection_id: "con_other", commusoft: { sandbox: false, web_url: "https://other.commusoft.example" } };

/** @param {Server} server */
function changeOver(server) {
  server.replies["GET /workspace"] = OTHER;
  server.replies["POST /suggestions"] = offer({ connection_id: OTHER.connection_id });
}

/** @param {string} [connection_id] an earlier version of this extension kept none */
async function unanswered(connection_id) {
  const parts = await setting();
  parts.server.replies["POST /links"] = lost;
  const { ok } = await parts.commands.confirm({ ...CHOICE, snapshot: await openTab(parts.commands) });
  assert.equal(ok, false);
  if (connection_id === undefined) {
    const { attempts } = await parts.memory.get("attempts");
    for (const one of attempts) {
      delete one.connection_id;
      delete one.body.connection_id;
    }
    await parts.memory.set({ attempts });
  }
  return parts;
}

test("a decision names the connection that its record was shown of", async () => {
  const { commands, server } = await setting();
  await commands.confirm({ ...CHOICE, snapshot: await openTab(commands) });
  await commands.undo({ snapshot: null, link: "lnk_1", title: "Margaret Holloway", also_on: [] });
  assert.equal(server.times("POST /links")[0].body.connection_id, WORKSPACE.connection_id);
  assert.equal(server.times("POST /links/lnk_1/undo")[0].body.connection_id, WORKSPACE.connection_id);
});

test("a server of an earlier version, which tells of no connection, is sent none", async () => {
  const { commands, server } = await setting();
  const { connection_id: _, ...older } = WORKSPACE;
  server.replies["GET /workspace"] = older;
  server.replies["POST /suggestions"] = offer({ connection_id: undefined });
  const snapshot = await openTab(commands);
  assert.ok((await commands.suggest({ snapshot, kind: null, typed: null })).ok);
  await commands.confirm({ ...CHOICE, snapshot });
  await commands.undo({ snapshot: null, link: "lnk_1", title: "Margaret Holloway", also_on: [] });
  for (const what of ["POST /links", "POST /links/lnk_1/undo"]) {
    assert.equal("connection_id" in server.times(what)[0].body, false);
  }
});

for (const kept of [WORKSPACE.connection_id, undefined]) {
  test(`a request without an answer, kept ${kept ? "with" : "without"} its connection, is not sent again to another account`, async () => {
    const { commands, server } = await unanswered(kept);
    changeOver(server);
    const view = await commands.open_tab({ tab: TAB });
    assert.ok(view.ok && view.data.attempt);
    assert.equal(view.data.attempt.open, false);
    const answer = await commands.resume({ attempt: view.data.attempt.key });
    assert.ok(!answer.ok);
    assert.equal(answer.problem.type, "other-connection");
    assert.equal(server.times("POST /links").length, 1);
  });
}

test("the person is told on any page of what is not sent again", async () => {
  const { commands, server, tabs } = await unanswered(WORKSPACE.connection_id);
  changeOver(server);
  tabs.open.set(TAB, { url: OTHER_PAGE, details: MARGARET });
  const view = await commands.open_tab({ tab: TAB });
  assert.ok(view.ok);
  assert.deepEqual(view.data.others.map(({ title, open }) => [title, open]), [["Margaret Holloway", false]]);
});

test("with the same account a request without an answer is sent again as before", async () => {
  const { commands, server } = await unanswered(WORKSPACE.connection_id);
  server.replies["POST /links"] = () => reply(link(), 201);
  const view = await commands.open_tab({ tab: TAB });
  assert.ok(view.ok && view.data.attempt);
  assert.ok((await commands.resume({ attempt: view.data.attempt.key })).ok);
  const keys = server.times("POST /links").map((one) => one.headers["Idempotency-Key"]);
  assert.deepEqual(keys, [keys[0], keys[0]]);
});

test("an undo without an answer is not sent again to another account", async () => {
  const { commands, server } = await setting();
  const snapshot = await openTab(commands);
  server.replies["POST /links/lnk_1/undo"] = lost;
  await commands.undo({ snapshot, link: "lnk_1", title: "Margaret Holloway", also_on: [] });
  changeOver(server);
  const view = await commands.open_tab({ tab: TAB });
  assert.ok(view.ok && view.data.attempt);
  await commands.resume({ attempt: view.data.attempt.key });
  assert.equal(server.times("POST /links/lnk_1/undo").length, 1);
});

test("suggestions of another account than the one that was looked at are not shown", async () => {
  const { commands, server } = await setting();
  const snapshot = await openTab(commands);
  changeOver(server);
  const answer = await commands.suggest({ snapshot, kind: null, typed: null });
  assert.ok(!answer.ok);
  assert.equal(answer.problem.type, "other-connection");
});

test("records found in another account than the one that was looked at are not shown", async () => {
  const { commands, server } = await setting();
  const snapshot = await openTab(commands);
  const found = { connection_id: WORKSPACE.connection_id, records: [record()] };
  server.replies["GET /records?q=holloway&kind=customer&limit=20"] = found;
  assert.ok((await commands.search({ snapshot, q: "holloway", kind: "customer" })).ok);
  server.replies["GET /records?q=holloway&kind=customer&limit=20"] = { ...found, connection_id: OTHER.connection_id };
  const answer = await commands.search({ snapshot, q: "holloway", kind: "customer" });
  assert.ok(!answer.ok);
  assert.equal(answer.problem.type, "other-connection");
});

test("what the server refuses as another account's is over, and is not sent again", async () => {
  const { commands, server } = await unanswered(WORKSPACE.connection_id);
  server.replies["POST /links"] = () => problemReply("other-connection", 409, "Another account is connected.");
  const view = await commands.open_tab({ tab: TAB });
  assert.ok(view.ok && view.data.attempt);
  const answer = await commands.resume({ attempt: view.data.attempt.key });
  assert.ok(!answer.ok && !answer.open);
});
