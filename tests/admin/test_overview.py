"""The overview: how much is linked, and what waits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from admin.scene import Scene
from admin.visitor import Visitor, visit_as
from crmlink.commusoft.errors import CommusoftUnreachable
from crmlink.house import House
from crmlink.linking.decide import confirm, undo
from crmlink.linking.reports import mirror_state, shares, unfinished
from crmlink.store import Link, MirroredRecord, Workspace
from crmlink.store.models import now
from entering import make_person, page_actor
from playing import Playing, decision, new_key


def test_records_count_as_linked_when_they_carry_a_reference_by_us_or_from_before(
    house: House, sandbox: Playing
) -> None:
    before = {share.kind: share for share in shares(house.desk)}
    assert before["customer"].by_crmlink == 0
    assert 0 < before["customer"].linked < before["customer"].of
    device = page_actor(house.office, make_person(house.office)).device
    link = confirm(house.desk, decision(), new_key(), device.id)
    linked = {share.kind: share for share in shares(house.desk)}
    assert linked["customer"].linked == before["customer"].linked + 1
    assert linked["customer"].by_crmlink == 1
    assert linked["supplier"] == before["supplier"]
    undo(house.desk, link.id, new_key(), device.id, frozenset())
    assert {share.kind: share for share in shares(house.desk)} == before


def test_a_reference_that_somebody_replaced_in_commusoft_is_not_ours_any_more(
    house: House, sandbox: Playing
) -> None:
    device = page_actor(house.office, make_person(house.office)).device
    confirm(house.desk, decision(), new_key(), device.id)
    sandbox.put_reference("customer-1001", "BY-HAND-1")
    house.desk.sync()
    customer = shares(house.desk)[0]
    assert customer.by_crmlink == 0
    assert customer.before == customer.linked


def test_what_waits_is_what_ended_badly_or_not_at_all(house: House, scene: Scene) -> None:
    waiting = unfinished(house.desk)
    assert [link.id for link in waiting.conflicts] == [scene.conflict.id]
    assert [link.id for link in waiting.failed] == [scene.failed.id]
    assert [link.id for link in waiting.hanging] == [scene.hanging.id]


def test_a_failed_link_waits_no_more_once_the_contact_is_linked_or_the_reference_put_in_by_hand(
    house: House, scene: Scene, sandbox: Playing
) -> None:
    failed, conflict = scene.failed, scene.conflict
    confirm(
        house.desk,
        decision(failed.record_id, failed.reference, contact_name="Ohm"),
        new_key(),
        scene.browser.id,
    )
    assert unfinished(house.desk).failed == ()
    assert conflict.target
    sandbox.put_reference(conflict.record_id, conflict.target)
    house.desk.sync()
    assert unfinished(house.desk).conflicts == ()


def test_a_record_that_is_gone_waits_for_nobody(
    house: House, scene: Scene, sandbox: Playing
) -> None:
    sandbox.delete(scene.conflict.record_id)
    house.desk.sync()
    assert unfinished(house.desk).conflicts == ()


def test_a_link_that_has_just_begun_does_not_hang_yet(house: House, scene: Scene) -> None:
    with house.database.writing() as session:
        row = session.get_one(Link, scene.hanging.id)
        row.attempt_id, row.created_at = "somebody works on it", now()
    assert unfinished(house.desk).hanging == ()


def test_the_mirror_is_old_when_several_syncs_were_missed(house: House) -> None:
    assert not mirror_state(house.desk, 30).old
    with house.database.writing() as session:
        session.get_one(Workspace, house.desk.workspace_id).synced_at = now() - timedelta(hours=2)
    assert mirror_state(house.desk, 30).old
    assert not mirror_state(house.desk, 59).old


def test_the_page_tells_an_admin_all_of_it_and_a_clerk_what_concerns_a_clerk(
    admin: Visitor, clerk: Visitor, house: House
) -> None:
    both = ("Conflicts", "Failed links", "Links on their way", "Lists kept as drafts")
    admins = ("Browsers that wait for you", "Tokens that end soon")
    for_admin, for_clerk = admin.read("/"), clerk.read("/")
    assert all(words in for_admin for words in both + admins)
    assert all(words in for_clerk for words in both)
    assert not any(words in for_clerk for words in admins)
    customer = shares(house.desk)[0]
    assert f"{customer.linked} of {customer.of}" in for_admin
    assert f"{customer.by_crmlink} by crmlink" in for_admin


def test_a_commusoft_that_does_not_answer_is_said(
    admin: Visitor, house: House, sandbox: Playing
) -> None:
    assert "cannot be reached" not in admin.read("/")
    sandbox.stop()
    with pytest.raises(CommusoftUnreachable):
        house.desk.commusoft.record("customer", "1001")
    assert "Commusoft cannot be reached" in admin.read("/")
    assert "Commusoft cannot be reached" in admin.read("/commusoft")


def test_an_empty_house_says_what_to_do_next(app: Flask, house: House) -> None:
    with house.database.writing() as session:
        session.query(MirroredRecord).delete()
    visitor = visit_as(app, house, make_person(house.office))
    page = visitor.read("/")
    assert "No links yet" in page
    assert "Nothing waits for you" in page
    assert "No customer is known yet" in page
    assert "No records yet" in visitor.read("/records")
    assert "Four steps lead to the first one" in visitor.read("/links")
