// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createApi } from "../../extension/lib/server/api.js";
import { createProver } from "../../extension/lib/server/dpop.js";
import { createRequester } from "../../extension/lib/server/request.js";
import { createRules } from "../../extension/lib/server/rule_cache.js";
import { ACCESS, CONNECTION, fakeKeys, fakeServer, fakeStore, KEY_PAIR, lost, reply, RULES, SERVER } from "./fake_browser.js";

const MINUTE = 61_000;

function setting() {
  const server = fakeServer();
  const clock = { now: 1_000_000 };
  const rules = createRules(fakeStore(), () => clock.now);
  const call = createRequester({ fetch: server.fetch, explainNetworkFailure: async () => "server-unreachable", prover: createProver(fakeKeys(KEY_PAIR), fakeStore(), Date.now) });
  const api = createApi(CONNECTION, { call, access: async () => ({ ok: true, data: ACCESS }) });
  return { server, clock, rules, get: () => rules.get(SERVER, api), api };
}

test("the rules are fetched once and then kept for a while", async () => {
  const { server, get } = setting();
  assert.deepEqual((await get()).packages, RULES);
  await get();
  assert.equal(server.times("GET /packages").length, 1);
});

test("later they are asked for by their tag, and an unchanged file is not sent again", async () => {
  const { server, clock, get } = setting();
  await get();
  clock.now += MINUTE;
  server.replies["GET /packages"] = () => reply(null, 304);
  assert.deepEqual((await get()).packages, RULES);
  assert.equal(server.times("GET /packages")[1].headers["If-None-Match"], '"v1"');
  clock.now += MINUTE;
  await get();
  assert.equal(server.times("GET /packages")[2].headers["If-None-Match"], '"v1"');
});

test("a changed file replaces the one that was kept", async () => {
  const { server, clock, get } = setting();
  await get();
  clock.now += MINUTE;
  const changed = { version: 1, packages: { xero: RULES.packages.xero } };
  server.replies["GET /packages"] = () => reply(changed, 200, { ETag: '"v2"' });
  assert.deepEqual((await get()).packages, changed);
});

for (const [what, document] of /** @type {const} */ ([
  ["of an unknown version", { version: 2, packages: {} }],
  ["without packages", { version: 1 }],
  ["that is a list", [1, 2]],
])) {
  test(`a file ${what} is refused and the last good one stays`, async () => {
    const { server, clock, get } = setting();
    await get();
    clock.now += MINUTE;
    server.replies["GET /packages"] = () => reply(document, 200, { ETag: '"v2"' });
    assert.deepEqual((await get()).packages, RULES);
  });
}

test("without a server the last good rules serve, and the trouble is told", async () => {
  const { server, clock, get } = setting();
  await get();
  clock.now += MINUTE;
  server.replies["GET /packages"] = lost;
  const { packages, problem } = await get();
  assert.deepEqual(packages, RULES);
  assert.equal(problem?.type, "server-unreachable");
});

test("without a server there are no rules to begin with", async () => {
  const { server, get } = setting();
  server.replies["GET /packages"] = lost;
  const { packages, problem } = await get();
  assert.equal(packages, null);
  assert.equal(problem?.type, "server-unreachable");
});

test("the rules of one server are not used for another", async () => {
  const { server, rules, api, get } = setting();
  await get();
  server.replies["GET /packages"] = lost;
  assert.equal((await rules.get("https://elsewhere.example", api)).packages, null);
});

test("a clock that was set back does not keep old rules for ever", async () => {
  const { server, clock, get } = setting();
  await get();
  clock.now -= MINUTE * 1000;
  await get();
  assert.equal(server.times("GET /packages").length, 2);
});
