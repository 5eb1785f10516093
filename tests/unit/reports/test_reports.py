"""What the overview and the lists of links and records rest on, on both kinds of database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crmlink.installation import House
from crmlink.linking.decisions import confirm, undo
from crmlink.reports.link_health import mirror_state, shares, unfinished
from crmlink.reports.links import LinkFilter, link_story, list_links, people_who_linked
from crmlink.reports.records import RecordFilter, list_records, record_with_links
from crmlink.store import Link, LinkState, WorkspaceConnection
from crmlink.store.models import now
from support.access_factories import make_person, page_actor
from support.sample_data import REFERENCE, Scene, furnish
from support.sandbox import Playing, decision, new_key


@pytest.fixture
def scene(house: House, sandbox: Playing) -> Scene:
    return furnish(house, sandbox)


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
        connection = session.get_one(WorkspaceConnection, house.desk.connection_id)
        connection.synced_at = now() - timedelta(hours=2)
    assert mirror_state(house.desk, 30).old
    assert not mirror_state(house.desk, 59).old


def test_links_are_found_by_every_filter_at_once(house: House, scene: Scene) -> None:
    today = scene.linked.created_at.astimezone().date()
    wanted = LinkFilter(
        search="owusu 8",
        state=LinkState.LINKED,
        kind="customer",
        package="xero",
        person=scene.clerk.public_id,
        since=today,
        until=today,
    )
    found = list_links(house.desk, wanted)
    assert [link.target for link in found.rows] == [REFERENCE.format(8)]
    tomorrow = today + timedelta(days=1)
    assert list_links(house.desk, LinkFilter(since=tomorrow)).total == 0
    assert list_links(house.desk, LinkFilter(until=tomorrow)).total == 11


def test_who_linked_is_told_by_name(house: House, scene: Scene) -> None:
    names = [person.name for person in people_who_linked(house.desk)]
    assert names == ["Anna Whitcombe", "Marcus Bello"]


def test_a_link_is_told_with_what_undid_it_and_an_undo_with_what_it_undid(
    house: House, scene: Scene
) -> None:
    story = link_story(house.desk, scene.undone.id)
    assert story.undone_by
    back = link_story(house.desk, story.undone_by.id)
    assert back.undoes
    assert back.undoes.id == scene.undone.id
    assert story.record
    assert story.record.public_id == "customer-1001"
    _, links = record_with_links(house.desk, "customer-1001")
    assert [link.id for link in links] == [scene.linked.id, story.undone_by.id, scene.undone.id]


def test_records_come_by_name_and_split_into_linked_and_not(house: House, scene: Scene) -> None:
    totals = [
        list_records(house.desk, RecordFilter(linked=linked)).total
        for linked in (None, True, False)
    ]
    assert totals[0] == totals[1] + totals[2]
    assert totals[1] == sum(share.linked for share in shares(house.desk))
    found = list_records(house.desk, RecordFilter("john smith", "customer", linked=False))
    assert found.rows
    assert {row.reference for row in found.rows} == {None}
