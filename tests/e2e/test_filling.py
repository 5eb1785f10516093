"""What fills the reference's field, on every imitated page and beside every decoy.

The extension's own scripts are run in the page as its popup may after the button was pressed: in
their own world, with no permission but the click's. No server is needed.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from browsers.page_driver import Browser, wait_for
from e2e.commusoft_pages.decoys import DECOYS, Decoy
from e2e.commusoft_pages.pages import VARIANTS, CommusoftPages, OpenPage, Variant
from e2e.turns import by_turns

REFERENCE = "8275f116-6419-4b82-889a-f41dcc1d6186"
BY_NAME = {variant.name: variant for variant in VARIANTS}
# Each has another way to keep what is typed.
KEEPERS = ("plain-old", "angularjs", "angular", "react", "vue")
SCRIPTS = [
    f"/lib/commusoft/{name}.js"
    for name in (
        "dom_text",
        "control_name",
        "context",
        "find_field",
        "read_shown",
        "find_edit",
        "fill_field",
    )
]
SEARCH = {
    "labels": ["Third-Party Reference", "Third party accounting ref", "Accounting reference"],
    "subject": {"kind": "customer", "number": "1001", "names": ["Margaret Holloway"]},
    "rule": None,
}
FILL = """async (search, value) => {
    const tools = globalThis.crmlinkPage;
    const reading = tools.readReference(document, search);
    const { state, field, unfit } = reading.found;
    const why = unfit.map((one) => one.why);
    if (!field) return { state, unfit: why, filled: false };
    if (!tools.agrees(reading)) return { state: "disagrees", unfit: why, filled: false };
    const begun = location.href;
    const outcome = await tools.fillField(field, value, { same: () => location.href === begun });
    return { state, unfit: why, filled: outcome.ok, why: outcome.why, restored: outcome.restored };
}"""


def fill(browser: Browser, value: str = REFERENCE) -> dict[str, Any]:
    """Have the extension fill the page in front; what it found and did."""
    popup = browser.open_popup()
    try:
        return dict(
            popup.evaluate(
                "chrome.tabs.query({ active: true, currentWindow: true }).then(async ([tab]) => {"
                " const target = { tabId: tab.id };"
                f" const files = {json.dumps(SCRIPTS)};"
                " await chrome.scripting.executeScript({ target, files });"
                " const [{ result, error }] = await chrome.scripting.executeScript({ target,"
                f" func: {FILL}, args: [{json.dumps(SEARCH)}, {json.dumps(value)}] }});"
                " if (error) throw new Error(error.message ?? String(error)); return result; })"
            )
        )
    finally:
        popup.close()


def opened(
    commusoft: CommusoftPages, variant: Variant, decoys: tuple[str, ...] = ()
) -> tuple[OpenPage, dict[str, str]]:
    """A record's page in front, its form open, and the model before anything is filled."""
    commusoft.serve(variant, decoys)
    page = commusoft.open_record("customer-1001", variant.layout)
    page.edit()
    wait_for(page.driver, "document.readyState === 'complete'")
    before = page.model()
    assert before
    return page, before


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_framework_takes_the_reference_over(
    browser: Browser, commusoft: CommusoftPages, variant: Variant
) -> None:
    page, before = opened(commusoft, variant)
    outcome = fill(browser)
    assert outcome["filled"], outcome
    wait_for(page.driver, f"window.commusoftModel().values.reference === '{REFERENCE}'")
    assert page.model() == before | {"reference": REFERENCE}
    assert page.is_dirty() in (True, None)
    page.save()
    page.is_saved()
    assert page.record("customer-1001")["reference"] == REFERENCE
    assert [save["id"] for save in page.saves()] == ["customer-1001"]


@by_turns("variant", VARIANTS, lambda variant: variant.name)
def test_nothing_is_filled_before_the_form_is_open(
    browser: Browser, commusoft: CommusoftPages, variant: Variant
) -> None:
    commusoft.serve(variant)
    page = commusoft.open_record("customer-1001", variant.layout)
    assert not fill(browser)["filled"]
    page.edit()
    model = page.model()
    assert model is not None
    assert not model.get("reference")


@pytest.mark.parametrize("decoy", DECOYS, ids=lambda decoy: decoy.name)
def test_no_decoy_takes_the_reference(
    browser: Browser, commusoft: CommusoftPages, decoy: Decoy
) -> None:
    # Each decoy on one framework, and on another in the other browser.
    turn = DECOYS.index(decoy) + 2 * (browser.name == "firefox")
    page, before = opened(commusoft, BY_NAME[KEEPERS[turn % len(KEEPERS)]], (decoy.name,))
    beside = page.beside()
    outcome = fill(browser)
    page.driver.evaluate("new Promise((done) => setTimeout(done, 400))")
    after = page.model()
    assert page.beside() == beside, outcome
    if outcome["filled"]:
        assert decoy.expected in ("fills", "either"), outcome
        assert after == before | {"reference": REFERENCE}
    else:
        assert decoy.expected != "fills", outcome
        assert after is None or clean(after) == clean(before), outcome
    assert page.saves() == []


def clean(model: dict[str, str]) -> dict[str, str]:
    """The model without what is empty: frameworks differ in how they keep nothing."""
    return {name: value for name, value in model.items() if value}
