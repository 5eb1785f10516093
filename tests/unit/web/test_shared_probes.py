"""The test of an address recognises the server whichever of its processes is asked."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from crmlink.installation import Installation
from crmlink.store import Database, RequestCount
from crmlink.web.reachability import SharedProbes
from crmlink.web.shared_counts import SharedCounts


@pytest.fixture
def processes(installation: Installation) -> tuple[SharedProbes, SharedProbes]:
    if not installation.database.is_shared:
        pytest.skip("SQLite has one server")
    counts = (SharedCounts("", database=installation.database) for _ in range(2))
    one, other = (SharedProbes(counts=each) for each in counts)
    return one, other


def test_another_process_that_is_asked_counts(
    processes: tuple[SharedProbes, SharedProbes], installation: Installation
) -> None:
    one, other = processes
    with one.number() as number:
        assert not one.came_back(number)
        other.notice(None)
        other.notice("a stranger's number")
        assert not one.came_back(number)
        other.notice(number)
        assert one.came_back(number)
    with installation.database.reading() as session:
        kept = session.scalars(select(RequestCount.key)).all()
        assert session.scalar(select(func.count()).select_from(RequestCount)) == 1
    assert number not in kept[0]


def test_a_health_check_is_answered_while_the_database_is_away() -> None:
    gone = Database("postgresql+psycopg://none@127.0.0.1:1/nothing")
    SharedProbes(counts=SharedCounts("", database=gone)).notice("a number")
