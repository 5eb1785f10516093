"""Web Connectors: made with a password of their own, and who may speak as one.

Passwords and tickets are random and long, so a plain hash of one does not help to guess it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crmlink.sources.connecting import connect_company, find_source, note_source
from crmlink.sources.contact import Company
from crmlink.sources.context import SourceContext
from crmlink.sources.errors import ConnectorRefused, SourceNotFound
from crmlink.store import ContactSource, Database, Device, SourceAccount, WebConnector
from crmlink.store.base import new_id, utc_now

PACKAGE = "quickbooks_desktop"
PASSWORD_BYTES = 24
SESSION_TTL = timedelta(minutes=30)  # without a request; QuickBooks may ask a person meanwhile


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A Web Connector and its password, which cannot be shown again."""

    connector: WebConnector
    password: str = field(repr=False)


def add_connector(ctx: SourceContext, device: Device, name: str) -> NewPassword:
    """Return a new source that a Web Connector brings, and its password."""
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    with ctx.database.writing() as session:
        account = SourceAccount(workspace_id=ctx.workspace_id, package=PACKAGE, credentials=None)
        session.add(account)
        session.flush()
        source = connect_company(session, account, Company(new_id(), name))
        source.requested_at = None
        session.flush()
        connector = WebConnector(
            source=source,
            user_name=f"crmlink-{secrets.token_hex(4)}",
            password_hash=hash_of_secret(password),
            owner_id=f"{{{uuid.uuid4()}}}",
            file_id=f"{{{uuid.uuid4()}}}",
        )
        session.add(connector)
        note_source(session, ctx, device, "source.connected", source)
    return NewPassword(connector, password)


def replace_password(ctx: SourceContext, device: Device, public_id: str) -> NewPassword:
    """Return a new password, which ends the older one and its session. Raises SourceNotFound."""
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    with ctx.database.writing() as session:
        connector = connector_of(session, ctx, public_id)
        connector.password_hash, connector.ticket_hash = hash_of_secret(password), ""
        note_source(session, ctx, device, "source.password_replaced", connector.source)
    return NewPassword(connector, password)


def connector_of(session: Session, ctx: SourceContext, public_id: str) -> WebConnector:
    """Return a source's Web Connector. Raises SourceNotFound."""
    source = find_source(session, ctx.workspace_id, public_id)
    connector = session.scalar(select(WebConnector).filter_by(source_id=source.id))
    if connector is None:
        raise SourceNotFound
    return connector


def open_session(ctx: SourceContext, public_id: str, user_name: str, password: str) -> str:
    """Return the ticket of a new session, which ends an older one. Raises ConnectorRefused.

    A list that an older session left begins anew: QuickBooks does not go on with it.
    """
    ticket = secrets.token_urlsafe(PASSWORD_BYTES)
    with ctx.database.writing() as session:
        try:
            connector = connector_of(session, ctx, public_id)
        except SourceNotFound:
            raise ConnectorRefused from None
        is_right = hmac.compare_digest(connector.password_hash, hash_of_secret(password))
        if not is_right or not hmac.compare_digest(
            hash_of_secret(connector.user_name), hash_of_secret(user_name)
        ):
            raise ConnectorRefused
        connector.ticket_hash, connector.seen_at, connector.error = (
            hash_of_secret(ticket),
            utc_now(),
            "",
        )
        connector.source.position = None
    return ticket


def has_open_session(database: Database, public_id: str) -> bool:
    """Return whether a source's Web Connector has signed in and not ended its session."""
    query = (
        select(WebConnector.seen_at)
        .join(ContactSource)
        .where(ContactSource.public_id == public_id, WebConnector.ticket_hash != "")
    )
    with database.reading() as session:
        return _is_recent(session.scalar(query))


def find_session(
    session: Session, ctx: SourceContext, public_id: str, ticket: str
) -> WebConnector | None:
    """Return the Web Connector of a ticket, and note that it was seen; None if it is over."""
    try:
        connector = connector_of(session, ctx, public_id)
    except SourceNotFound:
        return None
    is_its = hmac.compare_digest(connector.ticket_hash, hash_of_secret(ticket))
    if not is_its or not _is_recent(connector.seen_at):
        return None
    connector.seen_at = utc_now()
    return connector


def is_being_read(connector: WebConnector, within: timedelta) -> bool:
    """Return whether a session was active so recently."""
    seen = connector.seen_at
    return bool(connector.ticket_hash) and seen is not None and utc_now() - seen < within


def hash_of_path(path: str) -> str:
    """Return the hash by which a company file is known; Windows ignores case."""
    return hash_of_secret(path.casefold()) if path else ""


def _is_recent(seen: datetime | None) -> bool:
    return seen is not None and utc_now() - seen < SESSION_TTL


def hash_of_secret(text: str) -> str:
    """Return the hash by which a password or a ticket is stored."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
