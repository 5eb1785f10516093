"""The workspace that owns a secret, found from the secret's row before anything else is read."""

from __future__ import annotations

from sqlalchemy import Select, select

from crmlink.access.context import KeyedContext
from crmlink.access.errors import WorkspaceSuspended
from crmlink.store import Workspace


def owner_query(workspace_ids: Select[int]) -> Select[int, object]:
    """Return the query for ``find_owner``; build it once, as requests ask it."""
    return select(Workspace.id, Workspace.suspended_at).where(Workspace.id.in_(workspace_ids))


def find_owner(
    access: KeyedContext, query: Select[int, object], shown: str, unknown: type[Exception]
) -> int:
    """Return the id of the workspace that a query finds by ``shown``.

    The secret is checked again within that workspace: this alone lets no one in. Raises ``unknown``
    or WorkspaceSuspended.
    """
    with access.database.reading() as session:
        found = session.execute(query, {"shown": shown}).first()
    if found is None:
        raise unknown
    if found.suspended_at is not None:
        raise WorkspaceSuspended
    return int(found.id)
