"""Parked contacts of a person: found, to be exported or deleted with all else that names them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from crmlink.access.personal_data.batches import Clues
from crmlink.store import ParkedContact
from crmlink.store.connections import connections_of

PERSONAL_COLUMNS = (
    "reference", "name", "company", "address", "town", "postcode", "email", "phones",
)  # fmt: skip


def find_parked(session: Session, workspace_id: int, clues: Clues) -> list[ParkedContact]:
    """Contacts with the person's email or reference, or their name where no other email is."""
    same_email = func.lower(ParkedContact.email).in_(clues.emails)
    same_name = or_(
        func.lower(ParkedContact.name).in_(clues.names),
        func.lower(ParkedContact.company).in_(clues.names),
    )
    query = select(ParkedContact).where(
        ParkedContact.connection_id.in_(connections_of(workspace_id)),
        or_(
            same_email,
            func.lower(ParkedContact.reference).in_(clues.references),
            same_name & (ParkedContact.email == ""),
        ),
    )
    return list(session.scalars(query))


def delete_old_parked(session: Session, workspace_id: int, before: datetime) -> int:
    """Delete what was parked before a time; how many."""
    done = session.execute(
        delete(ParkedContact).where(
            ParkedContact.connection_id.in_(connections_of(workspace_id)),
            ParkedContact.created_at < before,
        )
    )
    return int(done.rowcount)  # type: ignore[attr-defined] # a delete has it
