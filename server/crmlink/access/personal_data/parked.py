"""Parked contacts of a person, for export or erasure with their other data."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crmlink.access.personal_data.batches import Clues
from crmlink.folding import fold
from crmlink.store import ParkedContact
from crmlink.store.connections import connections_of
from crmlink.store.erased import Signs

PERSONAL_COLUMNS = (
    "reference", "name", "company", "address", "town", "postcode", "email", "phones",
)  # fmt: skip


def find_parked(session: Session, workspace_id: int, clues: Clues) -> list[ParkedContact]:
    """Return contacts with the person's email or reference, or their name and no other email."""
    here = ParkedContact.connection_id.in_(connections_of(workspace_id))
    everybody = session.scalars(select(ParkedContact).where(here))
    return [each for each in everybody if _is_theirs(each, clues)]


def delete_old_parked(session: Session, workspace_id: int, before: datetime) -> int:
    """Delete contacts parked before a time; returns how many."""
    done = session.execute(
        delete(ParkedContact).where(
            ParkedContact.connection_id.in_(connections_of(workspace_id)),
            ParkedContact.created_at < before,
        )
    )
    return int(done.rowcount)  # type: ignore[attr-defined] # a delete has it


def signs_of_parked(each: ParkedContact) -> Signs:
    """Return the data that identifies a parked contact."""
    return Signs(
        frozenset((each.name, each.company)), (each.email,), (each.postcode,), tuple(each.phones),
        each.package, each.organisation, each.reference,
    )  # fmt: skip


def _is_theirs(each: ParkedContact, clues: Clues) -> bool:
    email = fold(each.email)
    if email in clues.own_emails or fold(each.reference) in clues.references:
        return True
    named = clues.are_named((each.name, each.company))
    return named and (not email or email in clues.emails)
