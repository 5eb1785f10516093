"""Contacts read from accounting packages that are a person's, for export or erasure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, delete, null, select, update
from sqlalchemy.orm import Session

from crmlink.access.personal_data.batches import Clues
from crmlink.folding import fold
from crmlink.store import ContactSource, SourceContact
from crmlink.store.erased import Signs
from crmlink.values.contact_details import DETAIL_COLUMNS

PERSONAL_COLUMNS = ("reference", "code", *DETAIL_COLUMNS, "moved_from", "checked_name")
IDENTIFYING = ("id", "reference", "code", "name", "company", "person", "email", "other_emails")


def find_contacts(session: Session, workspace_id: int, clues: Clues) -> list[SourceContact]:
    """Return contacts with the person's email or reference, or their name and no other email."""
    columns = [getattr(SourceContact, name) for name in IDENTIFYING]
    query = (
        select(*columns)
        .join(ContactSource)
        .where(ContactSource.workspace_id == workspace_id)
        .execution_options(yield_per=5_000)
    )
    found = [row.id for row in session.execute(query) if _is_theirs(row, clues)]
    return [session.get_one(SourceContact, contact_id) for contact_id in found]


def delete_contacts(session: Session, contacts: Iterable[SourceContact]) -> None:
    """Delete contacts, so that every index of their source forgets them."""
    for contact in contacts:
        session.execute(
            update(ContactSource)
            .where(ContactSource.id == contact.source_id)
            .values(version=ContactSource.version + 1)
        )
        session.execute(delete(SourceContact).where(SourceContact.id == contact.id))
        session.expunge(contact)


def forget_left_out(session: Session, workspace_id: int) -> None:
    """Forget the names of contacts that were left out; the next complete list has them again."""
    mine = update(ContactSource).filter_by(workspace_id=workspace_id)
    session.execute(mine.values(left_out=null()))


def signs_of_contact(session: Session, contact: SourceContact) -> Signs:
    """Return the data that identifies a contact."""
    source = session.get_one(ContactSource, contact.source_id)
    names = (contact.name, contact.company, contact.person)
    return Signs.of(contact, names, source.package, source.organisation, contact.reference)


def _is_theirs(row: Row[Any], clues: Clues) -> bool:
    emails = {fold(email) for email in (row.email, *row.other_emails) if email}
    if not emails.isdisjoint(clues.own_emails):
        return True
    if not clues.references.isdisjoint(map(fold, (row.reference, row.code))):
        return True
    named = clues.are_named((row.name, row.company, row.person))
    return named and (not emails or not emails.isdisjoint(clues.emails))
