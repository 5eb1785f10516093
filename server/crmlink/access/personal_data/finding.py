"""Search for all data about one person: account, records, links, rows of lists, uploads.

One leads to another: a row to its link, a link to a name and reference in another list. The search
is repeated until nothing more is found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import String, cast, select
from sqlalchemy.orm import Session

from crmlink.access.personal_data.batches import Clues, find_rows
from crmlink.access.personal_data.parked import find_parked
from crmlink.access.personal_data.sources import find_contacts
from crmlink.folding import fold, normalise_login_email, spellings
from crmlink.kinds import KINDS
from crmlink.store import BatchRow, Link, MirroredRecord, ParkedContact, Person, SourceContact
from crmlink.store.connections import connections_of
from crmlink.store.erased import ERASED
from crmlink.store.hidden_references import contact_emails
from crmlink.store.records import holds_email


@dataclass
class Subject:
    """Data found about one person; ``email`` is the one searched for, if any.

    ``own_emails``, folded, identify the person by themselves: the one searched for, and those of
    their records that no other record has. Other emails may be shared in a firm.
    """

    email: str
    person: Person | None
    records: list[MirroredRecord]
    own_emails: frozenset[str]
    links: dict[str, Link] = field(default_factory=dict)
    rows: dict[int, BatchRow] = field(default_factory=dict)
    parked: list[ParkedContact] = field(default_factory=list)
    contacts: list[SourceContact] = field(default_factory=list)  # of live sources

    @property
    def is_known(self) -> bool:
        """Whether anything was found."""
        kept = self.records or self.links or self.rows or self.parked or self.contacts
        return self.person is not None or bool(kept)

    @property
    def record_ids(self) -> frozenset[str]:
        """Ids of the person's records."""
        return frozenset(record.public_id for record in self.records)

    @property
    def certain_rows(self) -> list[BatchRow]:
        """Rows identified by email, record or link, not by similarity."""
        return [
            row
            for row in self.rows.values()
            if row.record_id in self.record_ids
            or row.link_id in self.links
            or not self.own_emails.isdisjoint(map(fold, (row.email, *row.other_emails)))
        ]


def is_record_id(who: str) -> bool:
    """Return whether the search term is a record's id."""
    kind, _, number = who.partition("-")
    return kind in KINDS and bool(number)


def find_person_by_email(session: Session, workspace_id: int, email: str) -> Person | None:
    """Return the newest person with this email, removed or not."""
    key = normalise_login_email(email)
    query = select(Person).filter_by(workspace_id=workspace_id, email_key=key)
    return session.scalar(query.order_by(Person.id.desc()).limit(1))


def find_subject(session: Session, workspace_id: int, who: str) -> Subject:
    """Return all data about the person with a record's id or an email."""
    email = "" if is_record_id(who) else who.strip()
    records = _records(session, workspace_id, who, email)
    subject = Subject(
        email,
        find_person_by_email(session, workspace_id, email) if email else None,
        records,
        _own_emails(session, workspace_id, email, records),
    )
    known = -1
    while known < len(subject.links) + len(subject.rows):
        known = len(subject.links) + len(subject.rows)
        for link in _links(session, workspace_id, subject):
            subject.links[link.id] = link
        for row in find_rows(session, workspace_id, _clues(subject)):
            subject.rows[row.id] = row
    subject.parked = find_parked(session, workspace_id, _clues(subject))
    subject.contacts = find_contacts(session, workspace_id, _clues(subject))
    return subject


def _records(session: Session, workspace_id: int, who: str, email: str) -> list[MirroredRecord]:
    here = MirroredRecord.connection_id.in_(connections_of(workspace_id))
    if email:
        theirs = holds_email(MirroredRecord.email, MirroredRecord.other_emails, [email])
        return list(session.scalars(select(MirroredRecord).where(here, theirs)))
    kind, _, number = who.partition("-")
    query = select(MirroredRecord).filter_by(kind=kind, number=number)
    return list(session.scalars(query.where(here)))


def _own_emails(
    session: Session, workspace_id: int, email: str, records: list[MirroredRecord]
) -> frozenset[str]:
    here = MirroredRecord.connection_id.in_(connections_of(workspace_id))
    mine = {record.id for record in records}
    own = {fold(email)} - {""}
    for each in {fold(each) for record in records for each in (record.email, *record.other_emails)}:
        theirs = holds_email(MirroredRecord.email, MirroredRecord.other_emails, [each])
        if each and set(session.scalars(select(MirroredRecord.id).where(here, theirs))) <= mine:
            own.add(each)
    return frozenset(own)


def _links(session: Session, workspace_id: int, subject: Subject) -> list[Link]:
    """Return links to their records, of their rows, and of contacts with their emails."""
    here = select(Link).where(Link.connection_id.in_(connections_of(workspace_id)))
    made = {row.link_id for row in subject.rows.values()} - {None}
    found = list(session.scalars(here.where(Link.id.in_(made)))) if made else []
    for record in subject.records:
        to_it = here.where(Link.kind == record.kind, Link.record_number == record.number)
        found += session.scalars(to_it)
    if subject.own_emails:
        seen = session.execute(
            select(Link.id, Link.differences).where(
                Link.connection_id.in_(connections_of(workspace_id)),
                cast(Link.differences, String).contains("@"),
            )
        )
        ids = [
            link_id
            for link_id, differences in seen
            if not subject.own_emails.isdisjoint(map(fold, contact_emails(differences)))
        ]
        found += [session.get_one(Link, link_id) for link_id in ids]
    undone = {link.id for link in found}
    if undone:
        found += session.scalars(here.where(Link.undoes_id.in_(undone)))
    return found


def _clues(subject: Subject) -> Clues:
    """Return further identifying data: names and references of records, links, certain rows.

    A plain number may be another contact's in another package, so it is no clue by itself.
    """
    links, certain = subject.links.values(), subject.certain_rows
    names = {link.contact_name for link in links} | {row.name for row in certain}
    for record in subject.records:
        names |= {record.name, record.label if not record.erased_at else ""}
    references = {link.reference for link in links} | {row.reference for row in certain}
    references |= {record.reference or "" for record in subject.records}
    emails = {email for record in subject.records for email in (record.email, *record.other_emails)}
    emails.update(*(contact_emails(link.differences) for link in links))
    emails.update(*((row.email, *row.other_emails) for row in certain))
    return Clues(
        names=frozenset().union(*(spellings(name) for name in names - {ERASED})),
        references=_folded(value for value in references if not value.isdecimal()),
        own_emails=subject.own_emails,
        emails=_folded(emails) | subject.own_emails,
        record_ids=subject.record_ids,
        link_ids=frozenset(subject.links),
    )


def _folded(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(fold(text) for text in texts if text)
