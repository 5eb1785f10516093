// @ts-check
// Tokens: renewed in time, one renewal after another, and never a lock-out by a lost answer.
import assert from "node:assert/strict";
import { test } from "node:test";

import { CHOICE, openTab, setting } from "./commands_fixture.js";
import { ACCESS, CONNECTION, GRANT, lost, problemReply, REFRESH, SERVER, WORKSPACE } from "./fake_browser.js";
import { fakeTokens } from "./fake_tokens.js";

const MINUTE = 60_000;

/** A browser that was paired through the server's own doors. */
async function paired() {
  const set = await setting({ connected: false });
  const tokens = fakeTokens(set.server, set.clock);
  await set.commands.pair({ server: SERVER });
  tokens.pairing.state = "approved";
  await set.pairings.poll();
  assert.equal((await set.commands.connection_status()).ok && (await set.session.read())?.device.id, "dev_1");
  return { ...set, tokens, asked: () => set.server.times("POST /token").filter((one) => one.body.grant_type === "refresh_token") };
}

test("an access token serves until less than a minute of it is left", async () => {
  const { commands, clock, asked } = await paired();
  await commands.test();
  clock.now += 9 * MINUTE - 5_000;
  assert.ok((await commands.test()).ok);
  assert.equal(asked().length, 0);
  clock.now += 10_000;
  assert.ok((await commands.test()).ok);
  assert.equal(asked().length, 1);
});

test("one renewal serves everybody who waits for it", async () => {
  const { commands, clock, asked } = await paired();
  const snapshot = await openTab(commands);
  clock.now += 20 * MINUTE;
  const answers = await Promise.all([commands.test(), commands.search({ snapshot, q: "x", kind: "customer" }), commands.test(), commands.refreshLink({ link: "lnk_1" }), commands.open_tab({ tab: 7 })]);
  assert.ok(answers[0].ok && answers[2].ok && answers[4].ok);
  assert.equal(asked().length, 1);
});

test("a token that the server refuses early is renewed once, and the request sent again under its own key", async () => {
  const { commands, server, tokens, asked } = await paired();
  const snapshot = await openTab(commands);
  tokens.access.clear();
  const done = await commands.confirm({ ...CHOICE, snapshot });
  assert.ok(done.ok);
  const sent = server.times("POST /links");
  assert.equal(sent.length, 2);
  assert.equal(sent[0].headers["Idempotency-Key"], sent[1].headers["Idempotency-Key"]);
  assert.deepEqual(sent[0].body, sent[1].body);
  assert.notEqual(sent[0].headers.Authorization, sent[1].headers.Authorization);
  assert.equal(asked().length, 1);
});

test("a server that refuses every token is not asked without end", async () => {
  const { commands, server, asked } = await paired();
  const before = server.asked.length;
  server.middleware.guard = ({ path }) => (path === "/token" ? null : problemReply("token-refused", 401, "No."));
  const answer = await commands.test();
  assert.ok(!answer.ok && answer.problem.type === "token-refused");
  assert.equal(asked().length, 1);
  assert.equal(server.asked.length - before, 3);
});

test("two hundred lost answers lock no one out", async () => {
  const { commands, server, clock, tokens, start } = await paired();
  const working = server.replies["POST /token"];
  /** What sends it back for a nonce arrives: the answer that brings tokens is the one that counts. @type {(one: any) => Promise<any>} */
  const losing = async (one) => {
    const answer = await working(one);
    return one.stale ? answer : lost();
  };
  let worker = commands;
  for (let round = 0; round < 200; round += 1) {
    clock.now += 11 * MINUTE;
    server.replies["POST /token"] = losing;
    const answer = await worker.test();
    assert.ok(!answer.ok && answer.problem.type === "server-unreachable", `round ${round}`);
    if (round % 3 === 0) worker = start().commands;
    if (round % 2 === 0) {
      server.replies["POST /token"] = working;
      assert.ok((await worker.test()).ok, `round ${round}`);
    }
  }
  server.replies["POST /token"] = working;
  assert.ok((await worker.test()).ok);
  assert.equal(tokens.devices[0].ended, null);
});

test("a browser that keeps no old token is locked out by the same losses", async () => {
  const { session, clock, tokens, local } = await paired();
  clock.now += 11 * MINUTE;
  const connection = await session.read();
  assert.ok(connection);
  await session.access(connection);
  // As if the new token had been used but not stored.
  const [device, generation] = [...tokens.access.values()][1];
  device.received = generation;
  await local.set({ connection });
  const answer = await session.access(connection);
  assert.ok(!answer.ok && answer.problem.type === "token-reused");
});

test("a worker that dies between the answer and storing it asks again with the old token", async () => {
  const { commands, clock, local, start, tokens, asked } = await paired();
  clock.now += 11 * MINUTE;
  const { set } = local;
  await new Promise((begun) => {
    local.set = () => new Promise(() => begun(undefined));
    void commands.test();
  });
  local.set = set;
  assert.ok((await start().commands.test()).ok);
  const [first, second] = asked().map((one) => one.body.refresh_token);
  assert.equal(first, second);
  assert.equal(tokens.devices[0].ended, null);
});

for (const [what, late] of /** @type {[string, any][]} */ ([
  ["brings an older token back", GRANT],
  ["ends the connection", problemReply("grant-refused", 400, "No.", { error: "invalid_grant" })],
])) {
  test(`no late answer to one worker ${what} when another has gone on`, async () => {
    const { session, server, local } = await setting();
    const newer = { ...CONNECTION, refresh_token: "refresh-newer", access_token: "access-newer" };
    server.replies["POST /token"] = async () => {
      await local.set({ connection: newer });
      return late;
    };
    const result = await session.access(CONNECTION, CONNECTION.access_token);
    assert.deepEqual(result, { ok: true, data: "access-newer" });
    assert.deepEqual(await session.read(), newer);
  });
}

test("a connection survives a server that is away, busy or another program", async () => {
  const { commands, server, session, clock } = await paired();
  clock.now += 11 * MINUTE;
  for (const [answer, type] of /** @type {[any, string][]} */ ([
    [lost, "server-unreachable"],
    [() => problemReply("too-many-requests", 429, "Wait.", { retry_after: 40 }), "too-many-requests"],
    [() => problemReply("internal-error", 500, "Oh."), "internal-error"],
    [() => new Response("<html>", { status: 200 }), "web-page-instead"],
    [{ access_token: "line\nbreak", refresh_token: "x", expires_in: 600 }, "server-odd"],
  ])) {
    server.replies["POST /token"] = answer;
    const result = await commands.test();
    assert.ok(!result.ok && result.problem.type === type, type);
    assert.ok(await session.read(), type);
  }
});

for (const type of ["device-revoked", "device-expired", "token-reused", "grant-refused"]) {
  test(`${type}: the tokens are forgotten, and why is remembered until the next connection`, async () => {
    const { commands, server, session, local, clock, tokens } = await paired();
    clock.now += 11 * MINUTE;
    const working = server.replies["POST /token"];
    server.replies["POST /token"] = () => problemReply(type, 400, "Told why.", { error: "invalid_grant" });
    const result = await commands.test();
    assert.ok(!result.ok && result.problem.type === type);
    assert.equal(await session.read(), null);
    assert.doesNotMatch([...local.kept.values()].join(), /refresh-dev|access-token/);
    const view = await commands.open_tab({ tab: 7 });
    assert.ok(view.ok && view.data.status.ended?.type === type && view.data.place === null);

    server.replies["POST /token"] = working;
    await commands.pair({ server: SERVER });
    tokens.pairing.state = "approved";
    const again = await commands.connection_status();
    assert.ok(again.ok);
    for (let turn = 0; turn < 5_000 && !(await session.read()); turn += 1) await new Promise(setImmediate);
    const after = await commands.connection_status();
    assert.ok(after.ok && after.data.connected && after.data.ended === null);
  });
}

test("a late answer brings no forgotten connection back, nor ends the next one", async () => {
  const { session, local } = await setting();
  /** @type {Promise<unknown> | null} */
  let forgetting = null;
  const { get } = local;
  local.get = async (key) => {
    const found = await get(key);
    if (key === "connection") forgetting ??= session.forget(SERVER);
    await new Promise(setImmediate);
    return found;
  };
  await session.noteWorkspace(CONNECTION, WORKSPACE);
  await forgetting;
  assert.equal(await session.read(), null);
  await session.save(SERVER, { ...GRANT, device: { id: "dev_2", name: "Till" } });
  await session.noteWorkspace(CONNECTION, WORKSPACE);
  assert.equal((await session.read())?.workspace, null);
  const result = await session.access(CONNECTION);
  assert.ok(!result.ok && result.problem.type === "not-connected");
});

test("nothing that the background answers holds a token", async () => {
  const { commands } = await setting();
  const snapshot = await openTab(commands);
  const answers = [
    await commands.open_tab({ tab: 7 }), await commands.connection_status(), await commands.test(), await commands.suggest({ snapshot, kind: null, typed: null }),
    await commands.search({ snapshot, q: "x", kind: "customer" }), await commands.confirm({ ...CHOICE, snapshot }), await commands.refreshLink({ link: "lnk_1" }),
    await commands.pair({ server: "nonsense://" }), await commands.pair({ server: SERVER }), await commands.disconnect(),
  ];
  const said = JSON.stringify(answers);
  assert.ok(!said.includes(ACCESS) && !said.includes(REFRESH) && !said.includes("_token"));
});
