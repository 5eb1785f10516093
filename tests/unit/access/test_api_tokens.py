"""Script tokens: shown once, bounded, rotated without a gap, revoked at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from crmlink.access import api_tokens as tokens
from crmlink.access.api_tokens import (
    create_token,
    list_tokens,
    revoke_all_tokens,
    revoke_token,
    rotate_token,
    script_actor,
)
from crmlink.access.context import Actor, Office
from crmlink.access.devices import Standing, standing
from crmlink.access.errors import DeviceUnknown, FieldsWrong, TokenRefused
from crmlink.access.usage import Uses
from crmlink.store import Device, DeviceSort
from crmlink.store.base import now


def test_a_rotated_token_works_until_the_new_one_is_first_used(
    office: Office, server: Actor
) -> None:
    device, old = create_token(office, server, "Nightly", days=30)
    new = rotate_token(office, server, device.public_id)[1]
    script_actor(office, old, "")
    script_actor(office, new, "")
    with pytest.raises(TokenRefused):
        script_actor(office, old, "")
    assert script_actor(office, new, "").device.id == device.id
    left = list_tokens(office)[0].expires_at - now()
    assert timedelta(days=29) < left <= timedelta(days=30)


def test_a_rotation_whose_token_got_lost_can_be_repeated_while_the_script_works_on(
    office: Office, server: Actor
) -> None:
    device, in_use = create_token(office, server, "Nightly")
    lost = rotate_token(office, server, device.public_id)[1]
    new = rotate_token(office, server, device.public_id)[1]
    with pytest.raises(TokenRefused):
        script_actor(office, lost, "")
    script_actor(office, in_use, "")
    script_actor(office, new, "")
    with pytest.raises(TokenRefused):
        script_actor(office, in_use, "")


def test_no_rotation_lets_an_old_token_live_longer(
    office: Office, server: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, old = create_token(office, server, "Nightly", days=30)
    at(monkeypatch, timedelta(days=20))
    rotate_token(office, server, device.public_id)
    script_actor(office, old, "")
    at(monkeypatch, timedelta(days=31))
    with pytest.raises(TokenRefused):
        script_actor(office, old, "")
    new = rotate_token(office, server, device.public_id)[1]
    with pytest.raises(TokenRefused):
        script_actor(office, old, "")
    script_actor(office, new, "")


def test_a_token_that_is_over_is_not_brought_back_by_its_rotation(
    office: Office, server: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, old = create_token(office, server, "Nightly", days=30)
    at(monkeypatch, timedelta(days=40))
    new = rotate_token(office, server, device.public_id)[1]
    with pytest.raises(TokenRefused):
        script_actor(office, old, "")
    script_actor(office, new, "")


def at(monkeypatch: pytest.MonkeyPatch, later: timedelta) -> None:
    """Let that much time pass for tokens."""
    moment = now() + later
    monkeypatch.setattr(tokens, "now", lambda: moment)


def test_a_token_that_leaked_before_its_rotation_can_be_revoked_with_the_new_one(
    office: Office, server: Actor
) -> None:
    device, old = create_token(office, server, "Nightly")
    new = rotate_token(office, server, device.public_id)[1]
    revoke_token(office, server, device.public_id)
    for token in (old, new):
        with pytest.raises(TokenRefused):
            script_actor(office, token, "")
    with pytest.raises(DeviceUnknown):
        rotate_token(office, server, device.public_id)


def test_all_tokens_can_be_revoked_in_one_go(office: Office, server: Actor) -> None:
    tokens = [create_token(office, server, f"Script {number}")[1] for number in range(3)]
    assert revoke_all_tokens(office, server) == 3
    assert revoke_all_tokens(office, server) == 0
    for token in tokens:
        with pytest.raises(TokenRefused):
            script_actor(office, token, "")


@pytest.mark.parametrize(
    ("name", "scopes", "days"),
    [
        ("", ("read",), 90),
        ("A", (), 90),
        ("A", ("read", "fly"), 90),
        ("A", ("read",), 0),
        ("A", ("read",), 366),
    ],
)
def test_a_token_needs_a_name_scopes_and_an_end(
    office: Office, server: Actor, name: str, scopes: tuple[str, ...], days: int
) -> None:
    with pytest.raises(FieldsWrong):
        create_token(office, server, name, scopes, days)
    assert list_tokens(office) == []


def test_a_beginning_that_fits_several_names_none(office: Office, server: Actor) -> None:
    create_token(office, server, "A")
    create_token(office, server, "B")
    for name in ("", "crm_", "nobody"):
        with pytest.raises(DeviceUnknown):
            revoke_token(office, server, name)
    assert revoke_token(office, server, list_tokens(office)[0].prefix).name == "B"


def test_a_token_that_is_over_soon_is_told_from_the_others(office: Office, server: Actor) -> None:
    device, _ = create_token(office, server, "A", days=15)
    assert standing(device) is Standing.VALID
    device.expires_at -= timedelta(days=2)
    assert standing(device) is Standing.EXPIRING
    device.sort = DeviceSort.BROWSER
    assert standing(device) is Standing.VALID, "each use prolongs a browser's connection"
    device.expires_at -= timedelta(days=14)
    assert standing(device) is Standing.EXPIRED
    device.revoked_at = now()
    assert standing(device) is Standing.REVOKED


def test_use_is_counted_and_written_once_a_minute(office: Office, server: Actor) -> None:
    _, token = create_token(office, server, "A")
    uses = Uses(office)
    for _ in range(5):
        uses.note(script_actor(office, token, "10.0.0.7"))
    assert list_tokens(office)[0].use_count == 1
    uses.flush()
    used = list_tokens(office)[0]
    assert (used.use_count, used.last_used_address) == (5, "10.0.0.7")


def test_an_expired_token_is_refused(office: Office, server: Actor) -> None:
    _, token = create_token(office, server, "A")
    with office.database.writing() as session:
        session.execute(update(Device).values(expires_at=now()))
    with pytest.raises(TokenRefused):
        script_actor(office, token, "")
