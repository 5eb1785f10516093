"""Kinds of contacts whose address does not show it, as live contacts and lists have them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, String, bindparam, cast, literal, or_, select, union_all
from sqlalchemy.orm import Session

from crmlink.accounting.package_facts import addresses_tell_kind, has_pages
from crmlink.folding import fold
from crmlink.kinds import KINDS, Kind, kind_named
from crmlink.linking.context import WorkspaceContext
from crmlink.store import Batch, BatchRow, ContactSource, ParkedContact, SourceContact


def _of_organisation(column: Any) -> ColumnElement[bool]:
    """Return the condition for a contact's organisation, which neither side may name."""
    asked = bindparam("organisation", type_=String)
    return or_(asked == "", column.in_((asked, "")))


_LIVE, _STATED = 1, 2
_LISTS = select(Batch.id).where(
    Batch.connection_id == bindparam("connection_id"),
    Batch.package == bindparam("package"),
    _of_organisation(Batch.organisation),
)
# Built once: suggestions and pages of contacts ask it.
_KINDS = union_all(
    select(literal(_LIVE), cast(SourceContact.kind, String))
    .join(ContactSource)
    .where(
        ContactSource.workspace_id == bindparam("workspace_id"),
        ContactSource.package == bindparam("package"),
        SourceContact.reference_key == bindparam("key"),
        _of_organisation(ContactSource.organisation),
    ),
    # What users and files gave the contact.
    select(literal(_STATED), cast(ParkedContact.kind, String)).where(
        ParkedContact.connection_id == bindparam("connection_id"),
        ParkedContact.package == bindparam("package"),
        ParkedContact.reference == bindparam("reference"),
        _of_organisation(ParkedContact.organisation),
    ),
    # With batch and kind the rows are found by their index.
    select(literal(_STATED), cast(BatchRow.kind, String)).where(
        BatchRow.batch_id.in_(_LISTS),
        BatchRow.kind.in_(KINDS),
        BatchRow.reference == bindparam("reference"),
    ),
)


def known_kind(
    ctx: WorkspaceContext, package: str, organisation: str, reference: str
) -> Kind | None:
    """Return the one kind that live contacts, parked ones and lists give a contact.

    None if none does, or both, or if a live contact is both. A live contact's kind precedes the
    others, except in software without pages: there a customer and a supplier may share a reference.
    """
    with ctx.database.reading() as session:
        return known_kind_in(session, ctx, package, organisation, reference)


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
    return known_kind_in(session, ctx, *contact) or stated


def known_kind_in(
    session: Session, ctx: WorkspaceContext, package: str, organisation: str, reference: str
) -> Kind | None:
    """Return what ``known_kind`` does, read in a session."""
    asked = {
        "workspace_id": ctx.workspace_id,
        "connection_id": ctx.connection_id,
        "package": package,
        "organisation": organisation,
        "reference": reference,
        "key": fold(reference),
    }
    found = set(session.execute(_KINDS, asked).all())
    kinds = {kind for source, kind in found if source == _LIVE}
    if not kinds or not has_pages(ctx.packages, package):
        kinds |= {kind for source, kind in found if source == _STATED} - {""}
    return kind_named(kinds.pop()) if len(kinds) == 1 else None
