"""The mirror of the standard sandbox, written from what the first copy of its records wrote.

Asking a sandbox for its records and comparing them takes 30 ms, in each of 1,800 tests.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select

from crmlink.installation import Installation
from crmlink.linking.context import WorkspaceContext
from crmlink.store import MirroredRecord, WorkspaceConnection
from crmlink.store.base import Base, utc_now

_TABLE = Base.metadata.tables[MirroredRecord.__tablename__]
_copied: list[dict[str, Any]] = []  # rows without ids, of the first installation


def introduce(installation: Installation) -> None:
    """Let an installation's client know its account, as after any call."""
    installation.workspace.commusoft.token_shape()


def fill_mirror(installation: Installation) -> None:
    """Do what a sync does to the empty mirror of an installation at an untouched sandbox."""
    ctx = installation.workspace
    if not _copied:
        ctx.sync()
        _copied.extend(_rows(ctx))
        return
    with ctx.database.writing() as session:
        own = {"connection_id": ctx.connection_id}
        session.execute(insert(_TABLE), [row | own for row in _copied])
        connection = session.get_one(WorkspaceConnection, ctx.connection_id)
        connection.mirror_version = max(row["changed"] for row in _copied)
        connection.synced_at = connection.fully_synced_at = utc_now()
        ctx.ownership.register(session)
    introduce(installation)


def _rows(ctx: WorkspaceContext) -> list[dict[str, Any]]:
    with ctx.database.reading() as session:
        found = session.execute(select(_TABLE).order_by(_TABLE.c.id)).mappings()
        return [{name: value for name, value in row.items() if name != "id"} for row in found]
