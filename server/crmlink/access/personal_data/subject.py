"""Personal data of one person: export and permanent erasure.

Ids, times, states and references that identify no person stay, so that no decision is lost; other
references become pseudonyms (see crmlink/pseudonyms.py). A record's row stays as a mark that its
details must not be stored again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from crmlink.access.audit.redaction import redact_references
from crmlink.access.context import AccessContext, Actor, record_audit
from crmlink.access.errors import PersonNotFound
from crmlink.access.people import remove_person
from crmlink.access.personal_data.batches import PERSONAL_COLUMNS as ON_LISTS
from crmlink.access.personal_data.batches import (
    anonymise_finished_batches,
    delete_unfinished_batches,
    erase_rows,
    forget_records,
    redact_failures,
)
from crmlink.access.personal_data.finding import (
    find_person_by_email,
    find_subject,
    is_record_id,
)
from crmlink.access.personal_data.parked import PERSONAL_COLUMNS as WHEN_PARKED
from crmlink.access.personal_data.parked import delete_old_parked
from crmlink.access.personal_data.references import (
    forget_answers,
    forget_shown_fields,
    hide_in_lists,
    hide_references_everywhere,
    remember,
)
from crmlink.access.personal_data.sources import PERSONAL_COLUMNS as IN_PACKAGES
from crmlink.access.personal_data.sources import delete_contacts, forget_left_out
from crmlink.access.preferences import read_preferences
from crmlink.folding import normalise_login_email
from crmlink.store import (
    Device,
    Link,
    LinkState,
    MirroredRecord,
    Pairing,
    Person,
    WebSession,
    WorkspaceConnection,
    WriteTest,
)
from crmlink.store.base import utc_now
from crmlink.store.connections import connections_of
from crmlink.store.erased import ERASED, pseudonyms_of
from crmlink.store.hidden_references import hide_link
from crmlink.store.records import empty_details


@dataclass
class ErasureCounts:
    """Numbers of erased rows by type."""

    people: int = 0
    records: int = 0
    links: int = 0
    drafts: int = 0


def export(access: AccessContext, who: str) -> dict[str, Any]:
    """Return all data about the person with a record's id or an email. Raises PersonNotFound."""
    with access.database.reading() as session:
        found = find_subject(session, access.workspace_id, who)
        if not found.is_known:
            raise PersonNotFound
        return {
            "who": who,
            "person": _person_fields(session, found.person) if found.person else None,
            "records": [
                _fields(record, *empty_details(), "reference", "public_id")
                for record in found.records
            ],
            "links": [
                _fields(link, "id", "contact_name", "record_label", "record_id", "prior", "target",
                        "state", "differences", "created_at")
                for link in found.links.values()
            ],
            "drafts": [_fields(row, *ON_LISTS) for row in found.rows.values()],
            "parked": [_fields(each, *WHEN_PARKED) for each in found.parked],
            "contacts": [_fields(each, *IN_PACKAGES) for each in found.contacts],
        }  # fmt: skip


def erase(access: AccessContext, actor: Actor, who: str) -> ErasureCounts:
    """Erase all data about a person, now and in later syncs.

    A person of the workspace is removed first. Raises PersonNotFound or LastAdmin.
    """
    _remove_first(access, actor, who)
    with access.database.writing() as session:
        found = find_subject(session, access.workspace_id, who)
        if not found.is_known:
            raise PersonNotFound
        person, records, links = found.person, found.records, list(found.links.values())
        drafts = len(found.rows) + len(found.parked) + len(found.contacts)
        erased = ErasureCounts(1 if person else 0, len(records), len(links), drafts)
        names = {record.label for record in records} | ({person.name} if person else set())
        access.database.mark_purge_due(session)
        known = remember(session, access.workspace_id, found)
        if person:
            for row in _rows_of(session, person):
                _erase_person(session, row)
        for record in records:
            _erase_record(session, record)
        for link in links:
            hide_link(session, link)
        erase_rows(session, found.rows.values())
        for each in found.parked:
            session.delete(each)
        delete_contacts(session, found.contacts)
        forget_left_out(session, access.workspace_id)
        hide_references_everywhere(session, access.workspace_id, known)
        hide_in_lists(session, access.workspace_id, known)
        redact_references(session, access.workspace_id, known.people.hidden, known.without)
        for kind in forget_shown_fields(session, access.workspace_id, known):
            record_audit(session, access, actor, "record_field.removed", kind)
        for question in forget_answers(session, access.workspace_id, known):
            record_audit(session, access, actor, "checklist.removed", question)
        redact_failures(session, access.workspace_id, names)
        forget_records(session, access.workspace_id, [record.public_id for record in records])
        subject = person.public_id if person else records[0].public_id if records else "contact"
        record_audit(
            session, access, actor, "personal.erased", subject,
            records=[record.public_id for record in records], links=[link.id for link in links],
        )  # fmt: skip
        in_firm = select(WorkspaceConnection.public_id).filter_by(workspace_id=access.workspace_id)
        connections = session.scalars(in_firm).all()
    access.database.delete_index_files(connections)
    access.database.purge()
    return erased


def _remove_first(access: AccessContext, actor: Actor, who: str) -> None:
    """Remove the account of the person being erased. Raises LastAdmin."""
    if is_record_id(who):
        return
    with access.database.reading() as session:
        person = find_person_by_email(session, access.workspace_id, who)
    if person and person.removed_at is None:
        remove_person(access, actor, person.public_id)


def apply_retention(access: AccessContext) -> ErasureCounts:
    """Erase data that is older than the workspace's retention."""
    preferences, erased, emptied = read_preferences(access), ErasureCounts(), 0
    with access.database.writing() as session:
        if days := preferences.keep_names_days:
            old = select(Link).where(
                Link.connection_id.in_(connections_of(access.workspace_id)),
                Link.state != LinkState.INTENDED,
                Link.settled_at < _ago(days),
                or_(Link.contact_name != ERASED, Link.record_label != ERASED),
            )
            for link in session.scalars(old):
                _erase_names(link)
                erased.links += 1
            emptied = anonymise_finished_batches(session, access.workspace_id, _ago(days))
        if days := preferences.keep_drafts_days:
            erased.drafts += delete_unfinished_batches(session, access.workspace_id, _ago(days))
            erased.drafts += delete_old_parked(session, access.workspace_id, _ago(days))
        if erased.links or erased.drafts:
            record_audit(
                session, access, None, "personal.retention", "workspace",
                links=erased.links, drafts=erased.drafts,
            )  # fmt: skip
        if erased.links or erased.drafts or emptied:
            access.database.mark_purge_due(session)
    access.database.purge()
    return erased


def _rows_of(session: Session, person: Person) -> list[Person]:
    """Return a person's row, and rows from before they were removed and invited again."""
    query = (
        select(Person)
        .filter_by(workspace_id=person.workspace_id)
        .filter_by(email_key=normalise_login_email(person.email))
    )
    return list(session.scalars(query))


def _erase_person(session: Session, person: Person) -> None:
    person.name, person.email = ERASED, f"{person.public_id}@erased.invalid"
    person.password_hash = person.sso_subject = person.login = person.operator_since = None
    session.execute(
        update(WebSession).where(WebSession.person_id == person.id).values(address="", browser="")
    )
    session.execute(
        update(Device)
        .where(Device.person_id == person.id)
        .values(name=ERASED, last_used_address=None)
    )
    session.execute(
        update(Pairing)
        .where(Pairing.person_id == person.id)
        .values(device_name=ERASED, browser="", address="")
    )


def _erase_record(session: Session, record: MirroredRecord) -> None:
    connection = session.get_one(WorkspaceConnection, record.connection_id)
    connection.mirror_version += 1
    for field, value in empty_details().items():
        setattr(record, field, value)
    record.mirror_version, record.erased_at = connection.mirror_version, utc_now()
    proofs = update(WriteTest).filter_by(
        connection_id=record.connection_id, kind=record.kind, record_number=record.number
    )
    session.execute(proofs.values(before=None))
    record.reference = pseudonyms_of(session).hidden(record.reference)


def _erase_names(link: Link) -> None:
    link.contact_name = link.record_label = ERASED
    link.differences = []


def _person_fields(session: Session, person: Person) -> dict[str, Any]:
    log_ins = session.scalars(select(WebSession).filter_by(person_id=person.id))
    devices = session.scalars(select(Device).filter_by(person_id=person.id))
    return _fields(person, "name", "email", "role", "created_at", "joined_at", "last_seen_at") | {
        "log_ins": [
            _fields(log_in, "browser", "address", "created_at", "last_seen_at")
            for log_in in log_ins
        ],
        "devices": [
            _fields(device, "name", "sort", "created_at", "last_used_at", "last_used_address")
            for device in devices
        ],
    }


def _fields(row: Any, *names: str) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in names}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }


def _ago(days: int) -> datetime:
    return utc_now() - timedelta(days=days)
