// @ts-check
// Connecting: three clicks, whatever closes or dies in between, and plain words for every other end.
import assert from "node:assert/strict";
import { test } from "node:test";

import { setting } from "./commands_fixture.js";
import { lost, reply, SERVER } from "./fake_browser.js";
import { fakeTokens } from "./fake_tokens.js";

async function fresh() {
  const set = await setting({ connected: false });
  const tokens = fakeTokens(set.server, set.clock);
  const status = async () => {
    const answer = await set.commands.connection_status();
    assert.ok(answer.ok);
    return answer.data;
  };
  const polls = () => set.server.times("POST /token");
  return { ...set, tokens, status, polls };
}

/** Let what goes on in the background go on; keys are used in other threads. @param {() => unknown} until */
async function turns(until) {
  const end = performance.now() + 30_000;
  while (!(await until())) {
    assert.ok(performance.now() < end, "it never came");
    await new Promise(setImmediate);
  }
}

/**
 * No answer as long as the test runs; then the question is given up, so that its timer holds nothing up.
 * @param {import("node:test").TestContext} t
 */
const silentUntilTheEnd = (t) => () => new Promise((_, giveUp) => t.after(() => giveUp(new TypeError("over"))));

test("Connect opens the approval page, shows the code, and is connected once it is approved", async () => {
  const { commands, server, tokens, browser, status, polls } = await fresh();
  await commands.pair({ server: "127.0.0.1:8787/" });
  const [begun] = server.times("POST /pairings");
  assert.deepEqual(begun.body, { client_id: "crmlink-extension", browser: "Chrome on Windows" });
  assert.equal(begun.headers.Authorization, undefined);
  assert.deepEqual(browser.opened, ["http://127.0.0.1:8787/pair?code=BCDF-GHJK"]);
  assert.deepEqual((await status()).pairing, { state: "waiting", server: SERVER, code: "BCDF-GHJK", problem: null });

  await turns(() => polls().length > 2);
  tokens.pairing.state = "approved";
  await turns(async () => (await status()).connected);
  const now = await status();
  assert.equal(now.pairing, null);
  assert.deepEqual([now.server, now.person?.name, now.person?.role, now.device], [SERVER, "Jan Novak", "clerk", "Front desk"]);
  assert.equal(polls()[0].body.device_code, "device-code-1");
});

test("no page learns the secret half of the code", async () => {
  const { commands, status } = await fresh();
  const answers = [await commands.pair({ server: SERVER }), await status(), await commands.pair_again(), await commands.pair_cancel()];
  assert.ok(!JSON.stringify(answers).includes("device-code"));
});

test("before the browser allows it nothing is asked; when it does, it begins though the popup is gone", async () => {
  const { commands, server, browser, connecting, status } = await fresh();
  browser.permitted = false;
  await commands.pair({ server: SERVER });
  assert.deepEqual(server.asked, []);
  assert.equal((await status()).pairing, null);
  browser.permitted = true;
  await connecting.onPermissionsAdded();
  assert.equal((await status()).pairing?.state, "waiting");
  assert.equal(browser.opened.length, 1);
});

test("a permission for something else, or long after, begins nothing", async () => {
  const { commands, server, browser, connecting, clock } = await fresh();
  await connecting.onPermissionsAdded();
  browser.permitted = false;
  await commands.pair({ server: SERVER });
  await connecting.onPermissionsAdded();
  clock.now += 10 * 60_000;
  browser.permitted = true;
  await connecting.onPermissionsAdded();
  assert.deepEqual(server.asked, []);
});

test("Connect pressed twice, in two pages, is one pairing and one tab", async () => {
  const { commands, server, browser } = await fresh();
  await Promise.all([commands.pair({ server: SERVER }), commands.pair({ server: SERVER })]);
  await commands.pair({ server: SERVER });
  assert.equal(server.times("POST /pairings").length, 1);
  assert.equal(browser.opened.length, 1);
  await commands.pair_again();
  assert.equal(browser.opened.length, 2);
});

test("a worker that dies half way goes on when it starts again", async (t) => {
  const { commands, server, start, memory, tokens, status } = await fresh();
  const answer = server.replies["POST /token"];
  server.replies["POST /token"] = silentUntilTheEnd(t);
  await commands.pair({ server: SERVER });
  await turns(() => server.times("POST /token").length > 0);
  assert.match(String(memory.kept.get("pairing")), /device-code-1/);
  server.replies["POST /token"] = answer;
  tokens.pairing.state = "approved";
  await start().resume();
  assert.equal((await status()).connected, true);
});

test("a lost answer to the approved question costs nothing", async () => {
  const { commands, server, tokens, status } = await fresh();
  const answer = server.replies["POST /token"];
  let losses = 0;
  server.replies["POST /token"] = (/** @type {any} */ one) => {
    tokens.pairing.state = "approved";
    const told = answer(one);
    losses += 1;
    return losses < 5 ? lost() : told;
  };
  await commands.pair({ server: SERVER });
  await turns(async () => (await status()).connected);
  assert.equal(tokens.devices.length, 1);
  assert.equal(losses, 5);
});

test("a code that brought its tokens is not sent again, though the worker died before it was dropped", async () => {
  const { commands, memory, tokens, start, status, polls } = await fresh();
  await commands.pair({ server: SERVER });
  const kept = String(memory.kept.get("pairing"));
  tokens.pairing.state = "approved";
  await turns(async () => (await status()).connected);
  const sent = polls().length;
  memory.kept.set("pairing", kept);
  await start().resume();
  assert.equal(polls().length, sent);
  assert.equal(memory.kept.has("pairing"), false);
});

test("the server is asked no more often than it wants", async () => {
  const { commands, clock, server, tokens } = await fresh();
  /** @type {number[]} */
  const times = [];
  const answer = server.replies["POST /token"];
  server.replies["POST /token"] = (/** @type {any} */ one) => {
    times.push(clock.now);
    tokens.pairing.state = times.length === 2 ? "slow" : "pending";
    if (times.length === 4) return reply({ type: "urn:crmlink:problem:too-many-requests" }, 429, { "Retry-After": "60" });
    if (times.length === 6) tokens.pairing.state = "denied";
    return answer(one);
  };
  await commands.pair({ server: SERVER });
  await turns(() => times.length === 6);
  assert.deepEqual(times.map((time, index) => (time - (times[index - 1] ?? 1_000_000)) / 1000), [2, 2, 7, 7, 60, 14]);
});

test("a server that does not answer is asked more and more rarely, and the page says so", async () => {
  const { commands, clock, server, status } = await fresh();
  /** @type {number[]} */
  const times = [];
  server.replies["POST /token"] = () => {
    times.push(clock.now);
    return lost();
  };
  await commands.pair({ server: SERVER });
  await turns(() => times.length > 6);
  assert.deepEqual(times.slice(0, 7).map((time, index) => (time - (times[index - 1] ?? 1_000_000)) / 1000), [2, 4, 8, 16, 30, 30, 30]);
  assert.equal((await status()).pairing?.problem?.type, "server-unreachable");
});

test("the worker never rests so long that a browser would end it", async () => {
  const { commands, server, status, browser } = await fresh();
  server.replies["POST /token"] = () => reply({ type: "urn:crmlink:problem:too-many-requests" }, 429, { "Retry-After": "300" });
  await commands.pair({ server: SERVER });
  await turns(async () => (await status()).pairing?.state === "over");
  assert.ok(browser.naps >= 600 / 20);
});

for (const [state, shown] of [["denied", "denied"], ["over", "over"]]) {
  test(`a pairing that is ${state} says so, and can be begun again`, async () => {
    const { commands, tokens, status, server } = await fresh();
    await commands.pair({ server: SERVER });
    tokens.pairing.state = state;
    await turns(async () => (await status()).pairing?.state === shown);
    await commands.pair({ server: SERVER });
    assert.equal((await status()).pairing?.state, "waiting");
    assert.equal(server.times("POST /pairings").length, 2);
  });
}

test("after ten minutes without a server it is over, after one last question", async () => {
  const { commands, server, clock, status } = await fresh();
  await commands.pair({ server: SERVER });
  server.replies["POST /token"] = lost;
  await turns(async () => (await status()).pairing?.state === "over");
  assert.ok(clock.now >= 1_000_000 + 600_000);
});

test("an approval in the last moment counts, though the worker woke too late", async (t) => {
  const { commands, server, clock, tokens, start, status } = await fresh();
  const answer = server.replies["POST /token"];
  server.replies["POST /token"] = silentUntilTheEnd(t);
  await commands.pair({ server: SERVER });
  clock.now += 3_600_000;
  tokens.pairing.state = "approved";
  server.replies["POST /token"] = answer;
  await start().resume();
  assert.equal((await status()).connected, true);
});

test("a new pairing is asked after at once, though the last one's question was to wait", async () => {
  const { commands, server, tokens, status, polls } = await fresh();
  const answer = server.replies["POST /token"];
  server.replies["POST /token"] = () => reply({ type: "urn:crmlink:problem:too-many-requests" }, 429, { "Retry-After": "300" });
  await commands.pair({ server: SERVER });
  await turns(() => polls().length === 1);
  await commands.pair_cancel();
  server.replies["POST /token"] = answer;
  await commands.pair({ server: SERVER });
  tokens.pairing.state = "approved";
  await turns(async () => (await status()).connected);
});

test("Cancel stops it, at once and for good", async () => {
  const { commands, server, tokens, status } = await fresh();
  /** @type {(() => void) | null} */
  let release = null;
  const answer = server.replies["POST /token"];
  server.replies["POST /token"] = async (/** @type {any} */ one) => {
    await new Promise((resolve) => (release = () => resolve(undefined)));
    return answer(one);
  };
  await commands.pair({ server: SERVER });
  await turns(() => release);
  await commands.pair_cancel();
  assert.equal((await status()).pairing, null);
  tokens.pairing.state = "approved";
  /** @type {any} */ (release)();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal((await status()).connected, false);
});

for (const [what, answer, type] of /** @type {[string, any, string][]} */ ([
  ["a server that is away", lost, "server-unreachable"],
  ["too many tries", () => reply({ type: "urn:crmlink:problem:too-many-requests" }, 429, { "Retry-After": "300" }), "too-many-requests"],
  ["another program", () => new Response("<html>"), "web-page-instead"],
  ["a code that is none", { device_code: "device-code-1", user_code: "<b>", expires_in: 600 }, "server-odd"],
])) {
  test(`${what} is told, and opens no page`, async () => {
    const { commands, server, browser, status } = await fresh();
    server.replies["POST /pairings"] = answer;
    await commands.pair({ server: SERVER });
    const { pairing } = await status();
    assert.equal(pairing?.state, "failed");
    assert.equal(pairing?.problem?.type, type);
    if (type === "too-many-requests") assert.equal(pairing?.problem?.retry_after, 300);
    assert.deepEqual(browser.opened, []);
  });
}

for (const [told, opened] of [
  ["https://evil.example/pair?code=BCDF-GHJK", "http://127.0.0.1:8787/pair?code=BCDF-GHJK"],
  ["http://127.0.0.1:9999/pair", "http://127.0.0.1:8787/pair?code=BCDF-GHJK"],
  ["javascript:alert(1)", "http://127.0.0.1:8787/pair?code=BCDF-GHJK"],
  ["http://127.0.0.1:8787/somewhere?code=BCDF-GHJK", "http://127.0.0.1:8787/somewhere?code=BCDF-GHJK"],
  [undefined, "http://127.0.0.1:8787/pair?code=BCDF-GHJK"],
]) {
  test(`told to open ${told}, it opens ${opened}`, async () => {
    const { commands, server, browser } = await fresh();
    server.replies["POST /pairings"] = {
      device_code: "device-code-1", user_code: "BCDF-GHJK", expires_in: 600, interval: 2, verification_uri_complete: told,
    };
    await commands.pair({ server: SERVER });
    assert.deepEqual(browser.opened, [opened]);
  });
}
