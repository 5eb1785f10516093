"""Erasing finds all that is kept of a person, and nothing brings them back: whatever the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from crmlink.access.context import Actor
from crmlink.access.personal_data.batches import anonymise_finished_batches
from crmlink.access.personal_data.subject import erase, export
from crmlink.accounting.exports import reader
from crmlink.batches import execute_row, file_import, match_rows
from crmlink.batches.contacts import ListedContact
from crmlink.batches.control import retry_failed, start_writing
from crmlink.batches.drafts import ListPage, append_contacts
from crmlink.batches.match_job import match_waiting, start_matching
from crmlink.batches.review import ShownRow, accept
from crmlink.batches.rows import list_rows
from crmlink.batches.writer import write_waiting
from crmlink.installation import Installation
from crmlink.linking import decisions
from crmlink.linking.decisions import UndoDecision, confirm, find_link, undo
from crmlink.linking.overrides import Overrides
from crmlink.reports import duplicates
from crmlink.store import (
    Batch,
    BatchRow,
    BatchState,
    Choice,
    LinkState,
    MirroredRecord,
    RowState,
    SuspectedDuplicate,
)
from crmlink.store.base import utc_now
from crmlink.store.erased import ERASED
from support.batch_factories import Line, imported
from support.erasing import EMAIL, NAME, PACKAGE, where_kept
from support.sandbox import HOLLOWAY, SandboxHandle, decision, new_key

ZEB, ZEB_EMAIL = "Zebedee Quux", "zeb@quux.example"
BOUND = 0.998


def under_review(
    installation: Installation, actor: Actor, contacts: list[ListedContact], package: str = "xero"
) -> str:
    ctx, organisation = installation.workspace, "!kR4N6" if package == "xero" else ""
    kept = append_contacts(
        ctx, actor.device.id, ListPage(package, organisation, "customer", contacts)
    )
    start_matching(ctx, actor.device.id, kept.batch.id, BOUND)
    match_waiting(ctx)
    return kept.batch.id


def test_a_link_over_another_email_is_found_and_emptied(
    installation: Installation, actor: Actor
) -> None:
    seen = ({"field": "email", "contact": ZEB_EMAIL, "record": "x@y.example"},)
    made = decision("customer-1002", contact_name=ZEB, differences=seen)
    link = confirm(installation.workspace, made, new_key(), actor.device.id)
    assert [each["id"] for each in export(installation.access, ZEB_EMAIL)["links"]] == [link.id]
    assert erase(installation.access, actor, ZEB_EMAIL.upper()).links == 1
    assert where_kept(installation, ZEB, ZEB_EMAIL) == []
    assert find_link(installation.workspace, link.id).state is LinkState.LINKED


def test_the_email_of_a_record_goes_from_links_of_other_contacts(
    installation: Installation, actor: Actor
) -> None:
    """A record that has another email since: what differed then still tells the old one."""
    seen = ({"field": "email", "contact": "x@y.example", "record": EMAIL},)
    made = decision("customer-1002", contact_name="X Y", differences=seen)
    link = confirm(installation.workspace, made, new_key(), actor.device.id)
    erase(installation.access, actor, EMAIL)
    assert where_kept(installation, EMAIL) == []
    assert find_link(installation.workspace, link.id).contact_name == "X Y"


def test_a_row_leads_to_the_link_that_was_made_of_it(
    installation: Installation, actor: Actor
) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    batch_id = under_review(
        installation, actor, [ListedContact(HOLLOWAY, kind="customer", name=ZEB, email=ZEB_EMAIL)]
    )
    row = list_rows(ctx, batch_id)[0].row
    accept(ctx, device_id, ShownRow(batch_id, row.position, row.version), "customer-1002")
    start_writing(ctx, device_id, batch_id, 1)
    write_waiting(ctx)
    erased = erase(installation.access, actor, ZEB_EMAIL)
    assert (erased.drafts, erased.links, erased.records) == (1, 1, 0)
    assert where_kept(installation, ZEB, ZEB_EMAIL) == []


def test_an_erased_contact_is_linked_anew_without_its_name(
    installation: Installation, actor: Actor
) -> None:
    ctx, device_id, key = installation.workspace, actor.device.id, new_key()
    link = confirm(ctx, decision(), new_key(), device_id)
    undo(ctx, UndoDecision(link.id), new_key(), device_id)
    erase(installation.access, actor, EMAIL)
    assert where_kept(installation, NAME, EMAIL) == []
    seen = ({"field": "email", "contact": EMAIL, "record": "o@o.example"},)
    anew = decision("customer-1002", differences=seen)
    link = confirm(ctx, anew, key, device_id)
    assert link.state is LinkState.LINKED
    assert where_kept(installation, NAME, EMAIL) == []
    assert confirm(ctx, anew, key, device_id).id == link.id


def test_an_undo_that_began_before_brings_no_name_back(
    installation: Installation, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    seen = ({"field": "email", "contact": ZEB_EMAIL, "record": "x@y.example"},)
    made = decision("customer-1002", contact_name=ZEB, differences=seen)
    link = confirm(ctx, made, new_key(), device_id)
    checked = decisions._check_undo

    def late(*args: Any) -> Any:
        erase(installation.access, actor, ZEB_EMAIL)
        return checked(*args)

    monkeypatch.setattr(decisions, "_check_undo", late)
    assert undo(ctx, UndoDecision(link.id), new_key(), device_id).state is LinkState.LINKED
    assert where_kept(installation, ZEB) == []


def test_a_row_found_by_its_name_does_not_come_back_with_its_file(
    installation: Installation, actor: Actor
) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    lines = [Line("HOLL01", NAME), Line("STAYS", "Liam Stays")]
    imported(ctx, device_id, lines)
    assert erase(installation.access, actor, EMAIL).drafts == 1
    assert imported(ctx, device_id, lines).contacts == 1
    assert where_kept(installation, NAME) == []


def test_nor_a_row_of_which_only_the_name_is_known(
    installation: Installation, actor: Actor
) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    bare = [ListedContact("", kind="customer", name=NAME)]
    append_contacts(ctx, device_id, ListPage(PACKAGE, "", "customer", bare))
    assert erase(installation.access, actor, EMAIL).drafts == 1
    other = ListedContact("", kind="customer", name=NAME, email="another@person.example")
    kept = append_contacts(ctx, device_id, ListPage(PACKAGE, "", "customer", [*bare, other]))
    assert kept.contacts == 1  # a namesake with an email of their own


def test_nor_a_row_found_by_the_email_of_their_record(
    installation: Installation, actor: Actor
) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    rows = [ListedContact("HOLL9", kind="customer", name="Mrs M. Holloway", email=EMAIL)]
    append_contacts(ctx, device_id, ListPage("sage_50", "", "customer", rows))
    assert erase(installation.access, actor, "customer-1001").drafts == 1
    again = [*rows, ListedContact("HOLL8", kind="customer", name="Maggie", email=EMAIL)]
    append_contacts(ctx, device_id, ListPage("sage_50", "", "customer", again))
    assert where_kept(installation, EMAIL) == []


def test_an_email_that_other_records_share_takes_no_one_else_along(
    installation: Installation, actor: Actor
) -> None:
    ctx, device_id, shared = installation.workspace, actor.device.id, "office@agent.example"
    with installation.database.writing() as session:
        for number in ("1001", "1002"):
            record = session.query(MirroredRecord).filter_by(kind="customer", number=number).one()
            record.email = shared
    tenant = [ListedContact("TEN1", kind="customer", name="Another Tenant", email=shared)]
    append_contacts(ctx, device_id, ListPage("sage_50", "", "customer", tenant))
    assert erase(installation.access, actor, "customer-1001").drafts == 0
    append_contacts(ctx, device_id, ListPage("sage_50", "", "customer", tenant))
    assert "batch_row.email" in where_kept(installation, shared)


@pytest.mark.parametrize(
    ("linked_in", "listed_in"), [("!kR4N6", ""), ("", "!kR4N6"), ("!kR4N6", "!kR4N6")]
)
def test_a_linked_contact_does_not_return_from_a_source_with_or_without_organisation(
    installation: Installation, actor: Actor, linked_in: str, listed_in: str
) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    confirm(ctx, decision(organisation=linked_in), new_key(), device_id)
    erase(installation.access, actor, EMAIL)
    back = [ListedContact(HOLLOWAY, kind="customer", name=NAME)]
    append_contacts(ctx, device_id, ListPage("xero", listed_in, "customer", back))
    assert where_kept(installation, NAME) == []


def test_a_plain_number_of_another_organisation_is_another_contact(
    installation: Installation, actor: Actor
) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    made = decision(reference="17", package="freeagent", organisation="acme")
    confirm(ctx, made, new_key(), device_id)
    erase(installation.access, actor, EMAIL)
    back = [
        ListedContact("17", kind="customer", name="Some Body"),
        ListedContact("18", kind="customer", name="Else"),
    ]
    assert (
        append_contacts(ctx, device_id, ListPage("freeagent", "", "customer", back)).contacts == 2
    )
    same = [ListedContact("17", kind="customer", name=NAME)]
    assert (
        append_contacts(ctx, device_id, ListPage("freeagent", "", "customer", same)).contacts == 0
    )


def test_two_rows_whose_references_differ_in_case_are_erased(
    installation: Installation, actor: Actor
) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    twins = [
        ListedContact(name, kind="customer", name=NAME, email=EMAIL)
        for name in (NAME, NAME.upper())
    ]
    batch_id = under_review(installation, actor, twins, PACKAGE)
    for record_id in ("customer-1001", "customer-1002"):
        row = next(each.row for each in list_rows(ctx, batch_id) if not each.row.record_id)
        accept(ctx, device_id, ShownRow(batch_id, row.position, row.version), record_id)
    start_writing(ctx, device_id, batch_id, 2)
    write_waiting(ctx)  # one is linked, the other fails: the reference is taken
    erase(installation.access, actor, EMAIL)
    assert where_kept(installation, NAME, EMAIL) == []
    kept = {each.row.reference for each in list_rows(ctx, batch_id)}
    assert len(kept) == 2
    retry_failed(ctx, device_id, batch_id)
    write_waiting(ctx)  # what is hidden is no reference: nothing of it is written
    assert {each.row.reference for each in list_rows(ctx, batch_id)} == kept


def test_someone_erased_while_a_file_is_read_stays_out(
    installation: Installation, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = reader.read_contacts

    def slowly(*args: Any) -> Iterator[Any]:
        for number, row in enumerate(read(*args)):
            if number == 1:
                erase(installation.access, actor, EMAIL)
            yield row

    monkeypatch.setattr(file_import, "CHUNK_SIZE", 1)
    monkeypatch.setattr(file_import, "read_contacts", slowly)
    lines = [
        Line("A1", "Liam Stays"),
        Line("A2", "Lia Stays"),
        Line("HOLL01", NAME, postcode="GL502TR", phone="01632 960114"),
    ]
    assert imported(installation.workspace, actor.device.id, lines).contacts == 2
    assert where_kept(installation, NAME) == []


@pytest.mark.parametrize("own", [True, False])
def test_someone_erased_while_a_list_is_matched_stops_nothing_and_stays_out(
    installation: Installation, actor: Actor, monkeypatch: pytest.MonkeyPatch, own: bool
) -> None:
    """Own: a row of the list is theirs and goes. Else: their record was offered for another."""
    some = [
        ListedContact(
            "H1",
            kind="customer",
            name="Margret Holloway & Sons",
            phones=("01632 960114",),
        )
    ]
    some += [ListedContact("H2", kind="customer", name=NAME, email=EMAIL)] * own
    store, done = match_rows._store, list[Any]()

    def late(*args: Any) -> None:
        if not done:
            done.append(erase(installation.access, actor, EMAIL))
        store(*args)

    monkeypatch.setattr(match_rows, "_store", late)
    batch_id = under_review(installation, actor, some, "sage_50")
    with installation.database.reading() as session:
        batch = session.get_one(Batch, batch_id)
        assert (batch.state, batch.last_error) == (BatchState.REVIEW, None)
        rows = session.query(BatchRow).all()
        assert len(rows) == 1
        assert rows[0].suggestions
        assert "Margaret" not in str(rows[0].suggestions)


def test_a_record_that_becomes_theirs_is_not_read(installation: Installation, actor: Actor) -> None:
    """Erased over a list; later Commusoft's record is given their name and email."""
    ctx = installation.workspace
    row = [ListedContact("HOLL9", kind="customer", name=NAME, email=EMAIL)]
    with installation.database.writing() as session:
        record = session.query(MirroredRecord).filter_by(kind="customer", number="1001").one()
        record.name, record.email, record.company = "Old Tenant", "old@tenant.example", ""
    append_contacts(ctx, actor.device.id, ListPage("sage_50", "", "customer", row))
    erase(installation.access, actor, EMAIL)
    ctx.sync(full=True)
    assert where_kept(installation, EMAIL) == []


def test_rows_that_only_grew_old_keep_their_reference(
    installation: Installation, actor: Actor
) -> None:
    ctx, access = installation.workspace, installation.access
    contact = ListedContact(
        "BROW01", kind="customer", name="Bill Brown", email="bill@brown.example"
    )
    append_contacts(ctx, actor.device.id, ListPage("sage_50", "", "customer", [contact]))
    with installation.database.writing() as session:
        row = session.query(BatchRow).one()
        row.state, row.choice, row.record_id = RowState.FAILED, Choice.RECORD, "customer-1003"
        session.query(Batch).one().state = BatchState.DONE
        session.flush()
        anonymise_finished_batches(session, access.workspace_id, utc_now() + timedelta(days=1))
    erase(access, actor, EMAIL)  # Margaret Holloway
    with installation.database.reading() as session:
        kept = session.query(BatchRow).one()
        assert (kept.name, kept.reference) == (ERASED, "BROW01")
    retry_failed(ctx, actor.device.id, kept.batch_id)
    write_waiting(ctx)
    with installation.database.reading() as session:
        kept = session.query(BatchRow).one()
        assert (kept.state, kept.reference) == (RowState.SUCCESSFUL, "BROW01")


def test_a_waiting_row_hides_its_reference_once_it_is_settled(
    installation: Installation, actor: Actor, sandbox: SandboxHandle
) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    batch_id = under_review(
        installation,
        actor,
        [ListedContact(ZEB, kind="customer", name=ZEB, email=ZEB_EMAIL)],
        PACKAGE,
    )
    row = list_rows(ctx, batch_id)[0].row
    accept(ctx, device_id, ShownRow(batch_id, row.position, row.version), "customer-1002")
    start_writing(ctx, device_id, batch_id, 1)
    erase(installation.access, actor, ZEB_EMAIL)
    assert where_kept(installation, ZEB) == ["batch_row.reference"]  # it is still to be written
    write_waiting(ctx)
    assert sandbox.reference("customer-1002") == ZEB  # the decision is not lost
    assert where_kept(installation, ZEB, ZEB_EMAIL) == []


def test_why_a_row_failed_names_no_record_erased_meanwhile(
    installation: Installation, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failure was found before the erasing and is noted after it."""
    ctx, device_id = installation.workspace, actor.device.id
    confirm(ctx, decision(), new_key(), device_id)
    taken = [ListedContact(HOLLOWAY, kind="customer", name="Some Body", email="some@body.example")]
    batch_id = under_review(installation, actor, taken)
    row = list_rows(ctx, batch_id)[0].row
    agreed = Overrides(also_on=frozenset({"customer-1001"}))
    accept(ctx, device_id, ShownRow(batch_id, row.position, row.version), "customer-1002", agreed)
    with installation.database.writing() as session:
        session.query(BatchRow).one().agreed = {}  # the holder is new to anyone who accepted
    dump = execute_row.dump_params

    def late(facts: Any) -> Any:
        found = dump(facts)
        erase(installation.access, actor, EMAIL)
        return found

    monkeypatch.setattr(execute_row, "dump_params", late)
    start_writing(ctx, device_id, batch_id, 1)
    write_waiting(ctx)
    with installation.database.reading() as session:
        failure = session.query(BatchRow).one().failure
    assert failure is not None
    assert (failure["code"], failure["holders"]) == ("reference-taken", [ERASED])


def test_records_that_look_alike_bring_no_reasons_of_an_erased_one_back(
    installation: Installation, actor: Actor
) -> None:
    ctx = installation.workspace
    erase(installation.access, actor, "customer-1001")
    reasons = [["customer-1002", 0.9, False, [["same_name", True, {"name": NAME}]]]]
    other = [["x", 0.9, False, []]]
    pairs = [("customer-1001", "customer-1002", 0.9, reasons)]
    duplicates._store(ctx, [*pairs, ("customer-1002", "customer-1003", 0.9, other)])
    assert where_kept(installation, NAME) == []
    with installation.database.reading() as session:
        assert [pair.first_id for pair in session.query(SuspectedDuplicate)] == ["customer-1002"]
