"""What a link costs must not grow with the records: no query may read a table from end to end."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event, select, text

from crmlink.batches.page_table import observe_rows
from crmlink.batches.progress import overview
from crmlink.batches.writer import write_waiting
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import UndoDecision, confirm, undo
from crmlink.linking.errors import LinkNotFound, NotOnPage
from crmlink.linking.on_page import Observation, SeenOnPage
from crmlink.linking.suggest import records_by_id
from crmlink.reports.link_health import recent_links
from crmlink.store import BatchRow, Link, LinkState
from support.batch_factories import asked_for, lines_of
from support.sandbox import OTHER, decision, new_key

GREAT = "record|link|batch_row"  # the tables that grow with a firm
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # whose plans it is
WHOLE = re.compile(rf"SCAN ({GREAT})\b|SEARCH ({GREAT}) .*\(connection_id=\?\)$")


@contextmanager
def plans(ctx: WorkspaceContext) -> Iterator[list[tuple[str, str]]]:
    """How SQLite comes to the rows of each query, with the query."""
    asked: list[tuple[str, Any]] = []
    found: list[tuple[str, str]] = []

    def note(_: Connection, __: Any, statement: str, values: Any, *___: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            asked.append((statement, values))

    event.listen(ctx.database.engine, "before_cursor_execute", note)
    yield found
    event.remove(ctx.database.engine, "before_cursor_execute", note)
    with ctx.database.engine.connect() as connection:
        for statement, values in asked:
            if isinstance(values, list):
                continue
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            found.extend((row[3], statement) for row in rows)


@contextmanager
def asked(ctx: WorkspaceContext) -> Iterator[tuple[list[str], list[object]]]:
    """Statements, and beginnings of transactions."""
    statements: list[str] = []
    begun: list[object] = []

    def note(_: Connection, __: Any, statement: str, *___: Any) -> None:
        if not statement.startswith("BEGIN"):
            statements.append(statement)

    def begin(connection: object) -> None:
        begun.append(connection)

    event.listen(ctx.database.engine, "before_cursor_execute", note)
    event.listen(ctx.database.engine, "begin", begin)
    yield statements, begun
    event.remove(ctx.database.engine, "before_cursor_execute", note)
    event.remove(ctx.database.engine, "begin", begin)


def whole_tables(found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [one for one in found if WHOLE.match(one[0])]


def test_a_link_and_its_undo_read_no_table_from_end_to_end(
    ctx: WorkspaceContext, device_id: int
) -> None:
    with plans(ctx) as found:
        link = confirm(ctx, decision("customer-1004"), new_key(), device_id)
        assert link.state is LinkState.LINKED
        undo(ctx, UndoDecision(link.id), new_key(), device_id)
    assert found
    assert whole_tables(found) == []


def test_a_link_asks_the_database_little(ctx: WorkspaceContext, device_id: int) -> None:
    confirm(ctx, decision("customer-1002"), new_key(), device_id)  # registers the process, too
    with asked(ctx) as (statements, begun):
        link = confirm(ctx, decision("customer-1004", reference=OTHER), new_key(), device_id)
    assert link.state is LinkState.LINKED
    assert len(statements) <= 36, "\n".join(statements)
    assert len(begun) <= 10
    # Not changed by the link: whose connection it is, and who decided.
    assert sum("SELECT connection.workspace_id" in each for each in statements) <= 2
    assert sum(each.startswith("SELECT device.person_id") for each in statements) == 2


def test_the_newest_links_are_listed_without_sorting_all(ctx: WorkspaceContext) -> None:
    with plans(ctx) as found:
        recent_links(ctx)
    assert any("ix_link_connection_id_newest" in one[0] for one in found)
    assert [one for one in found if "ORDER BY" in one[0]] == []


def test_rows_without_a_reference_are_counted_without_reading_the_others(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 2))
    with plans(ctx) as found:
        overview(ctx, batch_id)
    of_rows = {one[0].partition("USING ")[2] for one in found if "batch_row" in one[0]}
    assert of_rows == {
        "COVERING INDEX ix_batch_row_counts (batch_id=?)",  # of the whole list, the index alone
        "INDEX ix_batch_row_without_reference (batch_id=?)",
    }


def test_a_row_of_a_list_is_linked_without_reading_a_table_from_end_to_end(
    ctx: WorkspaceContext, device_id: int
) -> None:
    asked_for(ctx, device_id, lines_of(ctx, 2))
    with plans(ctx) as found:
        assert write_waiting(ctx) == 1
    at_its_end = "link.attempted_at"  # once a list: the search for links that were interrupted
    assert [one for one in whole_tables(found) if at_its_end not in one[1]] == []


def test_a_row_of_a_list_asks_the_database_little(ctx: WorkspaceContext, device_id: int) -> None:
    asked_for(ctx, device_id, lines_of(ctx, 8))
    with asked(ctx) as (statements, _):
        assert write_waiting(ctx) == 1
    of_batch = [each for each in statements if "FROM batch LEFT OUTER JOIN device" in each]
    assert len(of_batch) <= 4  # where the list begins and ends: no row asks whose list it is
    claims = [each for each in statements if each.startswith("SELECT batch.state, batch.lease")]
    assert len(claims) == 8
    assert len(statements) <= 8 * 56, len(statements)


def test_the_undo_of_a_link_is_found_without_reading_all_links(ctx: WorkspaceContext) -> None:
    with plans(ctx) as found, ctx.database.reading() as session:
        session.scalars(select(Link).filter_by(undoes_id="x", state=LinkState.INTENDED)).all()
        session.scalars(select(Link).where(Link.undoes_id.in_(["x", "y"]))).all()
    assert found
    assert whole_tables(found) == []


def test_what_a_page_showed_is_taken_without_reading_the_whole_list(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 2))
    write_waiting(ctx)
    with ctx.database.reading() as session:
        of_list = session.scalars(select(BatchRow.link_id).filter_by(batch_id=batch_id)).first()
    seen = [(each, Observation("before", SeenOnPage(None))) for each in (of_list or "", "x")]
    with plans(ctx) as found:
        ours, other = observe_rows(ctx, batch_id, seen, device_id)
    assert isinstance(ours, NotOnPage)
    assert isinstance(other, LinkNotFound)
    assert any("batch_row" in one[0] for one in found)
    assert [one for one in found if one[0].endswith("(batch_id=?)")] == []
    assert whole_tables(found) == []


def test_customers_and_suppliers_are_found_by_their_numbers(ctx: WorkspaceContext) -> None:
    with plans(ctx) as found, ctx.database.reading() as session:
        both = records_by_id(session, 1, ["customer-1001", "supplier-501", "customer-0"])
    assert set(both) == {"customer-1001", "supplier-501"}
    assert whole_tables(found) == []


def test_a_query_that_reads_all_records_is_caught(ctx: WorkspaceContext) -> None:
    with plans(ctx) as found, ctx.database.reading() as session:
        session.execute(text("SELECT id FROM record WHERE lower(name) = 'x'"))
    assert whole_tables(found)
