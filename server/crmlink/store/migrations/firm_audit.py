"""Migration 0006: the audits of several workspaces become one chain."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

START = "0" * 64
REFUSED = "the audit is only ever added to"

entry = sa.table(
    "audit_entry",
    sa.column("id", sa.Integer),
    sa.column("workspace_id", sa.Integer),
    sa.column("place", sa.Integer),
    sa.column("at", sa.DateTime(timezone=True)),
    sa.column("action", sa.String),
    sa.column("subject", sa.String),
    sa.column("person_id", sa.Integer),
    sa.column("device_id", sa.Integer),
    sa.column("details", sa.JSON),
    sa.column("previous_hash", sa.String),
    sa.column("hash", sa.String),
)


def chains(database: sa.Connection) -> list[int]:
    """The workspaces that have an audit."""
    query = sa.select(entry.c.workspace_id).distinct().order_by(entry.c.workspace_id)
    return list(database.scalars(query))


def merge(database: sa.Connection, firm_id: int, **details: Any) -> None:
    """Give all entries their place in one chain, by time, and add one that says so.

    It tells how long each chain was, how it ended and where it was broken if it was, so that what
    was noted of a chain before can still be compared. A chain that is the only one is not touched.
    """
    before = {chain: _entries(database, chain) for chain in chains(database)}
    told = [
        {
            "workspace": chain,
            "entries": len(entries),
            "last_hash": entries[-1]["hash"],
            "broken_at": first_break(entries),
        }
        for chain, entries in before.items()
    ]
    rows = [row for chain in before.values() for row in _in_order(chain)]
    rows.sort(key=lambda row: row["when"])  # keeps the order inside each chain
    if list(before) != [firm_id]:
        _without_triggers(database, lambda: _rewrite(database, firm_id, rows))
    _append(database, firm_id, rows, {"audits": told} | details)


def first_break(entries: Sequence[dict[str, Any]]) -> int | None:
    """The place at which a chain does not hold."""
    previous = START
    for place, row in enumerate(entries, 1):
        if row["place"] != place or row["previous_hash"] != previous or row["hash"] != _hash(row):
            return place
        previous = row["hash"]
    return None


def _entries(database: sa.Connection, workspace_id: int) -> list[dict[str, Any]]:
    query = sa.select(entry).where(entry.c.workspace_id == workspace_id).order_by(entry.c.place)
    return [dict(row) for row in database.execute(query).mappings()]


def _in_order(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries with a time that never goes back, as the clock may have done."""
    when = _aware(entries[0]["at"])
    for row in entries:
        row["when"] = when = max(when, _aware(row["at"]))
    return entries


def _rewrite(database: sa.Connection, firm_id: int, rows: list[dict[str, Any]]) -> None:
    database.execute(entry.update().values(place=-entry.c.id))  # all places are free now
    previous = START
    for place, row in enumerate(rows, 1):
        row |= {"workspace_id": firm_id, "place": place, "previous_hash": previous}
        previous = row["hash"] = _hash(row)
        changed = {name: row[name] for name in ("workspace_id", "place", "previous_hash", "hash")}
        database.execute(entry.update().where(entry.c.id == row["id"]).values(changed))


def _append(
    database: sa.Connection, firm_id: int, rows: list[dict[str, Any]], details: dict[str, Any]
) -> None:
    row = {
        "workspace_id": firm_id,
        "place": len(rows) + 1,
        "at": datetime.now(UTC),
        "action": "workspace.merged",
        "subject": "workspace",
        "person_id": None,
        "device_id": None,
        "details": details,
        "previous_hash": rows[-1]["hash"] if rows else START,
    }
    database.execute(entry.insert().values(row | {"hash": _hash(row)}))


def _hash(row: dict[str, Any]) -> str:
    fields = [
        row["previous_hash"],
        row["workspace_id"],
        row["place"],
        _aware(row["at"]).isoformat(),
        row["action"],
        row["subject"],
        row["person_id"],
        row["device_id"],
        row["details"],
    ]
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def _aware(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _without_triggers(database: sa.Connection, work: Callable[[], None]) -> None:
    """Let the audit be rewritten, this once."""
    if database.dialect.name == "postgresql":
        trigger = "ALTER TABLE audit_entry {} TRIGGER audit_entry_unchanged"
        database.execute(sa.text(trigger.format("DISABLE")))
        work()
        database.execute(sa.text(trigger.format("ENABLE")))
        return
    for event in ("update", "delete"):
        database.execute(sa.text(f"DROP TRIGGER audit_entry_no_{event}"))
    work()
    for event in ("update", "delete"):
        database.execute(
            sa.text(
                f"CREATE TRIGGER audit_entry_no_{event} BEFORE {event} ON audit_entry "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
            )
        )
