"""Row-level security of PostgreSQL: the second wall between workspaces.

The policies of the tables (migration 0044) bind a role that owns nothing, USER_workspace. A
transaction of a workspace takes that role and names the workspace, so that a statement that forgets
its condition still finds and changes that workspace's rows only. The installation's own work is the
owner's, whom policies do not bind: migrations, finding the workspace of a secret, the operator.

``FORCE ROW LEVEL SECURITY`` for the owner would need no role, but binds no superuser, as the user
of PostgreSQL's container is; it would stop an operator's ``pg_dump``, and an older server during a
rolling restart would find no rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from crmlink.store.base import Base

WORKSPACE_OPTION = "crmlink_workspace"  # execution option: id of the workspace worked for
ROLE_OPTION = "crmlink_role"  # name of the role that it takes
_NAME = text("SELECT left(current_user, 53) || '_workspace'")  # 63 letters at most
# crmlink's tables, and the sequences of their ids.
_OBJECTS = """
SELECT class.oid, class.relname AS name, class.relkind AS kind FROM pg_class AS class
JOIN pg_namespace AS space ON space.oid = class.relnamespace AND space.nspname = current_schema()
WHERE class.relkind = 'r' AND class.relname = ANY(CAST(:names AS text[]))
OR class.relkind = 'S' AND EXISTS (
    SELECT FROM pg_depend JOIN pg_class AS of ON of.oid = refobjid
    WHERE objid = class.oid AND classid = 'pg_class'::regclass AND deptype IN ('a', 'i')
    AND of.relname = ANY(CAST(:names AS text[]))
)
"""
_MAY_USE_ALL = text(f"""
SELECT has_schema_privilege(:role, current_schema(), 'USAGE')
AND count(*) FILTER (WHERE kind = 'r') = cardinality(CAST(:names AS text[]))
AND bool_and(CASE kind
    WHEN 'S' THEN has_sequence_privilege(:role, oid, 'USAGE')
    ELSE has_table_privilege(:role, oid, 'SELECT') AND has_table_privilege(:role, oid, 'INSERT')
        AND has_table_privilege(:role, oid, 'UPDATE') AND has_table_privilege(:role, oid, 'DELETE')
END)
FROM ({_OBJECTS}) AS objects
""")  # noqa: S608 # a constant
_IS_THERE = text("SELECT oid FROM pg_roles WHERE rolname = :role")
_LOCK = 0x63726D72  # PostgreSQL's advisory lock of those who make the role
_TAKE = text("SELECT set_config('role', :role, true)")


@dataclass
class WorkspaceRole:
    """The role of workspaces' transactions; without a name there is no second wall."""

    name: str = ""


def calls_at_begin(role: WorkspaceRole, workspace_id: int | None) -> list[tuple[str, Any]]:
    """Return the calls, with a value each, that begin a transaction of a workspace."""
    if workspace_id is None or not role.name:
        return []
    return [
        ("set_config('crmlink.workspace', %s, true)", str(workspace_id)),
        ("set_config('role', %s, true)", role.name),
    ]


def role_name(engine: Engine) -> str:
    """Return the name of the role of this database's user, whether or not it is there."""
    with engine.connect() as connection:
        return str(connection.scalar(_NAME))


def find_role(engine: Engine) -> str:
    """Return the name of the role if it can be used for all tables, "" otherwise."""
    try:
        with engine.connect() as connection:
            name = str(connection.scalar(_NAME))
            usable = connection.scalar(_MAY_USE_ALL, {"role": name, "names": _table_names()})
            connection.execute(_TAKE, {"role": name})
    except DBAPIError:  # there is none, or the database's user may not take it
        return ""
    return name if usable else ""


def make_role(engine: Engine) -> str:
    """Return the name of the role, made first if necessary; "" where the user may not make it.

    Several processes may do so at once.
    """
    if name := find_role(engine):
        return name
    with engine.connect() as plain:
        connection = plain.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text(f"SELECT pg_advisory_lock({_LOCK})"))
        _make_role(connection)
        connection.execute(text(f"SELECT pg_advisory_unlock({_LOCK})"))
    return find_role(engine)


def _make_role(connection: Connection) -> None:
    name = str(connection.scalar(_NAME))
    role = _quoted(connection, name)
    schema = _quoted(connection, str(connection.scalar(text("SELECT current_schema()"))))
    _try(connection, f"CREATE ROLE {role} NOLOGIN")
    if connection.scalar(_IS_THERE, {"role": name}) is None:
        return
    _try(connection, f"GRANT {role} TO CURRENT_USER")
    _try(connection, f"GRANT USAGE ON SCHEMA {schema} TO {role}")
    for each in connection.execute(text(_OBJECTS), {"names": _table_names()}).all():
        rights = "USAGE ON SEQUENCE" if each.kind == "S" else "SELECT, INSERT, UPDATE, DELETE ON"
        _try(connection, f"GRANT {rights} {_quoted(connection, each.name)} TO {role}")


@contextmanager
def as_owner(session: Session) -> Iterator[None]:
    """Let a session on PostgreSQL change tables themselves, which a workspace's role may not."""
    role = session.connection().get_execution_options().get(ROLE_OPTION, WorkspaceRole())
    taken = bool(role.name) and session.scalar(text("SELECT current_user")) == role.name
    if taken:
        session.execute(text("RESET ROLE"))
    yield
    if taken:
        session.execute(_TAKE, {"role": role.name})


def _try(connection: Connection, statement: str) -> None:
    """Run a statement; whether all of them have succeeded is found out afterwards."""
    try:
        connection.exec_driver_sql(statement)
    except DBAPIError:  # it is there already, or the database's user may not
        return


def _table_names() -> list[str]:
    return sorted(Base.metadata.tables)


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)
