"""Kinds of contacts whose address does not show it, as live contacts and lists have them."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crmlink.accounting.package_facts import addresses_tell_kind, has_pages
from crmlink.folding import fold
from crmlink.kinds import KINDS, Kind, kind_named
from crmlink.linking.context import WorkspaceContext
from crmlink.store import Batch, BatchRow, ContactSource, ParkedContact, SourceContact


def known_kind(
    ctx: WorkspaceContext, package: str, organisation: str, reference: str
) -> Kind | None:
    """Return the one kind that live contacts, parked ones and lists give a contact.

    None if none does, or both, or if a live contact is both. A live contact's kind precedes the
    others, except in software without pages: there a customer and a supplier may share a reference.
    """
    with ctx.database.reading() as session:
        return _known_in(session, ctx, package, organisation, reference)


def kind_in_truth(
    session: Session,
    ctx: WorkspaceContext,
    contact: tuple[str, str, str],
    stated: Kind | None,
) -> Kind | None:
    """Return the kind of a contact (package, organisation, reference): as known, else as stated.

    What is stated holds for software whose addresses tell the kind: it comes from there, and a
    customer and a supplier may have the same number.
    """
    if stated and addresses_tell_kind(ctx.packages, contact[0]):
        return stated
    return _known_in(session, ctx, *contact) or stated


def _known_in(
    session: Session, ctx: WorkspaceContext, package: str, organisation: str, reference: str
) -> Kind | None:
    kinds = _kinds_of_live(session, ctx, package, organisation, reference)
    if not kinds or not has_pages(ctx.packages, package):
        kinds |= _kinds_stated(session, ctx, package, organisation, reference)
    return kind_named(kinds.pop()) if len(kinds) == 1 else None


def _kinds_of_live(
    session: Session, ctx: WorkspaceContext, package: str, organisation: str, reference: str
) -> set[str]:
    query = (
        select(SourceContact.kind)
        .join(ContactSource)
        .where(
            ContactSource.workspace_id == ctx.workspace_id,
            ContactSource.package == package,
            SourceContact.reference_key == fold(reference),
        )
    )
    if organisation:
        query = query.where(ContactSource.organisation.in_((organisation, "")))
    return set(session.scalars(query))


def _kinds_stated(
    session: Session, ctx: WorkspaceContext, package: str, organisation: str, reference: str
) -> set[str]:
    """Return the kinds that users and files gave the contact."""
    parked = select(ParkedContact.kind).filter_by(
        connection_id=ctx.connection_id, package=package, reference=reference
    )
    lists = select(Batch.id).filter_by(connection_id=ctx.connection_id, package=package)
    if organisation:
        parked = parked.where(ParkedContact.organisation.in_((organisation, "")))
        lists = lists.where(or_(Batch.organisation == organisation, Batch.organisation == ""))
    # With batch and kind the rows are found by their index.
    rows = select(BatchRow.kind).where(
        BatchRow.batch_id.in_(lists), BatchRow.kind.in_(KINDS), BatchRow.reference == reference
    )
    return {*session.scalars(parked), *session.scalars(rows)} - {""}
