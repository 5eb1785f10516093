// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createSession, parseServer, parseToken } from "../../extension/lib/session.js";
import { fakeStore, SERVER, TOKEN, WORKSPACE } from "./fake_browser.js";

for (const [typed, server, origin, plain] of /** @type {const} */ ([
  ["http://127.0.0.1:8787", "http://127.0.0.1:8787", "http://127.0.0.1/*", false],
  [" http://127.0.0.1:8787/ ", "http://127.0.0.1:8787", "http://127.0.0.1/*", false],
  ["127.0.0.1:8787", "http://127.0.0.1:8787", "http://127.0.0.1/*", false],
  ["localhost:8787", "http://localhost:8787", "http://localhost/*", false],
  ["office-pc:8787", "http://office-pc:8787", "http://office-pc/*", true],
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
  "https://office.example/#top", "http://", "http://a b", "chrome://extensions",
]) {
  test(`the address ${JSON.stringify(typed)} is refused`, () => {
    assert.equal(parseServer(typed), null);
  });
}

test("a token is taken without the spaces around it, and nothing that breaks a header", () => {
  assert.equal(parseToken(`  ${TOKEN}\n`), TOKEN);
  for (const typed of ["", "short", "crm_with space", "crm_line\nbreak12", "crm_ümlaut_0123"]) {
    assert.equal(parseToken(typed), null, typed);
  }
});

test("what pages may know of the connection never holds the token", async () => {
  const session = createSession(fakeStore());
  assert.deepEqual(await session.describe(), { connected: false, server: null, workspace: null });
  await session.save({ server: SERVER, token: TOKEN, workspace: WORKSPACE });
  const standing = await session.describe();
  assert.equal(standing.connected, true);
  assert.equal(standing.server, SERVER);
  assert.ok(!JSON.stringify(standing).includes(TOKEN));
});

test("news of a workspace is not kept once the browser is connected elsewhere", async () => {
  const session = createSession(fakeStore());
  const asked = { server: SERVER, token: TOKEN, workspace: null };
  await session.save({ ...asked, token: "crm_another_token" });
  await session.noteWorkspace(asked, WORKSPACE);
  assert.equal((await session.describe()).workspace, null);
  await session.forget();
  await session.noteWorkspace(asked, WORKSPACE);
  assert.equal((await session.describe()).connected, false);
});

test("what the server said of itself does not bring back a connection that was forgotten meanwhile", async () => {
  const store = fakeStore();
  /** @type {Promise<void> | null} */
  let forgetting = null;
  const session = createSession({
    ...store,
    /** The person disconnects just when the connection was read. @param {string} key */
    async get(key) {
      const found = await store.get(key);
      forgetting ??= session.forget();
      await new Promise(setImmediate);
      return found;
    },
  });
  const connection = { server: "http://127.0.0.1:8787", token: TOKEN, workspace: null };
  await session.save(connection);
  await session.noteWorkspace(connection, WORKSPACE);
  await forgetting;
  assert.equal(await session.read(), null);
});
