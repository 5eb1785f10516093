"""Connecting a browser: the same code on both sides, ten minutes, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from crmlink.access import pairing as module
from crmlink.access.context import Office
from crmlink.access.errors import (
    FieldsWrong,
    GrantRefused,
    NotAllowed,
    PairingDenied,
    PairingHasty,
    PairingOver,
    PairingPending,
    PairingUnknown,
)
from crmlink.access.pairing import (
    Begun,
    approve_pairing,
    deny_pairing,
    find_pairing,
    waiting_for_admin,
)
from crmlink.access.preferences import Preferences, save_preferences
from crmlink.access.refresh_tokens import Grant
from crmlink.store.models import now
from support.access_factories import enter, make_person, page_actor
from support.browser_client import proven


def begin(office: Office, browser: str, address: str, key: str = "a key") -> Begun:
    """A browser asks to be connected."""
    return module.begin_pairing(office, browser, address, proven(key))


def collect(office: Office, device_code: str, key: str = "a key") -> Grant:
    """A browser asks for the tokens of a pairing."""
    return module.redeem(office, device_code, proven(key))


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Lets time pass for pairings."""
    passed = timedelta()

    def moment() -> datetime:
        return now() + passed

    def pass_by(time: timedelta) -> None:
        nonlocal passed
        passed += time

    monkeypatch.setattr(module, "now", moment)
    return pass_by


def test_a_browser_is_connected_once_somebody_approved_it(
    office: Office, later: Callable[[timedelta], None]
) -> None:
    person = make_person(office)
    begun = begin(office, "Chrome  on\nWindows", "10.0.0.7")
    with pytest.raises(PairingPending):
        collect(office, begun.device_code)
    later(timedelta(seconds=2))
    typed = begun.user_code.lower().replace("-", " ")
    assert find_pairing(office, typed).browser == "Chrome on Windows"
    approve_pairing(office, page_actor(office, person), typed, "Front desk")
    grant = collect(office, begun.device_code)
    actor = enter(office, grant)
    assert actor.person
    assert (actor.person.id, actor.device.name) == (person.id, "Front desk")


def test_an_answer_that_was_lost_is_given_again_until_it_was_used(office: Office) -> None:
    begun = begin(office, "Firefox", "10.0.0.7")
    approve_pairing(office, page_actor(office, make_person(office)), begun.user_code, "Till")
    first, again = collect(office, begun.device_code), collect(office, begun.device_code)
    assert first.refresh_token == again.refresh_token
    assert first.device.id == again.device.id
    enter(office, again)
    with pytest.raises(GrantRefused):
        collect(office, begun.device_code)


def test_only_the_key_that_a_pairing_began_with_gets_its_tokens(office: Office) -> None:
    begun = begin(office, "Firefox", "10.0.0.7")
    approve_pairing(office, page_actor(office, make_person(office)), begun.user_code, "Till")
    with pytest.raises(GrantRefused):
        collect(office, begun.device_code, "a thief's")
    grant = collect(office, begun.device_code)
    assert grant.device.key_thumbprint == "a key"
    with pytest.raises(GrantRefused):
        collect(office, begun.device_code, "a thief's")


def test_a_code_is_over_after_ten_minutes(
    office: Office, later: Callable[[timedelta], None]
) -> None:
    begun = begin(office, "Firefox", "10.0.0.7")
    later(timedelta(minutes=10))
    with pytest.raises(PairingOver):
        approve_pairing(office, page_actor(office, make_person(office)), begun.user_code, "Till")
    with pytest.raises(PairingOver):
        collect(office, begun.device_code)


def test_an_approval_that_nobody_collects_is_over_too(
    office: Office, later: Callable[[timedelta], None]
) -> None:
    begun = begin(office, "Firefox", "10.0.0.7")
    approve_pairing(office, page_actor(office, make_person(office)), begun.user_code, "Till")
    later(timedelta(minutes=11))
    with pytest.raises(PairingOver):
        collect(office, begun.device_code)


def test_a_browser_that_was_denied_learns_it_and_cannot_be_approved_any_more(
    office: Office,
) -> None:
    actor = page_actor(office, make_person(office))
    begun = begin(office, "Firefox", "10.0.0.7")
    deny_pairing(office, actor, begun.user_code)
    with pytest.raises(PairingDenied):
        collect(office, begun.device_code)
    with pytest.raises(PairingOver):
        approve_pairing(office, actor, begun.user_code, "Till")


def test_a_browser_that_asks_too_often_is_told_to_slow_down(office: Office) -> None:
    begun = begin(office, "Firefox", "10.0.0.7")
    with pytest.raises(PairingPending):
        collect(office, begun.device_code)
    with pytest.raises(PairingHasty):
        collect(office, begun.device_code)


def test_an_admin_has_the_last_word_where_that_is_settled(office: Office) -> None:
    admin = page_actor(office, make_person(office, "admin"))
    clerk = make_person(office)
    save_preferences(office, admin, Preferences(pairing_needs_admin=True))
    begun = begin(office, "Firefox", "10.0.0.7")
    approve_pairing(office, page_actor(office, clerk), begun.user_code, "Till")
    assert [waiting.device_name for waiting in waiting_for_admin(office)] == ["Till"]
    with pytest.raises(NotAllowed):
        approve_pairing(office, page_actor(office, clerk), begun.user_code, "Till")
    with pytest.raises(PairingPending):
        collect(office, begun.device_code)
    approve_pairing(office, admin, begun.user_code, "Till 2")
    grant = collect(office, begun.device_code)
    assert (grant.person.id, grant.device.name) == (clerk.id, "Till 2")


@pytest.mark.parametrize("code", ["", "BCDF", "AAAA-AAAA", "BCDF-GHJK-L", "‮BCDFGHJK"])
def test_a_code_that_no_browser_shows_is_not_known(office: Office, code: str) -> None:
    begin(office, "Firefox", "10.0.0.7")
    with pytest.raises(PairingUnknown):
        find_pairing(office, code)


def test_a_browser_gets_a_name(office: Office) -> None:
    actor = page_actor(office, make_person(office))
    begun = begin(office, "", "10.0.0.7")
    for name in ("", "   ", "x" * 81):
        with pytest.raises(FieldsWrong):
            approve_pairing(office, actor, begun.user_code, name)


@pytest.mark.parametrize("code", ["", "garbage", "crmd_"])
def test_what_is_no_device_code_gets_nothing(office: Office, code: str) -> None:
    with pytest.raises(GrantRefused):
        collect(office, code)
