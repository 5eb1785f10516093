"""Batches of contacts; until somebody reviews one it is a draft, kept and listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crmlink.accounting.locate import canonical_reference
from crmlink.linking.desk import Desk
from crmlink.linking.failures import BatchUnknown
from crmlink.store import Batch, BatchRow
from crmlink.words import Kind


@dataclass(frozen=True, slots=True)
class ListedContact:
    """One contact as a list page shows it."""

    reference: str
    kind: Kind | None = None
    name: str = ""
    email: str = ""
    phones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A batch, and how many contacts it holds."""

    batch: Batch
    contacts: int


def collect(
    desk: Desk,
    device_id: int,
    package: str,
    organisation: str,
    kind: Kind | None,
    contacts: Sequence[ListedContact],
    batch_id: str | None = None,
) -> tuple[Draft, int]:
    """Keep contacts as a new draft, or add them to one; returns it and how many were new.

    A contact that the draft holds already is not taken twice. Raises ReferenceMalformed,
    UnknownPackage, or BatchUnknown when the draft is not of this workspace, package and
    organisation.
    """
    by_identity = {
        (
            contact.kind or kind or "",
            canonical_reference(package, contact.reference, desk.packages),
        ): contact
        for contact in contacts
    }
    with desk.database.writing() as session:
        batch = _batch(session, desk, batch_id, package, organisation) if batch_id else None
        if batch is None:
            batch = Batch(
                workspace_id=desk.workspace_id,
                device_id=device_id,
                package=package,
                organisation=organisation,
                kind=kind,
            )
            session.add(batch)
            session.flush()
        held = set(
            session.execute(
                select(BatchRow.kind, BatchRow.reference).filter_by(batch_id=batch.id)
            ).all()
        )
        new = {key: contact for key, contact in by_identity.items() if key not in held}
        session.add_all(
            BatchRow(
                batch_id=batch.id,
                kind=row_kind,
                reference=reference,
                name=contact.name,
                email=contact.email,
                phones=list(contact.phones),
            )
            for (row_kind, reference), contact in new.items()
        )
        identity = batch.id
    return find_batch(desk, identity), len(new)


def list_batches(desk: Desk) -> list[Draft]:
    """The drafts of this workspace, the newest first."""
    query = (
        select(Batch, func.count(BatchRow.id))
        .outerjoin(BatchRow, BatchRow.batch_id == Batch.id)
        .where(Batch.workspace_id == desk.workspace_id)
        .group_by(Batch.id)
        .order_by(Batch.created_at.desc(), Batch.id)
    )
    with desk.database.reading() as session:
        counts = {batch.id: count for batch, count in session.execute(query)}
        batches = session.scalars(
            select(Batch).where(Batch.id.in_(counts)).order_by(Batch.created_at.desc(), Batch.id)
        )
        return [Draft(batch, counts[batch.id]) for batch in batches]


def find_batch(desk: Desk, batch_id: str) -> Draft:
    """One draft; raises BatchUnknown."""
    with desk.database.reading() as session:
        batch = session.get(Batch, batch_id)
        if batch is None or batch.workspace_id != desk.workspace_id:
            raise BatchUnknown
        count = select(func.count()).select_from(BatchRow).filter_by(batch_id=batch_id)
        return Draft(batch, session.scalar(count) or 0)


def rows_of(desk: Desk, batch_id: str) -> list[BatchRow]:
    """A draft's contacts, in the order in which they came."""
    with desk.database.reading() as session:
        query = select(BatchRow).filter_by(batch_id=batch_id).order_by(BatchRow.id)
        return list(session.scalars(query))


def discard_batch(desk: Desk, batch_id: str) -> None:
    """Throw a draft away; raises BatchUnknown."""
    find_batch(desk, batch_id)
    with desk.database.writing() as session:
        session.query(BatchRow).filter_by(batch_id=batch_id).delete()
        session.query(Batch).filter_by(id=batch_id).delete()


def _batch(session: Session, desk: Desk, batch_id: str, package: str, organisation: str) -> Batch:
    batch = session.get(Batch, batch_id)
    if batch is None or (batch.workspace_id, batch.package, batch.organisation) != (
        desk.workspace_id,
        package,
        organisation,
    ):
        raise BatchUnknown
    return batch
