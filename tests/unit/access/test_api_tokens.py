"""Script tokens: shown once, bounded, rotated without a gap, revoked at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from crmlink.access import api_tokens as tokens
from crmlink.access.api_tokens import (
    authenticate_api_token,
    create_api_token,
    list_tokens,
    revoke_all_tokens,
    revoke_token,
    rotate_token,
)
from crmlink.access.context import AccessContext, Actor
from crmlink.access.devices import DeviceStatus, device_status
from crmlink.access.errors import DeviceNotFound, InvalidFields, InvalidToken
from crmlink.access.usage import UsageCounter
from crmlink.store import Device, DeviceType
from crmlink.store.base import utc_now


def test_a_rotated_token_works_until_the_new_one_is_first_used(
    access: AccessContext, server: Actor
) -> None:
    device, old = create_api_token(access, server, "Nightly", days=30)
    new = rotate_token(access, server, device.public_id)[1]
    authenticate_api_token(access, old, "")
    authenticate_api_token(access, new, "")
    with pytest.raises(InvalidToken):
        authenticate_api_token(access, old, "")
    assert authenticate_api_token(access, new, "").device.id == device.id
    left = list_tokens(access)[0].expires_at - utc_now()
    assert timedelta(days=29) < left <= timedelta(days=30)


def test_a_rotation_whose_token_got_lost_can_be_repeated_while_the_script_works_on(
    access: AccessContext, server: Actor
) -> None:
    device, in_use = create_api_token(access, server, "Nightly")
    lost = rotate_token(access, server, device.public_id)[1]
    new = rotate_token(access, server, device.public_id)[1]
    with pytest.raises(InvalidToken):
        authenticate_api_token(access, lost, "")
    authenticate_api_token(access, in_use, "")
    authenticate_api_token(access, new, "")
    with pytest.raises(InvalidToken):
        authenticate_api_token(access, in_use, "")


def test_no_rotation_lets_an_old_token_live_longer(
    access: AccessContext, server: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, old = create_api_token(access, server, "Nightly", days=30)
    at(monkeypatch, timedelta(days=20))
    rotate_token(access, server, device.public_id)
    authenticate_api_token(access, old, "")
    at(monkeypatch, timedelta(days=31))
    with pytest.raises(InvalidToken):
        authenticate_api_token(access, old, "")
    new = rotate_token(access, server, device.public_id)[1]
    with pytest.raises(InvalidToken):
        authenticate_api_token(access, old, "")
    authenticate_api_token(access, new, "")


def test_a_token_that_is_over_is_not_brought_back_by_its_rotation(
    access: AccessContext, server: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, old = create_api_token(access, server, "Nightly", days=30)
    at(monkeypatch, timedelta(days=40))
    new = rotate_token(access, server, device.public_id)[1]
    with pytest.raises(InvalidToken):
        authenticate_api_token(access, old, "")
    authenticate_api_token(access, new, "")


def at(monkeypatch: pytest.MonkeyPatch, later: timedelta) -> None:
    """Let that much time pass for tokens."""
    moment = utc_now() + later
    monkeypatch.setattr(tokens, "utc_now", lambda: moment)


def test_a_token_that_leaked_before_its_rotation_can_be_revoked_with_the_new_one(
    access: AccessContext, server: Actor
) -> None:
    device, old = create_api_token(access, server, "Nightly")
    new = rotate_token(access, server, device.public_id)[1]
    revoke_token(access, server, device.public_id)
    for token in (old, new):
        with pytest.raises(InvalidToken):
            authenticate_api_token(access, token, "")
    with pytest.raises(DeviceNotFound):
        rotate_token(access, server, device.public_id)


def test_all_tokens_can_be_revoked_in_one_go(access: AccessContext, server: Actor) -> None:
    tokens = [create_api_token(access, server, f"Script {number}")[1] for number in range(3)]
    assert revoke_all_tokens(access, server) == 3
    assert revoke_all_tokens(access, server) == 0
    for token in tokens:
        with pytest.raises(InvalidToken):
            authenticate_api_token(access, token, "")


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
    access: AccessContext, server: Actor, name: str, scopes: tuple[str, ...], days: int
) -> None:
    with pytest.raises(InvalidFields):
        create_api_token(access, server, name, scopes, days)
    assert list_tokens(access) == []


def test_a_beginning_that_fits_several_names_none(access: AccessContext, server: Actor) -> None:
    create_api_token(access, server, "A")
    create_api_token(access, server, "B")
    for name in ("", "crm_", "nobody"):
        with pytest.raises(DeviceNotFound):
            revoke_token(access, server, name)
    assert revoke_token(access, server, list_tokens(access)[0].prefix).name == "B"


def test_a_token_that_is_over_soon_is_told_from_the_others(
    access: AccessContext, server: Actor
) -> None:
    device, _ = create_api_token(access, server, "A", days=15)
    assert device_status(device) is DeviceStatus.VALID
    device.expires_at -= timedelta(days=2)
    assert device_status(device) is DeviceStatus.EXPIRING
    device.sort = DeviceType.BROWSER
    assert device_status(device) is DeviceStatus.VALID, "each use prolongs a browser's connection"
    device.expires_at -= timedelta(days=14)
    assert device_status(device) is DeviceStatus.EXPIRED
    device.revoked_at = utc_now()
    assert device_status(device) is DeviceStatus.REVOKED


def test_use_is_counted_and_written_once_a_minute(access: AccessContext, server: Actor) -> None:
    _, token = create_api_token(access, server, "A")
    uses = UsageCounter(access)
    for _ in range(5):
        uses.note(authenticate_api_token(access, token, "10.0.0.7"))
    assert list_tokens(access)[0].use_count == 1
    uses.flush()
    used = list_tokens(access)[0]
    assert (used.use_count, used.last_used_address) == (5, "10.0.0.7")


def test_an_expired_token_is_refused(access: AccessContext, server: Actor) -> None:
    _, token = create_api_token(access, server, "A")
    with access.database.writing() as session:
        session.execute(update(Device).values(expires_at=utc_now()))
    with pytest.raises(InvalidToken):
        authenticate_api_token(access, token, "")
