"""What a thief of the database can do to the audit in it: everything but sign."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

FIELDS = (
    "previous_hash", "workspace_id", "place", "at", "action", "subject", "person_id", "device_id",
    "details",
)  # fmt: skip
UNGUARD = {
    "sqlite": [
        "DROP TRIGGER IF EXISTS audit_entry_no_update",
        "DROP TRIGGER IF EXISTS audit_entry_no_delete",
    ],
    "postgresql": ["DROP TRIGGER IF EXISTS audit_entry_unchanged ON audit_entry"],
}


@contextmanager
def unguarded(engine: Engine) -> Iterator[Connection]:
    """The database without what keeps the audit from being changed."""
    with engine.begin() as connection:
        for statement in UNGUARD[engine.dialect.name]:
            connection.execute(text(statement))
        yield connection


def run(engine: Engine, *statements: str) -> None:
    """Carry out whatever the thief likes."""
    with unguarded(engine) as connection:
        for statement in statements:
            connection.execute(text(statement))


def count(engine: Engine) -> int:
    with engine.begin() as connection:
        number: int = connection.execute(text("SELECT count(*) FROM audit_entry")).scalar_one()
        return number


def cut(engine: Engine, lines: int) -> None:
    """Take the last lines away."""
    with unguarded(engine) as connection:
        last = "(SELECT max(place) - :lines FROM audit_entry)"
        connection.execute(text(f"DELETE FROM audit_entry WHERE place > {last}"), {"lines": lines})  # noqa: S608


def rewrite(engine: Engine, place: int, **changed: Any) -> None:
    """Change a line, and every hash from there on, so that the chain fits together again."""
    with unguarded(engine) as connection:
        previous = "0" * 64
        for row in rows(connection):
            if row["place"] == place:
                row |= changed
            row["previous_hash"], previous = previous, entry_hash(row | {"previous_hash": previous})
            values = ", ".join(f"{name} = :{name}" for name in changed)
            connection.execute(
                text(
                    f"UPDATE audit_entry SET {values}, previous_hash = :previous_hash, "  # noqa: S608
                    "hash = :hash WHERE id = :id"
                ),
                {name: row[name] for name in (*changed, "previous_hash", "id")}
                | {"hash": previous},
            )


def add(engine: Engine, **changed: Any) -> None:
    """Add a line like the last one, with a hash that fits and no signature of the key's."""
    with unguarded(engine) as connection:
        last = rows(connection)[-1]
        row = last | {"place": last["place"] + 1, "previous_hash": last["hash"]} | changed
        row["hash"] = entry_hash(row)
        del row["id"]
        names = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        statement = f"INSERT INTO audit_entry ({names}) VALUES ({values})"  # noqa: S608
        connection.execute(text(statement), row)


def rows(connection: Connection) -> list[dict[str, Any]]:
    """All lines in their order, their details as text."""
    query = "SELECT a.*, CAST(a.details AS VARCHAR) AS text FROM audit_entry a ORDER BY place"
    found = [dict(row) for row in connection.execute(text(query)).mappings()]
    return [row | {"details": row.pop("text")} for row in found]


def entry_hash(row: dict[str, Any]) -> str:
    """A line's hash as crmlink's source, which everybody can read, makes it."""
    at = row["at"] if isinstance(row["at"], datetime) else datetime.fromisoformat(row["at"])
    at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    known = row | {"at": at.isoformat(), "details": json.loads(row["details"])}
    fields = json.dumps([known[name] for name in FIELDS], sort_keys=True)
    return hashlib.sha256(fields.encode()).hexdigest()


def line_changed(engine: Engine) -> None:
    run(engine, "UPDATE audit_entry SET subject = 'customer-99' WHERE place = 7")


def rewritten(engine: Engine) -> None:
    rewrite(engine, 7, subject="customer-99")


def rewritten_unsigned(engine: Engine) -> None:
    rewrite(engine, 7, subject="customer-99")
    run(engine, "UPDATE audit_entry SET mac = NULL, key_id = NULL")


def cut_short(engine: Engine) -> None:
    cut(engine, 3)
