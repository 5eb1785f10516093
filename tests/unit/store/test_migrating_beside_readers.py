"""A newer server migrates while an older one reads: neither keeps the other from it for good."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from crmlink.store import Database
from crmlink.store.giving_way import LOCK_TIMEOUT_MS

DEADLOCKS = "SELECT setting::int FROM pg_settings WHERE name = 'deadlock_timeout'"  # ms
WAITING = "SELECT pid FROM pg_locks WHERE NOT granted AND locktype = 'relation'"
LIMIT = 60.0  # seconds


@pytest.mark.slow
@pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
def test_a_reader_of_two_tables_and_a_migration_of_both_do_not_wait_for_each_other(
    empty_database_url: str,
) -> None:
    database = Database(empty_database_url)
    database.migrate("0039")
    with database.connect_directly() as reader, ThreadPoolExecutor(1) as pool:
        looks_after = reader.execute(DEADLOCKS).fetchone()
        assert looks_after
        assert 0 < LOCK_TIMEOUT_MS < looks_after[0], "it gives way before the reader is ended"
        with reader.transaction():
            reader.execute("SELECT id FROM pairing")
            migrating = pool.submit(database.migrate, "0042")  # changes workspace, then pairing
            until = time.monotonic() + LIMIT
            with database.connect_directly() as onlooker:
                while not onlooker.execute(WAITING).fetchall():
                    assert time.monotonic() < until, "it waits for the reader"
                    assert not migrating.done()
                    time.sleep(0.01)
            reader.execute("SELECT id FROM workspace")
        migrating.result(LIMIT)
    database.close()
