"""Changes of audit entries, which the database's triggers otherwise reject."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from crmlink.store.row_security import as_owner


@contextmanager
def unguarded(session: Session, event: Literal["update", "delete"]) -> Iterator[None]:
    """Allow changes of entries in this transaction, which alone sees the audit unguarded."""
    if session.get_bind().dialect.name != "sqlite":
        with as_owner(session):
            session.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_unchanged"))
        yield
        with as_owner(session):
            session.execute(text("ALTER TABLE audit_entry ENABLE TRIGGER audit_entry_unchanged"))
        return
    name = f"audit_entry_no_{event}"
    kept = session.scalar(
        select(text("sql")).select_from(text("sqlite_master")).where(text(f"name = '{name}'"))
    )
    session.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
    yield
    if kept:
        session.execute(text(str(kept)))
