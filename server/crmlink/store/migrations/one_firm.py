"""What migration 0006 does with rows: several workspaces of one installation become one firm.

It knows the tables as they were then, and nothing of the server's present code.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from crmlink.store.migrations import firm_audit, firm_people

TIME = sa.DateTime(timezone=True)
SANDBOX = "sandbox"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

workspace = sa.table(
    "workspace",
    sa.column("id", sa.Integer),
    sa.column("account", sa.String),
    sa.column("credentials", sa.String),
    sa.column("connected_at", TIME),
    sa.column("dialect", sa.JSON),
    sa.column("preferences", sa.JSON),
    sa.column("mirror_version", sa.Integer),
    sa.column("synced_at", TIME),
    sa.column("fully_synced_at", TIME),
    sa.column("created_at", TIME),
)
connection = sa.table(
    "connection",
    sa.column("id", sa.Integer),
    sa.column("workspace_id", sa.Integer),
    sa.column("kind", sa.String),
    sa.column("base_url", sa.String),
    sa.column("client_id", sa.String),
    sa.column("credentials", sa.String),
    sa.column("dialect", sa.JSON),
    sa.column("mirror_version", sa.Integer),
    sa.column("synced_at", TIME),
    sa.column("fully_synced_at", TIME),
    sa.column("connected_at", TIME),
    sa.column("ended_at", TIME),
)


@dataclass(frozen=True)
class Firm:
    """The workspaces there were, the one that was worked with last, and the firm's id."""

    workspaces: tuple[Any, ...]
    in_use: int
    id: int

    @property
    def others(self) -> list[int]:
        return [row.id for row in self.workspaces if row.id != self.id]


def choose(database: sa.Connection) -> Firm | None:
    """Which workspace is the firm; None where there is none yet.

    The one in use is what was synced or connected last: an account of the environment left no
    other trace. The firm has its id, so that its audit stays as it is; or that of the only one
    that has an audit.
    """
    rows = tuple(database.execute(sa.select(workspace).order_by(workspace.c.id)))
    if not rows:
        return None
    in_use = max(rows, key=lambda row: (_last_used(row), row.created_at)).id
    chains = firm_audit.chains(database)
    return Firm(rows, in_use, in_use if in_use in chains or len(chains) != 1 else chains[0])


def make(database: sa.Connection, firm: Firm) -> None:
    """Make one firm of the workspaces, and connections of what they were connected to."""
    practice = _empty_practice(database, firm)
    for row in firm.workspaces:
        if row.account != SANDBOX or row.id == firm.in_use:
            database.execute(connection.insert().values(_connection(row, firm)))
    if database.dialect.name == "postgresql":
        database.execute(
            sa.text(
                "SELECT setval(pg_get_serial_sequence('connection', 'id'), "
                f"{max(row.id for row in firm.workspaces)})"
            )
        )
    if firm.others:
        ended = firm_people.merge(database, firm.id, firm.in_use)
        firm_audit.merge(database, firm.id, practice=practice, removed=ended)
        _keep_preferences(database, firm)


def drop_others(database: sa.Connection, firm: Firm) -> None:
    """Delete the workspaces that nothing refers to any more."""
    database.execute(workspace.delete().where(workspace.c.id.in_(firm.others)))


def _last_used(row: Any) -> datetime:
    times = [_aware(moment) for moment in (row.synced_at, row.connected_at) if moment]
    return max(times, default=LONG_AGO)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _connection(row: Any, firm: Firm) -> dict[str, Any]:
    base_url, _, client_id = row.account.partition("#")
    sandbox, used = row.account == SANDBOX, row.id == firm.in_use
    return {
        "id": row.id,
        "workspace_id": firm.id,
        "kind": "sandbox" if sandbox else "api",
        "base_url": "" if sandbox else base_url,
        "client_id": client_id,
        "credentials": row.credentials if used else None,
        "dialect": row.dialect,
        "mirror_version": row.mirror_version,
        "synced_at": row.synced_at,
        "fully_synced_at": row.fully_synced_at,
        "connected_at": row.connected_at or row.created_at,
        "ended_at": None if used else row.synced_at or row.created_at,
    }


def _empty_practice(database: sa.Connection, firm: Firm) -> dict[str, int]:
    """Delete what came from the sandbox where an account is in use; how much it was."""
    old = [row.id for row in firm.workspaces if row.account == SANDBOX and row.id != firm.in_use]
    if not old:
        return {}
    batch = sa.table("batch", sa.column("id"), sa.column("workspace_id"))
    lists = sa.select(batch.c.id).where(batch.c.workspace_id.in_(old))
    for name in ("batch_row", "batch_bad_row"):
        rows = sa.table(name, sa.column("batch_id"))
        database.execute(rows.delete().where(rows.c.batch_id.in_(lists)))
    counts = {}
    for name in ("batch_page", "lookalike", "linked_share", "batch", "link", "record"):
        rows = sa.table(name, sa.column("workspace_id"))
        counts[name] = database.execute(rows.delete().where(rows.c.workspace_id.in_(old))).rowcount
    return {"records": counts["record"], "links": counts["link"], "lists": counts["batch"]}


def _keep_preferences(database: sa.Connection, firm: Firm) -> None:
    """The settings of the workspace in use; where it has none, those that were made elsewhere."""
    kept = sorted(firm.workspaces, key=lambda row: (row.id == firm.in_use, _last_used(row)))
    settled = next((row.preferences for row in reversed(kept) if row.preferences), None)
    database.execute(
        workspace.update().where(workspace.c.id == firm.id).values(preferences=settled)
    )
