"""Script tokens: made once, shown once, kept only as a keyed hash.

A token is ``crm_`` + 32 letters and digits + 6 that are their checksum, so that a secret scanner
can tell one from noise without asking anybody.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
import zlib
from datetime import timedelta

from sqlalchemy import select

from crmlink.store import Database, Device
from crmlink.store.models import now

PREFIX = "crm_"
LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LENGTH = 32
CHECKSUM_LENGTH = 6
SHOWN_LENGTH = len(PREFIX) + 8  # what lists show of a token
SCOPES = ("suggest", "link", "read", "batch", "admin")
USUAL_SCOPES = ("suggest", "link", "read", "batch")
USUAL_DAYS = 90
MOST_DAYS = 365
USE_NOTED_EVERY = timedelta(minutes=1)


class TokenRefused(Exception):
    """The token is unknown, malformed, expired or revoked: the caller learns no more than that."""


class TokenUnknown(Exception):
    """No token begins with what was given, or several do."""


def create_token(
    database: Database,
    workspace_id: int,
    secret_key: str,
    name: str,
    scopes: tuple[str, ...] = USUAL_SCOPES,
    days: int = USUAL_DAYS,
) -> tuple[Device, str]:
    """A new device and its token; nobody can see the token again. Raises ValueError."""
    if not name.strip():
        raise ValueError("A token needs a name that tells people whose it is.")
    if unknown := set(scopes) - set(SCOPES):
        raise ValueError(f"Unknown scope: {', '.join(sorted(unknown))}. Use {', '.join(SCOPES)}.")
    if not 1 <= days <= MOST_DAYS:
        raise ValueError(f"A token lives from 1 to {MOST_DAYS} days.")
    random = "".join(secrets.choice(LETTERS) for _ in range(RANDOM_LENGTH))
    token = PREFIX + random + _checksum(random)
    device = Device(
        workspace_id=workspace_id,
        name=name.strip(),
        prefix=token[:SHOWN_LENGTH],
        token_hash=_hash(token, secret_key),
        scopes=list(scopes),
        expires_at=now() + timedelta(days=days),
    )
    with database.writing() as session:
        session.add(device)
    return device, token


def command_line_device(database: Database, workspace_id: int) -> Device:
    """The device that stands for a person at the server's own command line; it has no token."""
    prefix = f"command line {workspace_id}"
    with database.writing() as session:
        device = session.scalar(select(Device).filter_by(prefix=prefix))
        if device is None:
            device = Device(
                workspace_id=workspace_id,
                name="Command line",
                prefix=prefix,
                token_hash=prefix,
                scopes=[],
                expires_at=now(),
            )
            session.add(device)
    return device


def device_of(database: Database, secret_key: str, token: str) -> Device:
    """The device that a token belongs to, noted as used now; raises TokenRefused."""
    if not is_well_formed(token):
        raise TokenRefused
    with database.reading() as session:
        device = session.scalar(select(Device).filter_by(token_hash=_hash(token, secret_key)))
    moment = now()
    if device is None or device.revoked_at or device.expires_at <= moment:
        raise TokenRefused
    if device.last_used_at is None or abs(moment - device.last_used_at) > USE_NOTED_EVERY:
        with database.writing() as session:
            session.get_one(Device, device.id).last_used_at = moment
    return device


def is_well_formed(token: str) -> bool:
    """Whether a text has a token's form and its checksum."""
    body = token.removeprefix(PREFIX)
    random, checksum = body[:RANDOM_LENGTH], body[RANDOM_LENGTH:]
    return (
        token.startswith(PREFIX)
        and len(body) == RANDOM_LENGTH + CHECKSUM_LENGTH
        and body.isascii()
        and hmac.compare_digest(checksum, _checksum(random))
    )


def list_tokens(database: Database, workspace_id: int) -> list[Device]:
    """The tokens of a workspace, the newest first, revoked ones included."""
    query = (
        select(Device)
        .filter_by(workspace_id=workspace_id)
        .where(Device.prefix.startswith(PREFIX, autoescape=True))
        .order_by(Device.id.desc())
    )
    with database.reading() as session:
        return list(session.scalars(query))


def revoke_token(database: Database, workspace_id: int, prefix: str) -> Device:
    """Refuse a token from now on, named by how it begins; raises TokenUnknown."""
    query = (
        select(Device)
        .filter_by(workspace_id=workspace_id)
        .where(Device.prefix.startswith(prefix[:SHOWN_LENGTH], autoescape=True))
    )
    with database.writing() as session:
        found = list(session.scalars(query))
        if len(found) != 1 or len(prefix) <= len(PREFIX):
            raise TokenUnknown
        found[0].revoked_at = found[0].revoked_at or now()
    return found[0]


def _hash(token: str, secret_key: str) -> str:
    return hmac.new(secret_key.encode(), token.encode(), hashlib.sha256).hexdigest()


def _checksum(random: str) -> str:
    number = zlib.crc32(random.encode())
    digits = []
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(LETTERS))
        digits.append(LETTERS[digit])
    return "".join(reversed(digits))
