"""A supplier's reference reaches a customer's record only by a second, separate choice."""

import pytest
from sqlalchemy import text

from crmlink.linking.audit import record_intended
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import UndoDecision, confirm, undo
from crmlink.linking.errors import KindMismatch, LinkInProgress
from crmlink.linking.suggest import Contact, suggest
from crmlink.store import Database, Link, LinkState
from support.sandbox import HOLLOWAY, OTHER, SandboxHandle, decision, new_key

LINK_COLUMNS = (
    "(id, workspace_id, device_id, idempotency_key, fingerprint, package, organisation, kind, "
    "reference, contact_name, record_number, record_label, differences, state, attempt_id, writes, "
    "created_at, attempted_at)"
)
QUICKBOOKS = {"package": "quickbooks_online", "organisation": "", "reference": "12"}


@pytest.mark.parametrize(
    ("record_id", "kind"), [("customer-1001", "supplier"), ("supplier-501", "customer")]
)
def test_a_record_of_the_other_kind_is_refused_before_commusoft_is_asked(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle, record_id: str, kind: str
) -> None:
    sandbox.stop()
    with pytest.raises(KindMismatch) as caught:
        confirm(ctx, decision(record_id, kind=kind), new_key(), device_id)
    facts = caught.value.facts
    assert (facts["contact_kind"], facts["record_kind"]) == (kind, record_id.split("-")[0])
    assert facts["record"].public_id == record_id
    with ctx.database.reading() as session:
        assert session.query(Link).count() == 0


def test_agreeing_to_the_other_kind_links_and_keeps_what_the_contact_is(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    agreed = decision(kind="supplier", accepts_kind=True)
    link = confirm(ctx, agreed, new_key(), device_id)
    assert (link.state, link.kind, link.contact_kind) == (
        LinkState.LINKED,
        "customer",
        "supplier",
    )
    assert sandbox.reference("customer-1001") == HOLLOWAY
    undone = undo(ctx, UndoDecision(link.id), new_key(), device_id)
    assert (undone.state, undone.contact_kind) == (LinkState.LINKED, "supplier")
    assert sandbox.reference("customer-1001") is None


def test_agreeing_to_the_other_kind_agrees_to_nothing_else(
    ctx: WorkspaceContext, device_id: int, sandbox: SandboxHandle
) -> None:
    sandbox.put_reference("customer-1001", OTHER)
    with pytest.raises(Exception, match="record-has-reference"):
        confirm(ctx, decision(kind="supplier", accepts_kind=True), new_key(), device_id)
    assert sandbox.reference("customer-1001") == OTHER


def test_the_link_is_found_by_the_contacts_own_kind(ctx: WorkspaceContext, device_id: int) -> None:
    agreed = decision(kind="supplier", accepts_kind=True, **QUICKBOOKS)
    link = confirm(ctx, agreed, new_key(), device_id)
    supplier = suggest(ctx, Contact("quickbooks_online", "12", "supplier")).link
    assert supplier
    assert supplier.id == link.id
    assert suggest(ctx, Contact("quickbooks_online", "12", "customer")).link is None


def test_one_contact_is_not_on_its_way_to_records_of_both_kinds(
    ctx: WorkspaceContext, device_id: int
) -> None:
    with ctx.database.writing() as session:
        under_way = Link(
            connection_id=ctx.connection_id, device_id=device_id, idempotency_key="k",
            fingerprint="", kind="supplier", contact_kind="supplier", contact_name="",
            record_number="501", record_label="", prior=None, target="12", **QUICKBOOKS,
        )  # fmt: skip
        session.add(under_way)
        session.flush()
        record_intended(session, under_way)
    agreed = decision(kind="supplier", accepts_kind=True, **QUICKBOOKS)
    with pytest.raises(LinkInProgress):
        confirm(ctx, agreed, new_key(), device_id)


def test_a_decision_without_it_keeps_the_fingerprint_that_earlier_versions_gave() -> None:
    """A key that was sent before an update must find its link after it."""
    assert decision().fingerprint().startswith("e2a064d426f72762")
    overridden = decision(
        "customer-1006",
        replaces="x",
        also_on=frozenset({"b", "a"}),
        checked_empty=True,
        differences=({"field": "name", "contact": "a", "record": "b"},),
    )
    assert overridden.fingerprint().startswith("e430aafc9415d166")
    agreed = decision(kind="supplier", accepts_kind=True)
    assert agreed.fingerprint() != decision(kind="supplier").fingerprint()


def test_links_of_an_older_database_are_of_their_records_kind(empty_database_url: str) -> None:
    older = Database(empty_database_url)
    older.migrate("0004")
    with older.writing() as session:
        for statement in (
            "INSERT INTO workspace (id, account, name, mirror_version, created_at) "
            "VALUES (1, 'a', 'A', 0, '2026-01-01')",
            "INSERT INTO device (id, public_id, workspace_id, sort, name, prefix, token_hash, "
            "scopes, created_at, expires_at, use_count) VALUES (1, 'd', 1, 'script', 'Till', "
            "'crm_AAAAAAAA', 'h', '[]', '2026-01-01', '2027-01-01', 0)",
            *(
                f"INSERT INTO link {LINK_COLUMNS} VALUES ('{kind}', 1, 1, '{kind}', '', "  # noqa: S608 # our own words
                f"'quickbooks_online', '', '{kind}', '12', '', '1', '', '[]', 'intended', '', 0, "
                "'2026-01-01', '2026-01-01')"
                for kind in ("customer", "supplier")
            ),
        ):
            session.execute(text(statement))
    older.migrate()
    with older.reading() as session:
        kinds = {link.id: link.contact_kind for link in session.query(Link)}
    assert kinds == {"customer": "customer", "supplier": "supplier"}
    older.close()
