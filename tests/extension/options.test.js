// @ts-check
// The settings' card about the connection follows what happens elsewhere.
import assert from "node:assert/strict";
import { test } from "node:test";

import { WORKSPACE } from "./fake_browser.js";
import { openPage, settle } from "./fake_page.js";

const page = openPage();
const wait = globalThis.setTimeout;
// The card looks again for ever: that alone must not keep this process alive.
Object.assign(globalThis, { setTimeout: (/** @type {() => void} */ act, /** @type {number} */ pause) => wait(act, pause / 20).unref() });
const { connectionCard } = await import("../../extension/options/connection.js");

const CONNECTED = { connected: true, server: "http://127.0.0.1:8787", workspace: WORKSPACE, person: WORKSPACE.person, device: "Front desk", pairing: null, ended: null, policy: null, last: null };
const GONE = { ...CONNECTED, connected: false, server: null, workspace: null, last: "http://127.0.0.1:8787", ended: { server: "http://127.0.0.1:8787", type: "device-revoked", detail: "" } };

test("a connection that ends while the settings are open is not called connected any more", async () => {
  page.answers.connection_status = { ok: true, data: CONNECTED };
  page.answers.test = { ok: true, data: CONNECTED };
  const card = await connectionCard(() => undefined);
  page.document.body.append(card);
  await settle();
  assert.match(card.textContent ?? "", /^Connected.*The connection works\./);
  page.answers.connection_status = { ok: true, data: GONE };
  for (let turn = 0; turn < 100 && /^Connected/.test(card.textContent ?? ""); turn += 1) await new Promise((resolve) => void wait(resolve, 50));
  assert.match(card.textContent ?? "", /^This browser was disconnected/);
  assert.doesNotMatch(card.textContent ?? "", /The connection works/);
});
