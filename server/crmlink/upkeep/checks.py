"""What ``crmlink check`` looks at: each part of an installation that can go wrong unnoticed."""

from __future__ import annotations

import shutil
import socket
import sqlite3
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.fernet import Fernet
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from crmlink.access.audit.seals import last_check_was_sound
from crmlink.commusoft.vault import Vault, VaultKeyMissing
from crmlink.installation import KEY_FILE
from crmlink.settings import Settings
from crmlink.store import (
    AuditEntry,
    AuditSigner,
    Database,
    Process,
    ProcessRole,
    SourceAccount,
    Workspace,
    WorkspaceConnection,
)
from crmlink.store.base import utc_now
from crmlink.store.revisions import newest_revision
from crmlink.store.sqlite_file import sqlite_file
from crmlink.store.workspaces import list_workspaces
from crmlink.upkeep.local_certificates import trusting_context
from crmlink.upkeep.schedule import kept_backups, newest_backup

Health = Literal["fine", "note", "failed"]
MIN_FREE_BYTES, LOW_FREE_BYTES = 200 * 10**6, 2 * 10**9  # bytes
AHEAD = timedelta(minutes=5)  # by which the newest entry may be later than the clock
DAYS_LEFT = 21  # of a certificate
OLD_BACKUP = timedelta(days=3)
_TIMEOUT = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Check:
    """One result; ``texts.check_text`` puts it into words. It holds no personal data."""

    code: str
    health: Health
    args: Mapping[str, Any] = field(default_factory=dict)


def run_checks(settings: Settings) -> Iterator[Check]:
    """Yield the results of one check after another; nothing is changed, also no table."""
    yield _folder(settings)
    yield _disk(settings)
    file = sqlite_file(settings.database_url)
    if file is not None and not file.exists():
        yield Check("database", "note", {"problem": "absent"})
    else:
        if file is not None:
            yield _sound(file)
        yield _secret(settings)
        yield from _of_database(settings)
    if settings.tls_cert and settings.tls_key:
        yield _certificate_files(settings.tls_cert, settings.tls_key)
    if settings.public_url.startswith("https:"):
        yield _certificate(settings)
    yield _backups(settings)


def _folder(settings: Settings) -> Check:
    try:
        with tempfile.TemporaryFile(dir=settings.data_dir) as probe:
            probe.write(b"crmlink")
    except OSError as error:
        return Check("folder", "failed", {"cause": error.strerror or ""})
    return Check("folder", "fine")


def _disk(settings: Settings) -> Check:
    free = shutil.disk_usage(settings.data_dir).free
    health: Health = (
        "failed" if free < MIN_FREE_BYTES else "note" if free < LOW_FREE_BYTES else "fine"
    )
    return Check("disk", health, {"free_mb": free // 10**6})


def _secret(settings: Settings) -> Check:
    is_there = bool(settings.secret_key)
    return Check("secret", "fine" if is_there else "failed", {"there": is_there})


def _sound(file: Path) -> Check:
    problems: list[str] = []
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as opened:
            rows = opened.execute("PRAGMA integrity_check(20)").fetchall()
            broken = len(opened.execute("PRAGMA foreign_key_check").fetchmany(100))
        problems = [str(row[0]) for row in rows if row[0] != "ok"]
    except sqlite3.OperationalError as error:  # a full disk, no rights, another program's lock
        return Check("sound", "failed", {"problems": 0, "cause": error.sqlite_errorname})
    except sqlite3.DatabaseError as error:
        return Check("sound", "failed", {"problems": 1, "cause": error.sqlite_errorname})
    count = len(problems) + broken
    return Check("sound", "failed" if count else "fine", {"problems": count, "cause": ""})


def _of_database(settings: Settings) -> Iterator[Check]:
    database = Database(
        settings.database_url,
        signer=AuditSigner.of(settings.secret_key, settings.data_dir),
        pooled=False,
    )
    try:
        with database.reading() as session:
            revision = session.scalar(text("SELECT version_num FROM alembic_version"))
        yield Check("database", "fine", {"kind": database.engine.dialect.name})
        newest = newest_revision()
        args = {"revision": revision, "newest": newest}
        yield Check("tables", "fine" if revision == newest else "failed", args)
        if revision == newest:
            yield _clock(database)
            yield _credentials(settings, database)
            yield _audit(database)
            yield _server(database)
            yield from _separation(database)
    except (SQLAlchemyError, sqlite3.Error) as error:
        yield Check("database", "failed", {"problem": type(error).__name__})
    finally:
        database.close()


def _clock(database: Database) -> Check:
    with database.reading() as session:
        newest = session.scalar(select(func.max(AuditEntry.at)))
    ahead = newest - utc_now() if newest else timedelta()
    minutes = int(ahead.total_seconds() // 60)
    return Check("clock", "failed" if ahead > AHEAD else "fine", {"minutes": max(minutes, 0)})


def _credentials(settings: Settings, database: Database) -> Check:
    with database.reading() as session:
        accounts = session.scalars(select(WorkspaceConnection.credentials)).all()
        sign_ins = session.scalars(select(SourceAccount.credentials)).all()
    sealed = [each for each in (*accounts, *sign_ins) if each]
    if not sealed:
        return Check("keys", "fine", {"credentials": 0})
    file = settings.data_dir / KEY_FILE
    if not file.exists():
        return Check("keys", "failed", {"credentials": len(sealed), "readable": False})
    try:
        vault = Vault(file.read_text().split() or [Fernet.generate_key().decode()])
        for each in sealed:
            vault.open(each)
    except (VaultKeyMissing, ValueError, TypeError):
        return Check("keys", "failed", {"credentials": len(sealed), "readable": False})
    return Check("keys", "fine", {"credentials": len(sealed), "readable": True})


def _audit(database: Database) -> Check:
    with database.reading() as session:
        workspace_id = session.scalar(select(Workspace.id).order_by(Workspace.id).limit(1))
    sound = workspace_id is None or last_check_was_sound(database, workspace_id)
    return Check("audit", "fine" if sound else "failed", {"sound": sound})


def _server(database: Database) -> Check:
    with database.reading() as session:
        running = session.scalar(
            select(func.count()).select_from(Process).where(Process.role == ProcessRole.SERVER)
        )
    return Check("server", "fine" if running else "note", {"running": running})


def _separation(database: Database) -> Iterator[Check]:
    """Yield whether PostgreSQL separates workspaces, where there are several."""
    if database.is_shared and len(list_workspaces(database)) > 1:
        separated = database.can_separate_workspaces()
        args = {"separated": separated, "role": database.role_name()}
        yield Check("separation", "fine" if separated else "note", args)


def _certificate_files(certificate: Path, key: Path) -> Check:
    try:
        chain = x509.load_pem_x509_certificates(certificate.read_bytes())
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, lambda: "")
    except (OSError, ValueError) as error:
        return Check("certificate-files", "failed", {"cause": type(error).__name__})
    left = min(each.not_valid_after_utc for each in chain) - utc_now()
    return Check("certificate-files", _health_of(left), {"days": left.days})


def _health_of(left: timedelta) -> Health:
    """Return how a certificate is that ends in this time."""
    if left < timedelta():
        return "failed"
    return "note" if left.days < DAYS_LEFT else "fine"


def _certificate(settings: Settings) -> Check:
    parts = urlsplit(settings.public_url)
    host, port = parts.hostname or "", parts.port or 443
    context = trusting_context(settings.data_dir)
    try:
        with (
            socket.create_connection((host, port), _TIMEOUT) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            ends = str((secured.getpeercert() or {}).get("notAfter", ""))
    except ssl.SSLCertVerificationError as error:
        reason, _, _host = error.verify_message.partition(",")
        return Check("certificate", "failed", {"cause": reason})
    except OSError as error:
        return Check("certificate", "note", {"cause": type(error).__name__})
    left = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) - utc_now()
    return Check("certificate", _health_of(left), {"days": left.days})


def _backups(settings: Settings) -> Check:
    if settings.backup_dir is None:
        return Check("backups", "note", {"problem": "unscheduled"})
    moment = utc_now()
    try:
        backups = kept_backups(settings)
    except OSError as error:
        return Check("backups", "failed", {"problem": "unread", "cause": error.strerror or ""})
    newest = newest_backup(backups, moment)
    if newest is None:
        return Check("backups", "note", {"problem": "ahead" if backups else "none"})
    age = moment - newest.made_at
    health: Health = "failed" if age > OLD_BACKUP else "fine"
    return Check("backups", health, {"hours": int(age.total_seconds() // 3600)})
