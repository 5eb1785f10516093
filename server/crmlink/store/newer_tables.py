"""Tables that a newer version has migrated: whether servers of this one can go on with them.

During a rolling restart they must, also one that starts again meanwhile. Migrations only expand,
until one contracts and says so, see ``migrations/contracting.py``.
"""

from __future__ import annotations

import enum

from sqlalchemy import Connection, text

# Kept as the comment on Alembic's table, which every version has.
_OLDEST = text("SELECT obj_description('alembic_version'::regclass, 'pg_class')")


class Tables(enum.Enum):
    """Whether a version can use the tables as they are."""

    USABLE = enum.auto()
    OLDER = enum.auto()  # or none
    TOO_NEW = enum.auto()


class TablesTooNew(Exception):
    """A newer version has changed the tables so that this one cannot use them."""


def require_usable(connection: Connection, known: frozenset[str]) -> None:
    """Raise TablesTooNew unless servers that know these revisions can use a newer one's tables."""
    if connection.dialect.name != "postgresql":
        raise TablesTooNew
    oldest = connection.scalar(_OLDEST)
    if oldest is not None and oldest not in known:
        raise TablesTooNew
