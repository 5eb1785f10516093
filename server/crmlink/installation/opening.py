"""Installation: everything that the server and the command line need, opened together."""

from __future__ import annotations

import sys
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from crmlink.access.audit.flushing import flush_anchors
from crmlink.access.audit.upkeep import prepare_audit
from crmlink.access.context import AccessContext, SignInContext
from crmlink.access.usage import UsageCounter
from crmlink.commusoft.client import CommusoftClient
from crmlink.installation.folders import folder_of
from crmlink.installation.open_workspace import OpenWorkspace, Resources
from crmlink.installation.sandbox import LocalSandbox
from crmlink.installation.workspaces import OpenWorkspaces
from crmlink.linking.connections import get_or_create_workspace
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.index_memory import IndexMemory
from crmlink.mail.service import MailService
from crmlink.pseudonyms import Pseudonyms
from crmlink.settings import Settings
from crmlink.settings.errors import DatabaseMoved, InvalidSettings, NewerTables, OtherSecretKey
from crmlink.sources.context import SourceContext
from crmlink.store import AuditSigner, Database, Ownership, ProcessRole
from crmlink.store.index_files import INDEX_FOLDER, IndexFiles
from crmlink.store.moves import MoveDirection, forbidding_move
from crmlink.store.newer_tables import TablesTooNew
from crmlink.store.processes import has_peer_with_other_key
from crmlink.store.time_limits import OF_REQUESTS, UNLIMITED, TimeLimits
from crmlink.store.workspaces import (
    active_workspaces,
    find_workspace,
    has_several_active,
    has_several_workspaces,
)
from crmlink.wakeup import Notification, WakeUpSignal

log = structlog.get_logger()

CLI_PATH = Path(sys.executable).with_name("crmlink")


class Installation:
    """One running installation with its workspaces.

    ``commusoft`` replaces the client that the settings describe; ``role`` is this process's.
    ``first`` is the workspace that every installation has; ``access`` and ``workspace`` are its, or
    those of the one that a command has chosen.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        commusoft: CommusoftClient | None = None,
        role: ProcessRole = ProcessRole.COMMAND,
    ) -> None:
        self.settings = settings
        self.database = database
        self.ownership = Ownership(database, role)
        self.sign_in = SignInContext(database, settings.secret_key)
        self.usage = UsageCounter(self.sign_in)
        self.newer_version = ""  # of crmlink, where the office lets it ask
        self._commusoft = commusoft
        self._indexes = IndexMemory(settings.index_memory)
        self._signal = (
            Notification(database) if database.is_shared else WakeUpSignal(settings.data_dir)
        )
        self._sandboxes: dict[int, LocalSandbox] = {}
        self._first_id = get_or_create_workspace(database).id
        self.workspaces = OpenWorkspaces(self._open_workspace)
        self.first = self.workspaces.acquire(self._first_id)
        self._chosen = self.first

    def choose(self, workspace_id: int) -> None:
        """Set the workspace that a command is for."""
        self._chosen = self.workspaces.acquire(workspace_id)

    @property
    def access(self) -> AccessContext:
        """Access context of the chosen workspace."""
        return self._chosen.access

    @property
    def folder(self) -> Path:
        """Folder with the chosen workspace's own files."""
        return self._chosen.folder

    @property
    def mail(self) -> MailService:
        """Email of the chosen workspace."""
        return self._chosen.mail

    @property
    def sources(self) -> SourceContext:
        """Sources of the chosen workspace."""
        return self._chosen.sources

    @property
    def workspace(self) -> WorkspaceContext:
        """Context of the chosen workspace's connection in use; see ``OpenWorkspace.context``."""
        return self._chosen.context

    @property
    def uses_sandbox(self) -> bool:
        """Whether the remote system is a sandbox, this installation's or another one."""
        return self.workspace.uses_sandbox

    @property
    def has_several(self) -> bool:
        """Whether there are several workspaces, so that none of them may see the installation."""
        return has_several_workspaces(self.database)

    def active_workspaces(self) -> list[int]:
        """Return the ids of the workspaces that are worked for, in their order."""
        return active_workspaces(self.database)

    @property
    def has_several_active(self) -> bool:
        """Whether there are several workspaces that are worked for."""
        return has_several_active(self.database)

    def stop_sandboxes(self) -> None:
        """Stop this process's sandboxes of firms that any process suspended or deleted.

        One starts again when its firm is used again. What is in use goes on, as does the first's.
        """
        for workspace_id in set(self._sandboxes).difference(self.active_workspaces()):
            if self.workspaces.forget(workspace_id):  # it has the address of the one that ends
                self._sandboxes[workspace_id].stop()

    def wake_workers(self) -> None:
        """Let workers look for work at once."""
        self._signal.send()

    def close(self) -> None:
        """Finish running attempts, then close everything."""
        self.workspaces.close()
        self.usage.flush()
        self._flush_anchors()
        self.ownership.close()
        for sandbox in self._sandboxes.values():
            sandbox.stop()
        self.database.close()

    def _flush_anchors(self) -> None:
        """Flush the audit's anchors; a failure is logged, nothing is lost."""
        try:
            flush_anchors(self.database)
        except (OSError, SQLAlchemyError):
            log.warning("audit anchors not flushed", exc_info=True)

    def _open_workspace(self, workspace_id: int) -> OpenWorkspace:
        is_first = workspace_id == self._first_id
        folder = self.settings.data_dir
        if not is_first:
            folder = folder_of(folder, find_workspace(self.database, workspace_id))
        resources = Resources(
            self.settings,
            self.ownership,
            self._commusoft if is_first else None,
            self._signal.send,
            self._indexes,
        )
        return OpenWorkspace(
            self.sign_in.of(workspace_id),
            folder,
            self._sandboxes.setdefault(workspace_id, LocalSandbox(folder)),
            resources,
            self.settings.commusoft if is_first else None,
        )


def open_installation(
    settings: Settings,
    commusoft: CommusoftClient | None = None,
    role: ProcessRole = ProcessRole.COMMAND,
) -> Installation:
    """Migrate the database and return the installation; its context is created on first use.

    Raises InvalidSettings.
    """
    limits = OF_REQUESTS if role is ProcessRole.SERVER else UNLIMITED
    return Installation(settings, open_database(settings, limits), commusoft, role)


def open_database(settings: Settings, limits: TimeLimits = UNLIMITED) -> Database:
    """Return the migrated database of an installation, with its audit signed and anchored.

    Raises InvalidSettings.
    """
    signer = AuditSigner.of(settings.secret_key, settings.data_dir)
    database = Database(settings.database_url, signer=signer, limits=limits)
    database.use_pseudonyms(Pseudonyms(settings.secret_key))
    database.index_files = IndexFiles(settings.data_dir / INDEX_FOLDER)
    try:
        database.migrate()
    except TablesTooNew:
        raise NewerTables from None
    if move := forbidding_move(database):
        raise DatabaseMoved(out=move is MoveDirection.OUT)
    if database.is_shared and has_peer_with_other_key(database):
        raise OtherSecretKey
    database.separate_workspaces()
    try:
        prepare_audit(database)
    except OSError as error:
        raise InvalidSettings(
            f"The audit's anchor file cannot be made in {settings.data_dir} ({error.strerror}). "
            "Make room there, or set CRMLINK_DATA_DIR to a folder you may write to."
        ) from error
    return database
