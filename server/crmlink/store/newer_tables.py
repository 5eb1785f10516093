"""Tables that a newer version has migrated: whether servers of this one can go on with them.

During a rolling restart they must, also one that starts again meanwhile. Migrations only expand,
until one contracts: it says with ``contract`` which version a server must have from then on.
"""

from __future__ import annotations

import re

from sqlalchemy import Connection, text

REVISION = re.compile(r"[0-9]{4}")
# Kept as the comment on Alembic's table, which every version has.
_OLDEST = text("SELECT obj_description('alembic_version'::regclass, 'pg_class')")


class TablesTooNew(Exception):
    """A newer version has changed the tables so that this one cannot use them."""


def contract(connection: Connection, revision: str) -> None:
    """Note, in a migration, the oldest revision whose servers still work. Nothing on SQLite.

    SQLite has one server, which is the newer one.
    """
    if connection.dialect.name != "postgresql":
        return
    if not REVISION.fullmatch(revision):
        raise ValueError(revision)
    connection.exec_driver_sql(f"COMMENT ON TABLE alembic_version IS '{revision}'")


def require_usable(connection: Connection, known: frozenset[str]) -> None:
    """Raise TablesTooNew unless servers that know these revisions can use a newer one's tables."""
    if connection.dialect.name != "postgresql":
        raise TablesTooNew
    oldest = connection.scalar(_OLDEST)
    if oldest is not None and oldest not in known:
        raise TablesTooNew
