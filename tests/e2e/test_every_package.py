"""Every accounting package is linked once, from its own page under its own address, or by hand.

The pages are shared out between the two browsers, which run the same code on them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from browsers.page_driver import Browser, SavedPage, focus
from browsers.popup_driver import PopupDriver
from browsers.real_services import RunningServices
from browsers.saved import PAGES
from e2e.turns import by_turns


@dataclass(frozen=True)
class Case:
    """A saved page, whom it shows in Commusoft, and what is to stand there afterwards."""

    page: str
    record: str
    reference: str


ON_PAGES = [
    Case("xero/contact", "customer-1001", "8275f116-6419-4b82-889a-f41dcc1d6186"),
    Case("xero/old", "customer-1003", "0d3f2c55-2b6a-4a0e-9a55-2f1f6a7c1b20"),
    Case("sage_business_cloud/supplier", "supplier-502", "146013164"),
    Case("sage_200/customer", "customer-1010", "27825"),
    Case("quickbooks_online/customer", "customer-1001", "58"),
    Case("quickbooks_online/vendor", "supplier-501", "31"),
    Case("freeagent/contact", "customer-1002", "151730"),
    Case("kashflow/decoy", "supplier-501", "NORTH01"),
]


@by_turns("case", ON_PAGES, lambda case: case.page)
def test_a_contact_is_linked_from_its_page(
    case: Case, clerk: PopupDriver, browser: Browser, access: RunningServices
) -> None:
    url, page = _saved(case.page)
    browser.serve({url.partition("#")[0].partition("?")[0]: page})
    clerk.look_at(url)
    clerk.link_to_crm()
    assert clerk.chosen() == case.record
    assert case.reference in clerk.reads()
    clerk.press("Enter")
    clerk.sees("linked")
    assert access.reference(case.record) == case.reference
    assert len(access.writes()) == 1


@pytest.mark.parametrize(
    ("package", "typed", "written"),
    [
        ("sage_50", "holl01", "HOLL01"),
        ("quickbooks_desktop", "Holloway, Mrs M", "Holloway, Mrs M"),
    ],
)
def test_a_package_without_pages_is_linked_by_hand(
    package: str,
    typed: str,
    written: str,
    clerk: PopupDriver,
    browser: Browser,
    access: RunningServices,
) -> None:
    browser.serve({"https://desk.example/": SavedPage("<title>Any page</title>")})
    clerk.look_at("https://desk.example/")
    clerk.link_to_crm("elsewhere")
    popup = clerk.popup
    popup.evaluate("(document.querySelector('details.way').open = true)")
    popup.evaluate(
        "((select) => { select.value = " + json.dumps(package) + ";"
        " select.dispatchEvent(new Event('change')); })(document.querySelector('#hand-package'))"
    )
    for field, text in (
        ("reference", typed),
        ("name", "Margaret Holloway"),
        ("postcode", "GL50 2TR"),
    ):
        focus(popup, f"#hand-{field}")
        popup.type(text)
    popup.press("Enter")
    clerk.sees("choose")
    assert clerk.chosen() == "customer-1001"
    clerk.press("Enter")
    clerk.sees("linked")
    assert access.reference("customer-1001") == written


def _saved(name: str) -> tuple[str, SavedPage]:
    saved = json.loads((PAGES / f"{name}.json").read_text("utf-8"))
    return saved["url"], SavedPage((PAGES / f"{name}.html").read_text("utf-8"))
