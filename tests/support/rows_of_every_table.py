"""A row in every table of workspaces, made from the tables' own definitions."""

from __future__ import annotations

import enum
import secrets
from datetime import date
from typing import Any

from sqlalchemy import Column, Connection, Table, insert, text

from crmlink.store import Database
from crmlink.store.base import UtcDateTime, utc_now
from crmlink.store.belonging import tables_of_workspaces


def add_rows(database: Database, workspace_id: int) -> None:
    """Add a row of a workspace to every table; of rows elsewhere it names this workspace's only."""
    keys: dict[str, Any] = {"workspace": workspace_id}
    with database.engine.begin() as connection:
        if database.is_shared:
            connection.execute(text("SET LOCAL session_replication_role = replica"))  # no triggers
        for table in tables_of_workspaces():
            if table.name != "workspace":
                keys[table.name] = _add_row(connection, table, keys)


def _add_row(connection: Connection, table: Table, keys: dict[str, Any]) -> Any:
    values = {}
    for column in table.c:
        parent = next((key.column.table for key in column.foreign_keys), None)
        if parent is not None and parent.name in keys:
            values[column.name] = keys[parent.name]
        elif not column.nullable and parent is None and not _numbers_itself(table, column):
            values[column.name] = _value(column)
    key = connection.execute(insert(table).values(values)).inserted_primary_key
    return key[0] if key else None


def _numbers_itself(table: Table, column: Column[Any]) -> bool:
    return table.autoincrement_column is column


def _value(column: Column[Any]) -> Any:
    if isinstance(column.type, UtcDateTime):
        return utc_now()
    python_type = column.type.python_type
    if issubclass(python_type, enum.Enum):
        return next(iter(python_type))
    values: dict[type, Any] = {
        str: secrets.token_hex(4),
        bytes: secrets.token_bytes(8),
        date: utc_now().date(),
        object: [],  # JSON
    }
    return values[python_type] if python_type in values else python_type()
