"""A customer's reference never reaches a supplier's record, however late a list tells the kind."""

import csv
import io

import pytest

from crmlink.batches.accept_sure import accept_sure, draw_sample
from crmlink.batches.contacts import ListedContact
from crmlink.batches.control import start_writing
from crmlink.batches.drafts import ListPage, append_contacts
from crmlink.batches.execute_row import carry_out
from crmlink.batches.file_import import ListFile, import_file
from crmlink.batches.match_job import match_waiting, start_matching
from crmlink.batches.progress import summary
from crmlink.batches.review import ShownRow, accept, reopen
from crmlink.kinds import Kind
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import KindMismatch, NothingToLink
from crmlink.linking.overrides import Overrides
from crmlink.store import BatchRow, BatchState, Choice, MirroredRecord, RowState, Verdict
from support.batch_factories import BOUND, detected, records_of, rows_of
from support.sandbox import SandboxHandle


def without_kinds(ctx: WorkspaceContext, device_id: int, record: MirroredRecord) -> str:
    """A matched list of one contact whose file tells neither its kind nor its reference."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("Name", "Email", "Telephone", "Postcode"))
    phone = (record.phones or [""])[0]
    table.writerow((record.label, record.email, phone, record.postcode))
    file = io.BytesIO(text.getvalue().encode())
    found = detected(ctx, file, "contacts.csv", package="quickbooks_online")
    batch = import_file(ctx, device_id, ListFile(file, "contacts.csv", found)).batch
    start_matching(ctx, device_id, batch.id, BOUND)
    match_waiting(ctx)
    return batch.id


def a_page_of_suppliers(ctx: WorkspaceContext, device_id: int, batch_id: str, name: str) -> None:
    listed = [ListedContact("77", kind="supplier", name=name)]
    append_contacts(ctx, device_id, ListPage("quickbooks_online", "", "supplier", listed), batch_id)


@pytest.fixture
def customer(ctx: WorkspaceContext) -> MirroredRecord:
    return next(record for record in records_of(ctx) if record.email and record.phones)


def test_a_page_of_suppliers_gives_no_reference_to_a_row_that_is_a_customer_by_decision(
    ctx: WorkspaceContext, device_id: int, customer: MirroredRecord
) -> None:
    batch_id = without_kinds(ctx, device_id, customer)
    accept(ctx, device_id, ShownRow(batch_id, 1, 0), customer.public_id)
    a_page_of_suppliers(ctx, device_id, batch_id, customer.label)
    decided, added = (row.row for row in rows_of(ctx, batch_id))
    assert (decided.reference, decided.choice) == ("", Choice.RECORD)
    assert (added.reference, added.kind) == ("77", "supplier")


def test_a_row_that_turns_out_to_be_a_supplier_is_not_sure_to_be_a_customer(
    ctx: WorkspaceContext, device_id: int, customer: MirroredRecord
) -> None:
    batch_id = without_kinds(ctx, device_id, customer)
    assert rows_of(ctx, batch_id)[0].row.verdict is Verdict.SURE
    a_page_of_suppliers(ctx, device_id, batch_id, customer.label)
    row = rows_of(ctx, batch_id)[0].row
    assert (row.kind, row.reference) == ("supplier", "77")
    assert accept_sure(ctx, device_id, batch_id, draw_sample(ctx, batch_id).token).accepted == 0
    assert rows_of(ctx, batch_id)[0].row.verdict is Verdict.NEW


def test_a_row_whose_record_is_of_the_other_kind_is_never_written(
    ctx: WorkspaceContext, device_id: int, customer: MirroredRecord, sandbox: SandboxHandle
) -> None:
    batch_id = without_kinds(ctx, device_id, customer)
    accept(ctx, device_id, ShownRow(batch_id, 1, 0), customer.public_id)
    with ctx.database.writing() as session:
        row = session.query(BatchRow).one()
        row.kind, row.reference = "supplier", "77"
    outcome = carry_out(ctx, row.id, BatchState.WRITING, device_id, lambda _: None)
    assert (outcome.state, (outcome.failure or {})["code"]) == (RowState.FAILED, "kind-differs")
    assert sandbox.reference(customer.public_id) is None


SBC, REFERENCE = "sage_business_cloud", "145570473"


def a_list(
    ctx: WorkspaceContext,
    device_id: int,
    record: MirroredRecord,
    kind: Kind | None,
    batch_id: str | None,
) -> str:
    """A page of a list in a package whose references tell no kind; the batch's id."""
    contact = ListedContact(
        REFERENCE,
        kind=kind,
        name=record.label,
        email=record.email,
        phones=tuple(record.phones),
        postcode=record.postcode,
    )
    return append_contacts(ctx, device_id, ListPage(SBC, "", kind, [contact]), batch_id).batch.id


def matched_without_kind(ctx: WorkspaceContext, device_id: int, record: MirroredRecord) -> str:
    batch_id = a_list(ctx, device_id, record, None, None)
    start_matching(ctx, device_id, batch_id, BOUND)
    match_waiting(ctx)
    return batch_id


def test_a_kind_that_a_later_page_tells_takes_a_contradicting_decision_back(
    ctx: WorkspaceContext, device_id: int, customer: MirroredRecord, sandbox: SandboxHandle
) -> None:
    batch_id = matched_without_kind(ctx, device_id, customer)
    accept(ctx, device_id, ShownRow(batch_id, 1, 0), customer.public_id)
    a_list(ctx, device_id, customer, "supplier", batch_id)
    [row] = rows_of(ctx, batch_id)
    assert (row.row.kind, row.row.choice) == ("supplier", Choice.OPEN)
    assert row.row.verdict is Verdict.CONFLICT
    assert row.row.conflict == {"code": "kind-differs", "record": customer.public_id}
    assert [record.public_id for record in row.referenced_records] == [customer.public_id]
    assert summary(ctx, batch_id).to_link == 0
    with pytest.raises(NothingToLink):
        start_writing(ctx, device_id, batch_id, 0)
    assert sandbox.reference(customer.public_id) is None


def test_such_a_decision_is_made_again_only_by_a_second_choice(
    ctx: WorkspaceContext, device_id: int, customer: MirroredRecord, sandbox: SandboxHandle
) -> None:
    batch_id = matched_without_kind(ctx, device_id, customer)
    accept(ctx, device_id, ShownRow(batch_id, 1, 0), customer.public_id)
    a_list(ctx, device_id, customer, "supplier", batch_id)
    version = rows_of(ctx, batch_id)[0].row.version
    with pytest.raises(KindMismatch):
        accept(ctx, device_id, ShownRow(batch_id, 1, version), customer.public_id)
    agreed = Overrides(accepts_kind=True)
    accept(ctx, device_id, ShownRow(batch_id, 1, version), customer.public_id, agreed)
    start_writing(ctx, device_id, batch_id, 1)
    row = rows_of(ctx, batch_id)[0].row
    outcome = carry_out(ctx, row.id, BatchState.WRITING, device_id, lambda _: None)
    assert outcome.state is RowState.SUCCESSFUL
    assert sandbox.reference(customer.public_id) == REFERENCE


def test_a_decision_that_the_late_kind_confirms_stays(
    ctx: WorkspaceContext, device_id: int, customer: MirroredRecord
) -> None:
    batch_id = matched_without_kind(ctx, device_id, customer)
    accept(ctx, device_id, ShownRow(batch_id, 1, 0), customer.public_id)
    a_list(ctx, device_id, customer, "customer", batch_id)
    [row] = rows_of(ctx, batch_id)
    assert (row.row.kind, row.row.choice) == ("customer", Choice.RECORD)


def test_a_late_kind_takes_a_sure_match_of_the_other_kind_away(
    ctx: WorkspaceContext, device_id: int, customer: MirroredRecord
) -> None:
    batch_id = matched_without_kind(ctx, device_id, customer)
    assert rows_of(ctx, batch_id)[0].row.verdict is Verdict.SURE
    a_list(ctx, device_id, customer, "supplier", batch_id)
    assert rows_of(ctx, batch_id)[0].row.verdict is Verdict.NEW
    assert draw_sample(ctx, batch_id).of == 0


def test_a_decision_taken_back_does_not_bring_the_other_kind_along(
    ctx: WorkspaceContext, device_id: int, customer: MirroredRecord
) -> None:
    batch_id = matched_without_kind(ctx, device_id, customer)
    a_list(ctx, device_id, customer, "supplier", batch_id)
    agreed = Overrides(accepts_kind=True)
    version = rows_of(ctx, batch_id)[0].row.version
    row = accept(ctx, device_id, ShownRow(batch_id, 1, version), customer.public_id, agreed)
    row = reopen(ctx, device_id, ShownRow(batch_id, 1, row.row.version))
    with pytest.raises(KindMismatch):
        accept(ctx, device_id, ShownRow(batch_id, 1, row.row.version), customer.public_id)


def test_accepting_all_sure_ones_never_accepts_the_other_kind(
    ctx: WorkspaceContext, device_id: int, customer: MirroredRecord
) -> None:
    batch_id = matched_without_kind(ctx, device_id, customer)
    with ctx.database.writing() as session:  # as no way through crmlink leaves it
        session.query(BatchRow).one().kind = "supplier"
    sample = draw_sample(ctx, batch_id)
    assert accept_sure(ctx, device_id, batch_id, sample.token).accepted == 0
    assert rows_of(ctx, batch_id)[0].row.choice is Choice.OPEN
