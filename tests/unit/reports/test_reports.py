"""What the overview and the lists of links and records rest on, on both kinds of database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crmlink.installation import Installation
from crmlink.linking.decisions import UndoDecision, confirm, undo
from crmlink.reports.link_health import mirror_state, shares, unfinished
from crmlink.reports.links import LinkFilter, link_history, list_links, people_who_linked
from crmlink.reports.records import RecordFilter, list_records, record_with_links
from crmlink.store import Link, LinkState, WorkspaceConnection
from crmlink.store.base import utc_now
from support.access_factories import make_person, page_actor
from support.sample_data import REFERENCE, SampleData, populate
from support.sandbox import SandboxHandle, decision, new_key


@pytest.fixture
def sample(installation: Installation, sandbox: SandboxHandle) -> SampleData:
    return populate(installation, sandbox)


def test_records_count_as_linked_when_they_carry_a_reference_by_us_or_from_before(
    installation: Installation, sandbox: SandboxHandle
) -> None:
    before = {share.kind: share for share in shares(installation.workspace)}
    assert before["customer"].by_crmlink == 0
    assert 0 < before["customer"].linked < before["customer"].of
    device = page_actor(installation.access, make_person(installation.access)).device
    link = confirm(installation.workspace, decision(), new_key(), device.id)
    linked = {share.kind: share for share in shares(installation.workspace)}
    assert linked["customer"].linked == before["customer"].linked + 1
    assert linked["customer"].by_crmlink == 1
    assert linked["supplier"] == before["supplier"]
    undo(installation.workspace, UndoDecision(link.id), new_key(), device.id)
    assert {share.kind: share for share in shares(installation.workspace)} == before


def test_a_reference_that_someone_replaced_in_commusoft_is_not_ours_any_more(
    installation: Installation, sandbox: SandboxHandle
) -> None:
    device = page_actor(installation.access, make_person(installation.access)).device
    confirm(installation.workspace, decision(), new_key(), device.id)
    sandbox.put_reference("customer-1001", "BY-HAND-1")
    installation.workspace.sync()
    customer = shares(installation.workspace)[0]
    assert customer.by_crmlink == 0
    assert customer.before == customer.linked


def test_what_waits_is_what_ended_badly_or_not_at_all(
    installation: Installation, sample: SampleData
) -> None:
    waiting = unfinished(installation.workspace)
    assert [link.id for link in waiting.conflicts] == [sample.conflict.id]
    assert [link.id for link in waiting.failed] == [sample.failed.id]
    assert [link.id for link in waiting.stalled] == [sample.hanging.id]


def test_a_failed_link_waits_no_more_once_the_contact_is_linked_or_the_reference_put_in_by_hand(
    installation: Installation, sample: SampleData, sandbox: SandboxHandle
) -> None:
    failed, conflict = sample.failed, sample.conflict
    confirm(
        installation.workspace,
        decision(failed.record_id, failed.reference, contact_name="Ohm"),
        new_key(),
        sample.browser.id,
    )
    assert unfinished(installation.workspace).failed == ()
    assert conflict.target
    sandbox.put_reference(conflict.record_id, conflict.target)
    installation.workspace.sync()
    assert unfinished(installation.workspace).conflicts == ()


def test_a_record_that_is_gone_waits_for_no_one(
    installation: Installation, sample: SampleData, sandbox: SandboxHandle
) -> None:
    sandbox.delete(sample.conflict.record_id)
    installation.workspace.sync()
    assert unfinished(installation.workspace).conflicts == ()


def test_a_link_that_has_just_begun_does_not_hang_yet(
    installation: Installation, sample: SampleData
) -> None:
    with installation.database.writing() as session:
        row = session.get_one(Link, sample.hanging.id)
        row.attempt_id, row.created_at = "someone works on it", utc_now()
    assert unfinished(installation.workspace).stalled == ()


def test_the_mirror_is_old_when_several_syncs_were_missed(installation: Installation) -> None:
    assert not mirror_state(installation.workspace, 30).is_stale
    with installation.database.writing() as session:
        connection = session.get_one(WorkspaceConnection, installation.workspace.connection_id)
        connection.synced_at = utc_now() - timedelta(hours=2)
    assert mirror_state(installation.workspace, 30).is_stale
    assert not mirror_state(installation.workspace, 59).is_stale


def test_links_are_found_by_every_filter_at_once(
    installation: Installation, sample: SampleData
) -> None:
    today = sample.linked.created_at.astimezone().date()
    wanted = LinkFilter(
        search="owusu 8",
        state=LinkState.LINKED,
        kind="customer",
        package="xero",
        person=sample.clerk.public_id,
        since=today,
        until=today,
    )
    found = list_links(installation.workspace, wanted)
    assert [link.target for link in found.rows] == [REFERENCE.format(8)]
    tomorrow = today + timedelta(days=1)
    assert list_links(installation.workspace, LinkFilter(since=tomorrow)).total == 0
    assert list_links(installation.workspace, LinkFilter(until=tomorrow)).total == 11


def test_who_linked_is_told_by_name(installation: Installation, sample: SampleData) -> None:
    names = [person.name for person in people_who_linked(installation.workspace)]
    assert names == ["Anna Whitcombe", "Marcus Bello"]


def test_a_link_is_told_with_what_undid_it_and_an_undo_with_what_it_undid(
    installation: Installation, sample: SampleData
) -> None:
    story = link_history(installation.workspace, sample.undone.id)
    assert story.undone_by
    back = link_history(installation.workspace, story.undone_by.id)
    assert back.undoes
    assert back.undoes.id == sample.undone.id
    assert story.record
    assert story.record.public_id == "customer-1001"
    _, links = record_with_links(installation.workspace, "customer-1001")
    assert [link.id for link in links] == [sample.linked.id, story.undone_by.id, sample.undone.id]


def test_records_come_by_name_and_split_into_linked_and_not(
    installation: Installation, sample: SampleData
) -> None:
    totals = [
        list_records(installation.workspace, RecordFilter(linked=linked)).total
        for linked in (None, True, False)
    ]
    assert totals[0] == totals[1] + totals[2]
    assert totals[1] == sum(share.linked for share in shares(installation.workspace))
    found = list_records(
        installation.workspace, RecordFilter("john smith", "customer", linked=False)
    )
    assert found.rows
    assert {row.reference for row in found.rows} == {None}
