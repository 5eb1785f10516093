// @ts-check
// Ending a connection, what an office sets for all browsers, and what is kept from one server for another.
import assert from "node:assert/strict";
import { test } from "node:test";

import { browserName } from "../../extension/lib/server/browser_name.js";
import { parseServer } from "../../extension/lib/server/server_url.js";
import { CHOICE, openTab, setting } from "./commands_fixture.js";
import { ACCESS, GRANT, lost, problemReply, REFRESH, SERVER } from "./fake_browser.js";

const OFFICE = "https://crm.office.example";

for (const [typed, server, origin, plain] of /** @type {const} */ ([
  ["http://127.0.0.1:8787", "http://127.0.0.1:8787", "http://127.0.0.1/*", false],
  [" http://127.0.0.1:8787/ ", "http://127.0.0.1:8787", "http://127.0.0.1/*", false],
  ["127.0.0.1:8787", "http://127.0.0.1:8787", "http://127.0.0.1/*", false],
  ["localhost:8787", "http://localhost:8787", "http://localhost/*", false],
  ["127.1:8787", "http://127.0.0.1:8787", "http://127.0.0.1/*", false],
  ["[::1]:8787", "http://[::1]:8787", "http://[::1]/*", false],
  ["LOCALHOST", "http://localhost", "http://localhost/*", false],
  ["office-pc:8787", "https://office-pc:8787", "https://office-pc/*", false],
  ["192.168.1.20:8787", "https://192.168.1.20:8787", "https://192.168.1.20/*", false],
  ["crm.office.example/crmlink", "https://crm.office.example/crmlink", "https://crm.office.example/*", false],
  ["localhost.office.example", "https://localhost.office.example", "https://localhost.office.example/*", false],
  ["127.0.0.1.office.example:80", "https://127.0.0.1.office.example:80", "https://127.0.0.1.office.example/*", false],
  ["http://office-pc:8787", "http://office-pc:8787", "http://office-pc/*", true],
  ["http://192.168.1.20:8787", "http://192.168.1.20:8787", "http://192.168.1.20/*", true],
  ["https://crm.office.example", "https://crm.office.example", "https://crm.office.example/*", false],
  ["https://office.example/crmlink/", "https://office.example/crmlink", "https://office.example/*", false],
  ["HTTPS://CRM.Office.Example:443", "https://crm.office.example", "https://crm.office.example/*", false],
])) {
  test(`the address ${JSON.stringify(typed)} is understood`, () => {
    assert.deepEqual(parseServer(typed), { server, origins: [origin], plain });
  });
}

for (const typed of [
  "", "   ", "ftp://office.example", "javascript://x", "https://user:secret@office.example", "https://office.example/?a=1",
  "https://office.example/#top", "http://", "http://a b", "http://a%20b", "chrome://extensions",
]) {
  test(`the address ${JSON.stringify(typed)} is refused`, () => {
    assert.equal(parseServer(typed), null);
  });
}

for (const [name, navigator, system] of /** @type {[string, any, string][]} */ ([
  ["Edge on Windows", { userAgentData: { brands: [{ brand: "Chromium" }, { brand: "Microsoft Edge" }] } }, "win"],
  ["Chrome on macOS", { userAgentData: { brands: [{ brand: "Not?A_Brand" }, { brand: "Google Chrome" }, { brand: "Chromium" }] } }, "mac"],
  ["Firefox on Linux", { userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0" }, "linux"],
  ["Browser", { userAgent: "something" }, "toString"],
])) {
  test(`a browser is called ${name}`, () => assert.equal(browserName(navigator, system), name));
}

test("disconnecting ends the connection on the server and forgets it here", async () => {
  const { commands, server, local } = await setting();
  const answer = await commands.disconnect();
  assert.ok(answer.ok && !answer.data.connected && answer.data.last === SERVER && answer.data.ended === null);
  assert.equal(server.times("DELETE /devices/me").length, 1);
  assert.equal(server.times("DELETE /devices/me")[0].headers.Authorization, `DPoP ${ACCESS}`);
  const kept = [...local.kept.values()].join();
  assert.ok(!kept.includes(ACCESS) && !kept.includes(REFRESH));
  assert.equal((await commands.test()).ok, false);
});

test("whether the server knows of it is told truly", async () => {
  for (const [answer, told] of /** @type {[any, boolean][]} */ ([
    [() => new Response(null, { status: 204 }), true],
    [lost, false],
    [() => problemReply("internal-error", 500, "Oh."), false],
  ])) {
    const { commands, server } = await setting();
    server.replies["DELETE /devices/me"] = answer;
    const done = await commands.disconnect();
    assert.ok(done.ok && !done.data.connected);
    assert.equal(done.data.server_ended, told);
    assert.equal(done.data.ended, null);
  }
});

test("disconnecting a browser that was ended already is no failure", async () => {
  const { commands, server } = await setting();
  server.replies["DELETE /devices/me"] = () => problemReply("token-refused", 401, "No.");
  server.replies["POST /token"] = () => problemReply("device-revoked", 400, "No.", { error: "invalid_grant" });
  const done = await commands.disconnect();
  assert.ok(done.ok && done.data.server_ended && done.data.ended === null);
});

test("what was meant for one server is never sent to another", async () => {
  const { commands, server, attempts, session, connecting, start } = await setting();
  server.replies["POST /links"] = lost;
  await commands.confirm({ ...CHOICE, snapshot: await openTab(commands) });
  server.replies["GET /workspace"] = () => problemReply("token-refused", 401, "No.");
  server.replies["POST /token"] = () => problemReply("device-revoked", 400, "No.", { error: "invalid_grant" });
  await commands.test();
  assert.equal((await attempts.all()).length, 1);
  await connecting.paired(SERVER, GRANT);
  assert.equal((await attempts.all()).length, 1, "the same server again");
  await commands.test();
  await connecting.paired(OFFICE, GRANT);
  assert.deepEqual(await attempts.all(), []);
  assert.equal((await session.read())?.server, OFFICE);
  assert.deepEqual(await start().attempts.all(), []);
});

test("a record that one server offered is never linked on another, whose popup was left open", async () => {
  const { commands, server, connecting } = await setting();
  const snapshot = await openTab(commands);
  await commands.disconnect();
  await connecting.paired(OFFICE, GRANT);
  const answer = await commands.confirm({ ...CHOICE, snapshot });
  assert.ok(!answer.ok && answer.problem.type === "snapshot-lost");
  assert.equal(server.times("POST /links").length, 0);
});

test("a decision that may have arrived stays open while the browser is turned away", async () => {
  const { commands, server, attempts, connecting } = await setting();
  const snapshot = await openTab(commands);
  const working = server.replies["POST /links"];
  server.replies["POST /links"] = lost;
  const first = await commands.confirm({ ...CHOICE, snapshot });
  server.replies["POST /links"] = () => problemReply("token-refused", 401, "No.");
  server.replies["POST /token"] = () => problemReply("device-revoked", 400, "No.", { error: "invalid_grant" });
  const turned = await commands.resume({ attempt: String(first.attempt) });
  assert.ok(!turned.ok && turned.problem.type === "device-revoked");
  assert.equal((await attempts.all())[0].answer, null);

  await connecting.paired(SERVER, GRANT);
  server.replies["POST /links"] = working;
  assert.ok((await commands.resume({ attempt: String(first.attempt) })).ok);
  const keys = server.times("POST /links").map((one) => one.headers["Idempotency-Key"]);
  assert.equal(new Set(keys).size, 1);
});

test("a decision that was rejected before processing is not sent later behind the person's back", async () => {
  const { commands, server, attempts } = await setting();
  server.replies["POST /links"] = () => problemReply("too-many-requests", 429, "Wait.");
  await commands.confirm({ ...CHOICE, snapshot: await openTab(commands) });
  assert.notEqual((await attempts.all())[0].answer, null);
});

test("an address that the office set is known before anybody connects, even when it arrives late", async () => {
  const { commands, browser } = await setting({ connected: false });
  const policy = async () => {
    const answer = await commands.connection_status();
    return answer.ok ? answer.data.policy : null;
  };
  assert.equal(await policy(), null);
  browser.managed = { server: "https://crm.office.example/" };
  assert.deepEqual(await policy(), { server: OFFICE, only: false });
  for (const useless of [{ server: 7 }, { server: "javascript:alert(1)" }, { only_this_server: true }]) {
    browser.managed = useless;
    assert.equal(await policy(), null);
  }
});

test("an address that the office set without a scheme is an encrypted one", async () => {
  const { commands, browser } = await setting({ connected: false });
  browser.managed = { server: "crm.office.example" };
  const answer = await commands.connection_status();
  assert.ok(answer.ok);
  assert.deepEqual(answer.data.policy, { server: OFFICE, only: false });
});

test("a browser without managed storage is like one that no one set anything for", async () => {
  const { commands, browser } = await setting({ connected: false });
  Object.defineProperty(browser, "managed", { get: () => Promise.reject(new Error("Managed storage manifest not found")) });
  const answer = await commands.connection_status();
  assert.ok(answer.ok && answer.data.policy === null);
});

test("what a person chose stays, unless the office allows its own server only", async () => {
  const { commands, browser, server, session } = await setting();
  browser.managed = { server: OFFICE };
  await commands.open_tab({ tab: 7 });
  assert.equal((await session.read())?.server, SERVER);

  browser.managed = { server: OFFICE, only_this_server: true };
  const view = await commands.open_tab({ tab: 7 });
  assert.ok(view.ok && !view.data.status.connected && view.data.status.policy?.only);
  assert.equal(await session.read(), null);
  assert.equal(server.times("DELETE /devices/me").length, 1);

  const refused = await commands.pair({ server: SERVER });
  assert.ok(!refused.ok && refused.problem.type === "server-not-allowed");
  assert.equal(server.times("POST /pairings").length, 0);
});

test("a server that is no longer allowed is told once, however many look at the same time", async () => {
  const { commands, browser, server } = await setting();
  browser.managed = { server: OFFICE, only_this_server: true };
  await Promise.all([commands.open_tab({ tab: 7 }), commands.connection_status(), commands.connection_status(), commands.disconnect()]);
  assert.equal(server.times("DELETE /devices/me").length, 1);
});

test("the office's own server stays connected when the policy arrives", async () => {
  const { commands, browser, session } = await setting();
  browser.managed = { server: SERVER, only_this_server: true };
  await commands.open_tab({ tab: 7 });
  assert.equal((await session.read())?.server, SERVER);
});

const ORIGIN = "http://127.0.0.1/*";
const GONE = () => problemReply("device-revoked", 400, "No.", { error: "invalid_grant" });

/** Connected as a person connects: the browser was asked for the server's host. */
async function permitted() {
  const made = await setting();
  made.scripts.allowed.add(ORIGIN);
  /** The server does not know this browser any more. */
  const end = () => {
    made.server.replies["GET /workspace"] = () => problemReply("token-refused", 401, "No.");
    made.server.replies["POST /token"] = GONE;
    return made.commands.test();
  };
  return { ...made, end };
}

test("a connection that the server ended gives the browser's permission back", async () => {
  const { commands, scripts, end } = await permitted();
  await commands.test();
  assert.deepEqual([...scripts.allowed], [ORIGIN]);
  await end();
  assert.deepEqual([...scripts.allowed], []);
});

test("a connection that the office's policy ended gives the browser's permission back", async () => {
  const { commands, browser, scripts } = await permitted();
  browser.managed = { server: OFFICE, only_this_server: true };
  await commands.open_tab({ tab: 7 });
  assert.deepEqual([...scripts.allowed], []);
});

test("a connection that the person ended gives the browser's permission back", async () => {
  const { commands, scripts } = await permitted();
  await commands.disconnect();
  assert.deepEqual([...scripts.allowed], []);
});

test("a worker that was ended before it gave the permission back does so at its next start", async () => {
  const { scripts, end, start } = await permitted();
  await end();
  scripts.allowed.add(ORIGIN);
  await start().resume();
  assert.deepEqual([...scripts.allowed], []);
});

test("an answer that was lost ends no connection, and the permission stays", async () => {
  const { commands, server, scripts, start } = await permitted();
  server.replies["GET /workspace"] = lost;
  await commands.test();
  await start().resume();
  assert.deepEqual([...scripts.allowed], [ORIGIN]);
});

test("a permission that a new connection to the same host needs is kept", async () => {
  const { scripts, end, commands, browser, connecting, start } = await permitted();
  await end();
  scripts.allowed.add(ORIGIN);
  browser.permitted = false;
  await commands.pair({ server: "http://127.0.0.1:9999" });
  await start().resume();
  assert.deepEqual([...scripts.allowed], [ORIGIN], "the person has pressed Connect");
  await connecting.paired("http://127.0.0.1:9999", GRANT);
  await start().resume();
  assert.deepEqual([...scripts.allowed], [ORIGIN]);
});

test("a pairing that the person cancels gives the browser's permission back", async () => {
  const { commands, browser, scripts } = await setting({ connected: false });
  scripts.allowed.add(ORIGIN);
  browser.permitted = false;
  await commands.pair({ server: SERVER });
  await commands.pair_cancel();
  assert.deepEqual([...scripts.allowed], []);
});

test("a permission that the button on the pages needs is kept", async () => {
  const { commands, scripts, session, start } = await setting();
  scripts.allowed.add("https://go.xero.com/*");
  await commands.on_page_on({ package: "xero" });
  await session.save("https://go.xero.com", GRANT);
  await commands.disconnect();
  await start().resume();
  assert.deepEqual([...scripts.allowed], ["https://go.xero.com/*"]);
});
