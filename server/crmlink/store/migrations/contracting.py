"""Migrations that take away what servers of older versions need: these no longer start then."""

from __future__ import annotations

import re

from sqlalchemy import Connection

REVISION = re.compile(r"[0-9]{4}")


def contract(connection: Connection, revision: str) -> None:
    """Note, in a migration, the oldest revision whose servers still work; see newer_tables.py.

    Nothing on SQLite: it has one server, which is the newer one.
    """
    if connection.dialect.name != "postgresql":
        return
    if not REVISION.fullmatch(revision):
        raise ValueError(revision)
    connection.exec_driver_sql(f"COMMENT ON TABLE alembic_version IS '{revision}'")
