"""*Links to check* shows so many of a sort, and what is left out hides none of them."""

from __future__ import annotations

from typing import Any

import pytest

from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import confirm
from crmlink.reports import live_changes, live_links
from crmlink.reports.live_changes import LinkChanges, link_changes
from crmlink.reports.live_links import live_findings
from crmlink.store import ContactSource, ContactState, SourceAccount, SourceContact
from crmlink.store.base import utc_now
from support.sandbox import HOLLOWAY, OTHER, decision, new_key

OLD_PLACE = {"address": "1 Old Road", "town": "Leeds", "postcode": "LS2 2BB"}
NEW_PLACE = {"address": "9 New Street", "town": "York", "postcode": "YO1 7HH"}


@pytest.fixture(autouse=True)
def one_of_a_sort(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (live_links, live_changes):
        monkeypatch.setattr(module, "MAX_LISTED", 1)


def linked(ctx: WorkspaceContext, device_id: int, **contacts: dict[str, Any]) -> None:
    """Two linked contacts of a source; the first one's details and the second one's."""
    with ctx.database.writing() as session:
        account = SourceAccount(workspace_id=ctx.workspace_id, package="xero")
        source = ContactSource(
            workspace_id=ctx.workspace_id, package="xero", tenant="t", account=account,
            organisation="!kR4N6", fully_synced_at=utc_now(), synced_at=utc_now(), round=1,
        )  # fmt: skip
        session.add_all([account, source])
    for place, (record_id, reference) in enumerate(
        (("customer-1001", HOLLOWAY), ("customer-1002", OTHER))
    ):
        more = contacts[("first", "second")[place]]
        organisation = more.pop("linked_in", "!kR4N6")
        confirm(
            ctx, decision(record_id, reference, organisation=organisation), new_key(), device_id
        )
        values = {"name": "Margaret Holloway", "kind": "customer"} | more
        with ctx.database.writing() as session:
            session.add(
                SourceContact(source_id=source.id, key=reference, reference=reference, **values)
            )


def records(changes: LinkChanges, sort: str) -> list[str]:
    return [each.record.public_id for each in getattr(changes, sort)]


def test_a_contact_whose_company_has_the_links_name_hides_no_renamed_one(
    ctx: WorkspaceContext, device_id: int
) -> None:
    linked(
        ctx,
        device_id,
        first={"name": "Holloway, M", "company": "Margaret Holloway"},
        second={"name": "Someone Else"},
    )
    assert records(link_changes(ctx), "renamed") == ["customer-1002"]


def test_a_contact_that_was_linked_after_its_move_hides_no_moved_one(
    ctx: WorkspaceContext, device_id: int
) -> None:
    before = {"moved_from": OLD_PLACE, "moved_at": utc_now().replace(year=2020, day=1)} | NEW_PLACE
    after = {"moved_from": OLD_PLACE, "moved_at": utc_now().replace(year=2100, day=1)} | NEW_PLACE
    linked(ctx, device_id, first=before, second=after)
    assert records(link_changes(ctx), "moved") == ["customer-1002"]


def test_another_companys_link_hides_no_archived_contact(
    ctx: WorkspaceContext, device_id: int
) -> None:
    archived = {"state": ContactState.ARCHIVED}
    linked(ctx, device_id, first={**archived, "linked_in": "!other"}, second=dict(archived))
    found = [each.record.public_id for each in live_findings(ctx).retired]
    assert found == ["customer-1002"]
