"""Pseudonymisation of links and rows of erased people, once they are settled.

An intended link keeps its references, which are still to be written and compared.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from crmlink.pseudonyms import Pseudonyms
from crmlink.store import BatchRow, Link, LinkState, MirroredRecord
from crmlink.store.erased import (
    ERASED,
    ErasedPeople,
    Signs,
    erased_people,
    erased_people_of,
    pseudonyms_of,
)

REFERENCE_PARAMS = ("current_reference", "replaces")  # parameters that are references


def hide_link(session: Session, link: Link) -> None:
    """Remove names from a link; an intended one keeps the references it still needs."""
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
    """Hide in a new link what identifies people who are erased by now.

    Call it in the transaction that stores the link. References stay until it is settled.
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
    """Return the data that identifies a link's contact."""
    names = frozenset((link.contact_name,)) - {ERASED}
    return Signs(
        names, tuple(contact_emails(link.differences)), package=link.package,
        organisation=link.organisation, reference=link.reference,
    )  # fmt: skip


def contact_emails(differences: list[dict[str, str]] | None) -> list[str]:
    """Return the contact's emails among the differences that the user accepted."""
    return [
        difference["contact"]
        for difference in differences or ()
        if "@" in difference.get("contact", "")
    ]


def hide_row_reference(session: Session, row: BatchRow) -> None:
    """Hide a row's reference; two of a list that fold to one value get distinct pseudonyms."""
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
    """Return the failure of an erased person's item without references that may name them."""
    if not failure:
        return failure
    return {name: pseudonyms.hidden(value) if name in REFERENCE_PARAMS else value
            for name, value in failure.items()}  # fmt: skip


def hide_references(link: Link, erased: ErasedPeople) -> None:
    """Hide references of erased people in a settled link, even one of another person."""
    if link.state is LinkState.INTENDED:
        return
    if erased.hidden(link.reference) != link.reference:
        link.reference, link.contact_name = erased.hidden(link.reference) or "", ERASED
        link.fingerprint = erased.pseudonyms.of(link.fingerprint)
    link.prior, link.target = erased.hidden(link.prior), erased.hidden(link.target)
    link.failure = erased.hidden_facts(link.failure)


_SETTLED = (
    select(Link, MirroredRecord.erased_at)
    .outerjoin(
        MirroredRecord,
        (MirroredRecord.connection_id == Link.connection_id)
        & (MirroredRecord.kind == Link.kind)
        & (MirroredRecord.number == Link.record_number),
    )
    .where(Link.id == bindparam("link_id"))
    .execution_options(populate_existing=True)
)  # built once: every link's end asks it


def hide_settled_link(session: Session, link_id: str) -> Link:
    """Hide what a link that was just settled contains about an erased person; returns it."""
    link, record_erased_at = session.execute(_SETTLED, {"link_id": link_id}).one()
    if record_erased_at is not None:
        hide_link(session, link)
    else:
        hide_references(link, erased_people_of(session, link.connection_id))
    return link


def hide_settled_row(session: Session, row_id: int, connection_id: int) -> None:
    """Hide what a settled row of a list contains about an erased person."""
    erased = erased_people_of(session, connection_id)
    if not erased.keys:
        return
    row = session.get_one(BatchRow, row_id, populate_existing=True)
    row.failure = erased.hidden_facts(row.failure)
    if row.erased_at is not None:
        hide_row_reference(session, row)
        row.failure = hidden_failure(row.failure, erased.pseudonyms)
    session.flush()
