"""Compiled SQL shared by all databases of a test run.

SQLAlchemy keeps what it compiled for each engine. Each test opens an engine of its own, so that
compiling the same few hundred statements again was a third of what most tests cost.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from crmlink.store import database

_compiled: dict[Any, Any] = {}


def share_compiled_statements() -> None:
    """Let all databases that are opened from now on share what was compiled for their kind.

    A statement is found by its dialect, among others: those of one kind count as one.
    """
    for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        dialect.__eq__ = _is_same_kind  # type: ignore[method-assign]
        dialect.__hash__ = _hash_of_kind  # type: ignore[method-assign, assignment]
    options = {"compiled_cache": _compiled}
    database.create_engine = partial(create_engine, execution_options=options)  # type: ignore[attr-defined]


def _is_same_kind(one: object, other: object) -> bool:
    return type(one) is type(other)


def _hash_of_kind(dialect: object) -> int:
    return hash(type(dialect))
