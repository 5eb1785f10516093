"""Links looked through and undone, records looked at."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from crmlink.installation import Installation
from crmlink.reports.links import PAGE_SIZE, LinkFilter, list_links
from crmlink.reports.records import RecordFilter, list_records
from crmlink.store import Link
from crmlink.store.base import new_id
from support.access_factories import make_person
from support.page_client import PageClient, signed_in_client, words
from support.sample_data import REFERENCE, SampleData
from support.sandbox import HOLLOWAY, SandboxHandle

KEY = re.compile(r'name="key" value="([^"]+)"')


def test_a_long_list_comes_page_by_page_and_keeps_its_filter(
    installation: Installation, sample: SampleData, clerk: PageClient
) -> None:
    with installation.database.writing() as session:
        session.add_all(_copies(sample.linked, PAGE_SIZE + 5))
    wanted = LinkFilter(search="copy")
    first, second = (
        list_links(installation.workspace, wanted),
        list_links(installation.workspace, wanted, 2),
    )
    assert (len(first.rows), len(second.rows), first.total) == (PAGE_SIZE, 5, PAGE_SIZE + 5)
    assert not {link.id for link in first.rows} & {link.id for link in second.rows}
    page = clerk.get("/links?q=copy").get_data(as_text=True)
    assert "/links?page=2&amp;q=copy" in page
    assert f"{PAGE_SIZE + 1} to {PAGE_SIZE + 5} of {PAGE_SIZE + 5}" in clerk.read(
        "/links?q=copy&page=2"
    )
    assert "There are fewer links now" in clerk.read("/links?q=copy&page=9")


def test_a_link_tells_its_history(clerk: PageClient, sample: SampleData) -> None:
    page = clerk.read(f"/links/{sample.undone.id}")
    assert "↶ Undone" in page
    assert "Marcus Bello" in page
    assert "it was already undone" in page
    assert "is SMITH01: neither" in clerk.read(f"/links/{sample.conflict.id}")


def test_a_clerk_undoes_an_own_link_and_commusoft_shows_what_stood_there_before(
    clerk: PageClient, sample: SampleData, sandbox: SandboxHandle
) -> None:
    ask = clerk.get(f"/links/{sample.linked.id}/undo").get_data(as_text=True)
    assert sandbox.reference("customer-1001") == HOLLOWAY
    key = KEY.search(ask)
    assert key
    reply = clerk.send(f"/links/{sample.linked.id}/undo", key=key[1])
    assert reply.status_code == 303
    assert sandbox.reference("customer-1001") is None
    assert "Undone. Commusoft shows the earlier reference" in clerk.read(reply.headers["Location"])
    again = clerk.send(f"/links/{sample.linked.id}/undo", key=key[1])
    assert again.headers["Location"] == reply.headers["Location"], "a second click did it twice"


def test_a_clerk_cannot_undo_anothers_link_and_a_manager_can(
    app: Flask,
    installation: Installation,
    sample: SampleData,
    manager: PageClient,
    sandbox: SandboxHandle,
) -> None:
    other = signed_in_client(app, installation, make_person(installation.access, "clerk"))
    path = f"/links/{sample.linked.id}/undo"
    assert "ask a manager" in other.read(path)
    refused = other.send(path)
    assert refused.status_code == 403
    assert "Anna Whitcombe made this link" in words(refused)
    assert sandbox.reference("customer-1001") == HOLLOWAY
    assert manager.send(path).status_code == 303
    assert sandbox.reference("customer-1001") is None


@pytest.mark.parametrize("which", ["undone", "conflict", "failed", "hanging"])
def test_a_link_that_does_not_stand_cannot_be_undone(
    manager: PageClient, sample: SampleData, which: str
) -> None:
    path = f"/links/{getattr(sample, which).id}/undo"
    assert "Undo the link" not in manager.read(path)
    reply = manager.send(path)
    assert reply.status_code == 409
    assert "cannot be undone" in words(reply)


def test_an_undo_stops_where_someone_changed_the_record_since(
    clerk: PageClient, sample: SampleData, sandbox: SandboxHandle
) -> None:
    sandbox.put_reference("customer-1001", "BY-HAND-1")
    reply = clerk.send(f"/links/{sample.linked.id}/undo")
    assert reply.status_code == 409
    assert "the reference in Commusoft is now BY-HAND-1" in words(reply)
    assert sandbox.reference("customer-1001") == "BY-HAND-1"


def test_putting_back_a_reference_that_is_on_another_record_by_now_needs_a_second_yes(
    installation: Installation, clerk: PageClient, sample: SampleData, sandbox: SandboxHandle
) -> None:
    with installation.database.writing() as session:
        session.get_one(Link, sample.linked.id).prior = REFERENCE.format(8)
    path = f"/links/{sample.linked.id}/undo"
    refused = clerk.send(path)
    assert refused.status_code == 409
    assert f"David Owusu has {REFERENCE.format(8)} too, and I want it on both" in words(refused)
    assert sandbox.reference("customer-1001") == HOLLOWAY
    assert clerk.send(path, also_on="customer-1008").status_code == 303
    assert sandbox.reference("customer-1001") == REFERENCE.format(8)


def test_an_undo_that_commusoft_does_not_answer_is_said_and_nothing_is_lost(
    clerk: PageClient, sample: SampleData, sandbox: SandboxHandle
) -> None:
    sandbox.stop()
    reply = clerk.send(f"/links/{sample.linked.id}/undo")
    assert reply.status_code == 503
    assert "Nothing was saved" in words(reply)
    assert "✓ Linked" in clerk.read(f"/links/{sample.linked.id}")


def test_records_are_searched_and_filtered(clerk: PageClient, installation: Installation) -> None:
    assert "Margaret Holloway" in clerk.read("/records?q=holloway+cheltenham")
    assert "No matches" in clerk.read("/records?q=zebra+crossing")
    linked = list_records(installation.workspace, RecordFilter(linked=True))
    unlinked = list_records(installation.workspace, RecordFilter(linked=False))
    suppliers = list_records(installation.workspace, RecordFilter(kind="supplier"))
    everything = list_records(installation.workspace, RecordFilter())
    assert linked.total + unlinked.total == everything.total
    assert all(row.reference for row in linked.rows)
    assert not any(row.reference for row in unlinked.rows)
    assert {row.kind for row in suppliers.rows} == {"supplier"}
    names = [row.label.lower() for row in everything.rows]
    assert names == sorted(names)
    found = list_records(installation.workspace, RecordFilter("smith", linked=False))
    assert found.total == len(found.rows) > 0
    assert not any(row.reference for row in found.rows)


def test_a_record_shows_its_links_and_the_way_to_commusoft(clerk: PageClient) -> None:
    page = clerk.get("/records/customer-1001").get_data(as_text=True)
    assert "/customers/customer/1001/view/" in page
    assert "Margaret Holloway" in page
    assert "The reference was entered outside crmlink" in clerk.read("/records/customer-1006")


def test_a_record_is_read_again_when_asked_for(
    clerk: PageClient, sandbox: SandboxHandle, sample: SampleData
) -> None:
    sandbox.put_reference("customer-1001", "BY-HAND-2")
    clerk.send("/records/customer-1001/look")
    assert "BY-HAND-2" in clerk.read("/records/customer-1001")
    sandbox.delete("customer-1002")
    reply = clerk.send("/records/customer-1002/look")
    assert reply.status_code == 303
    assert clerk.get("/records/customer-1002").status_code == 410


def _copies(link: Link, count: int) -> list[Link]:
    return [
        Link(
            id=new_id(), connection_id=link.connection_id, device_id=link.device_id,
            idempotency_key=f"copy {number}", fingerprint="", package="xero", kind="customer",
            reference=f"copy-{number}", contact_name=f"Copy {number}", record_number="1001",
            record_label="Margaret Holloway", target=f"copy-{number}", state=link.state,
        )
        for number in range(count)
    ]  # fmt: skip
