"""Links that a person writes on Commusoft's pages: only what a page showed counts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from crmlink.access.devices import command_line_actor
from crmlink.access.personal_data.subject import erase
from crmlink.commusoft.connection import WebApplication
from crmlink.commusoft.errors import ConnectionEnded, NoApi
from crmlink.installation import Installation
from crmlink.linking.attempts import recover
from crmlink.linking.connections import Consent, save_connection
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import UndoDecision, confirm, undo
from crmlink.linking.errors import (
    CannotUndo,
    LinkWaitsOnPage,
    PagesAlone,
    RecordHasReference,
    ReferenceTaken,
)
from crmlink.linking.on_page import Observation, Observed, SeenOnPage, Stage, observe, withdraw
from crmlink.linking.parked import count_parked, park
from crmlink.linking.suggest import Contact
from crmlink.linking.ways import choose_writes, how_it_writes
from crmlink.pseudonyms import holds_pseudonym
from crmlink.store import AuditEntry, Link, LinkMethod, LinkState, Writes
from crmlink.store.base import utc_now
from support.page_links import HELD, link_of, mirrored
from support.sandbox import HOLLOWAY, OTHER, decision, new_key


@pytest.fixture
def installation(without_api: Installation) -> Installation:
    return without_api


@pytest.fixture
def device_id(installation: Installation) -> int:
    return command_line_actor(installation.access).device.id


def see(
    ctx: WorkspaceContext,
    link: Link,
    device_id: int,
    stage: Stage,
    value: str | None,
    replaces: str | None = None,
) -> Observed:
    return observe(ctx, link.id, Observation(stage, SeenOnPage.of(value), replaces), device_id)


def linked(ctx: WorkspaceContext, device_id: int, record_id: str = "customer-1001") -> Link:
    link = confirm(ctx, decision(record_id), new_key(), device_id)
    return see(ctx, link, device_id, "after", HOLLOWAY).link


def audited(ctx: WorkspaceContext) -> list[str]:
    with ctx.database.reading() as session:
        return [entry.action for entry in session.query(AuditEntry).order_by(AuditEntry.id)]


def test_a_decision_waits_for_the_page_and_is_linked_once_the_page_shows_it(
    ctx: WorkspaceContext, device_id: int
) -> None:
    link = confirm(ctx, decision(), new_key(), device_id)
    assert (link.state, link.method) == (LinkState.INTENDED, LinkMethod.PAGES)
    assert (link.prior, link.target, link.owner_id) == (None, HOLLOWAY, None)
    assert see(ctx, link, device_id, "before", None).fill
    found = see(ctx, link, device_id, "after", f"  {HOLLOWAY} ")
    assert (found.link.state, found.fill) == (LinkState.LINKED, False)
    assert mirrored(ctx, "customer-1001").reference == HOLLOWAY
    assert audited(ctx)[-2:] == ["link.intended", "link.linked"]


def test_a_page_that_has_the_reference_already_needs_nothing_filled(
    ctx: WorkspaceContext, device_id: int
) -> None:
    link = confirm(ctx, decision(), new_key(), device_id)
    found = see(ctx, link, device_id, "before", HOLLOWAY)
    assert (found.link.state, found.fill) == (LinkState.LINKED, False)


def test_what_was_not_saved_stays_open_however_often_it_is_told(
    ctx: WorkspaceContext, device_id: int
) -> None:
    link = confirm(ctx, decision(), new_key(), device_id)
    for _ in range(3):
        found = see(ctx, link, device_id, "after", "")
        assert (found.link.state, found.link.failure) == (
            LinkState.INTENDED,
            {"code": "not-seen-yet"},
        )
    assert see(ctx, link, device_id, "before", None).fill


def test_the_same_observation_again_changes_nothing(ctx: WorkspaceContext, device_id: int) -> None:
    link = linked(ctx, device_id)
    before, entries = link_of(ctx, link.id), audited(ctx)
    for stage in ("before", "after"):
        found = see(ctx, link, device_id, stage, HOLLOWAY)
        assert (found.link.state, found.link.settled_at) == (LinkState.LINKED, before.settled_at)
    assert audited(ctx) == entries


def test_another_reference_on_the_page_is_not_replaced_without_the_second_choice(
    ctx: WorkspaceContext, device_id: int
) -> None:
    link = confirm(ctx, decision(), new_key(), device_id)
    for replaces in (None, HOLLOWAY, "another"):
        with pytest.raises(RecordHasReference) as caught:
            see(ctx, link, device_id, "before", OTHER, replaces)
        assert caught.value.facts["current_reference"] == OTHER
    assert link_of(ctx, link.id).prior is None
    assert mirrored(ctx, "customer-1001").reference == OTHER
    found = see(ctx, link, device_id, "before", OTHER, OTHER)
    assert (found.fill, found.link.prior) == (True, OTHER)
    assert audited(ctx)[-1] == "link.prior_replaced"
    assert see(ctx, link, device_id, "after", HOLLOWAY).link.state is LinkState.LINKED


def test_a_reference_that_the_mirror_knows_needs_the_second_choice_at_once(
    ctx: WorkspaceContext, device_id: int
) -> None:
    with pytest.raises(RecordHasReference):
        confirm(ctx, decision("customer-1003"), new_key(), device_id)
    agreed = decision("customer-1003", replaces=HELD)
    assert confirm(ctx, agreed, new_key(), device_id).prior == HELD


def test_what_the_page_showed_before_the_decision_counts_more_than_the_mirror(
    ctx: WorkspaceContext, device_id: int
) -> None:
    seen = replace(decision(), seen=SeenOnPage(OTHER))
    with pytest.raises(RecordHasReference) as caught:
        confirm(ctx, seen, new_key(), device_id)
    assert caught.value.facts["current_reference"] == OTHER
    assert mirrored(ctx, "customer-1001").reference == OTHER
    emptied = replace(decision("customer-1003"), seen=SeenOnPage(None))
    assert confirm(ctx, emptied, new_key(), device_id).prior is None


def test_a_third_value_after_saving_is_a_conflict(ctx: WorkspaceContext, device_id: int) -> None:
    link = confirm(ctx, decision(), new_key(), device_id)
    found = see(ctx, link, device_id, "after", OTHER)
    assert found.link.state is LinkState.CONFLICT
    assert found.link.failure == {"code": "record-changed", "current_reference": OTHER}


def test_a_reference_of_another_record_needs_the_second_choice(
    ctx: WorkspaceContext, device_id: int
) -> None:
    with pytest.raises(ReferenceTaken):
        confirm(ctx, decision(reference=HELD), new_key(), device_id)
    shared = decision(reference=HELD, also_on=frozenset({"customer-1003"}))
    link = confirm(ctx, shared, new_key(), device_id)
    assert see(ctx, link, device_id, "before", None).fill


def test_nothing_is_filled_once_another_record_got_the_reference(
    ctx: WorkspaceContext, device_id: int
) -> None:
    link = confirm(ctx, decision(), new_key(), device_id)
    other = replace(decision("customer-1002", reference=OTHER), seen=SeenOnPage(HOLLOWAY))
    with pytest.raises(RecordHasReference):
        confirm(ctx, other, new_key(), device_id)
    with pytest.raises(ReferenceTaken) as caught:
        see(ctx, link, device_id, "before", None)
    assert [row.public_id for row in caught.value.facts["holders"]] == ["customer-1002"]


def test_a_record_that_had_the_reference_once_stands_in_the_way_of_nothing(
    ctx: WorkspaceContext, device_id: int
) -> None:
    linked(ctx, device_id)
    anew = decision(reference=OTHER, replaces=HOLLOWAY)
    newer = confirm(ctx, anew, new_key(), device_id)
    see(ctx, newer, device_id, "after", OTHER)
    assert linked(ctx, device_id, "customer-1002").state is LinkState.LINKED


def test_while_it_waits_nothing_else_is_decided_about_the_record_or_the_contact(
    ctx: WorkspaceContext, device_id: int
) -> None:
    link = confirm(ctx, decision(), new_key(), device_id)
    for other in (decision(reference=OTHER), decision("customer-1002")):
        with pytest.raises(LinkWaitsOnPage) as caught:
            confirm(ctx, other, new_key(), device_id)
        assert caught.value.facts["link"].id == link.id


def test_one_key_makes_one_link(ctx: WorkspaceContext, device_id: int) -> None:
    key = new_key()
    first = confirm(ctx, decision(), key, device_id)
    again = confirm(ctx, replace(decision(), seen=SeenOnPage(None)), key, device_id)
    assert again.id == first.id


def test_many_decisions_at_once_make_one_link(ctx: WorkspaceContext, device_id: int) -> None:
    def decide(number: int) -> str | None:
        try:
            return confirm(ctx, decision(f"customer-{number}"), new_key(), device_id).id
        except LinkWaitsOnPage:
            return None

    with ThreadPoolExecutor(4) as pool:
        made = [found for found in pool.map(decide, (1001, 1002, 1001, 1004)) if found]
    assert len(made) == 1


def test_two_browsers_at_once_settle_a_link_once(ctx: WorkspaceContext, device_id: int) -> None:
    link = confirm(ctx, decision(), new_key(), device_id)
    with ThreadPoolExecutor(4) as pool:
        found = list(
            pool.map(lambda _: see(ctx, link, device_id, "after", HOLLOWAY).link.state, range(8))
        )
    assert set(found) == {LinkState.LINKED}
    assert audited(ctx).count("link.linked") == 1


def test_a_withdrawn_link_frees_the_record_and_says_whether_anyone_looked(
    ctx: WorkspaceContext, device_id: int
) -> None:
    for seen, code in ((SeenOnPage(None), "withdrawn"), (None, "withdrawn-unseen")):
        link = confirm(ctx, decision(), new_key(), device_id)
        for _ in range(2):
            given_up = withdraw(ctx, link.id, seen, device_id)
            assert (given_up.state, given_up.failure) == (LinkState.FAILED, {"code": code})
    link = confirm(ctx, decision(), new_key(), device_id)
    assert withdraw(ctx, link.id, SeenOnPage(HOLLOWAY), device_id).state is LinkState.LINKED


def test_a_late_observation_of_a_withdrawn_link_tells_the_mirror_alone(
    ctx: WorkspaceContext, device_id: int
) -> None:
    link = confirm(ctx, decision(), new_key(), device_id)
    withdraw(ctx, link.id, None, device_id)
    assert see(ctx, link, device_id, "after", HOLLOWAY).link.state is LinkState.FAILED
    assert mirrored(ctx, "customer-1001").reference == HOLLOWAY
    with pytest.raises(RecordHasReference):
        confirm(ctx, decision(reference=OTHER), new_key(), device_id)


def test_an_observation_of_an_older_link_changes_nothing_of_a_newer_decision(
    ctx: WorkspaceContext, device_id: int
) -> None:
    older = linked(ctx, device_id)
    newer = confirm(ctx, decision(reference=OTHER, replaces=HOLLOWAY), new_key(), device_id)
    see(ctx, newer, device_id, "after", OTHER)
    see(ctx, older, device_id, "after", HOLLOWAY)  # sent again, long after
    assert mirrored(ctx, "customer-1001").reference == OTHER
    assert [link_of(ctx, each.id).state for each in (older, newer)] == [LinkState.LINKED] * 2


def test_an_undo_is_written_on_the_page_too(ctx: WorkspaceContext, device_id: int) -> None:
    link = linked(ctx, device_id)
    back = undo(ctx, UndoDecision(link.id), new_key(), device_id)
    assert (back.state, back.method, back.prior, back.target) == (
        LinkState.INTENDED,
        LinkMethod.PAGES,
        HOLLOWAY,
        None,
    )
    assert link_of(ctx, link.id).state is LinkState.LINKED
    assert see(ctx, back, device_id, "before", HOLLOWAY).fill
    assert see(ctx, back, device_id, "after", None).link.state is LinkState.LINKED
    assert link_of(ctx, link.id).state is LinkState.UNDONE
    see(ctx, link, device_id, "after", HOLLOWAY)
    assert mirrored(ctx, "customer-1001").reference is None


def test_an_undo_stops_where_the_page_has_a_value_of_its_own(
    ctx: WorkspaceContext, device_id: int
) -> None:
    link = linked(ctx, device_id)
    with pytest.raises(CannotUndo):
        undo(ctx, UndoDecision(link.id, seen=SeenOnPage(OTHER)), new_key(), device_id)
    seen = SeenOnPage(HOLLOWAY)
    back = undo(ctx, UndoDecision(link.id, seen=seen), new_key(), device_id)
    found = see(ctx, back, device_id, "before", OTHER, replaces=OTHER)
    assert (found.link.state, found.fill) == (LinkState.CONFLICT, False)
    assert link_of(ctx, link.id).state is LinkState.LINKED


def test_a_withdrawn_undo_leaves_the_link_in_effect(ctx: WorkspaceContext, device_id: int) -> None:
    link = linked(ctx, device_id)
    back = undo(ctx, UndoDecision(link.id), new_key(), device_id)
    withdraw(ctx, back.id, SeenOnPage(HOLLOWAY), device_id)
    assert link_of(ctx, link.id).state is LinkState.LINKED
    assert undo(ctx, UndoDecision(link.id), new_key(), device_id).state is LinkState.INTENDED


def test_recovery_leaves_it_alone_and_asks_no_api(ctx: WorkspaceContext, device_id: int) -> None:
    link = confirm(ctx, decision(), new_key(), device_id)
    long_ago = utc_now() - timedelta(days=30)
    with ctx.database.writing() as session:
        session.execute(update(Link).values(attempted_at=long_ago, created_at=long_ago))
    assert recover(ctx) == []
    assert link_of(ctx, link.id).state is LinkState.INTENDED
    assert see(ctx, link, device_id, "after", HOLLOWAY).link.state is LinkState.LINKED


def test_it_outlives_the_server(
    installation: Installation, ctx: WorkspaceContext, device_id: int
) -> None:
    link = confirm(ctx, decision(), new_key(), device_id)
    see(ctx, link, device_id, "before", None)
    installation.ownership.close()  # the process is gone, and so is what it remembered
    assert see(ctx, link, device_id, "after", HOLLOWAY).link.state is LinkState.LINKED


def test_after_another_account_was_connected_nothing_seen_counts(
    installation: Installation, ctx: WorkspaceContext, device_id: int
) -> None:
    link = confirm(ctx, decision(), new_key(), device_id)
    database, workspace_id = installation.database, installation.access.workspace_id
    with pytest.raises(Exception, match="connection-not-agreed") as refused:
        save_connection(database, workspace_id, WebApplication("https://app.commusoft.us"))
    agreement = refused.value.facts["contents"].agreement  # type: ignore[attr-defined] # it has
    save_connection(
        database,
        workspace_id,
        WebApplication("https://app.commusoft.us"),
        Consent(agreement=agreement),
    )
    for call in (
        lambda: see(ctx, link, device_id, "after", HOLLOWAY),
        lambda: withdraw(ctx, link.id, None, device_id),
        lambda: confirm(ctx, decision("customer-1002", OTHER), new_key(), device_id),
    ):
        with pytest.raises(ConnectionEnded):
            call()
    assert link_of(ctx, link.id).state is LinkState.INTENDED
    back = save_connection(database, workspace_id, WebApplication("https://app.commusoft.co.uk"))
    assert back.id == ctx.connection_id
    assert see(ctx, link, device_id, "after", HOLLOWAY).link.state is LinkState.LINKED


def test_a_linked_contact_leaves_the_list_of_those_without_a_record(
    ctx: WorkspaceContext, device_id: int
) -> None:
    made = decision()
    contact = Contact(made.package, made.reference, made.kind, made.organisation)
    park(ctx, contact, device_id)
    link = confirm(ctx, made, new_key(), device_id)
    assert count_parked(ctx) == 1
    see(ctx, link, device_id, "after", HOLLOWAY)
    assert count_parked(ctx) == 0


def test_a_person_who_is_erased_while_it_waits_can_still_be_linked_and_leaves_no_name(
    installation: Installation, ctx: WorkspaceContext, device_id: int
) -> None:
    named = replace(
        decision(reference="Ashworth Bakery Limited"), package="quickbooks_desktop", organisation=""
    )
    link = confirm(ctx, named, new_key(), device_id)
    actor = command_line_actor(installation.access)
    erase(installation.access, actor, "customer-1001")
    waiting = link_of(ctx, link.id)
    assert (waiting.state, waiting.target) == (LinkState.INTENDED, "Ashworth Bakery Limited")
    assert waiting.record_label == "(erased)"
    done = see(ctx, link, device_id, "after", "Ashworth Bakery Limited").link
    assert done.state is LinkState.LINKED
    assert holds_pseudonym(done.target)
    assert holds_pseudonym(mirrored(ctx, "customer-1001").reference)


def test_without_an_api_there_is_no_other_way(ctx: WorkspaceContext, device_id: int) -> None:
    assert how_it_writes(ctx) is Writes.PAGES
    for other in (Writes.API, Writes.API_THEN_PAGES):
        with pytest.raises(PagesAlone):
            choose_writes(ctx, other, device_id)
    with pytest.raises(NoApi):
        ctx.sync()
