"""A Firefox that always browses privately: it has no IndexedDB for extensions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from browsers.firefox import Firefox
from browsers.popup_driver import PopupDriver
from browsers.real_services import RunningServices
from browsers.saved import MARGARET, saved_site, xero_contact
from crmlink.access.devices import list_devices
from support.access_factories import make_person


@pytest.fixture
def clerk() -> Iterator[PopupDriver]:
    with closing(Firefox(always_private=True)) as browser:
        browser.serve(saved_site())
        yield PopupDriver(browser)


def test_it_is_connected_and_links_for_as_long_as_it_is_open(
    clerk: PopupDriver, access: RunningServices
) -> None:
    anna = make_person(access.access_context, "clerk", "Anna Kowalska")
    assert clerk.in_own_page("chrome.extension.inIncognitoContext")
    clerk.press_connect(access.server.address).close()
    clerk.approve(access.server.address, anna)
    clerk.browser.end_worker()
    clerk.look_at(xero_contact())
    clerk.link_to_crm()
    clerk.press("Enter")
    clerk.sees("linked")
    assert access.reference("customer-1001") == MARGARET
    assert [bool(one.revoked_at) for one in list_devices(access.access_context)] == [False]
