"""Connections of a workspace to Commusoft: the one in use, its contents and its dialect.

People, devices, tokens, settings and the audit belong to the workspace; connecting and
disconnecting do not affect them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from crmlink.commusoft.connection import Connection, WebApplication
from crmlink.commusoft.dialect import Dialect
from crmlink.commusoft.vault import Vault, add_key, drop_old_keys
from crmlink.linking.audit import record_audit
from crmlink.linking.errors import ConnectionNotAgreed, CredentialsMissing
from crmlink.store import (
    Batch,
    CommusoftPace,
    ConnectionKind,
    ContactSource,
    Database,
    Device,
    Link,
    LinkMethod,
    LinkState,
    MailSettings,
    MirroredRecord,
    ParkedContact,
    SourceAccount,
    SourceSignIn,
    Workspace,
    WorkspaceConnection,
)
from crmlink.store.base import Base, utc_now

_IN_USE = select(WorkspaceConnection).where(
    WorkspaceConnection.workspace_id == bindparam("workspace_id"),
    WorkspaceConnection.ended_at.is_(None),
)  # built once: every request asks it

Account = Connection | WebApplication  # by an API, or by its pages alone


@dataclass(frozen=True, slots=True)
class ConnectionContents:
    """Contents of a connection, shown to the user before another one replaces it.

    ``practice`` data is then deleted; an account keeps its own for reconnection. ``unfinished``
    links are decided but not known to be written; ``on_pages`` wait for a person to save them. An
    account that is worked on its pages has no credentials, and its records came from reports.
    """

    connection_id: int
    practice: bool
    name: str
    has_credentials: bool = True
    records: int = 0
    links: int = 0
    lists: int = 0
    parked: int = 0
    unfinished: int = 0
    on_pages: int = 0

    @property
    def has_decisions(self) -> bool:
        """Whether it has links, lists or parked contacts."""
        return bool(self.links or self.lists or self.parked)

    @property
    def agreement(self) -> str:
        """Code of what the user agrees to; it does not cover later decisions."""
        return f"{self.connection_id}-{self.links}-{self.lists}-{self.parked}"


@dataclass(frozen=True, slots=True)
class Consent:
    """Who connects an account, and the agreement to what it replaces; see ConnectionContents."""

    by: Device | None = None
    agreement: str = ""


NO_CONSENT = Consent()


def get_or_create_workspace(database: Database) -> Workspace:
    """Return the workspace of this installation, which has exactly one."""
    with database.reading() as session:
        workspace = session.scalar(select(Workspace).order_by(Workspace.id).limit(1))
    if workspace is None:
        with database.writing() as session:
            workspace = session.scalar(select(Workspace).order_by(Workspace.id).limit(1))
            if workspace is None:
                workspace = Workspace()
                session.add(workspace)
    return workspace


def connection_in_use(database: Database, workspace_id: int) -> WorkspaceConnection:
    """Return the connection that a workspace uses; creates the sandbox's if there is none."""
    with database.reading() as session:
        connection = _in_use(session, workspace_id)
    if connection is None:
        with database.writing() as session:
            connection = _in_use(session, workspace_id)
            if connection is None:
                connection = WorkspaceConnection(
                    workspace_id=workspace_id, kind=ConnectionKind.SANDBOX
                )
                session.add(connection)
    return connection


def use_account_of_environment(
    database: Database, workspace_id: int, account: Connection
) -> WorkspaceConnection:
    """Use the account that the environment names; raises ConnectionNotAgreed.

    No agreement is needed if no link, list or parked contact is affected.
    """
    with database.reading() as session:
        connection = _in_use(session, workspace_id)
    if connection is not None and is_account(connection, account):
        return connection
    return save_connection(database, workspace_id, account)


def contents_in_use(
    database: Database, workspace_id: int, account: Account | None = None
) -> ConnectionContents | None:
    """Return what an account would replace; None for nothing, or for the same account."""
    with database.reading() as session:
        connection = _in_use(session, workspace_id)
        if connection is None or (account and is_account(connection, account)):
            return None
        return _contents(session, connection)


def save_connection(
    database: Database,
    workspace_id: int,
    account: Account,
    consent: Consent = NO_CONSENT,
    *,
    vault: Vault | None = None,
    dialect: Dialect | None = None,
) -> WorkspaceConnection:
    """Put an account into use; practice data is deleted, another account's is kept.

    Without a vault the credentials stay in the environment; a web application has none. Raises
    ConnectionNotAgreed if links or lists are affected that the agreement does not cover.
    """
    with database.writing() as session:
        replaced = _in_use(session, workspace_id)
        if replaced is None or not is_account(replaced, account):
            connection = _account_row(session, workspace_id, account)
            if replaced is not None:
                _replace(session, replaced, consent)
            session.add(connection)
        else:
            connection = replaced
        sealed = vault.encrypt(account) if vault and isinstance(account, Connection) else None
        connection.credentials = sealed
        connection.connected_at, connection.ended_at = utc_now(), None
        if dialect:
            connection.dialect = dialect.with_proved(load_dialect(connection)).as_dict()
        session.flush()
        _record(session, workspace_id, consent.by, "commusoft.connected", account=connection.name)
    return connection


def delete_connection(database: Database, workspace_id: int, by: Device | None = None) -> bool:
    """Delete the account's credentials and stop using it; returns False without an account.

    Its links and lists are kept for reconnection.
    """
    with database.writing() as session:
        connection = _in_use(session, workspace_id)
        if connection is None or connection.kind is ConnectionKind.SANDBOX:
            return False
        _end(session, connection)
        _record(session, workspace_id, by, "commusoft.disconnected", account=connection.name)
    return True


def is_account(connection: WorkspaceConnection, account: Account) -> bool:
    """Return whether a workspace's connection is to this account, whatever its password."""
    return all(getattr(connection, name) == value for name, value in _identity(account).items())


def _identity(account: Account) -> dict[str, Any]:
    """Return the columns that identify an account."""
    if isinstance(account, WebApplication):
        return {"kind": ConnectionKind.PAGES, "base_url": account.origin, "client_id": ""}
    return {
        "kind": ConnectionKind.API,
        "base_url": account.base_url,
        "client_id": account.client_id,
    }


def credentials_of(
    connection: WorkspaceConnection, environment: Connection | None, vault: Vault
) -> Connection:
    """Return the credentials of an account. Raises VaultKeyMissing or CredentialsMissing."""
    if environment is not None and is_account(connection, environment):
        return environment
    if connection.credentials is None:
        raise CredentialsMissing(client_id=connection.client_id, base_url=connection.base_url)
    return vault.decrypt(connection.credentials)


def record_write_check(
    database: Database, workspace_id: int, device_id: int, record_id: str, trial: str | None = None
) -> None:
    """Record in the audit, in advance, that the doctor will write to a record."""
    more = {"trial": trial} if trial else {}
    with database.writing() as session:
        record_audit(session, workspace_id, device_id, "commusoft.write_tested", record_id, **more)


def save_dialect(
    database: Database, connection_id: int, dialect: Dialect, *, keep_proved: bool = False
) -> None:
    """Store the dialect of a connection, unless it no longer exists."""
    with database.writing() as session:
        connection = session.get(WorkspaceConnection, connection_id)
        if connection is not None:
            stored = load_dialect(connection) if keep_proved else None
            connection.dialect = dialect.with_proved(stored).as_dict()


def load_dialect(connection: WorkspaceConnection) -> Dialect | None:
    """Return the dialect found by the doctor; None if unknown or from an older version."""
    try:
        return Dialect.from_dict(connection.dialect) if connection.dialect else None
    except ValueError:
        return None


def rotate_keys(database: Database, keys: Path) -> int:
    """Encrypt all credentials with a new key and drop the old ones; returns how many there were.

    The mail server's password is one of them. If interrupted, both keys stay in place and it can be
    run again.
    """
    add_key(keys)
    vault = Vault.at(keys)
    with database.writing() as session:
        sealed: list[WorkspaceConnection | SourceAccount] = []
        sealed += session.scalars(
            select(WorkspaceConnection).where(WorkspaceConnection.credentials.is_not(None))
        )
        sealed += session.scalars(
            select(SourceAccount).where(SourceAccount.credentials.is_not(None))
        )
        for row in sealed:
            row.credentials = vault.renewed(row.credentials or "")
        for sign_in in session.scalars(select(SourceSignIn)):
            sign_in.sealed = vault.renewed(sign_in.sealed)
        for source in session.scalars(
            select(ContactSource).where(ContactSource.webhook_key.is_not(None))
        ):
            source.webhook_key = vault.renewed(source.webhook_key or "")
        mail = list(session.scalars(select(MailSettings).where(MailSettings.password != "")))
        for entry in mail:
            entry.password = vault.renewed(entry.password)
    drop_old_keys(keys)
    return len(sealed) + len(mail)


def _in_use(session: Session, workspace_id: int) -> WorkspaceConnection | None:
    return session.scalar(_IN_USE, {"workspace_id": workspace_id})


def _account_row(session: Session, workspace_id: int, account: Account) -> WorkspaceConnection:
    """Return the account's earlier row with its contents, or a new one."""
    identity = {"workspace_id": workspace_id, **_identity(account)}
    known = session.scalar(select(WorkspaceConnection).filter_by(**identity))
    return known or WorkspaceConnection(**identity)


def _replace(session: Session, replaced: WorkspaceConnection, consent: Consent) -> None:
    """End the use of a connection: practice data is deleted, an account's is kept."""
    contents = _contents(session, replaced)
    if contents.has_decisions and contents.agreement != consent.agreement:
        raise ConnectionNotAgreed(contents=contents)
    if not contents.practice:
        _end(session, replaced)
        action = "commusoft.disconnected"
        _record(session, replaced.workspace_id, consent.by, action, account=replaced.name)
    else:
        _delete_contents(session, replaced.id)
        session.delete(replaced)
        _record(
            session, replaced.workspace_id, consent.by, "commusoft.practice_emptied",
            records=contents.records, links=contents.links, lists=contents.lists,
        )  # fmt: skip
    session.flush()


def _end(session: Session, connection: WorkspaceConnection) -> None:
    connection.ended_at, connection.credentials = utc_now(), None
    pace = update(CommusoftPace).where(CommusoftPace.connection_id == connection.id)
    session.execute(pace.values(state=None))  # with the access token


def _contents(session: Session, connection: WorkspaceConnection) -> ConnectionContents:
    def count(table: type[MirroredRecord | Link | Batch | ParkedContact], **only: object) -> int:
        query = select(func.count()).select_from(table)
        return session.scalar(query.filter_by(connection_id=connection.id, **only)) or 0

    return ConnectionContents(
        connection_id=connection.id,
        practice=connection.kind is ConnectionKind.SANDBOX,
        name=connection.name,
        has_credentials=connection.kind is ConnectionKind.API,
        records=count(MirroredRecord, deleted_at=None),
        links=count(Link),
        lists=count(Batch),
        parked=count(ParkedContact),
        unfinished=count(Link, state=LinkState.INTENDED, method=LinkMethod.API),
        on_pages=count(Link, state=LinkState.INTENDED, method=LinkMethod.PAGES),
    )


def _delete_contents(session: Session, connection_id: int) -> None:
    """Delete everything that belongs to a connection, in any table, dependent rows first."""
    for table in reversed(Base.metadata.sorted_tables):
        belongs = _belongs(table, connection_id)
        if belongs is not None:
            session.execute(delete(table).where(belongs))


def _belongs(table: Table, connection_id: int) -> ColumnElement[bool] | None:
    """Return the condition for the rows of a connection; None for a table without any."""
    if "connection_id" in table.c:
        return table.c.connection_id == connection_id
    for column in table.c:
        for key in column.foreign_keys:
            parent = key.column.table
            if "connection_id" in parent.c and not column.nullable:
                mine = select(key.column).where(parent.c.connection_id == connection_id)
                return column.in_(mine)
    return None


def _record(
    session: Session, workspace_id: int, by: Device | None, action: str, **details: object
) -> None:
    record_audit(session, workspace_id, by.id if by else None, action, "workspace", **details)
