"""Whatever a used installation leaves behind holds no secret, its logs no name; and its database,
alone, opens nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
from sqlalchemy import select

from crmlink.access.api_tokens import authenticate_api_token
from crmlink.access.context import AccessContext
from crmlink.access.errors import AccessError
from crmlink.access.pairing import exchange_device_code
from crmlink.access.people import find_invitation
from crmlink.access.refresh_tokens import (
    AUDIENCE,
    ISSUER,
    JWT_TYPE,
    authenticate_access_token,
    rotate_refresh_token,
)
from crmlink.access.sessions import authenticate_session
from crmlink.commusoft.sandbox import SandboxServer, create_sandbox
from crmlink.store import AuditSigner, Database, Device, RefreshToken, WorkspaceConnection
from crmlink.store.base import utc_now
from security.attack_fixture import everything
from security.used_installation import KEYS, MarkedCredential, Used, used_installation
from support.browser_client import proven
from support.databases import KINDS, new_database


@dataclass(frozen=True)
class Remains:
    """Still to link of a used installation: bytes by where they were found."""

    used: Used
    database: Database
    access: AccessContext
    kept: dict[str, bytes]  # database, queue and whatever else lies there, but for the keys
    logs: dict[str, bytes]


@pytest.fixture(scope="module", params=KINDS)
def remains(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Remains]:
    folder = tmp_path_factory.mktemp("used")
    url = new_database(request, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crmlink.commusoft.sandbox.app.CREDENTIAL", MarkedCredential())
        with (
            SandboxServer(create_sandbox(20, 5)) as sandbox,
            used_installation(folder, url, sandbox.url) as used,
        ):
            database = Database(url, signer=AuditSigner.of(key_in(folder), folder))
            yield _look(used, database)
            database.close()


def key_in(folder: Path) -> str:
    return (folder / "secret.key").read_text().strip()


def _look(used: Used, database: Database) -> Remains:
    with database.reading() as session:
        workspaces = [
            row.workspace_id for row in session.query(WorkspaceConnection) if row.credentials
        ]
    access = AccessContext(database, workspaces[0], key_in(used.folder))
    kept = {"every row": repr(everything(database)).encode()}
    if database.engine.dialect.name == "sqlite":
        kept["backup"] = _backup(used.folder / "crmlink.sqlite")
    files = used.files() | {f"{name}, alive": content for name, content in used.alive.items()}
    logs = {name: content for name, content in files.items() if ".log" in name}
    kept |= {name: content for name, content in files.items() if name not in logs}
    return Remains(used, database, access, kept, logs)


def _backup(file: Path) -> bytes:
    """As SQLite's own way of making one leaves it."""
    copy = file.with_name("backup.copy")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    content = copy.read_bytes()
    copy.unlink()
    return content


def found(needles: dict[str, str], hay: dict[str, bytes]) -> list[str]:
    """Which of the needles are where; also when only their larger part is."""
    return [
        f"{what} in {where}"
        for what, needle in needles.items()
        for where, content in hay.items()
        if needle.encode() in content or needle[8:].encode() in content
    ]


def test_no_secret_is_found_in_anything_but_the_keys(remains: Remains) -> None:
    assert len(remains.used.secrets) >= 20
    if remains.database.engine.dialect.name == "sqlite":
        assert "queue.sqlite" in remains.kept
        assert remains.kept["crmlink.sqlite-wal, alive"]
    assert remains.logs
    assert found(remains.used.secrets, remains.kept | remains.logs) == []


def test_no_name_is_found_in_the_logs(remains: Remains) -> None:
    names = {name: name for name in remains.used.names}
    logged = b"".join(remains.logs.values())
    assert b"unexpected" in logged  # the fault was told
    assert b"/api/v1/links" in logged
    for name in names:
        assert name.encode() not in logged
        assert name.casefold().encode() not in logged.lower()
    queue = remains.kept.get("queue.sqlite", b"")  # PostgreSQL wakes workers itself
    assert not any(name.encode() in queue for name in names)
    assert found({"name": remains.used.names[0]}, remains.kept)  # the search does find things


def test_a_secret_that_was_kept_would_be_found(remains: Remains) -> None:
    careless = {"database": b"...".join(map(str.encode, remains.used.secrets.values()))}
    assert len(found(remains.used.secrets, careless)) == len(remains.used.secrets)


def values(rows: Any) -> Iterator[str]:
    """Every text in the database, also within JSON."""
    match rows:
        case str():
            yield rows
        case dict():
            for key, value in rows.items():
                yield from (key, *values(value))
        case list() | tuple():
            for value in rows:
                yield from values(value)


def test_nothing_in_the_database_opens_anything(remains: Remains) -> None:
    access = remains.access
    everything_kept = set(values(everything(remains.database)))
    assert len(everything_kept) > 200
    opened = []
    with remains.database.reading() as session:
        key = session.scalars(select(Device.key_thumbprint).filter_by(sort="browser")).first()
    assert key in everything_kept
    for value in everything_kept:
        for beginning in ("", "crm_", "crmr_", "crmd_", "crmi_", "crms_"):
            token = beginning + value
            for way in (
                lambda: authenticate_api_token(access, token, ""),  # noqa: B023 # used at once
                lambda: authenticate_access_token(access, token, proven(key, token), ""),  # noqa: B023
                lambda: authenticate_session(access, token),  # noqa: B023
                lambda: find_invitation(access, token),  # noqa: B023
                lambda: exchange_device_code(access, token, proven(key)),  # noqa: B023
                lambda: rotate_refresh_token(access, token, proven(key)),  # noqa: B023
            ):
                with suppress(AccessError):
                    way()
                    opened.append(token)
    assert opened == []


@pytest.mark.filterwarnings("ignore:The HMAC key")
def test_nothing_in_the_database_signs_anything(remains: Remains) -> None:
    with remains.database.reading() as session:
        refresh = session.query(RefreshToken).order_by(RefreshToken.id.desc()).first()
        assert refresh
        device = session.get_one(Device, refresh.device_id)
    claims = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": device.public_id, "jti": refresh.public_id,
        "iat": utc_now(), "nbf": utc_now(), "exp": utc_now().timestamp() + 600,
        "cnf": {"jkt": device.key_thumbprint},
    }  # fmt: skip
    keys = {value for value in values(everything(remains.database)) if len(value) >= 16}
    forged = {key: [key.encode()] for key in keys}
    for key in keys:
        with suppress(ValueError):
            forged[key].append(bytes.fromhex(key))
    for candidates in forged.values():
        for candidate in candidates:
            token = jwt.encode(claims, candidate, "HS256", headers={"typ": JWT_TYPE})
            with pytest.raises(AccessError):
                authenticate_access_token(
                    remains.access, token, proven(device.key_thumbprint, token), ""
                )
    key = remains.access.secret_key  # with the key beside it, it would open
    assert key not in keys
    assert session_opens(remains)


def session_opens(remains: Remains) -> bool:
    """Whether the log-ins are still good, so that the refusals before mean something."""
    tokens = [secret for what, secret in remains.used.secrets.items() if what.startswith("log-in")]
    return authenticate_session(remains.access, tokens[0])[1].person is not None


def test_only_their_owner_may_read_the_keys(remains: Remains) -> None:
    for name in KEYS:
        assert (remains.used.folder / name).stat().st_mode & 0o077 == 0
