"""The workspace that owns a secret, found from the secret's row before anything else is read.

What nearly every request carries is read with its workspace's suspension in one statement, by
``find_shown``; for other secrets ``find_owner`` finds the workspace, within which they are checked.
"""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import Select, select

from crmlink.access.context import KeyedContext
from crmlink.access.errors import InvalidToken, WorkspaceSuspended
from crmlink.store import Workspace

Shown = TypeVar("Shown")


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


def find_shown(access: KeyedContext, query: Select[Shown, object], shown: str) -> Shown:
    """Return the row that a query finds by ``shown``; its second column is ``suspended_at``.

    What the row says of the secret, its device and person is for the caller to check. Raises
    InvalidToken or WorkspaceSuspended.
    """
    with access.database.reading() as session:
        found = session.execute(query, {"shown": shown}).first()
    if found is None:
        raise InvalidToken
    row, suspended_at = found
    if suspended_at is not None:
        raise WorkspaceSuspended
    return row
