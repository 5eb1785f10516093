"""A request asks the database little, in few transactions, and nothing twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from crmlink.access.api_tokens import DEFAULT_SCOPES
from crmlink.installation import Installation
from crmlink.store import MirroredRecord
from support.access_factories import make_token, with_token

CONTACT = {
    "package": "xero", "reference": "3f2f9a51-6d0a-4a8f-8b3e-5a1c2d3e4f50", "kind": "customer",
    "name": "Margaret Holloway", "email": "m@example.org",
}  # fmt: skip
Question = Callable[[FlaskClient], Any]
# Statements and transactions at most; a workspace's transaction of PostgreSQL begins with one.
BOUNDS: dict[str, tuple[Question, int, int]] = {
    "suggestions": (lambda api: api.post("/api/v1/suggestions", json=CONTACT), 4, 2),
    "suggestions, kind not known": (
        lambda api: api.post("/api/v1/suggestions", json={**CONTACT, "kind": None}), 5, 2,
    ),
    "workspace": (lambda api: api.get("/api/v1/workspace"), 6, 2),
    "records": (lambda api: api.get("/api/v1/records?q=hollo"), 3, 2),
}  # fmt: skip


@contextmanager
def asked(installation: Installation) -> Iterator[tuple[list[tuple[str, Any]], list[object]]]:
    """Collect statements with their parameters, and beginnings of transactions."""
    statements: list[tuple[str, Any]] = []
    begun: list[object] = []

    def note(_connection: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        if not statement.startswith("BEGIN") and "set_config" not in statement:
            statements.append((statement, given))

    def begin(connection: object) -> None:
        begun.append(connection)

    engine = installation.database.engine
    event.listen(engine, "before_cursor_execute", note)
    event.listen(engine, "begin", begin)
    try:
        yield statements, begun
    finally:
        event.remove(engine, "before_cursor_execute", note)
        event.remove(engine, "begin", begin)


@pytest.fixture
def api(app: Flask, installation: Installation) -> FlaskClient:
    return with_token(app, make_token(installation.access, *DEFAULT_SCOPES))


@pytest.mark.parametrize("name", BOUNDS)
def test_a_request_asks_little_and_nothing_twice(
    api: FlaskClient, installation: Installation, name: str
) -> None:
    question, most, transactions = BOUNDS[name]
    shared = installation.database.is_shared  # also counts the request, for all processes
    assert question(api).status_code == 200  # the first one builds the index and counts records
    with asked(installation) as (statements, begun):
        assert question(api).status_code == 200
    own = [each for each in statements if "request_count" not in each[0]]
    assert [each for each, times in Counter(map(str, own)).items() if times > 1] == []
    assert len(own) <= most + 2 * shared, own
    assert len(begun) <= transactions + 3 * shared


# Reading all records or links of a connection, which may be 100,000.
READS_ALL = re.compile(r"SCAN (record|link)\b|SEARCH (record|link)\b.*\(connection_id=\?\)")


def reads_of_all(installation: Installation, statements: list[tuple[str, Any]]) -> list[str]:
    """What SQLite's plans of statements read row by row."""
    with installation.database.engine.connect() as connection:
        plans = [
            str(row.detail)
            for statement, given in statements
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
        ]
    return [line for line in plans if READS_ALL.search(line)]


@pytest.mark.parametrize("name", BOUNDS)
def test_a_request_reads_records_and_links_by_an_index(
    api: FlaskClient, installation: Installation, name: str
) -> None:
    if installation.database.is_shared:
        pytest.skip("the plan of SQLite is looked at")
    question, *_ = BOUNDS[name]
    question(api)
    with asked(installation) as (statements, _begun):
        question(api)
    assert reads_of_all(installation, statements) == []


def test_a_statement_that_reads_all_records_is_noticed(
    api: FlaskClient, installation: Installation
) -> None:
    if installation.database.is_shared:
        pytest.skip("the plan of SQLite is looked at")
    query = select(MirroredRecord).filter_by(connection_id=1, name="Holloway")
    with asked(installation) as (statements, _begun), installation.database.reading() as session:
        session.scalars(query).all()
    assert reads_of_all(installation, statements) != []
