"""Lists from files and pages: what is kept, what is told apart, what completes what."""

import io

import pytest

from crmlink.accounting.exports.errors import ExportError
from crmlink.batches.contacts import ListedContact
from crmlink.batches.drafts import (
    ListPage,
    append_contacts,
    batches_open_to_append,
    discard_batch,
    list_batches,
)
from crmlink.batches.file_import import ListFile, import_file
from crmlink.batches.match_job import match_waiting, start_matching
from crmlink.batches.progress import bad_rows, overview
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import BatchNotFound, IdempotencyKeyReused, InvalidBatchState
from crmlink.store import Batch, BatchRow, BatchState, Verdict
from support.batch_factories import (
    BOUND,
    Line,
    accepted,
    detected,
    imported,
    lines_of,
    records_of,
    rows_of,
)
from support.sandbox import HOLLOWAY, OTHER, SandboxHandle, new_key

XERO = (
    "*ContactName,AccountNumber,EmailAddress,FirstName,LastName,POAttentionTo,POAddressLine1,"
    "POCity,POPostalCode\n"
)


def xero_draft(ctx: WorkspaceContext, device_id: int, *lines: str) -> str:
    """A draft of a Xero export, which holds no references."""
    file = io.BytesIO((XERO + "\n".join(lines)).encode())
    found = detected(ctx, file, "Contacts.csv", package="xero")
    made = import_file(ctx, device_id, ListFile(file, "Contacts.csv", found))
    assert any("This file doesn't include" in sentence for sentence in made.advice)
    return made.batch.id


def page(
    ctx: WorkspaceContext, device_id: int, batch_id: str | None, *contacts: ListedContact
) -> tuple[int, int]:
    """How many contacts a list page added to a batch, and how many rows it completed."""
    taken = append_contacts(ctx, device_id, ListPage("xero", "!kR4N6", None, contacts), batch_id)
    return taken.added, taken.completed


def test_what_cannot_be_read_is_told(ctx: WorkspaceContext, device_id: int) -> None:
    content = (
        "A/C,Name,Address Line 1,Telephone,E-mail\n"
        "A1,Ann Field,1 Road,ask Bob,ann at home\nA2,Bob Field,2 Road,999,bob@field.example\n"
        "A3,Cyd Field,3 Road,01632 960111,\n"
    )
    file = io.BytesIO(content.encode())
    found = detected(ctx, file, "Customers.csv")
    made = import_file(ctx, device_id, ListFile(file, "Customers.csv", found))
    assert made.advice[-1] == (
        "Values that can't be read are left out: telephone number (2 contacts), email (1 contact)."
    )


def test_the_good_rows_of_a_file_are_kept_and_the_bad_ones_told_by_line_and_reason(
    ctx: WorkspaceContext, device_id: int
) -> None:
    made = imported(
        ctx, device_id, [Line("HOLL01", "Margaret Holloway"), Line("", "Nobody"), Line("X", "Ann")]
    )
    assert (made.contacts, made.bad) == (2, 1)
    [bad] = bad_rows(ctx, made.batch.id)
    assert (bad.line, bad.code) == (3, "reference_missing")
    assert [(row.row.line, row.row.reference) for row in rows_of(ctx, made.batch.id)] == [
        (2, "HOLL01"), (4, "X"),
    ]  # fmt: skip
    assert overview(ctx, made.batch.id).counts.bad_rows == 1


def test_a_file_that_breaks_off_while_it_is_read_leaves_nothing_behind(
    ctx: WorkspaceContext, device_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        yield from ()
        raise ExportError("damaged")

    monkeypatch.setattr("crmlink.batches.file_import.read_contacts", broken)
    with pytest.raises(ExportError):
        imported(ctx, device_id, [Line("HOLL01", "Margaret Holloway")])
    with ctx.database.reading() as session:
        assert session.query(Batch).count() == session.query(BatchRow).count() == 0


def test_list_pages_complete_a_file_without_references_by_name_and_email(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = xero_draft(
        ctx, device_id, "Ada Wells,,ada@wells.example,,,,,,", "Mill Farm,,,,,,1 Mill Lane,Ripon,"
    )
    assert [draft.batch.id for draft in batches_open_to_append(ctx)] == [batch_id]
    told = page(
        ctx, device_id, batch_id,
        ListedContact(HOLLOWAY, name="Ada  WELLS", email="Ada@Wells.example"),
        ListedContact(OTHER, name="Mill Farm"),
    )  # fmt: skip
    assert told == (0, 2)
    rows = rows_of(ctx, batch_id)
    assert [(row.row.reference, row.row.completed_by) for row in rows] == [
        (HOLLOWAY, "email"), (OTHER, "name"),
    ]  # fmt: skip
    assert rows[1].row.address == "1 Mill Lane"
    assert overview(ctx, batch_id).batch.organisation == "!kR4N6"


@pytest.mark.parametrize(
    ("lines", "contact"),
    [
        (
            ("John Smith,,a@smith.example,,,,,,",),
            ListedContact(HOLLOWAY, name="John Smith", email="b@smith.example"),
        ),
        (("John Smith,,,,,,,,", "John Smith,,,,,,,,"), ListedContact(HOLLOWAY, name="John Smith")),
        (
            ("Ann Lee,,office@firm.example,,,,,,",),
            ListedContact(HOLLOWAY, name="Bob Lee", email="office@firm.example"),
        ),
    ],
    ids=["another email", "two of the name", "a shared mailbox"],
)
def test_what_could_be_two_people_completes_nothing(
    ctx: WorkspaceContext, device_id: int, lines: tuple[str, ...], contact: ListedContact
) -> None:
    batch_id = xero_draft(ctx, device_id, *lines)
    assert page(ctx, device_id, batch_id, contact) == (1, 0)


def test_a_second_contact_of_the_name_takes_the_first_ones_reference_off_the_row_again(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = xero_draft(ctx, device_id, "John Smith,,,,,,8 Mill Lane,Ripon,HG4 1AB")
    assert page(ctx, device_id, batch_id, ListedContact(HOLLOWAY, name="John Smith")) == (0, 1)
    assert page(ctx, device_id, batch_id, ListedContact(OTHER, name="John Smith")) == (1, 0)
    found = [(row.row.address, row.row.reference) for row in rows_of(ctx, batch_id)]
    assert found == [("8 Mill Lane", ""), ("", HOLLOWAY), ("", OTHER)]


def test_a_page_sent_again_with_its_key_is_told_the_same_and_makes_no_second_draft(
    ctx: WorkspaceContext, device_id: int
) -> None:
    contacts, key = [ListedContact(HOLLOWAY, name="Ada")], new_key()
    first = append_contacts(ctx, device_id, ListPage("xero", "!kR4N6", None, contacts), key=key)
    again = append_contacts(ctx, device_id, ListPage("xero", "!kR4N6", None, contacts), key=key)
    assert (again.batch.id, again.added) == (first.batch.id, 1)
    assert len(list_batches(ctx)) == 1
    with pytest.raises(IdempotencyKeyReused):
        append_contacts(
            ctx, device_id, ListPage("xero", "!kR4N6", None, [ListedContact(OTHER)]), key=key
        )


def test_a_page_that_does_not_tell_the_kind_brings_no_one_twice(
    ctx: WorkspaceContext, device_id: int
) -> None:
    told, untold = (
        ListedContact("12", kind="customer", name="Ann"),
        ListedContact("12", kind=None, name="Ann"),
    )
    first = append_contacts(ctx, device_id, ListPage("freeagent", "firm", None, [told, untold]))
    assert first.added == 1
    again = append_contacts(
        ctx, device_id, ListPage("freeagent", "firm", None, [untold]), first.batch.id
    )
    assert again.added == 0


def test_a_page_of_another_package_does_not_join_a_file(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = xero_draft(ctx, device_id, "Ada Wells,,,,,,,,")
    with pytest.raises(BatchNotFound):
        append_contacts(
            ctx, device_id, ListPage("freeagent", "", None, [ListedContact("12")]), batch_id
        )


def test_a_list_is_thrown_away_only_while_nothing_of_it_is_linked(
    ctx: WorkspaceContext, device_id: int
) -> None:
    batch_id = accepted(ctx, device_id, lines_of(ctx, 1))
    with ctx.database.writing() as session:
        session.query(Batch).one().state = BatchState.DONE
    with pytest.raises(InvalidBatchState):
        discard_batch(ctx, batch_id)
    with ctx.database.writing() as session:
        session.query(Batch).one().state = BatchState.REVIEW
    discard_batch(ctx, batch_id)
    with ctx.database.reading() as session:
        assert session.query(BatchRow).count() == 0


def test_a_reference_that_comes_after_matching_is_held_against_what_was_found(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    first, second, third = records_of(ctx)[:3]
    batch_id = xero_draft(
        ctx, device_id, *(
            f'"{one.label}",,,,,,"{one.address}",{one.town},{one.postcode}'
            for one in (first, second, third)
        ),
    )  # fmt: skip
    start_matching(ctx, device_id, batch_id, BOUND)
    match_waiting(ctx)
    assert {row.row.best for row in rows_of(ctx, batch_id)} == {
        first.public_id, second.public_id, third.public_id,
    }  # fmt: skip
    sandbox.put_reference(first.public_id, HOLLOWAY)
    sandbox.put_reference(second.public_id, OTHER)
    ctx.sync()
    references = (HOLLOWAY, "99999999-2222-4333-8444-555555555555", OTHER)
    contacts = [
        ListedContact(reference, name=one.label)
        for one, reference in zip((first, second, third), references, strict=True)
    ]
    assert page(ctx, device_id, batch_id, *contacts) == (0, 3)
    linked, other, elsewhere = (row.row for row in rows_of(ctx, batch_id))
    assert (linked.verdict, linked.best) == (Verdict.LINKED, first.public_id)
    assert (other.conflict or {})["code"] == "record-has-reference"
    assert elsewhere.conflict == {"code": "reference-elsewhere", "records": [second.public_id]}
