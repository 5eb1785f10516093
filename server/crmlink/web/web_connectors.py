"""The workspace of a Web Connector, found from its password or its ticket."""

from __future__ import annotations

from sqlalchemy import bindparam, or_, select

from crmlink.access.context import KeyedContext
from crmlink.access.owner import find_owner, owner_query
from crmlink.sources.errors import ConnectorRefused
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


def workspace_of_connector(access: KeyedContext, secret: str) -> int:
    """Return the id of the workspace of a password or a ticket.

    Raises ConnectorRefused or WorkspaceSuspended.
    """
    return find_owner(access, _OWNER, hash_of_secret(secret), ConnectorRefused)
