"""What is PostgreSQL's own: options of connections, and how transactions begin."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Connection, Engine, event

from crmlink.store.row_security import ROLE_OPTION, WORKSPACE_OPTION, calls_at_begin
from crmlink.store.time_limits import UNLIMITED, TimeLimits, limiting_calls

WRITERS_LOCK = (
    0x63726D6C  # PostgreSQL's advisory lock of all writers, and first half of a workspace's
)
IDLE_WRITER_MS = 120_000  # after which PostgreSQL ends a writer that was suspended
# A machine that is cut off is noticed at both ends within half a minute: what it had locked is
# free again, and it connects anew. Values of the address itself take precedence.
POSTGRESQL_OPTIONS: dict[str, Any] = {
    "application_name": "crmlink",
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "options": "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3",
}


def options_beside(url: URL, limits: TimeLimits = UNLIMITED) -> dict[str, Any]:
    """Return crmlink's options for PostgreSQL that an address does not set itself."""
    options = dict(POSTGRESQL_OPTIONS)
    if limits is not UNLIMITED:
        options["options"] += "".join(f" -c {name}={ms}" for name, ms in limits.options.items())
    return {name: value for name, value in options.items() if name not in url.query}


def set_up_postgresql(engine: Engine, limits: TimeLimits) -> None:
    """Let connections end when PostgreSQL hangs, and transactions begin with locks and options."""
    from crmlink.store.bounded_connection import BoundedConnection

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, words: Any, options: Any) -> BoundedConnection:
        connection = BoundedConnection.connect(*words, **options)
        connection.limits = limits
        return connection

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        workspace_id = options.get(WORKSPACE_OPTION)
        calls = limiting_calls()
        if options.get("crmlink_writes"):
            _call(connection, calls)  # before, as a statement keeps the limit it began with
            calls = _locks_of_a_writer(workspace_id)
            idle = "set_config('idle_in_transaction_session_timeout', %s, true)"
            calls.append((idle, str(IDLE_WRITER_MS)))
        if role := options.get(ROLE_OPTION):
            calls += calls_at_begin(role, workspace_id)
        _call(connection, calls)


def _call(connection: Connection, calls: list[tuple[str, Any]]) -> None:
    """Call functions of PostgreSQL by one statement, each with its value."""
    if calls:
        statement = f"SELECT {', '.join(call for call, _ in calls)}"
        connection.exec_driver_sql(statement, tuple(value for _, value in calls))


def _locks_of_a_writer(workspace_id: int | None) -> list[tuple[str, Any]]:
    if workspace_id is None:
        return [("pg_advisory_xact_lock(%s)", WRITERS_LOCK)]
    return [
        ("pg_advisory_xact_lock_shared(%s)", WRITERS_LOCK),
        (f"pg_advisory_xact_lock({WRITERS_LOCK}, %s)", workspace_id),
    ]
