"""Which rows belong to a workspace, found by the tables' own foreign keys."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table, select

from crmlink.store.base import Base

WORKSPACE = "workspace"
# Of the installation, whichever workspace was worked for.
OF_INSTALLATION = frozenset(
    {
        "counted_attempt",
        "database_move",
        "deleted_workspace",
        "process",
        "request_count",
        "seen_proof",
    }
)


def tables_of_workspaces() -> list[Table]:
    """Return the tables whose rows belong to workspaces, those that others refer to first."""
    return [table for table in Base.metadata.sorted_tables if table.name not in OF_INSTALLATION]


def belongs_to(table: Table, workspace_id: int) -> ColumnElement[bool]:
    """Return the condition for the rows of a workspace. Raises LookupError for other tables."""
    if table.name == WORKSPACE:
        return table.c.id == workspace_id
    if "workspace_id" in table.c:
        return table.c.workspace_id == workspace_id
    for column in table.c:
        for key in column.foreign_keys:
            parent = key.column.table
            if not column.nullable and parent is not table and parent.name not in OF_INSTALLATION:
                return column.in_(select(key.column).where(belongs_to(parent, workspace_id)))
    raise LookupError(table.name)
