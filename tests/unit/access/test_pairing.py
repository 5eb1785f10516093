"""Connecting a browser: the same code on both sides, ten minutes, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from crmlink.access import pairing as module
from crmlink.access.context import AccessContext
from crmlink.access.errors import (
    InvalidFields,
    InvalidGrant,
    NotAllowed,
    PairingDenied,
    PairingExpired,
    PairingNotFound,
    PairingPending,
    PairingSlowDown,
)
from crmlink.access.pairing import (
    DeviceAuthorization,
    approve_pairing,
    deny_pairing,
    find_pairing,
    list_awaiting_admin,
)
from crmlink.access.preferences import Preferences, save_preferences
from crmlink.access.refresh_tokens import TokenResponse
from crmlink.store.base import utc_now
from support.access_factories import enter, make_person, page_actor
from support.browser_client import proven


def begin(
    access: AccessContext, browser: str, address: str, key: str = "a key"
) -> DeviceAuthorization:
    """A browser asks to be connected."""
    return module.start_pairing(access, browser, address, proven(key))


def collect(access: AccessContext, device_code: str, key: str = "a key") -> TokenResponse:
    """A browser asks for the tokens of a pairing."""
    return module.exchange_device_code(access, device_code, proven(key))


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Lets time pass for pairings."""
    passed = timedelta()

    def moment() -> datetime:
        return utc_now() + passed

    def pass_by(time: timedelta) -> None:
        nonlocal passed
        passed += time

    monkeypatch.setattr(module, "utc_now", moment)
    return pass_by


def test_a_browser_is_connected_once_someone_approved_it(
    access: AccessContext, later: Callable[[timedelta], None]
) -> None:
    person = make_person(access)
    begun = begin(access, "Chrome  on\nWindows", "10.0.0.7")
    with pytest.raises(PairingPending):
        collect(access, begun.device_code)
    later(timedelta(seconds=2))
    typed = begun.user_code.lower().replace("-", " ")
    assert find_pairing(access, typed).browser == "Chrome on Windows"
    approve_pairing(access, page_actor(access, person), typed, "Front desk")
    grant = collect(access, begun.device_code)
    actor = enter(access, grant)
    assert actor.person
    assert (actor.person.id, actor.device.name) == (person.id, "Front desk")


def test_an_answer_that_was_lost_is_given_again_until_it_was_used(access: AccessContext) -> None:
    begun = begin(access, "Firefox", "10.0.0.7")
    approve_pairing(access, page_actor(access, make_person(access)), begun.user_code, "Till")
    first, again = collect(access, begun.device_code), collect(access, begun.device_code)
    assert first.refresh_token == again.refresh_token
    assert first.device.id == again.device.id
    enter(access, again)
    with pytest.raises(InvalidGrant):
        collect(access, begun.device_code)


def test_only_the_key_that_a_pairing_began_with_gets_its_tokens(access: AccessContext) -> None:
    begun = begin(access, "Firefox", "10.0.0.7")
    approve_pairing(access, page_actor(access, make_person(access)), begun.user_code, "Till")
    with pytest.raises(InvalidGrant):
        collect(access, begun.device_code, "a thief's")
    grant = collect(access, begun.device_code)
    assert grant.device.key_thumbprint == "a key"
    with pytest.raises(InvalidGrant):
        collect(access, begun.device_code, "a thief's")


def test_a_code_is_over_after_ten_minutes(
    access: AccessContext, later: Callable[[timedelta], None]
) -> None:
    begun = begin(access, "Firefox", "10.0.0.7")
    later(timedelta(minutes=10))
    with pytest.raises(PairingExpired):
        approve_pairing(access, page_actor(access, make_person(access)), begun.user_code, "Till")
    with pytest.raises(PairingExpired):
        collect(access, begun.device_code)


def test_an_approval_that_no_one_collects_is_over_too(
    access: AccessContext, later: Callable[[timedelta], None]
) -> None:
    begun = begin(access, "Firefox", "10.0.0.7")
    approve_pairing(access, page_actor(access, make_person(access)), begun.user_code, "Till")
    later(timedelta(minutes=11))
    with pytest.raises(PairingExpired):
        collect(access, begun.device_code)


def test_a_browser_that_was_denied_learns_it_and_cannot_be_approved_any_more(
    access: AccessContext,
) -> None:
    actor = page_actor(access, make_person(access))
    begun = begin(access, "Firefox", "10.0.0.7")
    deny_pairing(access, actor, begun.user_code)
    with pytest.raises(PairingDenied):
        collect(access, begun.device_code)
    with pytest.raises(PairingExpired):
        approve_pairing(access, actor, begun.user_code, "Till")


def test_a_browser_that_asks_too_often_is_told_to_slow_down(access: AccessContext) -> None:
    begun = begin(access, "Firefox", "10.0.0.7")
    with pytest.raises(PairingPending):
        collect(access, begun.device_code)
    with pytest.raises(PairingSlowDown):
        collect(access, begun.device_code)


def test_an_admin_has_the_last_word_where_that_is_settled(access: AccessContext) -> None:
    admin = page_actor(access, make_person(access, "admin"))
    clerk = make_person(access)
    save_preferences(access, admin, Preferences(pairing_needs_admin=True))
    begun = begin(access, "Firefox", "10.0.0.7")
    approve_pairing(access, page_actor(access, clerk), begun.user_code, "Till")
    assert [waiting.device_name for waiting in list_awaiting_admin(access)] == ["Till"]
    with pytest.raises(NotAllowed):
        approve_pairing(access, page_actor(access, clerk), begun.user_code, "Till")
    with pytest.raises(PairingPending):
        collect(access, begun.device_code)
    approve_pairing(access, admin, begun.user_code, "Till 2")
    grant = collect(access, begun.device_code)
    assert (grant.person.id, grant.device.name) == (clerk.id, "Till 2")


@pytest.mark.parametrize("code", ["", "BCDF", "AAAA-AAAA", "BCDF-GHJK-L", "‮BCDFGHJK"])
def test_a_code_that_no_browser_shows_is_not_known(access: AccessContext, code: str) -> None:
    begin(access, "Firefox", "10.0.0.7")
    with pytest.raises(PairingNotFound):
        find_pairing(access, code)


def test_a_browser_gets_a_name(access: AccessContext) -> None:
    actor = page_actor(access, make_person(access))
    begun = begin(access, "", "10.0.0.7")
    for name in ("", "   ", "x" * 81):
        with pytest.raises(InvalidFields):
            approve_pairing(access, actor, begun.user_code, name)


@pytest.mark.parametrize("code", ["", "garbage", "crmd_"])
def test_what_is_no_device_code_gets_nothing(access: AccessContext, code: str) -> None:
    with pytest.raises(InvalidGrant):
        collect(access, code)
