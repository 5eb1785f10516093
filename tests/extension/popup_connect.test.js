// @ts-check
// The popup of a browser that is not connected: one step, and plain words for whatever became of it.
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { WORKSPACE } from "./fake_browser.js";
import { openPage, press, settle } from "./fake_page.js";

/** @type {ReturnType<typeof openPage>} */
let page = openPage();
const { PopupController } = await import("../../extension/popup/app.js");
const { createFrame: createStage } = await import("../../extension/popup/frame.js");
const { spelled } = await import("../../extension/ui/connect_form.js");

const NEW = { connected: false, server: null, person: null, device: null, workspace: null, last: null, ended: null, pairing: null, policy: null };
const WAITING = { ...NEW, pairing: { state: "waiting", server: "http://127.0.0.1:8787", code: "BCDF-GHJK", problem: null } };
const CONNECTED = { ...NEW, connected: true, server: "http://127.0.0.1:8787", person: { name: "Jan Novak", role: "clerk" }, workspace: WORKSPACE };

/** @param {object} status */
const view = (status) => ({ ok: true, data: { status, problem: null, place: null, packages: [], attempt: null, others: [] } });
/** @param {object} status */
const stands = (status) => Object.assign(page.answers, { connection_status: { ok: true, data: status } });
const screen = () => page.document.body.dataset.screen;
const words = () => page.document.querySelector("main")?.textContent ?? "";
/** @param {string} type */
const asked = (type) => page.asked.filter((one) => one.type === type);

beforeEach(() => {
  page = openPage();
  mock.timers.enable({ apis: ["setTimeout"] });
});
afterEach(() => mock.timers.reset());

/** @param {object} status */
async function open(status) {
  page.answers.open_tab = view(status);
  stands(status);
  page.answers.pair = { ok: true, data: WAITING };
  page.answers.pair_cancel = { ok: true, data: NEW };
  void new PopupController(createStage(), 7).start();
  await settle();
}

async function later() {
  mock.timers.tick(2_500);
  await settle();
}

test("Enter connects: the browser is asked first, the background is told at once, then the code is there", async () => {
  await open(NEW);
  assert.equal(screen(), "not-connected");
  page.calls.order.length = 0;
  press(page, "Enter");
  assert.deepEqual(page.calls.order, ["permissions", "pair"]);
  await settle();
  assert.deepEqual(page.calls.permissions, [["http://127.0.0.1/*"]]);
  assert.deepEqual(asked("pair"), Array(2).fill({ type: "pair", server: "http://127.0.0.1:8787" }));
  assert.equal(screen(), "pairing");
  assert.equal(page.document.querySelector(".code [aria-hidden]")?.textContent, "BCDF-GHJK");
  assert.match(page.document.querySelector(".code .unseen")?.textContent ?? "", /B, C, D, F, G, H, J, K/);
});

test("once it is approved the popup goes on to the contact by itself", async () => {
  await open(WAITING);
  assert.equal(screen(), "pairing");
  page.answers.open_tab = { ok: true, data: { ...view(CONNECTED).data, place: { page: null } } };
  stands(CONNECTED);
  await later();
  assert.equal(screen(), "elsewhere");
  assert.equal(page.document.querySelector(".workspace")?.textContent, `Jan Novak · ${WORKSPACE.name}`);
});

test("a browser that is not allowed to says so, and nothing is begun", async () => {
  await open(NEW);
  page.person.allows = false;
  press(page, "Enter");
  await settle();
  assert.match(words(), /didn't allow/);
  assert.equal(asked("pair_cancel").length, 1);
  assert.equal(screen(), "not-connected");
});

test("an address that is none asks no one", async () => {
  await open(NEW);
  const field = /** @type {HTMLInputElement} */ (page.document.querySelector("#server"));
  field.value = "javascript:alert(1)";
  /** @type {HTMLButtonElement} */ (page.document.querySelector("#connect")).click();
  await settle();
  assert.deepEqual(page.calls.permissions, []);
  assert.match(words(), /isn't a web address we can use/);
});

test("what a person types is not taken from them while they type", async () => {
  await open(NEW);
  const field = /** @type {HTMLInputElement} */ (page.document.querySelector("#server"));
  field.value = "https://crm.office.example";
  stands({ ...NEW, policy: { server: "https://other.example", only: false } });
  await later();
  assert.equal(/** @type {HTMLInputElement} */ (page.document.querySelector("#server")).value, "https://crm.office.example");
});

test("where the office set the server, Connect is the only step", async () => {
  await open({ ...NEW, policy: { server: "https://crm.office.example", only: true } });
  assert.equal(page.document.querySelector("input"), null);
  assert.match(words(), /https:\/\/crm\.office\.example/);
  assert.equal(page.document.querySelectorAll("main button").length, 0);
  press(page, "Enter");
  await settle();
  assert.deepEqual(page.calls.permissions, [["https://crm.office.example/*"]]);
});

test("an office's server that is not the only one can be changed", async () => {
  await open({ ...NEW, policy: { server: "https://crm.office.example", only: false } });
  /** @type {HTMLButtonElement} */ (page.document.querySelector("main button")).click();
  assert.equal(/** @type {HTMLInputElement} */ (page.document.querySelector("#server")).value, "https://crm.office.example");
});

test("a policy that arrives while the popup is open is shown", async () => {
  await open(NEW);
  stands({ ...NEW, policy: { server: "https://crm.office.example", only: true } });
  await later();
  assert.match(words(), /https:\/\/crm\.office\.example/);
});

for (const [type, title] of [
  ["device-revoked", "This browser was disconnected"], ["device-expired", "The connection has expired"],
  ["token-reused", "Disconnected to be safe"], ["key-lost", "Connect this browser again"], ["grant-refused", "crmlink doesn't know this browser any more"], ["something-new", "crmlink doesn't know this browser any more"],
]) {
  test(`${type}: a plain state with the way back, to the same server`, async () => {
    await open({ ...NEW, last: "https://crm.office.example", ended: { server: "https://crm.office.example", type, detail: "Detail." } });
    assert.equal(screen(), `ended-${type}`);
    assert.equal(page.document.querySelector("h1")?.textContent, title);
    assert.doesNotMatch(screen() ?? "", /trouble/);
    assert.equal(page.document.activeElement?.textContent, "Connect again");
    press(page, "Enter");
    await settle();
    assert.deepEqual(page.calls.permissions, [["https://crm.office.example/*"]]);
  });
}

test("a connection that ends in the middle of the work leads there too", async () => {
  await open(CONNECTED);
  page.answers.open_tab = { ok: true, data: { ...view(CONNECTED).data, problem: { type: "device-revoked", detail: "" } } };
  stands({ ...NEW, ended: { server: "http://127.0.0.1:8787", type: "device-revoked", detail: "" } });
  void new PopupController(createStage(), 7).start();
  await settle();
  assert.equal(screen(), "ended-device-revoked");
});

for (const [state, name, text] of [
  ["denied", "pairing-denied", /chose “No”/], ["over", "pairing-over", /for 10 minutes/],
]) {
  test(`a pairing that is ${state} offers another`, async () => {
    await open({ ...NEW, pairing: { ...WAITING.pairing, state } });
    assert.equal(screen(), name);
    assert.match(words(), /** @type {RegExp} */ (text));
    assert.equal(page.document.activeElement?.textContent, "Connect again");
  });
}

test("too many tries are told with the time to wait", async () => {
  const problem = { type: "too-many-requests", retry_after: 40 };
  await open({ ...NEW, pairing: { ...WAITING.pairing, state: "failed", problem } });
  assert.equal(screen(), "pairing-failed");
  assert.match(words(), /Try again in 40 seconds/);
});

test("a server that is away while it waits is said, and it waits on", async () => {
  await open({ ...NEW, pairing: { ...WAITING.pairing, problem: { type: "server-unreachable" } } });
  assert.equal(screen(), "pairing");
  assert.match(words(), /keep trying/);
});

test("Cancel goes back, and the page can be shown again", async () => {
  await open(WAITING);
  const [cancel, again] = page.document.querySelectorAll("footer button");
  /** @type {HTMLButtonElement} */ (again).click();
  assert.equal(asked("pair_again").length, 1);
  /** @type {HTMLButtonElement} */ (cancel).click();
  await settle();
  assert.equal(screen(), "not-connected");
});

test("a code is spelled without its dash", () => assert.equal(spelled("BCDF-GHJK"), "B, C, D, F, G, H, J, K"));
