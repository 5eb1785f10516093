"""Keeping contacts as read: new and changed ones, without erased people, and missing ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from crmlink.accounting.errors import InvalidReference
from crmlink.accounting.package_rules import Packages
from crmlink.accounting.references import canonical_reference
from crmlink.folding import compose, fold
from crmlink.sources.contact import ReadContact
from crmlink.sources.moved_contacts import has_moved, place_of
from crmlink.store import ContactSource, ContactState, SourceContact
from crmlink.store.base import utc_now
from crmlink.store.erased import ErasedPeople, Signs, erased_people
from crmlink.values.contact_details import DETAIL_COLUMNS, composed, plain_details

MAX_PARAMETERS = 5_000  # databases bound them
MAX_KEY = 250  # characters; PostgreSQL's indexes take few more
MAX_SHOWN, MAX_SHOWN_NAME = 10, 100  # of contacts that were left out
Value = TypeVar("Value", str, int)
COMPARED = ("reference", "code", "kind", "state", "merged_into", *DETAIL_COLUMNS)


def store_contacts(
    session: Session,
    source: ContactSource,
    contacts: Sequence[ReadContact],
    rules: Packages,
    *,
    full: bool,
) -> None:
    """Store one page's contacts; a contact of an erased person is deleted and not stored.

    Nor is one whose reference Commusoft could not hold exactly: the source notes its name.
    """
    erased = erased_people(session, source.workspace_id)
    named = _canonical(source.package, contacts, rules)
    without = [contact for contact in contacts if contact.key not in named]
    note_left_out(source, [each for each in without if not is_erased(erased, source, each)])
    gone = [contact.key for contact in without]
    theirs = [key for key, contact in named.items() if is_erased(erased, source, contact)]
    _delete(session, source, [*gone, *theirs])
    for key in theirs:
        del named[key]
    stored = {
        row.key: row
        for some in _in_parts(list(named))
        for row in session.scalars(
            select(SourceContact).where(
                SourceContact.source_id == source.id, SourceContact.key.in_(some)
            )
        )
    }
    round_ = source.round + 1 if full else source.round
    changed = _changed(named, stored)
    new = [contact for key, contact in named.items() if key not in stored]
    if changed or new:
        source.version += 1
    first_seen = utc_now() if source.round else None
    for contact in changed:
        _update(stored[contact.key], _values(contact))
        stored[contact.key].version = source.version
    session.flush()
    _note_round(session, [row.id for row in stored.values()], round_)
    if new:
        more = {"source_id": source.id, "round": round_, "version": source.version,
                "first_seen_at": first_seen}  # fmt: skip
        session.execute(
            insert(SourceContact), [{**_values(contact), **more, "key": contact.key}
                                    for contact in new]
        )  # fmt: skip


def note_left_out(source: ContactSource, contacts: Iterable[ReadContact]) -> None:
    """Note the names of contacts that are in use and were left out; only the first ones."""
    kept = source.left_out or {"count": 0, "names": []}
    for contact in contacts:
        if contact.state in (ContactState.ACTIVE, ContactState.ARCHIVED):
            details = contact.details
            name = details.name or details.company or details.person or contact.key
            if name not in kept["names"]:
                names = [*kept["names"], name[:MAX_SHOWN_NAME]][:MAX_SHOWN]
                kept = {"count": kept["count"] + 1, "names": names}
    if kept["count"]:
        source.left_out = kept


def mark_missing(session: Session, source: ContactSource) -> None:
    """Mark contacts as deleted that two complete lists in a row did not have.

    One list is not enough: a contact may slip from one page to another while they are read.
    """
    missing = (
        update(SourceContact)
        .where(
            SourceContact.source_id == source.id,
            SourceContact.round <= source.round - 2,
            SourceContact.state != ContactState.DELETED,
        )
        .values(state=ContactState.DELETED, version=source.version + 1)
        .execution_options(synchronize_session=False)
    )
    marked = session.execute(missing)
    if marked.rowcount:  # type: ignore[attr-defined] # an update has it
        source.version += 1


def is_erased(erased: ErasedPeople, source: ContactSource, contact: ReadContact) -> bool:
    """Return whether a contact is an erased person's."""
    details = contact.details
    return erased.are(
        Signs.of(details, details.names, source.package, source.organisation, contact.reference)
    )


def _canonical(
    package: str, contacts: Iterable[ReadContact], rules: Packages
) -> dict[str, ReadContact]:
    """Return the contacts by key, without those whose reference Commusoft could not hold.

    Nor those with a key that is too long for the package's own id.
    """
    named = {}
    for contact in contacts:
        if len(contact.key) > MAX_KEY:
            continue
        try:
            canonical = canonical_reference(package, contact.reference, rules)
        except InvalidReference:
            continue
        if canonical == compose(contact.reference):
            named[contact.key] = contact
    return named


def _delete(session: Session, source: ContactSource, keys: Sequence[str]) -> None:
    deleted = 0
    for some in _in_parts(keys):
        theirs = delete(SourceContact).where(
            SourceContact.source_id == source.id, SourceContact.key.in_(some)
        )
        deleted += session.execute(theirs).rowcount  # type: ignore[attr-defined] # a delete has it
    if deleted:
        source.version += 1


def _changed(named: dict[str, ReadContact], stored: dict[str, SourceContact]) -> list[ReadContact]:
    """Return the stored contacts that differ from what was read."""
    changed = []
    for key, row in stored.items():
        values = _values(named[key])
        if any(getattr(row, name) != values[name] for name in COMPARED):
            changed.append(named[key])
    return changed


def _update(row: SourceContact, values: dict[str, Any]) -> None:
    """Set a contact's new values, and note if it has moved since a person last checked it."""
    before = (row.moved_at and row.moved_from) or place_of(row)
    for name, value in values.items():
        setattr(row, name, value)
    if not has_moved(before, place_of(row)):
        row.moved_from = row.moved_at = None
    elif row.moved_at is None:
        row.moved_from, row.moved_at = before, utc_now()


def _values(contact: ReadContact) -> dict[str, Any]:
    plain = plain_details(composed(contact.details))
    details = {name: plain[name] for name in DETAIL_COLUMNS}
    return details | {
        "reference": compose(contact.reference),
        "reference_key": fold(compose(contact.reference)),
        "code": compose(contact.code),
        "kind": contact.details.kind or "",
        "state": contact.state,
        "merged_into": contact.merged_into,
        "changed_at": contact.changed_at,
    }


def _note_round(session: Session, ids: Sequence[int], round_: int) -> None:
    for some in _in_parts(ids):
        session.execute(
            update(SourceContact)
            .where(SourceContact.id.in_(some))
            .values(round=round_)
            .execution_options(synchronize_session=False)
        )


def _in_parts(values: Sequence[Value]) -> Iterator[Sequence[Value]]:
    """Yield the values in parts that one statement may have as parameters."""
    for start in range(0, len(values), MAX_PARAMETERS):
        yield values[start : start + MAX_PARAMETERS]
