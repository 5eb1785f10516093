"""What people type into contacts, through the import of a list and its matching."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pytest

from crmlink.batches.file_import import ImportResult, ListFile, import_file
from crmlink.batches.match_job import match_waiting, start_matching
from crmlink.batches.rows import ReviewRow
from crmlink.commusoft.mirror import mark_deleted, upsert_record
from crmlink.commusoft.records import Record
from crmlink.kinds import Kind
from crmlink.linking.context import WorkspaceContext
from crmlink.store import Verdict
from crmlink.values.contact_details import ContactDetails
from support.batch_factories import BOUND, detected, rows_of
from support.contact_cases import Case, cases, records, typed_table

EXPORTS = Path(__file__).parents[2] / "exports"


@pytest.fixture
def case_records(ctx: WorkspaceContext) -> None:
    """The mirror with the cases' records, without those of the sandbox that are the same."""
    with ctx.database.writing() as session:
        for number in (*range(1001, 1011), 501, 502):
            kind: Kind = "supplier" if number < 1000 else "customer"
            mark_deleted(session, ctx.connection_id, kind, str(number))
        for record_id, details in records():
            upsert_record(session, ctx.connection_id, _record(record_id, details))


def _record(record_id: str, details: ContactDetails) -> Record:
    kind: Kind = "supplier" if record_id.startswith("supplier") else "customer"
    plain = {name: getattr(details, name) for name in (
        "company", "email", "phones", "address", "town", "postcode", "account_number",
        "other_emails", "other_addresses",
    )}  # fmt: skip
    return Record(
        kind=kind, number=record_id.partition("-")[2], uuid=None, reference=None, deleted=False,
        raw={}, name=details.person, **plain,
    )  # fmt: skip


def matched(
    ctx: WorkspaceContext, device_id: int, source: Path | str, kind: Kind | None = None
) -> list[ReviewRow]:
    """The rows of a file, or of a table as text, imported and matched."""
    content = source.read_bytes() if isinstance(source, Path) else source.encode()
    name = source.name if isinstance(source, Path) else "typed.csv"
    found = detected(ctx, io.BytesIO(content), name, kind=kind)
    made: ImportResult = import_file(
        ctx, device_id, ListFile(io.BytesIO(content), name, found), agreed=len(content)
    )
    start_matching(ctx, device_id, made.batch.id, BOUND)
    match_waiting(ctx)
    return rows_of(ctx, made.batch.id)


@pytest.mark.usefixtures("case_records")
def test_every_typed_contact_finds_its_record(ctx: WorkspaceContext, device_id: int) -> None:
    several = cases()
    rows = matched(ctx, device_id, typed_table(several))
    assert len(rows) == len(several)
    wrong = [
        (case.name, problem)
        for case, row in zip(several, rows, strict=True)
        if (problem := _problem(case, row))
    ]
    assert wrong == []


def _problem(case: Case, row: ReviewRow) -> str:
    by_chance = sorted(
        (offer for offer in row.offers if offer.suggestion),
        key=lambda offer: -(offer.suggestion.probability if offer.suggestion else 0),
    )
    own = next((offer for offer in by_chance if offer.record.public_id == case.record), None)
    if own is None or own.suggestion is None:
        return "not offered"
    if not case.anywhere and by_chance[0] is not own:
        return f"{by_chance[0].record.public_id} was first"
    codes = {reason.code for reason in own.suggestion.reasons}
    lacking, said = case.reasons - codes, case.never & codes
    if case.sure is not None and own.suggestion.sure is not case.sure:
        return f"sure: {own.suggestion.sure}"
    return f"lacks {sorted(lacking)}, says {sorted(said)}" if lacking or said else ""


def test_a_retired_contact_gives_way_to_the_one_in_use_and_names_it(
    ctx: WorkspaceContext, device_id: int
) -> None:
    old, live, alone = matched(ctx, device_id, EXPORTS / "qbd_hidden.iif")
    assert (old.row.retired, live.row.retired, alone.row.retired) == (True, False, True)
    assert live.row.verdict is Verdict.SURE
    assert old.row.verdict is Verdict.CONFLICT
    assert old.row.conflict == {"code": "retired-twin", "record": live.row.best, "rows": [2]}
    assert old.twin is not None
    assert (old.twin.position, old.twin.reference) == (2, "Margaret Holloway")
    assert alone.row.verdict is Verdict.CHECK


@pytest.mark.parametrize(
    ("file", "kind", "best"),
    [
        ("sage50_two_values_live.csv", "customer", ["customer-1004", "customer-1005",
                                                    "customer-1008", "customer-1002"]),
        ("xero_site_address.csv", "customer", ["customer-1001", "customer-1002", "customer-1004"]),
    ],
)  # fmt: skip
def test_a_package_file_finds_the_sandboxs_records(
    ctx: WorkspaceContext, device_id: int, file: str, kind: Kind, best: Sequence[str]
) -> None:
    rows = matched(ctx, device_id, EXPORTS / file, kind)
    first = [max(row.offers, key=lambda o: o.suggestion.probability if o.suggestion else 0)
             for row in rows]  # fmt: skip
    assert [offer.record.public_id for offer in first] == best


def test_nothing_of_a_files_contents_is_kept_with_what_it_was_taken_for(
    ctx: WorkspaceContext, device_id: int
) -> None:
    rows = matched(ctx, device_id, typed_table(cases()[:3]))
    from crmlink.store import Batch

    with ctx.database.reading() as session:
        recognised = session.get_one(Batch, rows[0].row.batch_id).recognised or {}
    assert recognised["likely"]
    assert "01632" not in str(recognised)


def test_a_second_email_and_address_are_kept_with_the_row(
    ctx: WorkspaceContext, device_id: int
) -> None:
    rows = matched(ctx, device_id, EXPORTS / "freeagent_street2.csv", "customer")
    assert rows[1].row.other_emails == ["accounts@harbourlets.example"]
    rows = matched(ctx, device_id, EXPORTS / "xero_site_address.csv", "customer")
    (site,) = rows[1].row.other_addresses
    assert site == {
        "address": "Flat 3, 27 Cathedral Road",
        "town": "Cardiff",
        "postcode": "CF11 9HA",
    }
