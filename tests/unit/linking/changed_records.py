"""Changes of the mirror's records, as a sync makes them."""

from __future__ import annotations

from sqlalchemy import select

from crmlink.linking.context import WorkspaceContext
from crmlink.store import MirroredRecord, WorkspaceConnection


def change_record(
    ctx: WorkspaceContext, number: str, *, version: int | None = None, **values: object
) -> None:
    """Change a customer's row; the mirror then has this version, or the next one."""
    with ctx.database.writing() as session:
        connection = session.get_one(WorkspaceConnection, ctx.connection_id)
        connection.mirror_version = version or connection.mirror_version + 1
        row = session.scalars(
            select(MirroredRecord).filter_by(
                connection_id=ctx.connection_id, kind="customer", number=number
            )
        ).one()
        for name, value in values.items():
            setattr(row, name, value)
        row.mirror_version = connection.mirror_version
