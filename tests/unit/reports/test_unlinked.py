"""What is left: shares over time, unlinked records by value, duplicates, malformed references."""

from datetime import timedelta

from sqlalchemy import update

from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import UndoDecision, confirm, undo
from crmlink.reports.duplicates import (
    contested_records,
    dismiss_duplicate_pair,
    duplicate_pairs,
    search_duplicates,
    shared_references,
)
from crmlink.reports.unlinked import malformed_references, share_history, take_snapshot, unlinked
from crmlink.store import AuditEntry, BatchRow, Link, MirroredRecord
from crmlink.store.base import utc_now
from support.batch_factories import line_of, lines_of, matched, records_of
from support.sandbox import HOLLOWAY, SandboxHandle, decision, new_key


def linked_by_day(ctx: WorkspaceContext, days: int) -> list[int]:
    return [point.linked for point in share_history(ctx, days) if point.kind == "customer"]


def test_the_share_of_past_days_is_worked_out_from_the_links(
    ctx: WorkspaceContext, device_id: int
) -> None:
    before = linked_by_day(ctx, 1)[0]
    link = confirm(ctx, decision(), new_key(), device_id)
    with ctx.database.writing() as session:
        session.execute(update(Link).values(settled_at=utc_now() - timedelta(days=2)))
    assert linked_by_day(ctx, 4) == [before, before + 1, before + 1, before + 1]
    undo(ctx, UndoDecision(link.id), new_key(), device_id)
    assert linked_by_day(ctx, 4) == [before, before + 1, before + 1, before]


def test_a_days_snapshot_stands_and_its_last_word_counts(
    ctx: WorkspaceContext, device_id: int
) -> None:
    yesterday = utc_now().date() - timedelta(days=1)
    before = linked_by_day(ctx, 1)[0]
    take_snapshot(ctx, yesterday)
    confirm(ctx, decision(), new_key(), device_id)
    take_snapshot(ctx, yesterday)
    points = [point for point in share_history(ctx, 3) if point.kind == "customer"]
    assert [point.linked for point in points] == [before + 1, before + 1, before + 1]
    assert [point.exact for point in points] == [False, True, True]
    assert all(0 < point.share < 1 for point in points)


def test_records_whose_contact_owes_come_first_then_the_newest(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = matched(ctx, device_id, lines_of(ctx, 5))
    with ctx.database.writing() as session:
        rows = session.query(BatchRow).order_by(BatchRow.position).all()
        rows[1].open_pence, rows[3].open_pence = 5_000, 90_000
        wanted = [(rows[3].best, 90_000, 4), (rows[1].best, 5_000, 2)]
    found = unlinked(ctx, "customer")
    assert found.total == len(records_of(ctx))
    first = [(one.record.public_id, one.open_pence, one.position) for one in found.rows[:2]]
    assert first == wanted
    assert {one.batch_id for one in found.rows[:2]} == {batch_id}
    numbers = [int(one.record.number) for one in found.rows[2:]]
    assert numbers == sorted(numbers, reverse=True)


def test_a_reference_on_two_records_is_found_whatever_its_case(
    ctx: WorkspaceContext, sandbox: SandboxHandle
) -> None:
    sandbox.put_reference("customer-1001", HOLLOWAY)
    sandbox.put_reference("customer-1002", HOLLOWAY.upper())
    sandbox.put_reference("supplier-501", HOLLOWAY)
    ctx.sync()
    [found] = shared_references(ctx)
    assert [record.public_id for record in found.records] == ["customer-1001", "customer-1002"]


def test_two_contacts_on_one_record_are_found_on_lists_and_in_the_links(
    ctx: WorkspaceContext, device_id: int
) -> None:
    record = records_of(ctx)[5]
    batch_id = matched(ctx, device_id, [line_of(record, "ONE"), line_of(record, "TWO")])
    confirm(ctx, decision(), new_key(), device_id)
    confirm(
        ctx,
        decision(reference="99999999-2222-4333-8444-555555555555", replaces=HOLLOWAY),
        new_key(),
        device_id,
    )
    on_list, in_links = contested_records(ctx)
    assert (on_list.record.public_id, on_list.batch_id) == (record.public_id, batch_id)
    assert on_list.positions == (1, 2)
    assert in_links.record.public_id == "customer-1001"


def test_records_that_look_like_one_are_found_and_stay_dismissed(
    ctx: WorkspaceContext, device_id: int
) -> None:
    first = records_of(ctx)[5]
    with ctx.database.writing() as session:
        session.add(_twin(first))
    assert search_duplicates(ctx) >= 1
    pair = next(pair for pair in duplicate_pairs(ctx) if pair.first.public_id == first.public_id)
    assert pair.second.public_id == "customer-987654"
    assert any(reason.code == "same_name" for reason in pair.reasons)
    for _ in range(2):
        assert dismiss_duplicate_pair(ctx, device_id, pair.id)
    with ctx.database.reading() as session:
        [entry] = session.query(AuditEntry).filter_by(action="lookalike.dismissed")
    assert (entry.subject, entry.device_id) == (pair.first.public_id, device_id)
    search_duplicates(ctx)
    assert pair.id not in {each.id for each in duplicate_pairs(ctx)}
    assert "customer-987654" not in {each.second.public_id for each in duplicate_pairs(ctx)}


def _twin(record: MirroredRecord) -> MirroredRecord:
    fields = ("connection_id", "kind", "name", "company", "email", "phones", "address", "town",
              "postcode", "account_number", "mirror_version")  # fmt: skip
    return MirroredRecord(number="987654", **{name: getattr(record, name) for name in fields})


def test_references_of_no_package_in_use_are_found_once_links_tell_the_packages(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    sandbox.put_reference("customer-1002", "see invoice 12")
    ctx.sync()
    assert malformed_references(ctx).packages == ()
    confirm(ctx, decision(), new_key(), device_id)
    found = malformed_references(ctx)
    assert found.packages == ("xero",)
    assert [record.public_id for record in found.records] == ["customer-1002"]
