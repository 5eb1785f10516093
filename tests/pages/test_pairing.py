"""/pair: a browser is let in, or not."""

from __future__ import annotations

import pytest

from crmlink.access.devices import command_line_actor, list_devices
from crmlink.access.pairing import exchange_device_code, find_pairing, start_pairing
from crmlink.access.preferences import Preferences, save_preferences
from crmlink.installation import Installation
from crmlink.store import Pairing, PairingState
from crmlink.store.base import utc_now
from support.browser_client import proven
from support.page_client import PageClient, words
from support.sample_data import SampleData, shown_code


def test_a_clerk_connects_a_browser_by_its_code(
    clerk: PageClient, installation: Installation, sample: SampleData
) -> None:
    begun = start_pairing(installation.access, "Chrome on Windows", "192.0.2.7", proven("a key"))
    page = clerk.read(f"/pair?code={begun.user_code}")
    assert begun.user_code in page
    assert "192.0.2.7" in page
    form = clerk.get(f"/pair?code={begun.user_code}").get_data(as_text=True)
    assert 'value="Chrome on Windows, Anna"' in form
    reply = clerk.send("/pair", code=begun.user_code, name="Chrome on reception", answer="approve")
    page = clerk.read(reply.headers["Location"])
    assert "Approved" in page
    assert "Connected" not in page, "the extension has not asked again yet"
    device = exchange_device_code(installation.access, begun.device_code, proven("a key")).device
    assert device.name == "Chrome on reception"
    assert device.person
    assert device.person.id == sample.clerk.id
    assert "Connected" in clerk.read(f"/pair?code={begun.user_code}"), "redeemed by now"


def test_a_code_may_be_typed_small_and_without_its_hyphen(
    clerk: PageClient, sample: SampleData
) -> None:
    typed = sample.fresh_code.replace("-", "").lower()
    assert "Connect this browser?" in clerk.read(f"/pair?code={typed}")


def test_the_page_says_how_to_see_the_code_again(clerk: PageClient, sample: SampleData) -> None:
    """A popup closes when the tab opens, so the code is gone where it is to be compared."""
    page = clerk.read(f"/pair?code={sample.fresh_code}")
    assert "Select the crmlink button in your browser" in page


def test_a_browser_that_is_refused_gets_nothing(clerk: PageClient, sample: SampleData) -> None:
    clerk.send("/pair", code=sample.fresh_code, name="", answer="deny")
    assert "Refused" in clerk.read(f"/pair?code={sample.fresh_code}")
    late = clerk.send("/pair", code=sample.fresh_code, name="Chrome", answer="approve")
    assert late.status_code == 400
    assert "Refused" in words(late)


@pytest.mark.parametrize("code", ["BBBB-BBBB", "x", "<b>", "1" * 500])
def test_a_code_that_no_browser_shows_is_said(clerk: PageClient, code: str) -> None:
    reply = clerk.client.get("/pair", query_string={"code": code})
    assert reply.status_code == 404
    assert "No browser is showing this code" in words(reply)
    assert clerk.send("/pair", code=code, name="Chrome", answer="approve").status_code == 404


@pytest.mark.parametrize("name", ["", "   ", "x" * 81])
def test_a_browser_needs_a_name(
    clerk: PageClient, installation: Installation, sample: SampleData, name: str
) -> None:
    reply = clerk.send("/pair", code=sample.fresh_code, name=name, answer="approve")
    assert reply.status_code == 422
    assert "Enter a name" in words(reply)
    assert find_pairing(installation.access, sample.fresh_code).state is PairingState.WAITING


def test_after_ten_minutes_the_code_is_over(
    clerk: PageClient, installation: Installation, sample: SampleData
) -> None:
    with installation.database.writing() as session:
        session.query(Pairing).update({"expires_at": utc_now()})
    assert "The code has expired" in clerk.read(f"/pair?code={sample.fresh_code}")
    reply = clerk.send("/pair", code=sample.fresh_code, name="Chrome", answer="approve")
    assert reply.status_code == 400
    assert "The code has expired" in words(reply)


def test_where_admins_must_look_too_the_clerk_waits_and_the_admin_decides(
    clerk: PageClient, admin: PageClient, installation: Installation, sample: SampleData
) -> None:
    save_preferences(
        installation.access,
        command_line_actor(installation.access),
        Preferences(pairing_needs_admin=True),
    )
    code = shown_code(installation, "Firefox on Windows")
    clerk.send("/pair", code=code, name="Firefox, Anna", answer="approve")
    assert "Now an admin has to approve it" in clerk.read(f"/pair?code={code}")
    assert clerk.send("/pair", code=code, name="Mine", answer="approve").status_code == 403
    assert "Firefox, Anna" in admin.read("/devices")
    admin.send("/pair", code=code, name="Firefox, Anna", answer="approve")
    assert "Approved" in clerk.read(f"/pair?code={code}")
    pairing = find_pairing(installation.access, code)
    assert pairing.person
    assert pairing.person.id == sample.clerk.id, "it acts for who asked, not for the admin"


def test_too_many_guesses_of_codes_are_stopped(clerk: PageClient) -> None:
    statuses = [clerk.get(f"/pair?code=BBBB-BB{number:02}").status_code for number in range(60)]
    assert 429 in statuses


def test_no_one_is_let_in_by_looking(
    clerk: PageClient, installation: Installation, sample: SampleData
) -> None:
    before = len(list_devices(installation.access))
    clerk.get(f"/pair?code={sample.fresh_code}&answer=approve&name=Chrome")
    assert find_pairing(installation.access, sample.fresh_code).state is PairingState.WAITING
    assert len(list_devices(installation.access)) == before
