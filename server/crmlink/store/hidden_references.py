"""What a link keeps of a person who was erased: pseudonyms, from the moment that it is settled.

An intended link keeps its references as they are, for they are still to be written and compared.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crmlink.pseudonyms import Pseudonyms
from crmlink.store import BatchRow, Link, LinkState, MirroredRecord
from crmlink.store.erased import (
    ErasedPeople,
    Signs,
    erased_people,
    erased_people_of,
    pseudonyms_of,
)

ERASED = "(erased)"
PLAIN_FACTS = ("current_reference", "replaces")  # facts that are references


def hide_link(session: Session, link: Link) -> None:
    """Let a link name nobody; an intended one keeps the references that are still needed."""
    link.contact_name = link.record_label = ERASED
    link.differences = []
    if link.state is LinkState.INTENDED:
        return
    pseudonyms = pseudonyms_of(session)
    link.reference = pseudonyms.hidden(link.reference) or ""
    link.prior, link.target = pseudonyms.hidden(link.prior), pseudonyms.hidden(link.target)
    link.fingerprint = pseudonyms.of(link.fingerprint)
    link.failure = hidden_failure(link.failure, pseudonyms)


def hide_new_link(session: Session, workspace_id: int, link: Link) -> None:
    """Let a link that is about to be kept bring back nobody who was erased meanwhile, or before.

    In the transaction that keeps it. Its references stay until it is settled.
    """
    erased = erased_people(session, workspace_id)
    if not erased.keys:
        return
    record = session.scalar(
        select(MirroredRecord).filter_by(
            connection_id=link.connection_id, kind=link.kind, number=link.record_number
        )
    )
    undone = session.get(Link, link.undoes_id) if link.undoes_id else None
    of_record = record is not None and record.erased_at is not None
    if of_record:
        link.record_label = ERASED
    if of_record or erased.are(signs_of_link(link)) or (undone and undone.contact_name == ERASED):
        link.contact_name, link.differences = ERASED, []
        link.fingerprint = erased.pseudonyms.of(link.fingerprint)


def signs_of_link(link: Link) -> Signs:
    """What tells who the contact of a link is."""
    names = frozenset((link.contact_name,)) - {ERASED}
    return Signs(
        names, tuple(contact_emails(link.differences)), package=link.package,
        organisation=link.organisation, reference=link.reference,
    )  # fmt: skip


def contact_emails(differences: list[dict[str, str]] | None) -> list[str]:
    """The contact's emails in differences that a person linked over."""
    return [each["contact"] for each in differences or () if "@" in each.get("contact", "")]


def hide_row_reference(session: Session, row: BatchRow) -> None:
    """Hide a row's reference. Two of a list that fold to one get two pseudonyms."""
    hidden = pseudonyms_of(session).hidden(row.reference)
    if hidden is None or hidden == row.reference:
        return
    number, free = 1, hidden
    others = select(BatchRow.id).filter_by(batch_id=row.batch_id, kind=row.kind)
    while session.scalar(others.where(BatchRow.reference == free, BatchRow.id != row.id).limit(1)):
        number += 1
        free = f"{hidden}-{number}"
    row.reference = free
    session.flush()


def hidden_failure(failure: dict[str, Any] | None, pseudonyms: Pseudonyms) -> dict[str, Any] | None:
    """Return why something of an erased person failed, with no reference that may name them."""
    if not failure:
        return failure
    return {name: pseudonyms.hidden(value) if name in PLAIN_FACTS else value
            for name, value in failure.items()}  # fmt: skip


def hide_references(link: Link, erased: ErasedPeople) -> None:
    """Hide in a settled link, which may be of another person, references of erased people."""
    if link.state is LinkState.INTENDED:
        return
    if erased.hidden(link.reference) != link.reference:
        link.reference, link.contact_name = erased.hidden(link.reference) or "", ERASED
        link.fingerprint = erased.pseudonyms.of(link.fingerprint)
    link.prior, link.target = erased.hidden(link.prior), erased.hidden(link.target)
    link.failure = erased.hidden_facts(link.failure)


def hide_settled_link(session: Session, link_id: str) -> None:
    """Hide what a link that has just been settled keeps of somebody who was erased."""
    link = session.get_one(Link, link_id, populate_existing=True)
    record = session.scalar(
        select(MirroredRecord).filter_by(
            connection_id=link.connection_id, kind=link.kind, number=link.record_number
        )
    )
    if record is not None and record.erased_at:
        hide_link(session, link)
    else:
        hide_references(link, erased_people_of(session, link.connection_id))


def hide_settled_row(session: Session, row_id: int, connection_id: int) -> None:
    """Hide what a settled row of a list keeps of somebody who was erased."""
    erased = erased_people_of(session, connection_id)
    if not erased.keys:
        return
    row = session.get_one(BatchRow, row_id, populate_existing=True)
    row.failure = erased.hidden_facts(row.failure)
    if row.erased_at is not None:
        hide_row_reference(session, row)
        row.failure = hidden_failure(row.failure, erased.pseudonyms)
    session.flush()
