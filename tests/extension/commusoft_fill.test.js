// @ts-check
// A field is filled as a person's typing would fill it, and left as it was where the page does not take it over.
import assert from "node:assert/strict";
import { test } from "node:test";

import { page, tools } from "./commusoft_page.js";

const same = { same: () => true };
const VALUE = "8275f116-6419-4b82-889a-f41dcc1d6186";

/** @param {string} [attributes] @param {string} [more] */
function form(attributes = "", more = "<input id=name value=Margaret><select id=s><option>A<option>B</select><input id=c type=checkbox>") {
  const { window, document } = page(`<form><input id=f ${attributes}>${more}</form>`);
  const field = /** @type {any} */ (document.querySelector("#f"));
  return { window, document, field };
}

test("a plain field holds the value, and the page heard what typing sends, in order", async () => {
  const { document, field } = form("value=OLD");
  /** @type {string[]} */
  const heard = [];
  for (const type of ["focus", "keydown", "input", "keyup", "change", "blur"]) document.addEventListener(type, () => heard.push(type), true);
  assert.deepEqual(await tools.fillField(field, VALUE, same), { ok: true, why: null, restored: false });
  assert.equal(field.value, VALUE);
  assert.deepEqual(heard, ["focus", "keydown", "input", "keyup", "change", "blur"]);
});

test("nothing that a framework put over the field's value keeps it from noticing", async () => {
  const { field } = form();
  let tracked = "";
  const setter = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value");
  Object.defineProperty(field, "value", {
    configurable: true,
    get() { return setter?.get?.call(this); },
    set(value) { tracked = value; setter?.set?.call(this, value); },
  });
  /** @type {string | null} */
  let model = null;
  field.addEventListener("input", () => { if (field.value !== tracked) model = field.value; });
  await tools.fillField(field, VALUE, same);
  assert.equal(model, VALUE);
});

test("a model that takes a value over late is waited for", async () => {
  const { field } = form("class='ng-pristine'");
  field.addEventListener("input", () => setTimeout(() => { field.className = "ng-dirty"; }, 900));
  assert.equal((await tools.fillField(field, VALUE, same)).ok, true);
});

test("a field that the page replaces when it is entered is left alone", async () => {
  const { document, field } = form("value=OLD");
  let heard = 0;
  field.addEventListener("input", () => (heard += 1));
  field.addEventListener("focus", () => field.replaceWith(field.cloneNode()), { once: true });
  assert.deepEqual(await tools.fillField(field, VALUE, same), { ok: false, why: "gone", restored: true });
  assert.deepEqual([heard, field.value, document.querySelector("#f").value], [0, "OLD", "OLD"]);
});

test("a page that goes to another record when the field is entered is left alone", async () => {
  const { field } = form("value=OLD");
  let here = true;
  let heard = 0;
  field.addEventListener("input", () => (heard += 1));
  field.addEventListener("focus", () => { here = false; });
  assert.deepEqual(await tools.fillField(field, VALUE, { same: () => here }), { ok: false, why: "moved", restored: true });
  assert.deepEqual([heard, field.value], [0, "OLD"]);
});

/** What pages do that must not be accepted. @type {Record<string, {why: string, attributes?: string, does?: (field: any, document: any) => void, value?: string}>} */
const REFUSED = {
  "a page that writes in capitals": { why: "changed", does: (field) => field.addEventListener("blur", () => (field.value = field.value.toUpperCase())) },
  "a page that cuts": { why: "changed", does: (field) => field.addEventListener("input", () => (field.value = field.value.slice(0, 10))) },
  "a page that puts its own value back": { why: "changed", does: (field) => field.addEventListener("change", () => (field.value = "OLD")) },
  "a model that never takes it": { why: "not-taken", attributes: "class=ng-pristine" },
  "a field that becomes invalid": { why: "invalid", attributes: "pattern=[0-9]*", does: () => undefined },
  "a form that says it is invalid": { why: "invalid", does: (field) => field.addEventListener("blur", () => field.value === VALUE && field.classList.add("ng-invalid")) },
  "another field that changes with it": { why: "others", does: (field, document) => field.addEventListener("input", () => (document.querySelector("#name").value = field.value)) },
  "a box that is ticked with it": { why: "others", does: (field, document) => field.addEventListener("input", () => (document.querySelector("#c").checked = field.value === VALUE)) },
  "a list that changes with it": { why: "others", does: (field, document) => field.addEventListener("input", () => (document.querySelector("#s").selectedIndex = field.value === VALUE ? 1 : 0)) },
  "a field that takes no more letters": { why: "too-long", attributes: "maxlength=20" },
  "a value that would be trimmed": { why: "spaces", value: " A1" },
  "a value of two lines": { why: "spaces", value: "A\nB" },
};

for (const [what, { why, attributes = "", does, value = VALUE }] of Object.entries(REFUSED)) {
  test(`refused and as it was before: ${what}`, async () => {
    const { document, field } = form(`value=OLD ${attributes}`);
    if (attributes.includes("pattern")) field.value = "12";
    const old = field.value;
    does?.(field, document);
    const filled = await tools.fillField(field, value, same);
    assert.deepEqual([filled.ok, filled.why, field.value], [false, why, why === "changed" && what.includes("capitals") ? "OLD" : old]);
    assert.equal(/** @type {any} */ (document.querySelector("#name")).value, "Margaret");
    assert.equal(filled.restored, true);
  });
}

test("a page that does not let its old value be put back is said to hold another", async () => {
  const { field } = form("value=OLD");
  field.addEventListener("input", () => (field.value = "STUCK"));
  assert.deepEqual(await tools.fillField(field, VALUE, same), { ok: false, why: "changed", restored: false });
});

test("a page that has gone on to another record is not typed into", async () => {
  const { field } = form("value=OLD");
  const filled = await tools.fillField(field, VALUE, { same: () => false });
  assert.deepEqual([filled.ok, filled.why, field.value], [false, "moved", "OLD"]);
});

test("a page that goes on while it is filled keeps the other record's own value", async () => {
  const { field } = form("value=OLD");
  let here = true;
  field.addEventListener("blur", () => { here = false; field.value = "THEIRS"; }, { once: true });
  const filled = await tools.fillField(field, VALUE, { same: () => here });
  assert.deepEqual([filled.why, filled.restored, field.value], ["moved", true, "THEIRS"]);
});

test("our value does not stay in a field that is another record's by now", async () => {
  const { field } = form("value=OLD");
  let here = true;
  field.addEventListener("blur", () => { here = false; }, { once: true });
  const filled = await tools.fillField(field, VALUE, { same: () => here });
  assert.deepEqual([filled.why, field.value], ["moved", "OLD"]);
});

test("a field that the page takes away is not filled", async () => {
  const { field } = form();
  field.remove();
  assert.equal((await tools.fillField(field, VALUE, same)).why, "gone");
});

test("a hidden field that repeats the value is the page's way to send it", async () => {
  const { document, field } = form("", "<input id=h type=hidden>");
  field.addEventListener("input", () => (/** @type {any} */ (document.querySelector("#h")).value = field.value));
  assert.equal((await tools.fillField(field, VALUE, same)).ok, true);
});

test("a reference is taken away by filling nothing", async () => {
  const { field } = form("value=OLD");
  assert.equal((await tools.fillField(field, "", same)).ok, true);
  assert.equal(field.value, "");
});

test("a page that draws a new field with each key is filled where the new one holds the value, or says that it does not know", async () => {
  const { document, field } = form("value=OLD");
  const box = field.parentElement;
  /** @param {any} event */
  const drawAnew = (event) => {
    const next = document.createElement("input");
    Object.assign(next, { id: "f", value: event.target.value });
    event.target.replaceWith(next);
  };
  box.addEventListener("input", drawAnew);
  /** @returns {any} */
  const again = () => document.querySelector("#f");
  const filled = await tools.fillField(field, VALUE, { ...same, again });
  assert.deepEqual([filled.ok, filled.field === again(), again().value], [true, true, VALUE]);
  const lost = await tools.fillField(again(), "ANOTHER-1", same);
  assert.deepEqual([lost.ok, lost.why, lost.restored], [false, "gone", false]);
});

test("a page that draws its form anew with the value in another field too is refused, and that field has its own back", async () => {
  const { document, field } = form("value=OLD");
  field.addEventListener("input", () => {
    if (field.value !== VALUE) return;
    document.querySelector("form").innerHTML = `<input id=f value="${VALUE}"><input id=name value="${VALUE}">`;
  }, { once: true });
  const filled = await tools.fillField(field, VALUE, { ...same, again: () => document.querySelector("#f") });
  assert.deepEqual([filled.ok, filled.why, filled.restored], [false, "others", true]);
  assert.deepEqual([document.querySelector("#f").value, document.querySelector("#name").value], ["OLD", "Margaret"]);
});

test("a field without a name that holds the value in a form drawn anew cannot be put back, and that is said", async () => {
  const { document, field } = form("value=OLD");
  field.addEventListener("input", () => {
    document.querySelector("form").innerHTML = `<input id=f value="${VALUE}"><input class=x value="${VALUE}">`;
  }, { once: true });
  const filled = await tools.fillField(field, VALUE, { ...same, again: () => document.querySelector("#f") });
  assert.deepEqual([filled.ok, filled.why, filled.restored], [false, "others", false]);
});

test("a form that is drawn anew with its other fields as they were is filled", async () => {
  const { document, field } = form("value=OLD");
  field.addEventListener("input", () => {
    document.querySelector("form").innerHTML = `<input id=f value="${VALUE}"><input id=name value=Margaret>`;
  }, { once: true });
  assert.equal((await tools.fillField(field, VALUE, { ...same, again: () => document.querySelector("#f") })).ok, true);
});

test("a field that is emptied when it is entered has its value back", async () => {
  const { field } = form("value=OLD");
  field.addEventListener("focus", () => (field.value = ""), { once: true });
  assert.deepEqual(await tools.fillField(field, VALUE, same), { ok: false, why: "changed", restored: true });
  assert.equal(field.value, "OLD");
});

for (const attribute of ["readonly", "disabled"]) {
  test(`a field that becomes ${attribute} when it is entered is left alone`, async () => {
    const { field } = form("value=OLD");
    let heard = 0;
    field.addEventListener("input", () => (heard += 1));
    field.addEventListener("focus", () => field.setAttribute(attribute, ""));
    assert.deepEqual(await tools.fillField(field, VALUE, same), { ok: false, why: "changed", restored: true });
    assert.deepEqual([heard, field.value], [0, "OLD"]);
  });
}

test("a hidden field of something else that takes the value over is refused", async () => {
  const { field, document } = form("value=OLD", "<input id=name value=Margaret><input type=hidden id=h value=S1>");
  field.addEventListener("input", () => (document.querySelector("#h").value = field.value));
  const filled = await tools.fillField(field, VALUE, same);
  assert.deepEqual([filled.ok, filled.why, field.value], [false, "others", "OLD"]);
});
