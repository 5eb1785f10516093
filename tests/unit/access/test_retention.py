"""What age takes away: names and bad lines go, references and outcomes stay."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from crmlink.access.context import Actor
from crmlink.access.personal_data.subject import apply_retention, erase
from crmlink.access.preferences import Preferences, save_preferences
from crmlink.batches.contacts import ListedContact
from crmlink.batches.control import start_writing
from crmlink.batches.drafts import ListPage, append_contacts
from crmlink.batches.match_job import match_waiting, start_matching
from crmlink.batches.review import ShownRow, accept
from crmlink.batches.rows import list_rows
from crmlink.batches.writer import write_waiting
from crmlink.installation import Installation
from crmlink.linking.decisions import UndoDecision, confirm, find_link, undo
from crmlink.store import Batch, BatchRow, BatchState, Link, LinkState, RejectedBatchRow
from crmlink.store.base import utc_now
from crmlink.store.erased import ERASED
from support.batch_factories import Line, imported
from support.erasing import EMAIL, NAME, PACKAGE, of_desktop, where_kept
from support.sandbox import SandboxHandle, new_key

ZEB = "Zebedee Quux"


def keep_names_a_day(installation: Installation, actor: Actor) -> None:
    save_preferences(installation.access, actor, Preferences(keep_names_days=1))


def grow_old(installation: Installation) -> None:
    old = utc_now() - timedelta(days=2)
    with installation.database.writing() as session:
        session.execute(update(Link).values(settled_at=old))
        session.execute(update(Batch).values(updated_at=old))
    apply_retention(installation.access)


def test_a_reference_that_is_a_name_stays_for_its_link(
    installation: Installation, actor: Actor, sandbox: SandboxHandle
) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    link = confirm(ctx, of_desktop(), new_key(), device_id)
    keep_names_a_day(installation, actor)
    grow_old(installation)
    kept = find_link(ctx, link.id)
    assert (kept.contact_name, kept.record_label) == (ERASED, ERASED)
    assert (kept.reference, kept.target) == (NAME, NAME)
    undone = undo(ctx, UndoDecision(link.id), new_key(), device_id)
    assert undone.state is LinkState.LINKED
    assert sandbox.reference("customer-1001") is None
    erase(installation.access, actor, "customer-1001")  # that takes the reference too
    assert where_kept(installation, NAME) == []


def test_a_finished_lists_rows_keep_their_reference_and_outcome(
    installation: Installation, actor: Actor
) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    contact = ListedContact(ZEB, kind="customer", name=ZEB, email="zeb@quux.example")
    batch_id = append_contacts(
        ctx, device_id, ListPage(PACKAGE, "", "customer", [contact])
    ).batch.id
    start_matching(ctx, device_id, batch_id, 0.998)
    match_waiting(ctx)
    row = list_rows(ctx, batch_id)[0].row
    accept(ctx, device_id, ShownRow(batch_id, row.position, row.version), "customer-1002")
    start_writing(ctx, device_id, batch_id, 1)
    write_waiting(ctx)
    keep_names_a_day(installation, actor)
    grow_old(installation)
    kept = list_rows(ctx, batch_id)[0].row
    assert (kept.name, kept.email, kept.reference) == (ERASED, "", ZEB)
    assert kept.erased_at is None
    assert kept.link_id == row.link_id or kept.link_id


def test_what_bad_lines_say_goes_from_finished_lists_alone(
    installation: Installation, actor: Actor
) -> None:
    ctx, device_id = installation.workspace, actor.device.id
    finished = imported(ctx, device_id, [Line("not a Sage A/C", ZEB), Line("A1", "Ann")]).batch
    under_way = imported(ctx, device_id, [Line("nor is this", ZEB), Line("A1", "Ann")]).batch
    with installation.database.writing() as session:
        for bad in session.query(RejectedBatchRow):
            bad.args = {"value": ZEB}
        session.get_one(Batch, finished.id).state = BatchState.DONE
    keep_names_a_day(installation, actor)
    grow_old(installation)
    with installation.database.reading() as session:
        assert session.scalars(select(RejectedBatchRow.batch_id)).all() == [under_way.id]


def test_what_bad_lines_say_of_an_erased_person_goes_from_all(
    installation: Installation, actor: Actor
) -> None:
    """Also what only a row of a list knew: the email that another list's line was refused for."""
    ctx, device_id = installation.workspace, actor.device.id
    imported(ctx, device_id, [Line("not a Sage A/C", ZEB), Line("A1", "Ann")])
    other = "margaret@elsewhere.example"
    row = ListedContact("H1", kind="customer", name="Maggie", email=EMAIL, other_emails=(other,))
    append_contacts(ctx, device_id, ListPage("sage_50", "", "customer", [row]))
    with installation.database.writing() as session:
        for bad in session.query(RejectedBatchRow):
            bad.args = {"value": f"{NAME} <{EMAIL.upper()}>", "more": [other, "Maggie"], "line": 2}
    erase(installation.access, actor, EMAIL)
    with installation.database.reading() as session:
        kept = session.scalars(select(RejectedBatchRow.args)).one()
        assert kept == {"value": f"{ERASED} <{ERASED}>", "more": [ERASED, ERASED], "line": 2}
        assert session.query(BatchRow).filter_by(name="Ann").count() == 1
