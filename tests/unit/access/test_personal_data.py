"""Personal data: everything about somebody in one place, and gone for good when they ask."""

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
from crmlink.access.errors import PersonUnknown
from crmlink.access.pairing import begin_pairing
from crmlink.access.people import invite, remove_person
from crmlink.access.personal_data.subject import apply_retention, erase, export
from crmlink.access.preferences import Preferences, save_preferences
from crmlink.batches.contacts import ListedContact
from crmlink.batches.drafts import collect, list_batches
from crmlink.batches.writer import write_waiting
from crmlink.installation import House
from crmlink.linking.decisions import confirm, find_link, undo
from crmlink.linking.errors import BatchUnknown
from crmlink.linking.overrides import Overrides
from crmlink.linking.suggest import holders
from crmlink.matching import Address, Details
from crmlink.pseudonyms import Pseudonyms
from crmlink.store import Batch, BatchRow, Choice, Link, MirroredRecord, Pairing, RowState
from crmlink.store.base import now
from crmlink.store.hidden_references import ERASED
from crmlink.web.problems import problem_kept
from security.attack_fixture import everything
from support.access_factories import make_person, pair
from support.batch_factories import asked_for, lines_of, matched, rows_of
from support.browser_client import proven
from support.sandbox import HOLLOWAY, OCONNOR_HAS, OTHER, Playing, decision, new_key

EMAIL = "margaret.holloway@postbox.example"


@pytest.fixture
def actor(house: House) -> Actor:
    return command_line_actor(house.office)


def link_holloway(house: House, actor: Actor) -> Link:
    contact = ListedContact(HOLLOWAY, "customer", "Margaret Holloway", EMAIL, ("01632 960114",))
    collect(house.desk, actor.device.id, "xero", "!kR4N6", "customer", [contact])
    return confirm(house.desk, decision(), new_key(), actor.device.id)


def test_an_export_has_what_is_kept_of_a_customer(house: House, actor: Actor) -> None:
    link_holloway(house, actor)
    kept = json.dumps(export(house.office, EMAIL))
    for known in ("Orchard Close", "GL50 2TR", HOLLOWAY, "drafts", "01632 960114"):
        assert known in kept
    assert export(house.office, "customer-1001")["links"]
    with pytest.raises(PersonUnknown):
        export(house.office, "nobody@nowhere.example")


def test_an_erased_customer_does_not_come_back_and_their_link_can_still_be_undone(
    house: House, actor: Actor, sandbox: Playing
) -> None:
    link = link_holloway(house, actor)
    erased = erase(house.office, actor, EMAIL)
    assert (erased.records, erased.links, erased.drafts) == (1, 1, 1)
    house.desk.sync()
    found = house.desk.index.matcher().suggest(Details(name="Margaret Holloway", email=EMAIL))
    assert "customer-1001" not in [item.record_id for item in found.items]
    with house.database.reading() as session:
        row = session.query(MirroredRecord).filter_by(kind="customer", number="1001").one()
    assert (row.name, row.email, row.postcode, row.phones) == ("", "", "", [])
    assert row.reference == HOLLOWAY
    assert find_link(house.desk, link.id).record_label == ERASED
    undo(house.desk, link.id, new_key(), actor.device.id, frozenset())
    assert sandbox.reference("customer-1001") is None
    assert "Holloway" not in json.dumps(export(house.office, "customer-1001"))


def test_an_erased_colleague_leaves_only_what_they_did(house: House, actor: Actor) -> None:
    make_person(house.office, "admin")
    person = make_person(house.office, "admin", "Zebedee Quill")
    grant = pair(house.office, person, "Zebedee's laptop")
    link = confirm(house.desk, decision(), new_key(), grant.device.id)
    assert "Zebedee" in json.dumps(export(house.office, person.email))
    erase(house.office, actor, person.email)
    assert find_link(house.desk, link.id).device.who == ERASED
    with pytest.raises(PersonUnknown):
        export(house.office, person.email)
    assert verify(house.office).sound


def test_names_and_drafts_go_when_they_were_kept_long_enough(house: House, actor: Actor) -> None:
    link = link_holloway(house, actor)
    save_preferences(house.office, actor, Preferences(keep_names_days=30, keep_drafts_days=30))
    assert apply_retention(house.office).links == 0
    old = now() - timedelta(days=31)
    with house.database.writing() as session:
        session.execute(update(Link).values(settled_at=old))
        session.execute(update(Batch).values(created_at=old, changed_at=old))
    first, second = apply_retention(house.office), apply_retention(house.office)
    assert (first.links, first.drafts) == (1, 1)
    assert (second.links, second.drafts) == (0, 0)
    kept = find_link(house.desk, link.id)
    assert (kept.contact_name, kept.record_label, kept.target) == (ERASED, ERASED, HOLLOWAY)
    assert list_batches(house.desk) == []


def test_without_a_settlement_names_are_kept(house: House, actor: Actor) -> None:
    link_holloway(house, actor)
    with house.database.writing() as session:
        session.execute(update(Link).values(settled_at=now() - timedelta(days=3000)))
    assert apply_retention(house.office).links == 0


def test_what_a_whole_list_knows_of_somebody_goes_with_them_and_its_outcome_stays(
    house: House, actor: Actor
) -> None:
    desk, device_id = house.desk, actor.device.id
    written = asked_for(desk, device_id, lines_of(desk, 2))
    write_waiting(desk)
    reviewed = matched(desk, device_id, lines_of(desk, 4))
    first = rows_of(desk, written)[0]
    assert first.chosen
    name = first.chosen.label
    assert name in json.dumps(export(house.office, first.chosen.public_id))
    erase(house.office, actor, first.chosen.public_id)
    emptied = rows_of(desk, written)[0].row
    assert (emptied.name, emptied.address, emptied.suggestions) == (ERASED, "", [])
    assert emptied.state is RowState.SUCCESSFUL
    assert pseudonyms_of_desk(house).same(emptied.reference, first.row.reference)
    told = [item for row in rows_of(desk, reviewed) for item in row.row.suggestions]
    assert [item[3] for item in told if item[0] == first.chosen.public_id] in ([], [[]])
    with house.database.writing() as session:
        session.execute(update(Batch).values(changed_at=now() - timedelta(days=40)))
    save_preferences(house.office, actor, Preferences(keep_names_days=30, keep_drafts_days=30))
    apply_retention(house.office)
    assert [row.row.name for row in rows_of(desk, written)] == [ERASED, ERASED]
    with pytest.raises(BatchUnknown):
        rows_of(desk, reviewed)


def test_why_a_row_failed_names_nobody_who_was_erased(
    house: House, actor: Actor, sandbox: Playing
) -> None:
    desk = house.desk
    colleague = make_person(house.office, name="Priya Raman")
    browser = pair(house.office, colleague).device.id
    batch_id = asked_for(desk, actor.device.id, lines_of(desk, 2))
    first, second = rows_of(desk, batch_id)
    taken = replace(decision("customer-1006", first.row.reference), package="sage_50")
    confirm(desk, replace(taken, overrides=Overrides(replaces=OCONNOR_HAS)), new_key(), browser)
    write_waiting(desk)

    def told() -> str:
        return json.dumps(rows_of(desk, batch_id)[0].row.failure, ensure_ascii=False)

    holder = next(row.label for row in holders_of(house, first.row.reference))
    assert holder in told()
    assert "Priya Raman" in told()
    erase(house.office, actor, "customer-1006")
    assert holder not in told()
    erase(house.office, actor, colleague.email)
    assert "Priya Raman" not in told()
    assert json.loads(told())["code"] == "reference-taken"
    assert problem_kept(json.loads(told())).detail
    assert rows_of(desk, batch_id)[1].row.name == second.row.name


def pseudonyms_of_desk(house: House) -> Pseudonyms:
    return Pseudonyms(house.settings.secret_key)


def holders_of(house: House, reference: str) -> list[MirroredRecord]:
    with house.database.reading() as session:
        return holders(session, house.desk.connection_id, reference)


def test_rows_without_an_email_are_found_by_name_reference_and_suggestion(
    house: House, actor: Actor
) -> None:
    desk, device_id = house.desk, actor.device.id
    confirm(desk, decision(), new_key(), device_id)
    contacts = [
        ListedContact(HOLLOWAY, "customer", "M. Holloway", "", ()),
        ListedContact(OTHER, "customer", "margaret holloway", "", ()),
        ListedContact(OCONNOR_HAS, "customer", "Liam Stays", "", ()),
    ]
    collect(desk, device_id, "xero", "!kR4N6", "customer", contacts)
    erased = erase(house.office, actor, "customer-1001")
    assert erased.drafts == 2
    with house.database.reading() as session:
        assert [row.name for row in session.query(BatchRow)] == ["Liam Stays"]


def test_a_row_that_a_person_gave_to_another_record_is_not_the_erased_ones(
    house: House, actor: Actor
) -> None:
    desk, device_id = house.desk, actor.device.id
    namesake = ListedContact(OTHER, "customer", "Margaret Holloway", "", ())
    collect(desk, device_id, "xero", "!kR4N6", "customer", [namesake])
    with house.database.writing() as session:
        row = session.query(BatchRow).one()
        row.choice, row.record_id = Choice.RECORD, "customer-1006"
    assert erase(house.office, actor, "customer-1001").drafts == 0


def test_who_was_removed_and_invited_again_is_erased_as_both(house: House, actor: Actor) -> None:
    first = make_person(house.office, "clerk", "Zebedee Quill")
    begin_pairing(house.office, "Zebedee's Chrome", "127.0.0.1", proven("a key"))
    with house.database.writing() as session:
        session.query(Pairing).update({"person_id": first.id, "device_name": "Zebedee's desk"})
    remove_person(house.office, actor, first.public_id)
    invite(house.office, actor, "Zebedee Quill", first.email, "clerk")
    erase(house.office, actor, first.email)
    rows = everything(house.database)
    assert ERASED in repr(rows["pairing"])
    assert "Zebedee" not in repr([rows["person"], rows["device"], rows["pairing"]])
    assert first.email not in repr(rows["person"])


def test_the_files_of_sqlite_hold_nothing_of_an_erased_record(
    house: House, actor: Actor, tmp_path: Path
) -> None:
    if house.database.engine.dialect.name != "sqlite":
        return  # PostgreSQL's own vacuum does it there

    def held() -> bool:
        files = tmp_path.glob("crmlink.sqlite*")
        return any(EMAIL.encode() in file.read_bytes() for file in files)

    assert held()
    erase(house.office, actor, "customer-1001")
    assert not held()


def test_a_second_email_finds_what_is_kept_and_nothing_of_it_comes_back(
    house: House, actor: Actor, sandbox: Playing
) -> None:
    desk, second = house.desk, "meg@letterbox.example"
    site = Address("2 Site Lane", "Ripon", "HG4 1AB")
    contact = ListedContact(
        OTHER, "customer", "M. Holloway", "office@shared.example", (),
        other_emails=("Meg@Letterbox.example",), other_addresses=(site,),
    )  # fmt: skip
    collect(desk, actor.device.id, "xero", "!kR4N6", "customer", [contact])
    with house.database.writing() as session:
        record = session.query(MirroredRecord).filter_by(kind="customer", number="1001").one()
        record.other_emails, record.other_addresses = [second], [asdict(site)]
    for known in ("2 Site Lane", "Meg@Letterbox.example"):
        assert known in json.dumps(export(house.office, second))
    erased = erase(house.office, actor, second)
    assert (erased.records, erased.drafts) == (1, 1)
    desk.sync()
    with house.database.reading() as session:
        record = session.query(MirroredRecord).filter_by(kind="customer", number="1001").one()
        assert (record.email, record.other_emails, record.other_addresses) == ("", [], [])
        assert session.query(BatchRow).count() == 0
