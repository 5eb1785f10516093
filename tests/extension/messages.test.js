// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { setting } from "./commands_fixture.js";
import { acceptMessage, acceptPageMessage, MESSAGES } from "../../extension/lib/messages.js";

const OWN = { id: "abcdefghijklmnop", origin: "chrome-extension://abcdefghijklmnop" };
const POPUP = { id: OWN.id, url: `${OWN.origin}/popup/popup.html?tab=7` };
const OPTIONS = { id: OWN.id, url: `${OWN.origin}/options/options.html` };
const OPEN_TAB = { type: "open_tab", tab: 7 };
const PAIR = { type: "pair", server: "http://127.0.0.1:8787" };
const DISCONNECT = { type: "disconnect" };
const CONFIRM = {
  type: "confirm", snapshot: "l1", kind: "customer", typed: null, record: "customer-1001", replaces: null, also_on: [],
  checked_empty: false, accepts_kind: false, differences: [],
};

/** Who may not ask, or not in this way. */
const REFUSED = /** @type {[string, unknown, {id?: string, url?: string}][]} */ ([
  ["a web page's script", OPEN_TAB, { id: OWN.id, url: "https://go.xero.com/app/!x/contacts" }],
  ["another extension", OPEN_TAB, { id: "another", url: "chrome-extension://another/popup/popup.html" }],
  ["another extension under our page's address", OPEN_TAB, { id: "another", url: POPUP.url }],
  ["a look-alike origin", OPEN_TAB, { id: OWN.id, url: `https://${OWN.id}/popup/popup.html` }],
  ["an origin that begins like ours", OPEN_TAB, { id: OWN.id, url: `${OWN.origin}.evil.example/popup/popup.html` }],
  ["a page of ours that is neither popup nor settings", OPEN_TAB, { id: OWN.id, url: `${OWN.origin}/popup/other.html` }],
  ["a sender without an address", OPEN_TAB, { id: OWN.id }],
  ["a sender with a broken address", OPEN_TAB, { id: OWN.id, url: "popup/popup.html" }],
  ["the settings asking for what only the popup may", CONFIRM, OPTIONS],
  ["the popup asking for what only the settings may", DISCONNECT, POPUP],
  ["an unknown message", { type: "token" }, POPUP],
  ["a name from the object's prototype", { type: "constructor" }, POPUP],
  ["a message without a type", { tab: 7 }, POPUP],
  ["a type that is no text", { type: ["open_tab"], tab: 7 }, POPUP],
  ["no object at all", "open_tab", POPUP],
  ["nothing", null, POPUP],
  ["a field too many", { ...OPEN_TAB, url: "https://go.xero.com/" }, POPUP],
  ["a field too few", { type: "open_tab" }, POPUP],
  ["a field of the prototype's name", { type: "open_tab", toString: 7 }, POPUP],
  ["a tab that is no number", { type: "open_tab", tab: "7" }, POPUP],
  ["a negative tab", { type: "open_tab", tab: -1 }, POPUP],
  ["an unknown kind", { ...CONFIRM, kind: "both" }, POPUP],
  ["a record with a slash in it", { ...CONFIRM, record: "customer-1/../../token" }, POPUP],
  ["holders that are no list", { ...CONFIRM, also_on: "customer-1" }, POPUP],
  ["a typed name of a megabyte", { ...CONFIRM, typed: { name: "x".repeat(1e6), postcode: "" } }, POPUP],
]);

/** @param {typeof acceptMessage} gate */
const leaks = (gate) => REFUSED.filter(([, message, sender]) => gate(message, sender, OWN) !== null).map(([who]) => who);

test("nobody but our own pages is heard, and only in the words of the list", () => {
  assert.deepEqual(leaks(acceptMessage), []);
});

test("the same check catches a gate that trusts the message alone", () => {
  const trusting = /** @type {typeof acceptMessage} */ ((message) => /** @type {any} */ (message)?.type ?? null);
  assert.ok(leaks(trusting).includes("a web page's script"));
});

test("our own pages are heard", () => {
  assert.equal(acceptMessage(OPEN_TAB, POPUP, OWN), "open_tab");
  assert.equal(acceptMessage(CONFIRM, POPUP, OWN), "confirm");
  assert.equal(acceptMessage(DISCONNECT, OPTIONS, OWN), "disconnect");
  assert.equal(acceptMessage(PAIR, POPUP, OWN), "pair");
  assert.equal(acceptMessage(PAIR, OPTIONS, OWN), "pair");
  assert.equal(acceptMessage({ type: "connection_status" }, OPTIONS, OWN), "connection_status");
});

test("a Firefox page is known by its own origin", () => {
  const own = { id: "crmlink@example", origin: "moz-extension://0f4b6a1e-1111-4222-8333-444455556666" };
  assert.equal(acceptMessage(OPEN_TAB, { id: own.id, url: `${own.origin}/popup/popup.html` }, own), "open_tab");
});

test("no message asks for the token", () => {
  const asked = Object.keys(MESSAGES).filter((name) => /token|secret|session/.test(name));
  assert.deepEqual(asked, []);
});

const PAGE = { id: OWN.id, url: "https://go.xero.com/app/!x/contacts", frameId: 0, tab: { id: 7 } };

const OBSERVED = { type: "assist_observe", link: "lnk_1", stage: "before", value: null, replaces: null, record_version: 7 };

/** Who may not speak as our script in a page, or not in this way. */
const UNHEARD = /** @type {[string, unknown, object][]} */ ([
  ["another extension's script", { type: "page_mark" }, { ...PAGE, id: "another" }],
  ["a frame inside the page", { type: "page_mark" }, { ...PAGE, frameId: 3 }],
  ["a sender without a tab", { type: "page_mark" }, { ...PAGE, tab: undefined }],
  ["a page without encryption", { type: "page_mark" }, { ...PAGE, url: "http://go.xero.com/" }],
  ["a page that only looks like one of this computer", { type: "page_mark" }, { ...PAGE, url: "http://127.0.0.1.evil.example/" }],
  ["a user named like this computer", { type: "page_mark" }, { ...PAGE, url: "http://127.0.0.1:8788@evil.example/" }],
  ["our own popup", { type: "page_mark" }, POPUP],
  ["an address in the message", { type: "page_mark", address: "https://go.xero.com/" }, PAGE],
  ["a tab in the message", { type: "page_open", tab: 8 }, PAGE],
  ["what only the popup may ask", CONFIRM, PAGE],
  ["what only the settings may ask", { type: "connection_status" }, PAGE],
  ["an unknown message", { type: "page_text" }, PAGE],
  ["a name from the object's prototype", { type: "constructor" }, PAGE],
  ["a link with a path in it", { type: "assist_withdraw", link: "a/../b", seen: true, value: null }, PAGE],
  ["a record in place of a link", { type: "assist_read", record: "customer-1001" }, PAGE],
  ["a stage that there is not", { ...OBSERVED, stage: "linked" }, PAGE],
  ["a value of a megabyte", { ...OBSERVED, value: "x".repeat(1e6) }, PAGE],
  ["a value that is no text", { ...OBSERVED, value: 7 }, PAGE],
  ["no object", "page_mark", PAGE],
]);

test("our button in a page may say that it is there and that it was pressed, and nothing else", () => {
  assert.deepEqual(acceptPageMessage({ type: "page_mark" }, PAGE, OWN), { type: "page_mark", tab: 7, fields: {} });
  assert.deepEqual(acceptPageMessage({ type: "page_open" }, PAGE, OWN), { type: "page_open", tab: 7, fields: {} });
  assert.notEqual(acceptPageMessage({ type: "page_mark" }, { ...PAGE, url: "http://127.0.0.1:8788/customers" }, OWN), null);
  assert.deepEqual(UNHEARD.filter(([, message, sender]) => acceptPageMessage(message, sender, OWN) !== null), []);
});

test("our panel on a record's page may say what the page shows of a link, never of which record", () => {
  const { type, ...fields } = OBSERVED;
  assert.deepEqual(acceptPageMessage(OBSERVED, PAGE, OWN), { type, tab: 7, fields });
  assert.equal(acceptMessage(OBSERVED, POPUP, OWN), null);
});

test("what a page's script may say is not heard as a page of ours, nor the other way round", () => {
  assert.equal(acceptMessage({ type: "page_mark" }, POPUP, OWN), null);
  assert.equal(acceptMessage({ type: "page_open" }, PAGE, OWN), null);
  assert.equal(acceptPageMessage(OPEN_TAB, PAGE, OWN), null);
});

test("every message that is let in has its answer in the background", async () => {
  const { commands } = await setting();
  const answers = /** @type {Record<string, unknown>} */ (commands);
  assert.deepEqual(Object.keys(MESSAGES).filter((type) => typeof answers[type] !== "function"), []);
});
