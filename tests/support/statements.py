"""What a database is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from crmlink.store import Database


@contextmanager
def asked_of(database: Database) -> Iterator[list[str]]:
    """Collect what the database is asked: "connected", and each statement."""
    seen: list[str] = []

    def connected(_: Any) -> None:
        seen.append("connected")

    def executed(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(database.engine, "engine_connect", connected)
    event.listen(database.engine, "before_cursor_execute", executed)
    try:
        yield seen
    finally:
        event.remove(database.engine, "engine_connect", connected)
        event.remove(database.engine, "before_cursor_execute", executed)
