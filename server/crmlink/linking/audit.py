"""Audit entries of linking: by a device, and so by the person it acts for."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from crmlink.store import Device, Link, LinkMethod, LinkState, WorkspaceConnection, audit
from crmlink.store.erased import pseudonyms_of

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
    device = session.get_one(Device, device_id) if device_id is not None else None
    audit.append_entry(
        session,
        workspace_id,
        action,
        subject,
        device_id=device_id,
        person_id=device.person_id if device else None,
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
    workspace_id = session.get_one(WorkspaceConnection, link.connection_id).workspace_id
    hidden = pseudonyms_of(session).hidden  # entries cannot be changed, and the link has it
    record_audit(
        session, workspace_id, device_id, action, link.record_id, link=link.id,
        package=link.package, prior=hidden(link.prior), new=hidden(link.target), **more,
    )  # fmt: skip
