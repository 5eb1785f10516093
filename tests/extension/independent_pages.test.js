// @ts-check
// Pages that were written from what is known of Commusoft's, without a look at how fields are found: the right field, or
// none; the whole value, or "unknown".
import assert from "node:assert/strict";
import { test } from "node:test";

import { find, page, SEARCH, shown, tools } from "./commusoft_page.js";
import { DECOYS, FIT, TO_BE_SHOWN } from "./independent_forms.js";
import { EMPTY, OTHERS, SHOWN, UNSURE, V } from "./independent_views.js";

for (const [what, html] of Object.entries(FIT)) {
  test(`the reference's field: ${what}`, () => {
    const found = find(html);
    assert.deepEqual([found.state, found.id], ["one", "f"], JSON.stringify(found.why));
  });
}

for (const [what, html] of Object.entries(DECOYS)) {
  test(`no field to fill: ${what}`, () => {
    const found = find(html);
    assert.deepEqual([found.id, found.state === "one"], [null, false]);
  });
}

for (const [what, html] of Object.entries(TO_BE_SHOWN)) {
  test(`an admin can show the field: ${what}`, async () => {
    assert.equal(find(html).field, null);
    const { document } = page(html);
    Object.assign(globalThis, { document, crmlinkPanel: {} });
    await import(`../../extension/content/assist/pick_field.js?${what}`);
    const { describeField } = /** @type {any} */ (globalThis).crmlinkPanel;
    const field = document.querySelector("#f");
    assert.equal(tools.unfitness(/** @type {any} */ (field), SEARCH.subject, { byHeading: false }), null);
    const { selector, label } = describeField(field);
    assert.deepEqual([find(html, { rule: { selector, label } }).id, label.length > 0], ["f", true]);
    assert.equal(find(html.replaceAll("<form>", "<form action=/customers/customer/2002/edit>"), { rule: { selector, label } }).id, html.includes("<form>") ? null : "f");
  });
}

for (const [what, html] of Object.entries(SHOWN)) {
  test(`shown: ${what}`, () => assert.deepEqual(shown(html), { state: "shown", value: V }));
}

for (const [what, html] of Object.entries(EMPTY)) {
  test(`empty: ${what}`, () => assert.deepEqual(shown(html), { state: "empty" }));
}

for (const [what, html] of Object.entries({ ...UNSURE, ...OTHERS })) {
  test(`not read: ${what}`, () => assert.ok(["unknown", "absent"].includes(shown(html).state), JSON.stringify(shown(html))));
}

for (const [what, over] of /** @type {[string, string][]} */ ([
  ["a label without a field of its own lies over it", "<div><input id=f><label id=o>Ledger code</label></div>"],
  ["words in its label", "<label for=f><b id=o>Ledger code</b></label><input id=f>"],
])) {
  test(`a field that a person points at is framed where ${what}`, async () => {
    const { document, window } = page(over);
    const [field, top] = [document.querySelector("#f"), document.querySelector("#o")];
    document.elementsFromPoint = () => /** @type {any} */ ([top, field]);
    Object.assign(globalThis, { document, AbortController: window.AbortController, crmlinkPanel: {} });
    await import(`../../extension/content/assist/pick_field.js?${what}`);
    const end = /** @type {any} */ (globalThis).crmlinkPanel.pickField(() => undefined, () => false);
    const frame = /** @type {any} */ (document.querySelector("crmlink-frame"));
    assert.equal(frame.style.display, "none");
    top?.dispatchEvent(new window.MouseEvent("pointermove", { bubbles: true, composed: true, clientX: 1, clientY: 1 }));
    assert.equal(frame.style.display, "block");
    end();
  });
}
