"""Which Commusoft account this installation works with, and what was found out about it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select, update

from crmlink.commusoft.connection import Connection
from crmlink.commusoft.dialect import Dialect
from crmlink.commusoft.vault import Vault, add_key, keep_newest_key
from crmlink.linking.noting import note
from crmlink.store import Database, Workspace
from crmlink.store.models import now

SANDBOX = "sandbox"


def workspace_of(database: Database, connection: Connection | None) -> Workspace:
    """The workspace of an account, made when it is new; the built-in sandbox has its own."""
    account = f"{connection.base_url}#{connection.client_id}" if connection else SANDBOX
    name = connection.client_id if connection else "Sandbox"
    with database.writing() as session:
        workspace = session.scalar(select(Workspace).filter_by(account=account))
        if workspace is None:
            workspace = Workspace(account=account, name=name)
            session.add(workspace)
    return workspace


def connected_account(database: Database, vault: Vault) -> Connection | None:
    """The account that was connected last, if any. Raises VaultClosed."""
    query = (
        select(Workspace)
        .where(Workspace.credentials.is_not(None))
        .order_by(Workspace.connected_at.desc())
        .limit(1)
    )
    with database.reading() as session:
        workspace = session.scalar(query)
    return vault.open(workspace.credentials) if workspace and workspace.credentials else None


def connect_account(
    database: Database, vault: Vault, connection: Connection, dialect: Dialect
) -> Workspace:
    """Work with this account from the next start on; its credentials are kept locked."""
    workspace = workspace_of(database, connection)
    with database.writing() as session:
        row = session.get_one(Workspace, workspace.id)
        row.credentials = vault.lock(connection)
        row.connected_at = now()
        row.dialect = dialect.as_dict()
        note(session, workspace.id, None, "commusoft.connected", "workspace")
    return workspace


def disconnect_account(database: Database) -> None:
    """Forget all credentials; links and records stay."""
    with database.writing() as session:
        ended = session.scalars(
            update(Workspace)
            .where(Workspace.credentials.is_not(None))
            .values(credentials=None, connected_at=None)
            .returning(Workspace.id)
        ).all()
        for workspace_id in ended:
            note(session, workspace_id, None, "commusoft.disconnected", "workspace")


def keep_dialect(database: Database, workspace_id: int, dialect: Dialect) -> None:
    """Remember how an account is spoken to."""
    with database.writing() as session:
        session.get_one(Workspace, workspace_id).dialect = dialect.as_dict()


def dialect_of(workspace: Workspace) -> Dialect | None:
    """What the doctor found; None where it has not looked, or a newer crmlink must look again."""
    try:
        return Dialect.from_dict(workspace.dialect) if workspace.dialect else None
    except ValueError:
        return None


def rotate_keys(database: Database, keys: Path) -> int:
    """Lock all credentials with a new key and drop the old ones; returns how many there were.

    Stopped half way it leaves both keys in place, and may simply be run again.
    """
    old = Vault.at(keys)
    add_key(keys)
    new = Vault.at(keys)
    with database.writing() as session:
        rows = list(session.scalars(select(Workspace).where(Workspace.credentials.is_not(None))))
        for row in rows:
            row.credentials = new.lock(old.open(row.credentials or ""))
    keep_newest_key(keys)
    return len(rows)
