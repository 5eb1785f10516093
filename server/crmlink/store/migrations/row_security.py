"""Policies of PostgreSQL that show a workspace its own rows only; see store/row_security.py."""

from __future__ import annotations

import time
from collections.abc import Collection

from alembic import op
from sqlalchemy.exc import OperationalError

TRIES, PAUSE = 200, 0.05  # the pause in seconds
POLICY = "of_workspace"
# In a subquery of its own it is read once for a statement, not once for a row.
_CURRENT = "(SELECT nullif(current_setting('crmlink.workspace', true), '')::integer)"


def lock_together(tables: Collection[str]) -> None:
    """Lock all tables or none, and try again until no one reads any of them.

    One after another, they could wait for a request of an older server that waits for them. After
    ten seconds they are left to be locked so after all. Nothing on SQLite.
    """
    if op.get_bind().dialect.name != "postgresql":
        return
    for _ in range(TRIES):
        try:
            with op.get_bind().begin_nested():
                op.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE NOWAIT")
        except OperationalError:  # one of them is in use
            time.sleep(PAUSE)
        else:
            return


def show_own_rows(table: str, column: str = "workspace_id", parent: str = "") -> None:
    """Bind a table's rows to the workspace in ``column``, or to that of the ``parent`` it names.

    A parent is one that its own policy shows. The array is read once, and lets an index be used.
    Nothing on SQLite.
    """
    parents = f"ANY (ARRAY(SELECT id FROM {parent}))"  # noqa: S608 # a table's name
    bind(table, f"{column} = {parents if parent else _CURRENT}")


def show_own_rows_and_those_of_none(table: str) -> None:
    """Bind a table's rows to their workspace, except those that belong to none yet."""
    bind(table, f"workspace_id = {_CURRENT} OR workspace_id IS NULL")


def bind(table: str, condition: str) -> None:
    """Let workspaces find and change a table's rows only where a condition holds."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"DROP POLICY IF EXISTS {POLICY} ON {table}")
    op.execute(f"CREATE POLICY {POLICY} ON {table} USING ({condition})")
