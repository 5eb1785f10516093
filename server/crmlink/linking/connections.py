"""Which Commusoft account this installation works with, and what was found out about it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crmlink.commusoft.connection import Connection
from crmlink.commusoft.dialect import Dialect
from crmlink.commusoft.vault import Vault, add_key, keep_newest_key
from crmlink.linking.audit import note
from crmlink.store import Database, Device, Workspace
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
    database: Database,
    vault: Vault,
    connection: Connection,
    dialect: Dialect,
    by: Device | None = None,
) -> Workspace:
    """Work with this account from the next start on; its credentials are kept locked.

    The audit of another workspace says that it was done, and that of ``by``'s own says by whom:
    nothing crosses between workspaces.
    """
    workspace = workspace_of(database, connection)
    with database.writing() as session:
        row = session.get_one(Workspace, workspace.id)
        row.credentials = vault.lock(connection)
        row.connected_at = now()
        row.dialect = dialect.as_dict()
        for place in sorted({workspace.id, by.workspace_id if by else workspace.id}):
            _note(session, place, by, "commusoft.connected")
    return workspace


def disconnect_account(database: Database, by: Device | None = None) -> None:
    """Forget all credentials; links and records stay."""
    with database.writing() as session:
        ended = session.scalars(
            update(Workspace)
            .where(Workspace.credentials.is_not(None))
            .values(credentials=None, connected_at=None)
            .returning(Workspace.id)
        ).all()
        for workspace_id in ended:
            _note(session, workspace_id, by, "commusoft.disconnected")


def note_write_test(
    database: Database, workspace_id: int, device_id: int, record_id: str, trial: str | None = None
) -> None:
    """Write down, before it begins, that the doctor is to write to a record."""
    more = {"trial": trial} if trial else {}
    with database.writing() as session:
        note(session, workspace_id, device_id, "commusoft.write_tested", record_id, **more)


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


def _note(session: Session, workspace_id: int, by: Device | None, action: str) -> None:
    known = by is not None and by.workspace_id == workspace_id
    note(session, workspace_id, by.id if by and known else None, action, "workspace")
