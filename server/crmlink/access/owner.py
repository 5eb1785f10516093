"""The workspace that owns a secret, found from the secret's row before anything else is read."""

from __future__ import annotations

from sqlalchemy import Select

from crmlink.access.context import KeyedContext
from crmlink.access.errors import AccessFailure


def find_owner(
    access: KeyedContext, query: Select[int], shown: str, unknown: type[AccessFailure]
) -> int:
    """Return the id of the workspace that a query finds by ``shown``; raises ``unknown``.

    The secret is checked again within that workspace: this alone lets no one in.
    """
    with access.database.reading() as session:
        workspace_id = session.scalar(query, {"shown": shown})
    if workspace_id is None:
        raise unknown
    return workspace_id
