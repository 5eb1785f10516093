// @ts-check
// The button on the pages themselves: where it may be, what it may know, and that it goes when it should.
import assert from "node:assert/strict";
import { test } from "node:test";

import { originsOf } from "../../extension/lib/linking/page_button.js";
import { CHOICE, openTab, setting, TAB } from "./commands_fixture.js";
import { GRANT, HOLLOWAY_PAGE, link, lost, offer, record, REFERENCE, RULES } from "./fake_browser.js";

const XERO = ["https://go.xero.com/*"];

/** @param {{on?: boolean}} [how] */
async function switched({ on = true } = {}) {
  const made = await setting();
  if (on) {
    XERO.forEach((one) => made.scripts.allowed.add(one));
    assert.ok((await made.commands.on_page_on({ package: "xero" })).ok);
  }
  return made;
}

test("a permission is asked for a package's own hosts and not for their neighbours", () => {
  const { packages } = RULES;
  assert.deepEqual(originsOf(packages.xero), XERO);
  assert.deepEqual(originsOf(packages.freeagent), ["https://*.freeagent.com/*"]);
  assert.deepEqual(originsOf(packages.quickbooks_online), ["https://*.qbo.intuit.com/*"]);
  assert.deepEqual(originsOf(packages.sage_200), ["https://app.sage200.co.uk/*"]);
  assert.deepEqual(originsOf(packages.sage_50), []);
});

test("a host of the firm's own is asked for without its port", () => {
  assert.deepEqual(originsOf({ hosts: ["sage.office.example:8443"] }), ["https://sage.office.example/*"]);
});

test("every package with pages can be switched, and none is on by itself", async () => {
  const { commands, scripts } = await setting();
  const { data } = /** @type {any} */ (await commands.on_page());
  assert.deepEqual(data.map((/** @type {any} */ one) => [one.package, one.on]), [
    ["commusoft", false], ["freeagent", false], ["kashflow", false], ["quickbooks_online", false], ["sage_200", false], ["sage_business_cloud", false], ["xero", false],
  ]);
  assert.equal(scripts.registered.size, 0);
});

test("without the browser's permission nothing is switched on", async () => {
  const { commands, scripts } = await setting();
  const answer = await commands.on_page_on({ package: "xero" });
  assert.equal(answer.ok, false);
  assert.equal(scripts.registered.size, 0);
  assert.equal(await commands.mark(TAB), null);
});

for (const name of ["sage_50", "constructor", "nothing"]) {
  test(`${name} has no pages to put a button on`, async () => {
    const { commands } = await setting();
    assert.equal((await commands.on_page_on({ package: name })).ok, false);
  });
}

test("switched on, the script is registered and put into open pages; switched off, nothing of it is left", async () => {
  const { commands, scripts } = await switched();
  assert.deepEqual(scripts.registered.get("xero"), XERO);
  assert.deepEqual(scripts.injected, [["xero", ...XERO]]);
  await commands.on_page_off({ package: "xero" });
  assert.equal(scripts.registered.size, 0);
  assert.deepEqual(scripts.messages.at(-1), { origins: XERO, word: "leave" });
  assert.deepEqual([...scripts.allowed], []);
  assert.equal(await commands.mark(TAB), null);
});

test("an origin that the server needs keeps its permission", async () => {
  const { commands, scripts, session } = await switched();
  await session.save("https://go.xero.com", GRANT);
  await commands.on_page_off({ package: "xero" });
  assert.deepEqual([...scripts.allowed], XERO);
});

test("the mark says whether the contact is linked, and sends nothing of the page", async () => {
  const { commands, server } = await switched();
  assert.equal((await commands.mark(TAB))?.mark, "not_linked");
  server.replies["POST /suggestions"] = offer({ holders: [record({ reference: REFERENCE })] });
  assert.deepEqual(await commands.mark(TAB), { mark: "linked", places: RULES.packages.xero.hints.name });
  for (const { body } of server.times("POST /suggestions")) {
    assert.deepEqual(body, { package: "xero", reference: REFERENCE, organisation: "!kR4N6", kind: null });
  }
});

test("a decision that Commusoft has not answered yet is neither linked nor not", async () => {
  const { commands, server } = await switched();
  server.replies["POST /suggestions"] = offer({ link: link({ state: "intended" }) });
  assert.equal((await commands.mark(TAB))?.mark, "waiting");
});

test("a supplier that carries the number of this customer does not make it linked", async () => {
  const { commands, server, tabs, scripts } = await switched();
  scripts.allowed.add("https://*.qbo.intuit.com/*");
  await commands.on_page_on({ package: "quickbooks_online" });
  tabs.open.set(TAB, { url: "https://app.qbo.intuit.com/app/customerdetail?nameId=31", details: null });
  server.replies["POST /suggestions"] = offer({ holders: [record({ id: "supplier-1", kind: "supplier", reference: "31" })] });
  assert.equal((await commands.mark(TAB))?.mark, "not_linked");
});

for (const [what, url] of /** @type {const} */ ([
  ["an invoice", "https://go.xero.com/app/!x/invoicing/view/8275f116-6419-4b82-889a-f41dcc1d6186"],
  ["a package that is switched off", "https://acme.freeagent.com/contacts/151730"],
  ["a list", "https://go.xero.com/app/!kR4N6/contacts"],
])) {
  test(`${what} gets no button, and the server is not asked`, async () => {
    const { commands, server, tabs } = await switched();
    tabs.open.set(TAB, { url, details: null });
    assert.equal(await commands.mark(TAB), null);
    assert.deepEqual(server.times("POST /suggestions"), []);
  });
}

test("with the server away the button stays and claims nothing", async () => {
  const { commands, server } = await switched();
  server.replies["POST /suggestions"] = lost;
  assert.equal((await commands.mark(TAB))?.mark, "unknown");
});

test("after disconnecting there is no button, and the pages are told to look", async () => {
  const { commands, scripts } = await switched();
  await commands.disconnect();
  assert.equal(await commands.mark(TAB), null);
  assert.deepEqual(scripts.messages.at(-1), { origins: XERO, word: "refresh" });
  const { data } = /** @type {any} */ (await commands.on_page());
  assert.deepEqual(data.map((/** @type {any} */ one) => [one.package, one.on]), [["xero", true]]);
});

test("a link that was made is told to the pages", async () => {
  const { commands, scripts } = await switched();
  await commands.confirm({ ...CHOICE, snapshot: await openTab(commands) });
  assert.deepEqual(scripts.messages, [{ origins: XERO, word: "refresh" }]);
});

test("a permission that was taken back in the browser switches the button off", async () => {
  const { scripts, onPage, commands } = await switched();
  scripts.allowed.clear();
  await onPage.restore();
  assert.equal(scripts.registered.size, 0);
  assert.equal(await commands.mark(TAB), null);
});

test("after an update the script is there again", async () => {
  const { scripts, onPage } = await switched();
  scripts.registered.clear();
  await onPage.restore();
  assert.deepEqual(scripts.registered.get("xero"), XERO);
});

test("addresses that the firm added since are named as not covered", async () => {
  const { commands, server, clock } = await switched();
  const rules = structuredClone(RULES);
  rules.packages.xero.hosts.push("xero.office.example");
  server.replies["GET /packages"] = rules;
  clock.now += 100_000;
  const { data } = /** @type {any} */ (await commands.on_page());
  assert.equal(data.find((/** @type {any} */ one) => one.package === "xero").stale, true);
});

test("the address comes from the tab", async () => {
  const { commands, server, tabs } = await switched();
  tabs.open.set(9, { url: HOLLOWAY_PAGE.replace("8275f116", "11111111"), details: null });
  await commands.mark(9);
  assert.match(server.times("POST /suggestions")[0].body.reference, /^11111111/);
});
