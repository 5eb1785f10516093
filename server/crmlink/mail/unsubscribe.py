"""Links that end optional emails: a signature in place of a sign-in, good for that alone.

They never expire, and show no name or address.
"""

from __future__ import annotations

from collections.abc import Mapping

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import select
from sqlalchemy.orm import Session

from crmlink.access.context import AccessContext, Actor, KeyedContext, record_audit
from crmlink.store import MailKind, Person

MAX_LENGTH = 300
CHOICES = {MailKind.LIST_ENDED: "mail_list_ended", MailKind.WEEKLY: "mail_weekly"}


def unsubscribe_token(access: AccessContext, person: Person, kind: MailKind) -> str:
    """Return the token of a person's link for one kind of email."""
    return str(_serializer(access).dumps([person.public_id, kind.value]))


def kind_of_token(access: KeyedContext, token: str) -> MailKind | None:
    """Return the kind of email that a link ends; None if the link is not one of crmlink's."""
    found = _read(access, token)
    return found[1] if found else None


def unsubscribe(access: KeyedContext, token: str) -> MailKind | None:
    """End one kind of email to a person; returns which, None for a link that is not crmlink's."""
    found = _read(access, token)
    if found is None:
        return None
    with access.database.writing() as session:
        person = session.scalar(select(Person).filter_by(public_id=found[0]))
        if person is not None:
            own = access.of(person.workspace_id)
            choose(session, own, None, person, {found[1]: False})
    return found[1]


def choose(
    session: Session,
    access: AccessContext,
    actor: Actor | None,
    person: Person,
    choices: Mapping[MailKind, bool],
) -> None:
    """Store which kinds of email a person wants, in a writing session."""
    changed = {
        kind.value: wanted
        for kind, wanted in choices.items()
        if getattr(person, CHOICES[kind]) != wanted
    }
    for kind in changed:
        setattr(person, CHOICES[MailKind(kind)], changed[kind])
    if changed:
        record_audit(session, access, actor, "email.choice", person.public_id, emails=changed)


def _read(access: KeyedContext, token: str) -> tuple[str, MailKind] | None:
    if len(token) > MAX_LENGTH:
        return None
    try:
        public_id, kind = _serializer(access).loads(token)
        return str(public_id), MailKind(kind)
    except (BadData, ValueError, TypeError):
        return None


def _serializer(access: KeyedContext) -> URLSafeSerializer:
    return URLSafeSerializer(access.secret_key, salt="unsubscribe")
