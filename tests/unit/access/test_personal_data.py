"""Personal data: everything about someone in one place, and gone for good when they ask."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from crmlink.access.audit.log import verify
from crmlink.access.context import Actor
from crmlink.access.devices import command_line_actor
from crmlink.access.errors import PersonNotFound
from crmlink.access.pairing import start_pairing
from crmlink.access.people import invite, remove_person
from crmlink.access.personal_data.subject import apply_retention, erase, export
from crmlink.access.preferences import Preferences, save_preferences
from crmlink.batches.contacts import ListedContact
from crmlink.batches.drafts import ListPage, append_contacts, list_batches
from crmlink.batches.writer import write_waiting
from crmlink.installation import Installation
from crmlink.linking.decisions import UndoDecision, confirm, find_link, undo
from crmlink.linking.errors import BatchNotFound
from crmlink.linking.overrides import Overrides
from crmlink.linking.suggest import holders
from crmlink.matching import Address
from crmlink.pseudonyms import Pseudonyms
from crmlink.store import Batch, BatchRow, Choice, Link, MirroredRecord, Pairing, RowState
from crmlink.store.base import utc_now
from crmlink.store.erased import ERASED
from crmlink.values.contact_details import ContactDetails
from crmlink.web.problems import problem_from_stored
from security.attack_fixture import everything
from support.access_factories import make_person, pair
from support.batch_factories import asked_for, lines_of, matched, rows_of
from support.browser_client import proven
from support.sandbox import HOLLOWAY, OCONNOR_HAS, OTHER, SandboxHandle, decision, new_key

EMAIL = "margaret.holloway@postbox.example"


@pytest.fixture
def actor(installation: Installation) -> Actor:
    return command_line_actor(installation.access)


def link_holloway(installation: Installation, actor: Actor) -> Link:
    contact = ListedContact(
        HOLLOWAY, kind="customer", name="Margaret Holloway", email=EMAIL, phones=("01632 960114",)
    )
    append_contacts(
        installation.workspace, actor.device.id, ListPage("xero", "!kR4N6", "customer", [contact])
    )
    return confirm(installation.workspace, decision(), new_key(), actor.device.id)


def test_an_export_has_what_is_kept_of_a_customer(installation: Installation, actor: Actor) -> None:
    link_holloway(installation, actor)
    kept = json.dumps(export(installation.access, EMAIL))
    for known in ("Orchard Close", "GL50 2TR", HOLLOWAY, "drafts", "01632 960114"):
        assert known in kept
    assert export(installation.access, "customer-1001")["links"]
    with pytest.raises(PersonNotFound):
        export(installation.access, "nobody@nowhere.example")


def test_an_erased_customer_does_not_come_back_and_their_link_can_still_be_undone(
    installation: Installation, actor: Actor, sandbox: SandboxHandle
) -> None:
    link = link_holloway(installation, actor)
    erased = erase(installation.access, actor, EMAIL)
    assert (erased.records, erased.links, erased.drafts) == (1, 1, 1)
    installation.workspace.sync()
    found = installation.workspace.index.matcher().suggest(
        ContactDetails(person="Margaret Holloway", email=EMAIL)
    )
    assert "customer-1001" not in [item.record_id for item in found.items]
    with installation.database.reading() as session:
        row = session.query(MirroredRecord).filter_by(kind="customer", number="1001").one()
    assert (row.name, row.email, row.postcode, row.phones) == ("", "", "", [])
    assert row.reference == HOLLOWAY
    assert find_link(installation.workspace, link.id).record_label == ERASED
    undo(installation.workspace, UndoDecision(link.id), new_key(), actor.device.id)
    assert sandbox.reference("customer-1001") is None
    assert "Holloway" not in json.dumps(export(installation.access, "customer-1001"))


def test_an_erased_colleague_leaves_only_what_they_did(
    installation: Installation, actor: Actor
) -> None:
    make_person(installation.access, "admin")
    person = make_person(installation.access, "admin", "Zebedee Quill")
    grant = pair(installation.access, person, "Zebedee's laptop")
    link = confirm(installation.workspace, decision(), new_key(), grant.device.id)
    assert "Zebedee" in json.dumps(export(installation.access, person.email))
    erase(installation.access, actor, person.email)
    assert find_link(installation.workspace, link.id).device.actor_name == ERASED
    with pytest.raises(PersonNotFound):
        export(installation.access, person.email)
    assert verify(installation.access).sound


def test_names_and_drafts_go_when_they_were_kept_long_enough(
    installation: Installation, actor: Actor
) -> None:
    link = link_holloway(installation, actor)
    save_preferences(
        installation.access, actor, Preferences(keep_names_days=30, keep_drafts_days=30)
    )
    assert apply_retention(installation.access).links == 0
    old = utc_now() - timedelta(days=31)
    with installation.database.writing() as session:
        session.execute(update(Link).values(settled_at=old))
        session.execute(update(Batch).values(created_at=old, updated_at=old))
    first, second = apply_retention(installation.access), apply_retention(installation.access)
    assert (first.links, first.drafts) == (1, 1)
    assert (second.links, second.drafts) == (0, 0)
    kept = find_link(installation.workspace, link.id)
    assert (kept.contact_name, kept.record_label, kept.target) == (ERASED, ERASED, HOLLOWAY)
    assert list_batches(installation.workspace) == []


def test_without_a_settlement_names_are_kept(installation: Installation, actor: Actor) -> None:
    link_holloway(installation, actor)
    with installation.database.writing() as session:
        session.execute(update(Link).values(settled_at=utc_now() - timedelta(days=3000)))
    assert apply_retention(installation.access).links == 0


def test_what_a_whole_list_knows_of_someone_goes_with_them_and_its_outcome_stays(
    installation: Installation, actor: Actor
) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    written = asked_for(ctx, device_id, lines_of(ctx, 2))
    write_waiting(ctx)
    reviewed = matched(ctx, device_id, lines_of(ctx, 4))
    first = rows_of(ctx, written)[0]
    assert first.chosen
    name = first.chosen.label
    assert name in json.dumps(export(installation.access, first.chosen.public_id))
    erase(installation.access, actor, first.chosen.public_id)
    emptied = rows_of(ctx, written)[0].row
    assert (emptied.name, emptied.address, emptied.suggestions) == (ERASED, "", [])
    assert emptied.state is RowState.SUCCESSFUL
    assert pseudonyms_of(installation).same(emptied.reference, first.row.reference)
    suggestions = [item for row in rows_of(ctx, reviewed) for item in row.row.suggestions]
    assert [item[3] for item in suggestions if item[0] == first.chosen.public_id] in ([], [[]])
    with installation.database.writing() as session:
        session.execute(update(Batch).values(updated_at=utc_now() - timedelta(days=40)))
    save_preferences(
        installation.access, actor, Preferences(keep_names_days=30, keep_drafts_days=30)
    )
    apply_retention(installation.access)
    assert [row.row.name for row in rows_of(ctx, written)] == [ERASED, ERASED]
    with pytest.raises(BatchNotFound):
        rows_of(ctx, reviewed)


def test_why_a_row_failed_names_no_one_who_was_erased(
    installation: Installation, actor: Actor, sandbox: SandboxHandle
) -> None:
    ctx = installation.workspace
    colleague = make_person(installation.access, name="Priya Raman")
    browser = pair(installation.access, colleague).device.id
    batch_id = asked_for(ctx, actor.device.id, lines_of(ctx, 2))
    first, second = rows_of(ctx, batch_id)
    taken = replace(decision("customer-1006", first.row.reference), package="sage_50")
    confirm(ctx, replace(taken, overrides=Overrides(replaces=OCONNOR_HAS)), new_key(), browser)
    write_waiting(ctx)

    def stored_failure() -> str:
        return json.dumps(rows_of(ctx, batch_id)[0].row.failure, ensure_ascii=False)

    holder = next(row.label for row in holders_of(installation, first.row.reference))
    assert holder in stored_failure()
    assert "Priya Raman" in stored_failure()
    erase(installation.access, actor, "customer-1006")
    assert holder not in stored_failure()
    erase(installation.access, actor, colleague.email)
    assert "Priya Raman" not in stored_failure()
    assert json.loads(stored_failure())["code"] == "reference-taken"
    assert problem_from_stored(json.loads(stored_failure())).detail
    assert rows_of(ctx, batch_id)[1].row.name == second.row.name


def pseudonyms_of(installation: Installation) -> Pseudonyms:
    return Pseudonyms(installation.settings.secret_key)


def holders_of(installation: Installation, reference: str) -> list[MirroredRecord]:
    with installation.database.reading() as session:
        return holders(session, installation.workspace.connection_id, reference)


def test_rows_without_an_email_are_found_by_name_reference_and_suggestion(
    installation: Installation, actor: Actor
) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    confirm(ctx, decision(), new_key(), device_id)
    contacts = [
        ListedContact(HOLLOWAY, kind="customer", name="M. Holloway"),
        ListedContact(OTHER, kind="customer", name="margaret holloway"),
        ListedContact(OCONNOR_HAS, kind="customer", name="Liam Stays"),
    ]
    append_contacts(ctx, device_id, ListPage("xero", "!kR4N6", "customer", contacts))
    erased = erase(installation.access, actor, "customer-1001")
    assert erased.drafts == 2
    with installation.database.reading() as session:
        assert [row.name for row in session.query(BatchRow)] == ["Liam Stays"]


def test_a_row_that_a_person_gave_to_another_record_is_not_the_erased_ones(
    installation: Installation, actor: Actor
) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    namesake = ListedContact(OTHER, kind="customer", name="Margaret Holloway")
    append_contacts(ctx, device_id, ListPage("xero", "!kR4N6", "customer", [namesake]))
    with installation.database.writing() as session:
        row = session.query(BatchRow).one()
        row.choice, row.record_id = Choice.RECORD, "customer-1006"
    assert erase(installation.access, actor, "customer-1001").drafts == 0


def test_who_was_removed_and_invited_again_is_erased_as_both(
    installation: Installation, actor: Actor
) -> None:
    first = make_person(installation.access, "clerk", "Zebedee Quill")
    start_pairing(installation.access, "Zebedee's Chrome", "127.0.0.1", proven("a key"))
    with installation.database.writing() as session:
        session.query(Pairing).update({"person_id": first.id, "device_name": "Zebedee's desk"})
    remove_person(installation.access, actor, first.public_id)
    invite(installation.access, actor, "Zebedee Quill", first.email, "clerk")
    erase(installation.access, actor, first.email)
    rows = everything(installation.database)
    assert ERASED in repr(rows["pairing"])
    assert "Zebedee" not in repr([rows["person"], rows["device"], rows["pairing"]])
    assert first.email not in repr(rows["person"])


def test_the_files_of_sqlite_hold_nothing_of_an_erased_record(
    installation: Installation, actor: Actor, tmp_path: Path
) -> None:
    if installation.database.engine.dialect.name != "sqlite":
        return  # PostgreSQL's own vacuum does it there

    def held() -> bool:
        files = tmp_path.glob("crmlink.sqlite*")
        return any(EMAIL.encode() in file.read_bytes() for file in files)

    assert held()
    erase(installation.access, actor, "customer-1001")
    assert not held()


def test_a_second_email_finds_what_is_kept_and_nothing_of_it_comes_back(
    installation: Installation, actor: Actor, sandbox: SandboxHandle
) -> None:
    ctx, second = installation.workspace, "meg@letterbox.example"
    site = Address("2 Site Lane", "Ripon", "HG4 1AB")
    contact = ListedContact(
        OTHER, kind="customer", name="M. Holloway", email="office@shared.example",
        other_emails=("Meg@Letterbox.example",), other_addresses=(site,),
    )  # fmt: skip
    append_contacts(ctx, actor.device.id, ListPage("xero", "!kR4N6", "customer", [contact]))
    with installation.database.writing() as session:
        record = session.query(MirroredRecord).filter_by(kind="customer", number="1001").one()
        record.other_emails, record.other_addresses = [second], [asdict(site)]
    for known in ("2 Site Lane", "Meg@Letterbox.example"):
        assert known in json.dumps(export(installation.access, second))
    erased = erase(installation.access, actor, second)
    assert (erased.records, erased.drafts) == (1, 1)
    ctx.sync()
    with installation.database.reading() as session:
        record = session.query(MirroredRecord).filter_by(kind="customer", number="1001").one()
        assert (record.email, record.other_emails, record.other_addresses) == ("", [], [])
        assert session.query(BatchRow).count() == 0
