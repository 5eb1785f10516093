// @ts-check
// The key that this browser's tokens are bound to: every request proves it, nothing reads it, and without it there is
// no connection.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { createKeyStore } from "../../extension/lib/server/key_store.js";
import { CHOICE, openTab, setting } from "./commands_fixture.js";
import { fakeIndexedDB, fakeStore, problemReply, proofIn, reply, SERVER } from "./fake_browser.js";
import { fakeTokens } from "./fake_tokens.js";

const DAY = 86_400_000;

/**
 * A browser that was paired through the server's own doors.
 * @param {number} [wrong] milliseconds by which its clock is fast
 */
async function paired(wrong = 0) {
  const set = await setting({ connected: false });
  const tokens = fakeTokens(set.server, { get now() { return set.clock.now - wrong; } });
  await set.commands.pair({ server: SERVER });
  tokens.pairing.state = "approved";
  await set.pairings.poll();
  assert.ok(await set.session.read());
  return { ...set, tokens };
}

test("every request is proved by one and the same key, for its own method, address and token", async () => {
  const { commands, server } = await paired();
  const snapshot = await openTab(commands);
  await commands.search({ snapshot, q: "holloway", kind: "customer" });
  await commands.confirm({ ...CHOICE, snapshot });
  const proofs = await Promise.all(server.asked.map(proofIn));
  assert.ok(proofs.length > 5);
  assert.equal(new Set(proofs.map(({ key }) => key)).size, 1);
  assert.equal(new Set(proofs.map(({ claims }) => claims.jti)).size, proofs.length);
  for (const [place, { claims }] of proofs.entries()) {
    const { method, url, headers } = server.asked[place];
    assert.deepEqual([claims.htm, claims.htu], [method, url]);
    const token = headers.Authorization?.replace("DPoP ", "");
    assert.equal(claims.ath, token && createHash("sha256").update(token).digest("base64url"));
  }
});

test("the key cannot be read, and nothing that is kept as text holds it", async () => {
  const { keys, local, memory } = await paired();
  assert.ok(keys.pair);
  await assert.rejects(crypto.subtle.exportKey("jwk", keys.pair.privateKey));
  await assert.rejects(crypto.subtle.exportKey("pkcs8", keys.pair.privateKey));
  assert.doesNotMatch([...local.kept.values(), ...memory.kept.values()].join(), /"d":|privateKey|jwk/);
});

test("a copy of all that is kept as text opens nothing in another browser", async () => {
  const { local, clock, server, tokens } = await paired();
  const thief = await setting({ connected: false });
  thief.server.fetch = server.fetch;
  const other = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
  for (const pair of [null, /** @type {CryptoKeyPair} */ (other)]) {
    for (const minutes of [0, 20]) {
      for (const [key, value] of local.kept) thief.local.kept.set(key, value);
      thief.keys.pair = pair;
      thief.clock.now = clock.now + minutes * 60_000;
      const result = await thief.start().commands.test();
      assert.ok(!result.ok, `${minutes} minutes later`);
      assert.equal(result.problem.type, pair ? "grant-refused" : "key-lost");
    }
  }
  assert.equal(tokens.devices[0].ended, null);
});

for (const days of [-3, 3]) {
  test(`a clock that is ${days < 0 ? "slow" : "fast"} by days proves as well as a right one`, async () => {
    const { commands, clock, server } = await paired(days * DAY);
    clock.now += 20 * 60_000;
    assert.ok((await commands.test()).ok);
    const { claims } = await proofIn(server.asked[0]);
    assert.ok(Math.abs(claims.iat * 1000 - clock.now) < DAY, "the proof tells the time that the browser believes in");
  });
}

test("a server that wants a newer nonce is asked again at once, with the same request", async () => {
  const { commands, clock, server } = await paired();
  const snapshot = await openTab(commands);
  clock.now += 7 * 60_000;
  const before = server.asked.length;
  const done = await commands.confirm({ ...CHOICE, snapshot });
  assert.ok(done.ok);
  const sent = server.asked.slice(before);
  const stale = sent.filter((one) => one.stale);
  assert.equal(stale.length, 1);
  const again = sent[sent.indexOf(stale[0]) + 1];
  assert.deepEqual([again.method, again.path, again.body], [stale[0].method, stale[0].path, stale[0].body]);
  const [first, second] = await Promise.all([stale[0], again].map(proofIn));
  assert.notEqual(first.claims.jti, second.claims.jti);
});

test("a server that is never content with a nonce is not asked without end", async () => {
  const { commands, server } = await paired();
  const before = server.asked.length;
  server.middleware.guard = () => problemReply("proof-nonce", 401, "Again.", { error: "use_dpop_nonce" });
  const answer = await commands.test();
  assert.ok(!answer.ok);
  assert.ok(server.asked.length - before <= 6);
});

test("a nonce outlives the worker, and is never sent to another server", async () => {
  const { memory, server, start } = await paired();
  const before = server.asked.length;
  assert.ok((await start().commands.test()).ok);
  assert.equal(server.asked.length, before + 1);
  await memory.set({ nonce: { origin: "https://other.example", nonce: "theirs" } });
  assert.ok((await start().commands.test()).ok);
  const said = await Promise.all(server.asked.map(proofIn));
  assert.ok(said.every(({ claims }) => claims.nonce !== "theirs"));
});

for (const lapsed of [false, true]) {
  test(`a key that is lost ends the connection in plain words, ${lapsed ? "also" : "even"} when the token ${lapsed ? "has lapsed" : "is good"}`, async () => {
    const { commands, keys, session, server, clock, local } = await paired();
    const before = server.asked.length;
    keys.pair = null;
    if (lapsed) clock.now += 20 * 60_000;
    const result = await commands.test();
    assert.ok(!result.ok && result.problem.type === "key-lost");
    assert.equal(await session.read(), null);
    assert.equal(server.asked.length, before, "nothing is sent without a proof");
    const view = await commands.connection_status();
    assert.ok(view.ok && view.data.ended?.type === "key-lost" && view.data.last === SERVER);
    assert.doesNotMatch([...local.kept.values()].join(), /refresh-dev|access-token/);
  });
}

test("a browser that was paired before there were keys is asked to connect again, and does", async () => {
  const { commands, keys, session, server } = await setting();
  keys.pair = null;
  const result = await commands.test();
  assert.ok(!result.ok && result.problem.type === "key-lost");
  assert.equal(server.asked.length, 0);
  const tokens = fakeTokens(server, { now: 1_000_000 });
  await commands.pair({ server: SERVER });
  tokens.pairing.state = "approved";
  for (let turn = 0; turn < 5_000 && !(await session.read()); turn += 1) await new Promise(setImmediate);
  assert.equal((await session.read())?.device.id, "dev_1");
  assert.ok(keys.pair);
});

test("a decision on its way when the key is lost stays open until its outcome is known", async () => {
  const { commands, keys, attempts, server } = await paired();
  const snapshot = await openTab(commands);
  const guard = server.middleware.guard;
  server.middleware.guard = (one) => {
    if (one.path === "/links") throw new TypeError("Failed to fetch");
    return guard?.(one) ?? null;
  };
  const first = await commands.confirm({ ...CHOICE, snapshot });
  keys.pair = null;
  const turned = await commands.resume({ attempt: String(first.attempt) });
  assert.ok(!turned.ok && turned.problem.type === "key-lost");
  assert.equal((await attempts.all())[0].answer, null);
});

test("a key that cannot be read for a moment costs no connection", async () => {
  const { commands, keys, session, server } = await paired();
  const before = server.asked.length;
  keys.broken = true;
  const result = await commands.test();
  assert.ok(!result.ok && result.problem.type === "key-unreadable");
  assert.equal(server.asked.length, before);
  assert.ok(await session.read());
  keys.broken = false;
  assert.ok((await commands.test()).ok);
});

test("a browser that keeps no key is not paired, and says why", async () => {
  const { commands, keys, server } = await setting({ connected: false });
  fakeTokens(server, { now: 1_000_000 });
  keys.broken = true;
  const result = await commands.pair({ server: SERVER });
  assert.ok(result.ok);
  assert.equal(result.data.pairing?.state, "failed");
  assert.equal(result.data.pairing?.problem?.type, "key-unreadable");
  assert.equal(server.asked.length, 0);
});

test("each pairing has a key of its own, and disconnecting forgets it", async () => {
  const { commands, keys, server, tokens, pairings } = await paired();
  const first = keys.pair;
  await commands.disconnect();
  assert.equal(keys.pair, null);
  await commands.pair({ server: SERVER });
  tokens.pairing.state = "approved";
  await pairings.poll();
  assert.ok(keys.pair);
  assert.notEqual(keys.pair, first);
  assert.equal(server.times("DELETE /devices/me").length, 1, "the server was told with the old key");
});

test("tokens that are bound to no key are not taken: the server is too old", async () => {
  const { commands, server, session, pairings } = await setting({ connected: false });
  const tokens = fakeTokens(server, { now: 1_000_000 });
  const working = server.replies["POST /token"];
  server.replies["POST /token"] = async (/** @type {any} */ one) => {
    const answer = await working(one);
    return answer.ok ? reply({ ...(await answer.json()), token_type: "Bearer" }) : answer;
  };
  await commands.pair({ server: SERVER });
  tokens.pairing.state = "approved";
  await pairings.poll();
  assert.equal(await session.read(), null);
  const result = await commands.connection_status();
  assert.ok(result.ok);
  assert.deepEqual([result.data.pairing?.state, result.data.pairing?.problem?.type], ["failed", "server-too-old"]);
});

/** Two keys. @returns {Promise<CryptoKeyPair[]>} */
const twoKeys = () => Promise.all([1, 2].map(() => crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"])));

test("the key is kept in IndexedDB as a key, replaced and removed", async () => {
  const { kept, factory } = fakeIndexedDB();
  const memory = fakeStore();
  const store = createKeyStore(() => factory, memory);
  assert.equal(await store.read(), null);
  const [one, other] = await twoKeys();
  await store.keep(one);
  await store.keep(other);
  assert.equal(await store.read(), other);
  assert.deepEqual([...kept.values()], [other]);
  await store.remove();
  assert.equal(await store.read(), null);
  assert.equal(memory.kept.size, 0);
});

test("a browser that never keeps anything holds the key in memory, as a key", async () => {
  const { failing, factory } = fakeIndexedDB();
  failing.open = new DOMException("A mutation operation was attempted.", "InvalidStateError");
  /** Firefox's memory keeps what can be cloned. @type {Map<string, any>} */
  const kept = new Map();
  const memory = {
    get: async (/** @type {string} */ key) => (kept.has(key) ? { [key]: kept.get(key) } : {}),
    set: async (/** @type {Record<string, any>} */ items) => Object.entries(items).forEach(([key, value]) => kept.set(key, structuredClone(value))),
    remove: async (/** @type {string} */ key) => void kept.delete(key),
  };
  const store = createKeyStore(() => factory, memory);
  assert.equal(await store.read(), null);
  const [one] = await twoKeys();
  await store.keep(one);
  const read = await store.read();
  assert.ok(read && !read.privateKey.extractable);
  await store.remove();
  assert.equal(await store.read(), null);
});

test("a browser that can keep a key nowhere says so", async () => {
  const { failing, factory } = fakeIndexedDB();
  failing.open = new DOMException("A mutation operation was attempted.", "InvalidStateError");
  const store = createKeyStore(() => factory, fakeStore());
  const [one] = await twoKeys();
  await assert.rejects(store.keep(one), { name: "DataCloneError" });
});

for (const failure of ["UnknownError", "QuotaExceededError", "VersionError"]) {
  test(`an IndexedDB that fails with ${failure} is no browser without a key`, async () => {
    const { failing, factory } = fakeIndexedDB();
    failing.open = new DOMException("Not now.", failure);
    await assert.rejects(createKeyStore(() => factory, fakeStore()).read(), { name: failure });
  });
}

test("a browser whose IndexedDB may not even be named says so", async () => {
  const store = createKeyStore(() => {
    throw new DOMException("The operation is insecure.", "SecurityError");
  }, fakeStore());
  await assert.rejects(store.read());
});
