"""What one process counts, every process of the same PostgreSQL database counts."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import create_engine

from crmlink.access.attempts import Bound, Counted
from crmlink.access.context import AccessContext
from crmlink.access.dpop import is_first_use
from crmlink.access.errors import TooManyAttempts
from crmlink.access.proofs import Proof, SeenProofs
from crmlink.access.shared_attempts import SharedAttempts
from crmlink.app import create_app
from crmlink.installation import Installation, open_installation
from crmlink.settings import Settings
from crmlink.store.counts import counting, database_seconds, forget_old_counts
from crmlink.web.rate_limits import limiter

KEY = Counted(b"a network", Bound(3, 60))
OTHER = Counted(b"an address", Bound(1, 60))


@pytest.fixture
def shared(settings: Settings) -> Iterator[Installation]:
    if settings.database_url.startswith("sqlite"):
        pytest.skip("SQLite has one server, which counts in memory")
    opened = open_installation(settings)
    yield opened
    opened.close()


@pytest.fixture
def processes(shared: Installation) -> tuple[SharedAttempts, SharedAttempts]:
    return SharedAttempts(shared.database), SharedAttempts(shared.database)


def test_guesses_at_several_processes_share_one_limit(
    processes: tuple[SharedAttempts, SharedAttempts],
) -> None:
    one, other = processes
    begun = [each.begin(KEY) for each in (one, other, one)]
    assert [others for _, others in begun] == [False, True, True]
    with pytest.raises(TooManyAttempts) as refused:
        other.begin(KEY, OTHER)
    assert 0 < float(str(refused.value.facts["retry_after"])) <= KEY.bound.seconds
    one.begin(OTHER)  # a refused attempt counts under no key
    other.uncount(begun[0][0], KEY)
    one.begin(KEY)


def test_guesses_at_the_same_moment_pass_no_more_often_than_the_limit(
    processes: tuple[SharedAttempts, SharedAttempts],
) -> None:
    def guess(number: int) -> bool:
        try:
            processes[number % 2].begin(KEY, OTHER) if number else processes[0].begin(OTHER, KEY)
        except TooManyAttempts:
            return False
        return True

    with ThreadPoolExecutor(8) as hands:
        assert sum(hands.map(guess, range(16))) == 1


def test_counts_that_no_longer_count_are_deleted(shared: Installation) -> None:
    attempts = SharedAttempts(shared.database)
    attempts.begin(KEY)
    with counting(shared.database) as connection:
        connection.exec_driver_sql("UPDATE counted_attempt SET at = at - 3601")
    attempts.begin(OTHER)
    forget_old_counts(shared.database)
    with counting(shared.database) as connection:
        left = connection.exec_driver_sql("SELECT key FROM counted_attempt").scalars().all()
        seconds = database_seconds(connection)
    assert left == [OTHER.key]
    assert abs(seconds - datetime.now(UTC).timestamp()) < 60


def test_requests_to_several_processes_share_one_limit(
    shared: Installation, settings: Settings
) -> None:
    settings = replace(settings, requests_per_minute=5)
    first = create_app(settings, shared)
    assert [_status(first) for _ in range(3)] == [200] * 3
    second = create_app(settings, shared)  # the limiter of a process forgets what it had in memory
    assert [_status(second) for _ in range(4)] == [200, 200, 429, 429]
    limiter.reset()
    assert _status(second) == 200


def test_requests_are_still_answered_while_the_database_is_away(
    shared: Installation, settings: Settings
) -> None:
    app = create_app(replace(settings, database_url="postgresql://"), shared)
    shared.database.close()
    shared.database.engine = create_engine("postgresql+psycopg://none@127.0.0.1:1/nothing")
    assert _status(app, "/healthz") == 200
    assert _status(app, "/readyz") == 503


def test_a_proof_counts_once_whichever_process_it_is_presented_to(
    settings: Settings, installation: Installation
) -> None:
    one = installation.access
    other = AccessContext(one.database, one.workspace_id, one.secret_key, SeenProofs())
    proof = Proof("a key", "an id")
    assert is_first_use(one, proof)
    assert is_first_use(other, proof) is not one.database.is_shared
    assert not is_first_use(one, proof)


def _status(app: Flask, path: str = "/log-in") -> int:
    return app.test_client().get(path).status_code
