"""PostgreSQL databases that tests borrow one after another.

Creating a database takes half a second, and deleting its files almost another; emptying one takes a
fraction of that. A borrowed database is as a new one: no rows, sequences at their start, and a name
of its own, so that what an earlier test left running finds it no more. One whose tables or triggers
a test has changed, or that has grown, is not lent again.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

MAX_GROWTH = 4_000_000  # bytes: what is deleted keeps its room, and scans get slower
_END_SESSIONS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = %s AND pid <> pg_backend_pid()
"""
# As a replica neither triggers nor foreign keys are asked.
_EMPTY = """
DO $$
DECLARE each record;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR each IN
        SELECT oid, relname, relkind FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
    LOOP
        IF each.relkind = 'r' THEN EXECUTE format('DELETE FROM %I', each.relname);
        ELSIF each.relkind = 'S' THEN PERFORM setval(each.oid, 1, false);
        END IF;
    END LOOP;
END $$
"""
_LOOK = """
SELECT md5(string_agg(line, chr(10) ORDER BY line)), pg_database_size(current_database()) FROM (
    SELECT concat_ws(' ', relname, relkind, attname, atttypid, attnotnull,
                     pg_get_expr(adbin, adrelid)) AS line
    FROM pg_class
    JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT concat_ws(' ', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT concat_ws(' ', tgenabled, pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT concat_ws(' ', tablename, policyname, cmd, roles, qual, with_check) FROM pg_policies
    UNION ALL
    SELECT concat_ws(' ', relname, relrowsecurity, relacl) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT version_num FROM alembic_version
) AS parts
"""


@dataclass
class PostgresqlPool:
    """Databases of one server; ``address`` has {} for a database's name."""

    address: str
    template: str
    returned: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._schema, self._size = self._look(self.template)

    def borrow(self) -> str:
        """Return the name of a database that is as a new one."""
        while self.returned:
            if name := self._like_new(self.returned.pop()):
                return name
        return create_database(self.address, self.template)

    def give_back(self, name: str) -> None:
        """Take a database back; it is emptied when it is lent the next time."""
        self.returned.append(name)

    def _like_new(self, used: str) -> str | None:
        """Return the new name of a database that was emptied; None for one that will not do."""
        name = new_name()
        rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        try:
            with self._connect("postgres") as connection:
                connection.execute(_END_SESSIONS, (used,))
                connection.execute(rename.format(sql.Identifier(used), sql.Identifier(name)))
            with self._connect(name) as connection:
                connection.execute(_EMPTY)
            schema, size = self._look(name)
        except psycopg.Error:
            return None
        return name if schema == self._schema and size <= self._size + MAX_GROWTH else None

    def _look(self, name: str) -> tuple[str, int]:
        """Return a digest of a database's tables and triggers, and its size in bytes."""
        with self._connect(name) as connection:
            found = connection.execute(_LOOK).fetchone()
        assert found
        return found

    def _connect(self, name: str) -> psycopg.Connection:
        return psycopg.connect(self.address.format(name), autocommit=True)


def new_name() -> str:
    """Return a name that no database has had."""
    return f"test_{secrets.token_hex(8)}"


def create_database(address: str, template: str = "template1") -> str:
    """Return the name of a new database."""
    name = new_name()
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    with psycopg.connect(address.format("postgres"), autocommit=True) as connection:
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
    return name
