"""Personal data: everything about somebody in one place, and gone for good when they ask."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import update

from crmlink.access.devices import command_line_actor
from crmlink.access.failures import PersonUnknown
from crmlink.access.office import Actor
from crmlink.access.personal import ERASED, apply_retention, erase, export
from crmlink.access.preferences import Preferences, save_preferences
from crmlink.access.trail import verify
from crmlink.house import House
from crmlink.linking.batches import ListedContact, collect, list_batches
from crmlink.linking.decide import confirm, find_link, undo
from crmlink.matching import Details
from crmlink.store import Batch, Link, MirroredRecord
from crmlink.store.models import now
from entering import make_person, pair
from playing import HOLLOWAY, Playing, decision, new_key

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
        session.execute(update(Batch).values(created_at=old))
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
