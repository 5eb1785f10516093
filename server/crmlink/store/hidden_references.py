"""Pseudonymisation of links and rows of erased people, once they are settled.

An intended link keeps its references, which are still to be written and compared.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crmlink.pseudonyms import Pseudonyms
from crmlink.store import BatchRow, Link, LinkState, MirroredRecord
from crmlink.store.erased import ErasedPeople, erased_people_of, pseudonyms_of

ERASED = "(erased)"
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


def hide_settled_link(session: Session, link_id: str) -> None:
    """Hide what a link that was just settled contains about an erased person."""
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
    """Hide what a settled row of a list contains about an erased person."""
    erased = erased_people_of(session, connection_id)
    if not erased.keys:
        return
    row = session.get_one(BatchRow, row_id, populate_existing=True)
    row.failure = erased.hidden_facts(row.failure)
    if row.name == ERASED:
        row.reference = erased.pseudonyms.hidden(row.reference) or ""
        row.failure = hidden_failure(row.failure, erased.pseudonyms)
    session.flush()
