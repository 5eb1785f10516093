"""A database that tests borrow one after another is each time as a new one."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from support.databases import postgresql_pool
from support.postgresql_pool import PostgresqlPool

INSERT = """
INSERT INTO workspace (public_id, writes, created_at) VALUES ('w', 'api', now()) RETURNING id
"""
FILL = """
INSERT INTO workspace (public_id, preferences, writes, created_at)
SELECT i::text, to_json(repeat(md5(i::text), 50)), 'api', now() FROM generate_series(1, 4000) AS i
"""


@pytest.fixture
def pool(postgresql: str) -> PostgresqlPool:
    """A pool of its own, on the template of the others."""
    return PostgresqlPool(postgresql, postgresql_pool(postgresql).template)


def run(pool: PostgresqlPool, name: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(pool.address.format(name), autocommit=True) as connection:
        found = connection.execute(statement.encode())
        return found.fetchall() if found.description else []


def identity(pool: PostgresqlPool, name: str) -> int:
    """What a database keeps under another name."""
    return int(
        run(pool, name, "SELECT oid FROM pg_database WHERE datname = current_database()")[0][0]
    )


def test_rows_and_numbers_of_an_earlier_test_are_gone(pool: PostgresqlPool) -> None:
    name = pool.borrow()
    was = identity(pool, name)
    assert run(pool, name, INSERT) == [(1,)]
    pool.give_back(name)
    again = pool.borrow()
    assert identity(pool, again) == was
    assert run(pool, again, "SELECT count(*) FROM workspace") == [(0,)]
    assert run(pool, again, "SELECT count(*) FROM alembic_version") == [(1,)]
    assert run(pool, again, INSERT) == [(1,)]


def test_what_an_earlier_test_left_running_finds_the_database_no_more(pool: PostgresqlPool) -> None:
    name = pool.borrow()
    with psycopg.connect(pool.address.format(name)) as straggler:
        straggler.execute("LOCK TABLE workspace")
        pool.give_back(name)
        again = pool.borrow()
        with pytest.raises(psycopg.OperationalError):
            straggler.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        run(pool, name, "SELECT 1")
    assert run(pool, again, INSERT) == [(1,)]


@pytest.mark.parametrize(
    "change",
    [
        "DROP TRIGGER audit_entry_unchanged ON audit_entry",
        "ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_unchanged",
        "ALTER TABLE workspace ADD COLUMN more text",
        "DROP INDEX ix_batch_row_best",
        "CREATE TABLE more (id integer)",
        "UPDATE alembic_version SET version_num = '0001'",
        FILL,
    ],
)
def test_a_database_that_was_changed_or_has_grown_is_not_lent_again(
    pool: PostgresqlPool, change: str
) -> None:
    name = pool.borrow()
    was = identity(pool, name)
    run(pool, name, change)
    pool.give_back(name)
    assert identity(pool, pool.borrow()) != was
