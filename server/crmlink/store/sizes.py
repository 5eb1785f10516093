"""How much of the database a workspace's rows need."""

from __future__ import annotations

from functools import reduce
from operator import add

from sqlalchemy import ColumnElement, LargeBinary, Table, cast, func, select
from sqlalchemy.orm import Session

from crmlink.store.belonging import belongs_to, tables_of_workspaces


def size_of_workspace(session: Session, workspace_id: int) -> int:
    """Return the bytes of all values in a workspace's rows, without indexes and overhead."""
    shared = session.get_bind().dialect.name == "postgresql"
    total = 0
    for table in tables_of_workspaces():
        query = select(_size(table, shared)).where(belongs_to(table, workspace_id))
        total += session.scalar(query) or 0
    return total


def _size(table: Table, shared: bool) -> ColumnElement[int]:
    sizes = (
        func.pg_column_size(column) if shared else func.length(cast(column, LargeBinary))
        for column in table.c
    )
    known = [func.coalesce(size, 0) for size in sizes]
    return func.sum(reduce(add, known))
