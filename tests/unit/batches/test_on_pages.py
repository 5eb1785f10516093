"""Lists of an account without an API: intended by the worker, saved on pages, seen by crmlink."""

from __future__ import annotations

from typing import Any

import pytest

from crmlink.access.devices import command_line_actor, web_device
from crmlink.batches.control import cancel, pause, retry_failed, start_undo
from crmlink.batches.page_table import observe_rows, table_page
from crmlink.batches.progress import overview, result_rows
from crmlink.batches.settle import settle_stopped
from crmlink.batches.state import find_batch
from crmlink.batches.writer import BatchWriter, work_on, write_waiting
from crmlink.installation import Installation
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import LinkingError, LinkNotFound, RecordHasReference
from crmlink.linking.on_page import Observation, Observed, SeenOnPage, Stage, observe
from crmlink.store import (
    AuditEntry,
    Batch,
    BatchState,
    Link,
    LinkMethod,
    LinkState,
    MailMessage,
    RowState,
)
from support.access_factories import make_person
from support.batch_factories import asked_for, lines_of, rows_of, wait_for_nothing
from support.page_links import mirrored
from support.sandbox import OTHER

COUNT = 5


class WorkerKilled(BaseException):
    """The end of a worker between the intents and its rows."""


@pytest.fixture
def installation(without_api: Installation) -> Installation:
    return without_api


@pytest.fixture
def ctx(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> WorkspaceContext:
    wait_for_nothing(monkeypatch)
    return installation.workspace


@pytest.fixture
def device_id(installation: Installation) -> int:
    return command_line_actor(installation.access).device.id


@pytest.fixture
def batch_id(ctx: WorkspaceContext, device_id: int) -> str:
    """A list whose rows wait to be filled in."""
    batch_id = asked_for(ctx, device_id, lines_of(ctx, COUNT))
    assert write_waiting(ctx) == 1
    return batch_id


def batch(ctx: WorkspaceContext, batch_id: str) -> Batch:
    return find_batch(ctx, batch_id)


def states(ctx: WorkspaceContext, batch_id: str) -> set[RowState]:
    return {row.row.state for row in rows_of(ctx, batch_id)}


def links(ctx: WorkspaceContext) -> list[Link]:
    with ctx.database.reading() as session:
        return list(session.query(Link).order_by(Link.created_at, Link.id))


def show(
    ctx: WorkspaceContext,
    batch_id: str,
    device_id: int,
    stage: Stage,
    values: dict[str, str | None] | None = None,
) -> list[Observed | LinkingError]:
    """The table with each row's target, or with other values by link."""
    wanted = {row.link.id: row.link.target for row in table_page(ctx, batch_id).rows} | (
        values or {}
    )
    seen = [(link_id, Observation(stage, SeenOnPage.of(text))) for link_id, text in wanted.items()]
    return observe_rows(ctx, batch_id, seen, device_id)


def test_the_worker_leaves_every_row_to_be_filled_in(ctx: WorkspaceContext, batch_id: str) -> None:
    assert batch(ctx, batch_id).state is BatchState.FILLING
    assert batch(ctx, batch_id).finished_at is None
    assert states(ctx, batch_id) == {RowState.FILLING}
    assert {(link.state, link.method) for link in links(ctx)} == {
        (LinkState.INTENDED, LinkMethod.PAGES)
    }
    rows = table_page(ctx, batch_id).rows
    assert [row.link.target for row in rows] == [f"AC{number:05}" for number in range(1, COUNT + 1)]
    assert all(row.alone for row in rows)
    assert write_waiting(ctx) == 0
    assert overview(ctx, batch_id).progress.of == COUNT
    assert {row["outcome"] for row in result_rows(ctx, batch_id, str)} == {"filling"}


def test_a_table_that_shows_every_target_ends_the_list(
    ctx: WorkspaceContext, device_id: int, batch_id: str
) -> None:
    empty = dict.fromkeys([row.link.id for row in table_page(ctx, batch_id).rows])
    before = show(ctx, batch_id, device_id, "before", empty)
    assert all(isinstance(each, Observed) and each.fill for each in before)
    show(ctx, batch_id, device_id, "after")
    assert states(ctx, batch_id) == {RowState.SUCCESSFUL}
    assert batch(ctx, batch_id).state is BatchState.DONE
    assert batch(ctx, batch_id).finished_at
    assert table_page(ctx, batch_id).rows == []
    with ctx.database.reading() as session:
        assert session.query(AuditEntry).filter_by(action="batch.done").count() == 1


def test_a_list_that_a_page_ends_is_told_by_email_once(
    installation: Installation, ctx: WorkspaceContext
) -> None:
    device_id = web_device(installation.access, make_person(installation.access)).id
    batch_id = asked_for(ctx, device_id, lines_of(ctx, COUNT))
    write_waiting(ctx)

    def emails() -> list[MailMessage]:
        with ctx.database.reading() as session:
            return session.query(MailMessage).all()

    assert emails() == [], "it waits to be filled in"
    show(ctx, batch_id, device_id, "after")
    show(ctx, batch_id, device_id, "after")
    (email,) = emails()
    assert (email.facts["list"], email.facts["linked"]) == (batch_id, COUNT)


def test_what_was_not_saved_waits_and_what_differs_is_not_linked(
    ctx: WorkspaceContext, device_id: int, batch_id: str
) -> None:
    first, second, third, *_ = [row.link.id for row in table_page(ctx, batch_id).rows]
    show(ctx, batch_id, device_id, "after", {first: None, second: OTHER})
    assert [row.link.id for row in table_page(ctx, batch_id).rows] == [first]
    rows = {row.row.link_id: row.row for row in rows_of(ctx, batch_id)}
    assert (rows[second].state, rows[second].failure) == (
        RowState.FAILED,
        {"code": "record-changed", "current_reference": OTHER},
    )
    assert rows[third].state is RowState.SUCCESSFUL
    assert batch(ctx, batch_id).state is BatchState.FILLING
    for _ in range(2):
        show(ctx, batch_id, device_id, "after")
    assert batch(ctx, batch_id).state is BatchState.DONE


def test_another_reference_in_the_table_is_left_and_told(
    ctx: WorkspaceContext, device_id: int, batch_id: str
) -> None:
    first = table_page(ctx, batch_id).rows[0].link.id
    found = show(ctx, batch_id, device_id, "before", {first: OTHER})[0]
    assert isinstance(found, RecordHasReference)
    assert found.facts["current_reference"] == OTHER
    assert table_page(ctx, batch_id).rows[0].link.prior is None


def test_links_of_others_are_unknown_to_a_list(
    ctx: WorkspaceContext, device_id: int, batch_id: str
) -> None:
    found = observe_rows(
        ctx, batch_id, [("nothing", Observation("after", SeenOnPage.of("X")))], device_id
    )
    assert isinstance(found[0], LinkNotFound)


def test_two_records_that_look_the_same_are_not_told_apart_by_name_and_address(
    ctx: WorkspaceContext, batch_id: str
) -> None:
    with ctx.database.writing() as session:
        one, other = (
            session.merge(mirrored(ctx, record_id))
            for record_id in ("customer-1001", "customer-1012")
        )
        other.company, other.address = one.company.upper(), one.address
        other.postcode = one.postcode
    assert [row.alone for row in table_page(ctx, batch_id).rows] == [False, True, True, True, True]


@pytest.mark.parametrize("change", ["accents", "town in the address", "a comma"])
def test_two_records_that_a_table_shows_alike_are_not_told_apart(
    ctx: WorkspaceContext, batch_id: str, change: str
) -> None:
    with ctx.database.writing() as session:
        one, other = (
            session.merge(mirrored(ctx, record_id))
            for record_id in ("customer-1001", "customer-1012")
        )
        one.company = "ÉCOLE DE CUISINE" if change == "accents" else "Hill Farm"
        other.company, other.postcode = one.company, one.postcode
        one.address, one.town = "1 High Street", "Leeds"
        other.address, other.town = {
            "accents": ("1 High Street", "Leeds"),
            "town in the address": ("1 High Street, Leeds", ""),
            "a comma": ("1, High  Street", "Leeds"),
        }[change]
    assert [row.alone for row in table_page(ctx, batch_id).rows] == [False, True, True, True, True]


def test_a_worker_killed_after_the_intents_makes_none_twice(
    ctx: WorkspaceContext, device_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, COUNT))

    def die(*_: object) -> None:
        raise WorkerKilled

    with monkeypatch.context() as patched:
        patched.setattr(BatchWriter, "_store_outcomes", die)
        with pytest.raises(WorkerKilled):
            work_on(ctx, batch_id, BatchState.WRITING)
    made = {link.id for link in links(ctx)}
    assert made
    assert write_waiting(ctx) == 1
    assert made <= {link.id for link in links(ctx)}
    assert len(links(ctx)) == COUNT
    assert states(ctx, batch_id) == {RowState.FILLING}


def test_what_a_page_showed_before_the_worker_wrote_it_down_is_kept(
    ctx: WorkspaceContext, device_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, 1))
    write_down = BatchWriter._store_outcomes

    def look_first(self: BatchWriter, ended: list[Any]) -> None:
        for link in links(ctx):
            observe(ctx, link.id, Observation("after", SeenOnPage(link.target)), device_id)
        write_down(self, ended)

    monkeypatch.setattr(BatchWriter, "_store_outcomes", look_first)
    write_waiting(ctx)
    assert states(ctx, batch_id) == {RowState.SUCCESSFUL}
    assert batch(ctx, batch_id).state is BatchState.DONE


def test_cancelling_withdraws_what_waits_and_keeps_what_was_seen(
    ctx: WorkspaceContext, device_id: int, batch_id: str
) -> None:
    first = table_page(ctx, batch_id).rows[0].link
    observe_rows(
        ctx, batch_id, [(first.id, Observation("after", SeenOnPage(first.target)))], device_id
    )
    cancel(ctx, device_id, batch_id)
    assert batch(ctx, batch_id).state is BatchState.CANCELLED
    assert {link.state for link in links(ctx)} == {LinkState.LINKED, LinkState.FAILED}
    failures = [row.row.failure for row in rows_of(ctx, batch_id) if row.row.failure]
    assert failures == [{"code": "withdrawn-unseen"}] * (COUNT - 1)
    assert settle_stopped(ctx) == 0


def test_withdrawn_rows_can_be_asked_for_again(
    ctx: WorkspaceContext, device_id: int, batch_id: str
) -> None:
    first, *rest = [row.link for row in table_page(ctx, batch_id).rows]
    show(ctx, batch_id, device_id, "after", {first.id: OTHER} | {each.id: None for each in rest})
    with ctx.database.writing() as session:
        session.merge(mirrored(ctx, first.record_id)).reference = None
    assert retry_failed(ctx, device_id, batch_id) == 1
    write_waiting(ctx)
    assert batch(ctx, batch_id).state is BatchState.FILLING
    assert len(table_page(ctx, batch_id).rows) == COUNT


def test_the_undo_of_a_list_is_filled_in_too(
    ctx: WorkspaceContext, device_id: int, batch_id: str
) -> None:
    show(ctx, batch_id, device_id, "after")
    assert start_undo(ctx, device_id, batch_id) == COUNT
    write_waiting(ctx)
    assert batch(ctx, batch_id).state is BatchState.REVERTING
    rows = table_page(ctx, batch_id).rows
    assert {(row.link.target, bool(row.link.undoes_id)) for row in rows} == {(None, True)}
    assert {link.state for link in links(ctx) if not link.undoes_id} == {LinkState.LINKED}
    show(ctx, batch_id, device_id, "after", {rows[0].link.id: rows[0].link.prior})
    assert batch(ctx, batch_id).state is BatchState.REVERTING
    show(ctx, batch_id, device_id, "after")
    assert batch(ctx, batch_id).state is BatchState.UNDONE
    assert states(ctx, batch_id) == {RowState.UNDONE}
    assert {link.state for link in links(ctx) if not link.undoes_id} == {LinkState.UNDONE}


def test_an_undo_that_is_cancelled_leaves_the_links_in_effect(
    ctx: WorkspaceContext, device_id: int, batch_id: str
) -> None:
    show(ctx, batch_id, device_id, "after")
    start_undo(ctx, device_id, batch_id)
    write_waiting(ctx)
    cancel(ctx, device_id, batch_id)
    assert states(ctx, batch_id) == {RowState.SUCCESSFUL}
    assert {link.state for link in links(ctx) if not link.undoes_id} == {LinkState.LINKED}


def test_undoing_a_half_filled_list_puts_nothing_more_on_pages(
    ctx: WorkspaceContext, device_id: int, batch_id: str
) -> None:
    first = table_page(ctx, batch_id).rows[0].link
    observe_rows(
        ctx, batch_id, [(first.id, Observation("after", SeenOnPage(first.target)))], device_id
    )
    assert start_undo(ctx, device_id, batch_id) == COUNT
    write_waiting(ctx)
    (left,) = table_page(ctx, batch_id).rows
    assert left.link.undoes_id == first.id
    show(ctx, batch_id, device_id, "after")
    assert batch(ctx, batch_id).state is BatchState.UNDONE


def test_an_undo_withdraws_what_a_dead_worker_left_on_its_way(
    ctx: WorkspaceContext, device_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = asked_for(ctx, device_id, lines_of(ctx, COUNT))

    def die(*_: object) -> None:
        raise WorkerKilled

    with monkeypatch.context() as patched:
        patched.setattr(BatchWriter, "_store_outcomes", die)
        with pytest.raises(WorkerKilled):
            work_on(ctx, batch_id, BatchState.WRITING)
    pause(ctx, device_id, batch_id)
    start_undo(ctx, device_id, batch_id)
    write_waiting(ctx)
    assert table_page(ctx, batch_id).rows == []
    assert batch(ctx, batch_id).state is BatchState.UNDONE
    assert LinkState.INTENDED not in {link.state for link in links(ctx)}
