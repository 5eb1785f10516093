// @ts-check
// The popup on a Commusoft record's page, and a link that is finished there.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { link, record, REFERENCE, WORKSPACE } from "./fake_browser.js";
import { openPage, press, settle } from "./fake_page.js";

let page = openPage();
const { PopupController } = await import("../../extension/popup/app.js");
const { createFrame } = await import("../../extension/popup/frame.js");

const CONTACT = {
  package: "xero", package_name: "Xero", organisation: "!kR4N6", kind: "customer", reference: REFERENCE, label: "Margaret Holloway", name: "Margaret Holloway",
  company: "", person: "", email: "", phones: [], address: "14 Orchard Close", town: "Cheltenham", postcode: "GL50 2TR", other_emails: [], other_addresses: [], retired: false,
};
const SUGGESTED = { contact: CONTACT, probability: 0.97, sure: true, reasons: [{ code: "email", text: "same email", agrees: true }], list: { id: "b", name: "Xero contacts" }, holder: null, chosen: null };
const WAITING = link({ state: "intended", method: "pages", record: record(), can_undo: false, settled_at: null });
const CHOSEN = { page: "contact", source: "record", tab: null, snapshot: "l9", details: { ...CONTACT, phones: [] }, contact: { ...CONTACT, cautions: [] } };

/** @param {object} [more] */
const view = (more = {}) => ({
  ok: true,
  data: { record: record(), synced_at: "2026-03-02T09:00:00Z", link: null, open_link: null, page: { state: "empty" }, contacts: { known: 1, suggestions: [SUGGESTED] }, refused: null, ...more },
});

/** @param {object} [more] */
async function open(more) {
  page.answers.record = view(more);
  await new PopupController(createFrame(), 7).start();
  await settle();
}

/** @param {string} type */
const asked = (type) => page.asked.filter((one) => one.type === type);
const screen = () => page.document.body.dataset.screen;
const words = () => page.document.body.textContent ?? "";

beforeEach(() => {
  page = openPage();
  /** @type {any} */ (page.window).close = () => undefined;
  const status = { connected: true, server: "http://127.0.0.1:8787", workspace: WORKSPACE };
  Object.assign(page.answers, {
    open_tab: { ok: true, data: { status, problem: null, place: { page: "record" }, packages: [], attempt: null, others: [] } },
    choose_contact: { ok: true, data: CHOSEN },
    confirm: { ok: true, data: WAITING, attempt: "a1" },
    assist_here: { ok: true, data: { assisted: false } },
    assist_open: { ok: true, data: { assisted: true } },
    withdraw: { ok: true, data: { ...WAITING, state: "failed" } },
  });
});

test("the record, its reference and the likely contact are shown; Enter links it and opens the panel on the page", async () => {
  await open();
  assert.equal(screen(), "record");
  assert.match(words(), /Margaret Holloway.*14 Orchard Close/);
  press(page, "Enter");
  await settle();
  assert.deepEqual(asked("choose_contact"), [{ type: "choose_contact", tab: 7, record: "customer-1001", contact: CONTACT }]);
  assert.deepEqual(asked("confirm").map((one) => [one.snapshot, one.record, one.kind]), [["l9", "customer-1001", "customer"]]);
  assert.deepEqual(asked("assist_here"), [{ type: "assist_here", tab: 7 }]);
  assert.equal(screen(), "assist");
});

test("what the page shows beside what crmlink knows", async () => {
  await open({ record: record({ reference: "KNOWN" }), page: { state: "shown", value: "OTHER" } });
  assert.match(words(), /KNOWN.*The page shows another reference: OTHER/s);
  await open({ record: record({ reference: "KNOWN" }), page: { state: "shown", value: "KNOWN" } });
  assert.match(words(), /The page shows the same/);
  await open();
  assert.match(words(), /has no reference for this page.*The page shows none either/);
  await open({ record: record({ reference: "KNOWN" }), page: { state: "unknown" } });
  assert.match(words(), /couldn't read the reference on this page/);
});

test("nothing known of any contact: how to bring them in", async () => {
  await open({ contacts: { known: 0, suggestions: [] } });
  assert.match(words(), /doesn't know any contacts yet.*Import a file/s);
  press(page, "Enter");
  await settle();
  assert.deepEqual(asked("choose_contact"), []);
});

test("several that could be it: none is chosen for the person, a digit chooses", async () => {
  const two = [{ ...SUGGESTED, sure: false, probability: 0.5 }, { ...SUGGESTED, sure: false, probability: 0.4, contact: { ...CONTACT, reference: "second", label: "M Holloway" } }];
  await open({ contacts: { known: 2, suggestions: two } });
  press(page, "Enter");
  await settle();
  assert.deepEqual(asked("choose_contact"), []);
  press(page, "2");
  press(page, "Enter");
  await settle();
  assert.equal(asked("choose_contact")[0]?.contact.reference, "second");
});

test("a contact that another record has already is not chosen by itself, and needs the second choice", async () => {
  await open({ contacts: { known: 1, suggestions: [{ ...SUGGESTED, holder: record({ id: "customer-3003", label: "Holloway Ltd", reference: REFERENCE }) }] } });
  assert.match(words(), /Already linked to Holloway Ltd/);
  press(page, "1");
  press(page, "Enter");
  await settle();
  assert.equal(screen(), "care");
  assert.deepEqual(asked("confirm"), []);
});

test("a record that has another reference is not linked with one key", async () => {
  await open({ record: record({ reference: "OLD" }), link: link({ contact_name: "Old contact", by: "Ada Hill" }) });
  assert.match(words(), /Linked to Old contact by Ada Hill/);
  press(page, "Enter");
  await settle();
  assert.deepEqual(asked("choose_contact"), []);
});

test("a link that waits for this page can be continued or withdrawn", async () => {
  await open({ open_link: WAITING });
  assert.match(words(), /A link is waiting to be saved on this page/);
  press(page, "Enter");
  await settle();
  assert.deepEqual(asked("assist_here"), [{ type: "assist_here", tab: 7 }]);
  await open({ open_link: WAITING });
  const buttons = [...page.document.querySelectorAll("button")];
  buttons.find((one) => one.textContent === "Withdraw this link")?.click();
  await settle();
  assert.deepEqual(asked("withdraw"), [{ type: "withdraw", link: "lnk_1" }]);
});

test("every screen says how old imported records are, and none of those that the API keeps", async () => {
  await open();
  const age = () => /** @type {Element | undefined} */ ([...page.document.querySelectorAll(".age")].at(-1));
  assert.ok(age()?.hasAttribute("hidden"));
  const imports = [{ kind: "customer", source: "report", read_at: "2026-03-02T09:00:00Z" }, { kind: "supplier", source: "list", read_at: "2026-02-01T09:00:00Z" }];
  page.answers.open_tab.data.status.workspace = { ...WORKSPACE, mirror: { ...WORKSPACE.mirror, imports } };
  const screens = [];
  for (const answer of [{ link: null }, { open_link: WAITING }]) {
    await open(answer);
    screens.push([screen(), age()?.textContent, age()?.hasAttribute("hidden")]);
  }
  page.answers.record = { ok: false, problem: { type: "record-unknown", detail: "", record: null, retry_after: null, request_id: null, link: null } };
  await new PopupController(createFrame(), 7).start();
  await settle();
  screens.push([screen(), age()?.textContent, age()?.hasAttribute("hidden")]);
  for (const [name, said, hidden] of screens) {
    assert.match(said ?? "", /^Customers as of 2 Mar 2026, .* Suppliers as of 1 Feb 2026/, name ?? "");
    assert.equal(hidden, false);
  }
});
