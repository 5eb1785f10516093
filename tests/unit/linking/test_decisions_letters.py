"""References that are names, as QuickBooks Desktop has them, with letters beyond A to Z."""

import pytest

from crmlink.batches.reclassify import recheck
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import confirm
from crmlink.linking.errors import ReferenceTaken
from crmlink.linking.suggest import Contact, suggest
from crmlink.reports.links import LinkFilter, list_links
from crmlink.store import BatchRow, Verdict
from support.sandbox import SandboxHandle, decision, new_key

NAME = "ÉTOILE Wärme ØRSTED"
ON, OTHER = "customer-1001", "customer-1002"


@pytest.fixture(autouse=True)
def it_stands_on_a_record(ctx: WorkspaceContext, sandbox: SandboxHandle) -> None:
    sandbox.put_reference(ON, NAME)
    ctx.sync()


def test_such_a_reference_on_another_record_needs_a_second_choice(
    ctx: WorkspaceContext, sandbox: SandboxHandle, device_id: int
) -> None:
    sandbox.put_reference(OTHER, None)
    wish = decision(OTHER, NAME, package="quickbooks_desktop", organisation="")
    with pytest.raises(ReferenceTaken):
        confirm(ctx, wish, new_key(), device_id)
    assert sandbox.reference(OTHER) is None


def test_who_carries_such_a_reference_is_told_with_the_suggestions(ctx: WorkspaceContext) -> None:
    offer = suggest(ctx, Contact("quickbooks_desktop", NAME))
    assert [record.public_id for record in offer.holders] == [ON]


def test_a_row_that_gets_such_a_reference_is_found_to_be_linked(ctx: WorkspaceContext) -> None:
    row = BatchRow(kind="customer", reference=NAME, verdict=Verdict.CHECK)
    with ctx.database.reading() as session:
        recheck(session, ctx.connection_id, [row])
    assert (row.verdict, row.best) == (Verdict.LINKED, ON)


def test_links_are_found_by_such_a_reference_as_it_is_written(
    ctx: WorkspaceContext, device_id: int
) -> None:
    confirm(
        ctx,
        decision(ON, NAME, package="quickbooks_desktop", organisation=""),
        new_key(),
        device_id,
    )
    assert list_links(ctx, LinkFilter(search="ÉTOILE")).total == 1
