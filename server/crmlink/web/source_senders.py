"""The workspace that accounting software sends to, found from its secret or its signing key."""

from __future__ import annotations

from sqlalchemy import bindparam, or_, select

from crmlink.access.context import KeyedContext
from crmlink.access.owner import find_owner, owner_query
from crmlink.sources.errors import ConnectorRefused, WebhookRefused
from crmlink.sources.quickbooks_desktop.connectors import hash_of_secret
from crmlink.store import ContactSource, WebConnector

_OWNER = owner_query(
    select(ContactSource.workspace_id)
    .join(WebConnector)
    .where(
        or_(
            WebConnector.password_hash == bindparam("shown"),
            WebConnector.ticket_hash == bindparam("shown"),
        )
    )
)
_OWNER_OF_KEY = owner_query(
    select(ContactSource.workspace_id).where(
        ContactSource.public_id == bindparam("shown"), ContactSource.webhook_key.is_not(None)
    )
)


def workspace_of_connector(access: KeyedContext, secret: str) -> int:
    """Return the id of the workspace of a password or a ticket.

    Raises ConnectorRefused or WorkspaceSuspended.
    """
    return find_owner(access, _OWNER, hash_of_secret(secret), ConnectorRefused)


def workspace_of_webhook(access: KeyedContext, source_id: str) -> int:
    """Return the id of the workspace of the source whose key has to have signed what came.

    Raises WebhookRefused or WorkspaceSuspended.
    """
    return find_owner(access, _OWNER_OF_KEY, source_id, WebhookRefused)
