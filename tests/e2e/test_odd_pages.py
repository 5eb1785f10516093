"""Pages that are not as they should be: loading, translated, of a contact no longer in use."""

from __future__ import annotations

from browsers.page_driver import Browser, SavedPage, wait_for
from browsers.popup_driver import PopupDriver
from browsers.saved import MARGARET, xero_contact
from e2e.turns import in_chromium, in_firefox

LOADING = """<!doctype html><title>Xero</title><div id="app" aria-busy="true">Loading…</div>"""
SHOWN = """<h1>Margaret Holloway</h1><p>Email: margaret.holloway@postbox.example</p>"""
TRANSLATED = f"""<!doctype html><html class="translated-ltr" lang="de"><title>Xero</title>{SHOWN}"""
ARCHIVED = f"""<!doctype html><title>Xero</title>{SHOWN}<p>Status: Archived</p>"""


def serve(browser: Browser, page: str) -> None:
    browser.serve({xero_contact(MARGARET): SavedPage(page)})


@in_chromium
def test_a_page_that_is_loading_is_waited_for(browser: Browser, clerk: PopupDriver) -> None:
    serve(browser, LOADING)
    clerk.look_at(xero_contact())
    assert clerk.page
    # It arrives a second after the popup has opened.
    shown = f"document.body.innerHTML = {SHOWN!r}"
    clerk.page.evaluate(f"(setTimeout(() => {{ {shown} }}, 2500), true)")
    clerk.link_to_crm()
    assert clerk.chosen() == "customer-1001"
    assert "couldn't read this page" not in clerk.reads()


@in_firefox
def test_a_page_that_stays_empty_says_so_with_a_way_to_look_again(
    browser: Browser, clerk: PopupDriver
) -> None:
    serve(browser, LOADING)
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    clerk.waits_for("If it is still loading, try again in a moment")
    assert clerk.chosen() is None


@in_chromium
def test_a_translated_page_is_said_to_be_one(browser: Browser, clerk: PopupDriver) -> None:
    serve(browser, TRANSLATED)
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    clerk.waits_for("The browser has translated this page")


@in_firefox
def test_a_contact_no_longer_in_use_is_marked_and_nothing_about_it_is_sure(
    browser: Browser, clerk: PopupDriver
) -> None:
    serve(browser, ARCHIVED)
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    wait_for(clerk.popup, "document.querySelector('.contact .retired')")
    assert "Marked as no longer in use" in clerk.reads()
    assert "Sure" not in clerk.popup.evaluate(
        "[...document.querySelectorAll('.likelihood')].map((one) => one.innerText)"
    )
