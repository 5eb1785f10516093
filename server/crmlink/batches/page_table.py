"""Rows of a list that wait on Commusoft's pages: the table *Link Customers and Suppliers*."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from crmlink.batches.state import get_batch
from crmlink.folding import fold
from crmlink.kinds import Kind
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import LinkingError, LinkNotFound
from crmlink.linking.on_page import Observation, Observed, give_up, observe_many
from crmlink.linking.suggest import records_by_id
from crmlink.store import BatchRow, Link, LinkMethod, LinkState, MirroredRecord, RowState


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row to be filled in, with its link and record.

    ``alone``: no other record of the kind has the same name and address.
    """

    position: int
    link: Link
    record: MirroredRecord
    alone: bool


@dataclass(frozen=True, slots=True)
class TablePage:
    """Rows of a list in its order; ``next`` is the position to go on after, None at the end."""

    rows: list[TableRow]
    next: int | None


def table_page(ctx: WorkspaceContext, batch_id: str, after: int = 0, limit: int = 500) -> TablePage:
    """Return a page of the rows that wait to be filled in. Raises BatchNotFound.

    A row whose record is gone is left out, but counts towards the limit; its link can be withdrawn.
    """
    with ctx.database.reading() as session:
        get_batch(session, ctx, batch_id)
        query = _waiting(batch_id).add_columns(BatchRow.position)
        found = session.execute(
            query.where(BatchRow.position > after).order_by(BatchRow.position).limit(limit)
        ).all()
        records = records_by_id(session, ctx.connection_id, [link.record_id for link, _ in found])
        twins = _twins(session, ctx.connection_id, list(records.values()))
    rows = [
        TableRow(position, link, record, alone=twins[_looks(record)] < 2)
        for link, position in found
        if (record := records.get(link.record_id))
    ]
    return TablePage(rows, found[-1].position if found else None)


def observe_rows(
    ctx: WorkspaceContext,
    batch_id: str,
    seen: Sequence[tuple[str, Observation]],
    device_id: int,
) -> list[Observed | LinkingError]:
    """Take what the table showed of a list's links, in order. Raises BatchNotFound.

    The same again changes nothing. A link of another list is LinkNotFound.
    """
    with ctx.database.reading() as session:
        get_batch(session, ctx, batch_id)
        asked = [link_id for link_id, _ in seen]
        links = session.execute(select(Link.id, Link.undoes_id).where(Link.id.in_(asked))).all()
        rows = select(BatchRow.link_id, BatchRow.batch_id).where(
            BatchRow.link_id.in_({one for both in links for one in both})
        )
        mine = {row.link_id for row in session.execute(rows) if row.batch_id == batch_id}
    known = {link_id for link_id, undone in links if {link_id, undone} & mine}
    taken = iter(observe_many(ctx, [each for each in seen if each[0] in known], device_id))
    return [next(taken) if link_id in known else LinkNotFound() for link_id in asked]


def withdraw_rows(
    session: Session, batch_id: str, device_id: int, *, undos_too: bool = True
) -> int:
    """Withdraw what waits on pages, in a writing session; returns how many."""
    query = _waiting(batch_id)
    if not undos_too:
        query = query.where(Link.undoes_id.is_(None))
    links = list(session.scalars(query))
    for link in links:
        give_up(session, link, device_id)
    return len(links)


def _waiting(batch_id: str) -> Select[Link]:
    """Return the query for the links, or undos of links, that a list's rows wait for."""
    return (
        select(Link)
        .join(BatchRow, or_(BatchRow.link_id == Link.id, BatchRow.link_id == Link.undoes_id))
        .where(
            BatchRow.batch_id == batch_id,
            BatchRow.state == RowState.FILLING,
            Link.state == LinkState.INTENDED,
            Link.method == LinkMethod.PAGES,
        )
    )


def _looks(record: MirroredRecord) -> tuple[Kind, str, str, str]:
    """Return what a table shows of a record, however it sets out the address."""
    address = " ".join(f"{record.address} {record.town}".replace(",", " ").split())
    return (record.kind, fold(record.label), fold(address), fold(record.postcode))


def _twins(
    session: Session, connection_id: int, records: Sequence[MirroredRecord]
) -> Counter[tuple[Kind, str, str, str]]:
    """Count the records that look the same as each of these."""
    # A database may know the small letters of ASCII alone.
    labels = {text for record in records for text in (record.label, record.label.lower())}
    if not labels:
        return Counter()
    same = select(MirroredRecord).where(
        MirroredRecord.connection_id == connection_id,
        MirroredRecord.deleted_at.is_(None),
        or_(
            MirroredRecord.company.in_(labels),
            MirroredRecord.name.in_(labels),
            func.lower(MirroredRecord.company).in_(labels),
            func.lower(MirroredRecord.name).in_(labels),
        ),
    )
    return Counter(_looks(record) for record in session.scalars(same))
