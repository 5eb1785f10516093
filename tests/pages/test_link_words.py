"""What a link's page says stays true once something came after the link."""

from __future__ import annotations

import pytest

from crmlink.access.devices import command_line_actor
from crmlink.installation import Installation
from crmlink.linking.decisions import confirm
from crmlink.linking.overrides import Overrides
from crmlink.store import Link, MirroredRecord
from support.page_client import PageClient, words
from support.sample_data import SampleData
from support.sandbox import SandboxHandle, decision, new_key

FIRST, SECOND = (f"aaaaaaaa-0000-4000-8000-00000000000{n}" for n in (1, 2))


@pytest.fixture
def linked(installation: Installation, sample: SampleData) -> Link:
    device_id = command_line_actor(installation.access).device.id
    with installation.database.reading() as session:
        free = session.query(MirroredRecord).filter_by(
            kind="customer", reference=None, deleted_at=None
        )
        record = free.order_by(MirroredRecord.id.desc()).first()
    assert record
    wish = decision(record.public_id, FIRST, contact_name="Alpha Ltd")
    return confirm(installation.workspace, wish, new_key(), device_id)


def test_the_undo_of_a_record_that_is_gone_is_not_offered_and_says_why(
    admin: PageClient, installation: Installation, sandbox: SandboxHandle, linked: Link
) -> None:
    assert "Undo …" in admin.read(f"/links/{linked.id}")
    assert "In Commusoft now (as of " in admin.read(f"/links/{linked.id}")
    sandbox.delete(linked.record_id)
    installation.workspace.sync()
    page = admin.read(f"/links/{linked.id}")
    assert "This record is no longer in Commusoft" in page
    assert "Undo …" not in page
    assert "It cannot be undone: the customer or supplier was deleted in Commusoft" in page
    assert "It cannot be undone: the customer or supplier" in admin.read(f"/links/{linked.id}/undo")
    reply = admin.send(f"/links/{linked.id}/undo")
    assert reply.status_code == 410
    assert "has been deleted in Commusoft" in words(reply)
    assert "may be new" not in words(reply)


def test_the_page_of_a_record_that_is_gone_does_not_say_that_it_may_be_new(
    admin: PageClient, installation: Installation, sandbox: SandboxHandle, linked: Link
) -> None:
    sandbox.delete(linked.record_id)
    installation.workspace.sync()
    reply = admin.get(f"/records/{linked.record_id}")
    assert reply.status_code == 410
    assert "has been deleted in Commusoft" in words(reply)


@pytest.mark.parametrize("how", ["replaced", "cleared", "deleted"])
def test_now_is_said_only_of_a_value_that_is_there(
    admin: PageClient,
    installation: Installation,
    sandbox: SandboxHandle,
    linked: Link,
    how: str,
) -> None:
    assert f"Now {FIRST}" in admin.read(f"/links/{linked.id}")
    if how == "replaced":
        wish = decision(linked.record_id, SECOND, overrides=Overrides(replaces=FIRST))
        confirm(installation.workspace, wish, new_key(), linked.device_id)
    elif how == "cleared":
        sandbox.put_reference(linked.record_id, None)
        installation.workspace.sync()
    else:
        sandbox.delete(linked.record_id)
        installation.workspace.sync()
    page = admin.read(f"/links/{linked.id}")
    assert f"Now {FIRST}" not in page
    assert f"Saved {FIRST}" in page
