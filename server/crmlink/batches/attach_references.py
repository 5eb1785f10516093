"""References from list pages for a file without them: finds the row of each contact.

Both come from the same package, which shows the same name and email in both. Only a unique match of
one row and one contact is used; ambiguous ones are left to the user.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from crmlink.batches.contacts import Identity, ListedContact
from crmlink.store import Batch, BatchRow, RowState, Verdict

BY_EMAIL, BY_NAME = "email", "name"


def complete(
    session: Session, batch: Batch, contacts: Mapping[Identity, ListedContact]
) -> set[Identity]:
    """Give rows without a reference the reference of their contact on the page.

    Returns the contacts that found their row. A row matched by name alone loses its reference again
    if a second contact of that name follows: it is then ambiguous.
    """
    rows = session.scalars(
        select(BatchRow).where(
            BatchRow.batch_id == batch.id,
            BatchRow.state == RowState.IDLE,
            (BatchRow.reference == "") | (BatchRow.completed_by == BY_NAME),
        )
    ).all()
    if not rows:
        return set()
    by_name, by_email = _index(rows)
    names, emails = _counts(contacts)
    found = set()
    for identity, contact in contacts.items():
        kind, reference = identity
        same_name = _of_kind(by_name.get(_key(contact.name), []), kind)
        free = [row for row in same_name if not row.reference]
        if contact.name and any(row.completed_by == BY_NAME for row in same_name):
            _take_back(session, batch, same_name)
            continue
        own = [email for email in _emails_of(contact) if emails[kind, email] == 1]
        same_email = [row for email in own for row in _of_kind(by_email.get(email, []), kind)]
        free_by_email = list({row.id: row for row in same_email if not row.reference}.values())
        if len(free_by_email) == 1 and _names_fit(free_by_email[0], contact):
            _fill(free_by_email[0], kind, reference, BY_EMAIL)
            found.add(identity)
            continue
        alone = len(same_name) == 1 and names[kind, _key(contact.name)] == 1
        if contact.name and free and alone and not _emails_differ(free[0], contact):
            _fill(free[0], kind, reference, BY_NAME)
            found.add(identity)
    return found


def _fill(row: BatchRow, kind: str, reference: str, by: str) -> None:
    row.reference, row.completed_by, row.kind = reference, by, kind or row.kind
    row.version += 1


def _take_back(session: Session, batch: Batch, rows: list[BatchRow]) -> None:
    """Move a reference matched by an ambiguous name to a row of its own."""
    for row in rows:
        if row.completed_by == BY_NAME:
            position = session.scalars(
                select(BatchRow.position)
                .where(BatchRow.batch_id == batch.id)
                .order_by(BatchRow.position.desc())
                .limit(1)
            ).one()
            reference, row.reference, row.completed_by = row.reference, "", ""
            row.version += 1
            session.flush()
            session.add(
                BatchRow(
                    batch_id=batch.id,
                    position=position + 1,
                    kind=row.kind,
                    reference=reference,
                    name=row.name,
                    verdict=Verdict.NEW,
                )
            )
            session.flush()


def _index(
    rows: Sequence[BatchRow],
) -> tuple[dict[str, list[BatchRow]], dict[str, list[BatchRow]]]:
    by_name: defaultdict[str, list[BatchRow]] = defaultdict(list)
    by_email: defaultdict[str, list[BatchRow]] = defaultdict(list)
    for row in rows:
        for key in {_key(row.name), _key(row.company), _key(row.person)} - {""}:
            by_name[key].append(row)
        for email in _emails_of(row):
            by_email[email].append(row)
    return by_name, by_email


def _counts(
    contacts: Mapping[Identity, ListedContact],
) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]]:
    names: defaultdict[tuple[str, str], int] = defaultdict(int)
    emails: defaultdict[tuple[str, str], int] = defaultdict(int)
    for (kind, _), contact in contacts.items():
        names[kind, _key(contact.name)] += 1
        for email in _emails_of(contact):
            emails[kind, email] += 1
    return names, emails


def _of_kind(rows: list[BatchRow], kind: str) -> list[BatchRow]:
    return [row for row in rows if not kind or _kind(row) in ("", kind)]


def _kind(row: BatchRow) -> str:
    """Return the contact's kind by its list or by the record accepted for it."""
    return row.kind or (row.record_id or "").partition("-")[0]


def _names_fit(row: BatchRow, contact: ListedContact) -> bool:
    """Return whether the names agree if both are known: a mailbox may be shared."""
    own = {_key(row.name), _key(row.company), _key(row.person)} - {""}
    return not own or not contact.name or _key(contact.name) in own


def _emails_of(contact: BatchRow | ListedContact) -> set[str]:
    emails = (contact.email, *contact.other_emails)
    return {email.strip().lower() for email in emails} - {""}


def _emails_differ(row: BatchRow, contact: ListedContact) -> bool:
    """Return whether both have emails, and none in common."""
    known, shown = _emails_of(row), _emails_of(contact)
    return bool(known and shown) and known.isdisjoint(shown)


def _key(name: str) -> str:
    return " ".join(name.casefold().split())
