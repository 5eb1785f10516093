"""Audit entries of linking: by a device, and so by the person it acts for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from crmlink.commusoft.errors import ConnectionEnded
from crmlink.store import Device, Link, LinkMethod, LinkState, audit
from crmlink.store.connections import workspace_of
from crmlink.store.erased import pseudonyms_of

_PERSON = select(Device.person_id).where(Device.id == bindparam("device_id"))  # built once
OUTCOMES = {
    LinkState.LINKED: "link.linked",
    LinkState.FAILED: "link.failed",
    LinkState.CONFLICT: "link.conflict",
}


def record_audit(
    session: Session,
    workspace_id: int,
    device_id: int | None,
    action: str,
    subject: str,
    **details: Any,
) -> None:
    """Add an entry in a writing session; without a device the server itself acts."""
    asked = {"device_id": device_id}
    person_id = session.execute(_PERSON, asked).scalar_one() if device_id is not None else None
    audit.append_entry(
        session,
        workspace_id,
        action,
        subject,
        device_id=device_id,
        person_id=person_id,
        **details,
    )


def record_intended(session: Session, link: Link) -> None:
    """Record that a link was decided."""
    _note_link(session, link, "link.intended", link.device_id)


def record_settled(
    session: Session, link: Link, state: LinkState, code: str | None, seen_by_id: int | None = None
) -> None:
    """Record that a link was settled, by the device that saw it; ``code`` says why it failed."""
    done = "link.undone" if link.undoes_id and state is LinkState.LINKED else OUTCOMES[state]
    problem = {"problem": code} if code else {}
    _note_link(session, link, done, seen_by_id or link.device_id, **problem)


def record_left_to_page(session: Session, link: Link, code: str) -> None:
    """Record that the API refused a link, which a person now writes on Commusoft's page."""
    _note_link(session, link, "link.left_to_page", link.device_id, problem=code)


def record_prior_replaced(session: Session, link: Link, before: str | None, device_id: int) -> None:
    """Record that a user agreed to replace another value than the one decided about."""
    was = pseudonyms_of(session).hidden(before)
    _note_link(session, link, "link.prior_replaced", device_id, prior_before=was)


def _note_link(session: Session, link: Link, action: str, device_id: int, **more: Any) -> None:
    if link.undoes_id:
        more["undoes"] = link.undoes_id
    if link.contact_kind != link.kind:
        more["contact_kind"] = link.contact_kind
    if link.method is LinkMethod.PAGES:
        more["method"] = link.method.value
    workspace_id = workspace_of(session, link.connection_id)
    if workspace_id is None:  # practice data was deleted in the meantime
        raise ConnectionEnded
    hidden = pseudonyms_of(session).hidden  # entries cannot be changed, and the link has it
    record_audit(
        session, workspace_id, device_id, action, link.record_id, link=link.id,
        package=link.package, prior=hidden(link.prior), new=hidden(link.target), **more,
    )  # fmt: skip
