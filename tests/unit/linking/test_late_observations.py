"""What pages show arrives late, twice and out of order; what is known since is not undone by it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crmlink.access.devices import command_line_actor
from crmlink.installation import Installation
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import confirm
from crmlink.linking.errors import PageReadEarlier, RecordHasReference, ReferenceTaken
from crmlink.linking.on_page import Observation, Observed, SeenOnPage, Stage, observe, withdraw
from crmlink.store import Link, LinkState
from support.page_links import link_of, mirrored
from support.sandbox import HOLLOWAY, OTHER, decision, new_key

RECORD = "customer-1001"
THIRD = "7d1c2b3a-9999-4222-8333-944455556666"


@pytest.fixture
def installation(without_api: Installation) -> Installation:
    return without_api


@pytest.fixture
def device_id(installation: Installation) -> int:
    return command_line_actor(installation.access).device.id


@pytest.fixture
def link(ctx: WorkspaceContext, device_id: int) -> Link:
    return confirm(ctx, decision(RECORD), new_key(), device_id)


def version(ctx: WorkspaceContext) -> int:
    return mirrored(ctx, RECORD).mirror_version


def see(
    ctx: WorkspaceContext,
    link: Link,
    stage: Stage,
    value: str | None,
    replaces: str | None = None,
    at: int | None = None,
) -> Observed:
    return observe(
        ctx, link.id, Observation(stage, SeenOnPage.of(value), replaces, at), link.device_id
    )


@pytest.mark.parametrize("stage", ["before", "after"])
def test_a_late_look_frees_no_reference_for_a_second_record(
    ctx: WorkspaceContext, device_id: int, link: Link, stage: Stage
) -> None:
    see(ctx, link, "before", None)
    see(ctx, link, "after", HOLLOWAY)
    assert see(ctx, link, stage, None).link.state is LinkState.LINKED
    assert mirrored(ctx, RECORD).reference == HOLLOWAY
    with pytest.raises(ReferenceTaken):
        confirm(ctx, decision("customer-1002"), new_key(), device_id)


@pytest.mark.parametrize("late", [None, OTHER])
def test_a_late_first_decision_frees_no_reference_for_a_second_record(
    ctx: WorkspaceContext, device_id: int, link: Link, late: str | None
) -> None:
    """Sent before the link was saved, of a page that showed something else then."""
    see(ctx, link, "after", HOLLOWAY)
    agreed = {"replaces": late} if late else {}
    asked = replace(decision(RECORD, THIRD, **agreed), seen=SeenOnPage(late))
    with pytest.raises(RecordHasReference):
        confirm(ctx, asked, new_key(), device_id)
    assert mirrored(ctx, RECORD).reference == HOLLOWAY
    with pytest.raises(ReferenceTaken):
        confirm(ctx, decision("customer-1002"), new_key(), device_id)
    asked = replace(decision(RECORD, THIRD, replaces=HOLLOWAY), seen=SeenOnPage(late))
    waits = confirm(ctx, asked, new_key(), device_id)
    assert (waits.state, waits.prior) == (LinkState.INTENDED, HOLLOWAY)
    # If the page, loaded since, shows that too, it counts.
    see(ctx, waits, "before", late, replaces=late, at=version(ctx))
    assert mirrored(ctx, RECORD).reference == late


def test_a_late_look_hides_no_value_that_was_in_the_way(ctx: WorkspaceContext, link: Link) -> None:
    see(ctx, link, "after", OTHER)
    assert see(ctx, link, "before", None).link.state is LinkState.CONFLICT
    assert mirrored(ctx, RECORD).reference == OTHER


def test_after_a_withdrawal_only_the_reference_itself_is_news(
    ctx: WorkspaceContext, link: Link
) -> None:
    see(ctx, link, "before", OTHER, replaces=OTHER)
    withdraw(ctx, link.id, SeenOnPage(OTHER), link.device_id)
    see(ctx, link, "after", None)
    assert mirrored(ctx, RECORD).reference == OTHER
    see(ctx, link, "after", HOLLOWAY)
    assert mirrored(ctx, RECORD).reference == HOLLOWAY


def test_a_late_empty_look_loses_no_value_that_is_to_be_replaced(
    ctx: WorkspaceContext, link: Link
) -> None:
    early = version(ctx)
    see(ctx, link, "before", OTHER, replaces=OTHER, at=early)
    for unknown_or_early in (None, early):
        with pytest.raises(PageReadEarlier):
            see(ctx, link, "before", None, at=unknown_or_early)
    assert (link_of(ctx, link.id).prior, mirrored(ctx, RECORD).reference) == (OTHER, OTHER)
    found = see(ctx, link, "before", None, at=version(ctx))
    assert (found.fill, found.link.prior) == (True, None)


def test_a_page_opened_before_another_browser_looked_settles_nothing(
    ctx: WorkspaceContext, link: Link
) -> None:
    early = version(ctx)
    see(ctx, link, "before", OTHER, replaces=OTHER, at=early)
    for stage in ("before", "after"):
        with pytest.raises(PageReadEarlier):
            see(ctx, link, stage, "a third value", at=early)
    assert link_of(ctx, link.id).state is LinkState.INTENDED


def test_the_same_look_again_is_not_late(ctx: WorkspaceContext, link: Link) -> None:
    early = version(ctx)
    for _ in range(2):
        assert see(ctx, link, "before", OTHER, OTHER, early).fill
    seen = see(ctx, link, "after", OTHER, at=early)
    assert seen.version == version(ctx)
    for _ in range(2):
        assert see(ctx, link, "after", HOLLOWAY, at=seen.version).link.state is LinkState.LINKED
