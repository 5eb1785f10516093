"""A diagnosis for support: checks, versions, counts and kinds of log lines.

It holds no name, email, address, reference, host, id or secret: only what is named here.
"""

from __future__ import annotations

import json
import platform
import re
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import InstrumentedAttribute

from crmlink.logs import LOG_NAME
from crmlink.settings import Settings
from crmlink.store import Batch, Database, Device, Link, MirroredRecord, WorkspaceConnection
from crmlink.store.base import utc_now
from crmlink.store.sqlite_file import sqlite_file
from crmlink.upkeep.checks import Check

_COUNTED: dict[str, InstrumentedAttribute[Any]] = {
    "links": Link.state,
    "lists": Batch.state,
    "records": MirroredRecord.kind,
    "devices": Device.sort,
    "connections": WorkspaceConnection.kind,
}
_OF_LINE = ("level", "event", "problem", "route", "status", "error", "errno")
_WITH_NAMES = {"role"}  # of a check: the name of the database's user
_CODE = re.compile(r"[A-Za-z0-9_-]{1,60}")
_LOG_BYTES, _KINDS = 2_000_000, 100
_PACKAGES = ("crmlink", "flask", "sqlalchemy", "alembic", "cryptography", "huey", "waitress")


def diagnosis(settings: Settings, checks: Iterable[Check]) -> dict[str, Any]:
    """Return the diagnosis as plain data."""
    return {
        "made_at": utc_now().isoformat(timespec="minutes"),
        "versions": {name: version(name) for name in _PACKAGES}
        | {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version},
        "system": {"name": sys.platform, "release": platform.release(), "cpu": platform.machine()},
        "settings": _settings(settings),
        "checks": [
            {
                "code": one.code,
                "health": one.health,
                "args": {name: one.args[name] for name in one.args if name not in _WITH_NAMES},
            }
            for one in checks
        ],
        "counts": _counts(settings),
        "log": list(_kinds_of_lines(settings.data_dir / LOG_NAME)),
    }


def _settings(settings: Settings) -> dict[str, Any]:
    return {
        "database": settings.database_url.partition(":")[0],
        "public_url": settings.public_url.partition(":")[0],
        "account_by_environment": settings.commusoft is not None,
        "single_sign_on": settings.oidc is not None,
        "trusted_proxies": settings.trusted_proxies,
        "sync_minutes": settings.sync_minutes,
        "cors_origins": len(settings.cors_origins),
        "backups": settings.backup_dir is not None,
    }


def _counts(settings: Settings) -> dict[str, dict[str, int]]:
    file = sqlite_file(settings.database_url)
    if file is not None and not file.exists():  # opening it would make one
        return {}
    database = Database(settings.database_url, pooled=False)
    counts: dict[str, dict[str, int]] = {}
    try:
        with database.reading() as session:
            for name, column in _COUNTED.items():
                rows = session.execute(select(column, func.count()).group_by(column)).all()
                counts[name] = {str(value): count for value, count in rows}
    except SQLAlchemyError:  # a check says what is wrong
        return counts
    finally:
        database.close()
    return counts


def _kinds_of_lines(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the kinds of warnings and errors of the newest log lines, the most frequent first."""
    kinds: Counter[str] = Counter()
    for line in _last_lines(file):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("level") in ("warning", "error", "critical"):
            kinds[
                json.dumps({name: entry[name] for name in _OF_LINE if _is_safe(entry, name)})
            ] += 1
    for kind, count in kinds.most_common(_KINDS):
        yield json.loads(kind) | {"count": count}


def _is_safe(entry: dict[str, Any], name: str) -> bool:
    """Return whether a line has this, and no text in it that may name a host of the rule file."""
    has_text = name == "problem" and not _CODE.fullmatch(str(entry.get(name)))
    return name in entry and not has_text


def _last_lines(file: Path) -> list[str]:
    if not file.is_file():
        return []
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - _LOG_BYTES))
        return opened.read().decode("utf-8", "replace").splitlines()
