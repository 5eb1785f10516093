"""From a contact to its reference on Commusoft's own page: decided, filled, saved, seen."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from browsers.assist_driver import AssistDriver, becomes, decide, newest_link, until
from browsers.chromium import Chromium
from browsers.page_driver import Browser, wait_for, wait_through
from browsers.popup_driver import PopupDriver
from browsers.real_services import RunningServices, lose_api
from browsers.saved import MARGARET
from e2e.commusoft_pages import ORIGIN, VARIANTS, CommusoftPages, OpenPage, Variant
from e2e.turns import by_turns, in_chromium, in_firefox

COMMUSOFT = (f"{ORIGIN}/*", "https://app.commusoft.us/*")
PLAIN = next(one for one in VARIANTS if one.name == "plain-old")
FRAMEWORKS = [one for one in VARIANTS if one.name in ("angularjs", "angular", "react", "vue")]
PLACES = [
    Variant("frame", "plain", "old", {"where": "frame"}),
    Variant("shadow-dialog", "plain", "new", {"where": "shadow-dialog"}),
]
RECORD = "customer-1001"
OTHER_RECORD = "customer-1002"
FORGED = """(() => {
    const host = document.querySelector('crmlink-assist');
    const seen = host.shadowRoot;
    for (const key of ['Enter', ' ', 'Escape'])
        for (const type of ['keydown', 'keypress', 'keyup'])
            host.dispatchEvent(new KeyboardEvent(type, { key, bubbles: true, composed: true }));
    host.click();
    for (const type of ['pointerdown', 'mousedown', 'mouseup', 'click'])
        host.dispatchEvent(new MouseEvent(type, { bubbles: true, composed: true }));
    host.remove();
    return seen === null;
})()"""


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """A browser that lets the extension have Commusoft's pages as soon as it asks for them."""
    if request.param == "firefox":  # it asks no one: the one of all files will do
        yield request.getfixturevalue("firefox")
        return
    with closing(Chromium(("http://127.0.0.1/*", *COMMUSOFT))) as running:
        yield running


@pytest.fixture
def commusoft(browser: Browser, commusoft_bundles: Path) -> CommusoftPages:
    """Commusoft's pages in this module's browser."""
    return CommusoftPages(browser, commusoft_bundles)


@pytest.fixture
def clerk(
    browser: Browser, access: RunningServices, commusoft: CommusoftPages
) -> Iterator[PopupDriver]:
    """A clerk of a workspace that writes on Commusoft's pages, with the mode switched on."""
    lose_api(access, ORIGIN)
    commusoft.serve(PLAIN)
    clerk = PopupDriver(browser)
    clerk.connect(access)
    assert "now works" in clerk.switch_on_page("commusoft")
    yield clerk
    clerk.switch_on_page("commusoft")


@pytest.fixture
def assist(browser: Browser) -> AssistDriver:
    """The panel on the page in front."""
    return AssistDriver(browser)


@pytest.fixture
def page(clerk: PopupDriver, access: RunningServices, commusoft: CommusoftPages) -> OpenPage:
    """The record's page, for which a decision waits."""
    decided(clerk, access, commusoft)
    return commusoft.open_record(RECORD, "old")


def decided(clerk: PopupDriver, access: RunningServices, commusoft: CommusoftPages) -> None:
    """Decide, and close the tab that the popup opened: one that comes later takes the front."""
    decide(clerk)
    becomes(access, "intended")
    commusoft.tab(RECORD, "old").driver.close()


@by_turns("variant", [PLAIN, *FRAMEWORKS, *PLACES], lambda one: one.name)
def test_a_decision_is_filled_in_on_the_page_saved_there_and_seen(
    clerk: PopupDriver,
    assist: AssistDriver,
    access: RunningServices,
    commusoft: CommusoftPages,
    variant: Variant,
) -> None:
    commusoft.serve(variant)
    decided(clerk, access, commusoft)
    page = commusoft.open_record(RECORD, variant.layout)
    assist.says("Select Edit in Commusoft")
    assist.press(page.driver, "Select Edit")
    assert MARGARET in assist.says("Fill in the Third-Party Reference?").words
    before = page.model()
    assist.press(page.driver, "Fill in")
    assist.says("Now select Save in Commusoft")
    wait_for(page.driver, f"window.commusoftModel().values.reference === {json.dumps(MARGARET)}")
    assert before is not None
    assert page.model() == before | {"reference": MARGARET}
    assert page.saves() == []
    assert newest_link(access)["state"] == "intended"
    page.save()
    page.is_saved()
    assist.says("Linked, seen on the page")
    assert becomes(access, "linked")["reference"] == MARGARET
    assert page.record(RECORD)["reference"] == MARGARET


@in_chromium
def test_the_popup_opens_the_record_where_the_decision_waits(
    clerk: PopupDriver, access: RunningServices, commusoft: CommusoftPages
) -> None:
    decide(clerk)
    becomes(access, "intended")
    opened = commusoft.tab(RECORD, "old")
    wait_for(opened.driver, "document.querySelector('crmlink-assist')")
    assert opened.saves() == []


@in_firefox
def test_while_save_is_awaited_a_second_enter_does_nothing(
    page: OpenPage, assist: AssistDriver, access: RunningServices
) -> None:
    assist.fill(page.driver)
    page.driver.evaluate("new Promise((done) => setTimeout(done, 500))")
    page.driver.press("Enter")
    page.driver.evaluate("new Promise((done) => setTimeout(done, 500))")
    assert assist.says("Now select Save in Commusoft").focus == ""
    assert page.saves() == []
    assert newest_link(access)["state"] == "intended"


@in_chromium
def test_what_a_person_types_in_a_frame_is_not_taken_for_saved(
    clerk: PopupDriver, assist: AssistDriver, access: RunningServices, commusoft: CommusoftPages
) -> None:
    commusoft.serve(PLACES[0])
    decided(clerk, access, commusoft)
    page = commusoft.open_record(RECORD, "old")
    assist.says("Select Edit in Commusoft")
    page.edit()
    assist.says("Fill in the Third-Party Reference?")
    page.driver.press("Escape")
    page.type_reference(MARGARET)
    page.driver.evaluate("new Promise((done) => setTimeout(done, 3000))")
    assert newest_link(access)["state"] == "intended"
    assert page.saves() == []


@in_firefox
def test_a_save_that_fails_once_is_not_called_linked(
    page: OpenPage, assist: AssistDriver, access: RunningServices
) -> None:
    page.fault(failOnce=True)
    assist.fill(page.driver)
    page.save()
    wait_for(page.driver, "backend.state().faults.failOnce === false")
    page.driver.evaluate("new Promise((done) => setTimeout(done, 2500))")
    assert newest_link(access)["state"] == "intended"
    page.save()
    page.is_saved()
    assist.says("Linked, seen on the page")
    becomes(access, "linked")


@in_chromium
def test_a_save_that_drops_the_reference_is_not_seen_and_stays_open(
    page: OpenPage, assist: AssistDriver, access: RunningServices
) -> None:
    page.fault(drop=True)
    assist.fill(page.driver)
    page.save()
    page.is_saved()
    assist.says("Not seen yet")
    assert newest_link(access)["state"] == "intended"
    page.driver.evaluate("(location.reload(), null)")
    assist.says("Select Edit in Commusoft")


@in_firefox
def test_a_session_that_ran_out_loses_nothing(
    page: OpenPage, assist: AssistDriver, access: RunningServices
) -> None:
    page.fault(session=True)
    assist.fill(page.driver)
    page.save()
    wait_through(page.driver, "document.querySelector('#logintype_username')")
    page.driver.evaluate("new Promise((done) => setTimeout(done, 2500))")
    assert page.driver.evaluate("document.querySelector('#logintype_username').value") == ""
    assert newest_link(access)["state"] == "intended"
    page.fault(session=False)
    page.driver.evaluate("(location.reload(), null)")
    assist.says("Not seen yet")
    assert newest_link(access)["state"] == "intended"


@in_chromium
def test_going_to_another_record_takes_the_panel_away_and_coming_back_brings_it(
    page: OpenPage, assist: AssistDriver, access: RunningServices
) -> None:
    assist.says("Select Edit in Commusoft")
    assist.press(page.driver, "Select Edit")
    assist.says("Fill in the Third-Party Reference?")
    page.go(OTHER_RECORD, "old")
    assist.is_gone()
    page.edit()
    page.driver.evaluate("new Promise((done) => setTimeout(done, 1500))")
    model = page.model()
    assert model is not None
    assert not model.get("reference")
    page.go(RECORD, "old")
    assist.says("Select Edit in Commusoft")
    assert newest_link(access)["state"] == "intended"


@in_firefox
def test_another_reference_is_replaced_only_by_a_second_choice(
    page: OpenPage, assist: AssistDriver, access: RunningServices
) -> None:
    page.change_behind(RECORD, reference="ANOTHER-1")
    page.driver.evaluate("(location.reload(), null)")
    assist.says("ANOTHER-1")
    assist.press(page.driver, "Select Edit")
    assist.says("Fill in the Third-Party Reference?")
    assist.press(page.driver, "Fill in")
    assert assist.says("Another reference is there already").focus == "Keep it"
    assert page.shown() == "ANOTHER-1"
    assist.press(page.driver, "Replace it")
    assist.says("Now select Save in Commusoft")
    page.save()
    page.is_saved()
    assist.says("Linked, seen on the page")
    assert becomes(access, "linked")["prior_reference"] == "ANOTHER-1"


def test_a_page_can_neither_press_nor_keep_away_the_panel(
    page: OpenPage, assist: AssistDriver, access: RunningServices
) -> None:
    assist.says("Select Edit in Commusoft")
    assist.press(page.driver, "Select Edit")
    assist.says("Fill in the Third-Party Reference?")
    page.driver.evaluate("new Promise((done) => setTimeout(done, 500))")
    assert page.driver.evaluate(FORGED)
    assist.says("Fill in the Third-Party Reference?")
    assert page.shown() == ""
    assert newest_link(access)["state"] == "intended"


@in_chromium
def test_escape_closes_the_panel_and_the_decision_is_asked_about_at_the_next_visit(
    page: OpenPage, assist: AssistDriver, access: RunningServices
) -> None:
    assist.says("Select Edit in Commusoft")
    page.driver.press("Escape")
    assist.is_gone()
    assert newest_link(access)["state"] == "intended"
    page.driver.evaluate("(location.reload(), null)")
    assist.says("Select Edit in Commusoft")


def test_a_worker_that_is_ended_between_filling_and_saving_loses_nothing(
    page: OpenPage, assist: AssistDriver, access: RunningServices, browser: Browser
) -> None:
    assist.fill(page.driver)
    browser.end_worker()
    page.save()
    page.is_saved()
    assist.says("Linked, seen on the page")
    becomes(access, "linked")


def test_a_page_closed_before_its_save_or_its_look_is_settled_at_the_next_visit(
    page: OpenPage, assist: AssistDriver, access: RunningServices, commusoft: CommusoftPages
) -> None:
    assist.fill(page.driver)
    page.driver.close()
    access.server.stop(signal.SIGKILL)
    access.server.start()
    assert newest_link(access)["state"] == "intended"
    again = commusoft.open_record(RECORD, "old")
    assert again.record(RECORD).get("reference", "") == ""
    assist.fill(again.driver)
    assert newest_link(access)["state"] == "intended"
    again.save()
    again.is_saved()
    again.driver.close()  # at once: what a page shows right after saving is not believed yet
    commusoft.open_record(RECORD, "old")
    assist.says("Linked, seen on the page")
    assert becomes(access, "linked")["reference"] == MARGARET


@in_chromium
def test_given_up_on_the_page_the_field_is_as_it_was(
    page: OpenPage, assist: AssistDriver, access: RunningServices
) -> None:
    assist.fill(page.driver)
    assist.press(page.driver, "Withdraw this link")
    assist.says("Withdrawn")
    assert page.shown() == ""
    assert becomes(access, "failed")["failure"]


@in_firefox
def test_the_popup_on_the_records_page_knows_the_record_and_brings_the_panel_back(
    page: OpenPage, assist: AssistDriver, clerk: PopupDriver
) -> None:
    assist.says("Select Edit in Commusoft")
    page.driver.press("Escape")
    assist.is_gone()
    clerk.link_to_crm("record")
    assert "Margaret Holloway" in clerk.reads()
    assert "A link is waiting to be saved on this page" in clerk.reads()
    clerk.press("Enter")
    assist.says("Select Edit in Commusoft")


def test_switched_off_nothing_of_it_is_left_on_an_open_page(
    page: OpenPage, assist: AssistDriver, clerk: PopupDriver
) -> None:
    assist.says("Select Edit in Commusoft")
    assert "no longer works" in clerk.switch_on_page("commusoft")
    until(
        lambda: page.driver.evaluate("!document.querySelector('crmlink-assist, crmlink-button')"),
        lambda: "the panel is left on the page",
    )
    clerk.switch_on_page("commusoft")


@in_chromium
def test_an_admin_shows_the_field_once_where_its_label_is_not_known(
    browser: Browser,
    clerk: PopupDriver,
    access: RunningServices,
    commusoft: CommusoftPages,
    assist: AssistDriver,
) -> None:
    clerk.connect(access, role="admin")
    variant = Variant("plain-other", "plain", "new", {"label": "Ledger code"})
    commusoft.serve(variant)
    decided(clerk, access, commusoft)
    page = commusoft.open_record(RECORD, "new")
    assist.says("We can't find the Third-Party Reference field")
    page.edit()
    assist.says("Check again")  # there is nothing to select for editing any more
    assist.press(page.driver, "Show crmlink the field")
    assist.says("Which field is it?")
    page.focus_reference()
    page.driver.press("Enter")
    assert "Ledger code" in assist.says("Is it the framed field?").words
    assist.press(page.driver, "Use this field")
    assist.says("Fill in the Third-Party Reference?")
    assist.press(page.driver, "Fill in")
    assist.says("Now select Save in Commusoft")
    assert page.shown() == MARGARET
    shown = access.ask("workspace")["record_fields"]
    assert [(one["kind"], one["label"]) for one in shown] == [("customer", "Ledger code")]
