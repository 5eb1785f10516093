"""Installation: everything that the server and the command line need, opened together."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import requests
import structlog
from sqlalchemy.exc import SQLAlchemyError

from crmlink.access.audit.upkeep import flush_anchors, prepare_audit
from crmlink.access.context import AccessContext
from crmlink.access.usage import UsageCounter
from crmlink.accounting.rule_file import RuleFile
from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.connection import Connection, WebApplication
from crmlink.commusoft.limits import ClientLimits
from crmlink.commusoft.no_api import PagesClient
from crmlink.commusoft.shared_starts import SharedStarts
from crmlink.commusoft.vault import Vault, VaultKeyMissing
from crmlink.linking.connections import (
    connection_in_use,
    credentials_of,
    get_or_create_workspace,
    load_dialect,
    use_account_of_environment,
)
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import ConnectionNotAgreed, CredentialsMissing
from crmlink.linking.known_contacts import LiveContacts
from crmlink.linking.live_matcher import LiveMatcher
from crmlink.mail.service import MailService
from crmlink.pseudonyms import Pseudonyms
from crmlink.settings import Settings
from crmlink.settings.errors import DatabaseMoved, InvalidSettings, OtherSecretKey
from crmlink.sources.context import SourceContext
from crmlink.store import (
    AuditSigner,
    ConnectionKind,
    Database,
    Ownership,
    ProcessRole,
    WorkspaceConnection,
)
from crmlink.store.index_files import INDEX_FOLDER, IndexFiles
from crmlink.store.moves import MoveDirection, forbidding_move
from crmlink.store.processes import has_peer_with_other_key
from crmlink.wakeup import Notification, WakeUpSignal

log = structlog.get_logger()

CLI_PATH = Path(sys.executable).with_name("crmlink")
KEY_FILE = "credential.keys"
RULES_FILE = "packages.json"
SANDBOX_PORT = 8788
SANDBOX_THREADS = 8  # as many calls at once as `crmlink sandbox` answers
SANDBOX_HEADER = "Commusoft-Sandbox"
SANDBOX_PATH = "/webservice_dev.php/api/v1"
CHECK_INTERVAL = 1.0  # seconds between checks of the connection in use, during long work


class Installation:
    """One running installation.

    ``commusoft`` replaces the client that the settings describe; ``role`` is this process's.
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
        workspace = get_or_create_workspace(database)
        self.access = AccessContext(database, workspace.id, settings.secret_key)
        self.usage = UsageCounter(self.access)
        self.mail = MailService(
            self.access,
            settings.mail_server,
            settings.public_url,
            settings.data_dir / KEY_FILE,
            self._uses_practice_data,
        )
        self.newer_version = ""  # of crmlink, where the office lets it ask
        self.sources = SourceContext(
            database,
            workspace.id,
            vault=lambda: Vault.at(settings.data_dir / KEY_FILE),
            registry=settings.source_packages,
            rules=RuleFile(settings.data_dir / RULES_FILE).current,
            ownership=self.ownership,
        )
        self._commusoft = commusoft
        self._sandbox = Sandbox(settings.data_dir)
        self._signal = (
            Notification(database) if database.is_shared else WakeUpSignal(settings.data_dir)
        )
        self._lock = threading.Lock()
        self._workspace: WorkspaceContext | None = None
        self._connection: WorkspaceConnection | None = None
        self._checked_at = 0.0

    @property
    def workspace(self) -> WorkspaceContext:
        """Context of the connection in use; a new one once the connection has changed.

        Work in progress keeps its context. Raises ConnectionNotAgreed, CredentialsMissing or
        VaultKeyMissing.
        """
        with self._lock:
            account = self.settings.commusoft
            if self._connection is None and account:
                use_account_of_environment(self.database, self.access.workspace_id, account)
            connection = connection_in_use(self.database, self.access.workspace_id)
            self._checked_at = time.monotonic()
            if self._workspace is None or not _is_same(self._connection, connection):
                self._workspace, self._connection = self._create_context(connection), connection
            return self._workspace

    @property
    def has_account(self) -> bool:
        """Whether an account is connected; if not, the sandbox is used."""
        return not self.workspace.practice

    @property
    def uses_sandbox(self) -> bool:
        """Whether the remote system is a sandbox, this installation's or another one."""
        return self.workspace.uses_sandbox

    def has_replaced(self, ctx: WorkspaceContext) -> bool:
        """Return whether the context's connection was replaced, checked at most once a second."""
        if time.monotonic() - self._checked_at < CHECK_INTERVAL:
            return self._workspace is not ctx
        return self.workspace is not ctx

    def _uses_practice_data(self) -> bool:
        """Return whether made-up data is in use, of this installation or of another sandbox."""
        try:
            return self.workspace.uses_sandbox
        except ConnectionNotAgreed:  # practice stays until an admin agrees to the account
            return True
        except (CredentialsMissing, VaultKeyMissing):  # an account's
            return False

    def wake_workers(self) -> None:
        """Let workers look for work at once."""
        self._signal.send()

    def close(self) -> None:
        """Finish running attempts, then close everything."""
        if self._workspace:
            self._workspace.attempts.shutdown(cancel_futures=True)
        self.usage.flush()
        self._flush_anchors()
        self.ownership.close()
        self._sandbox.stop()
        self.database.close()

    def _flush_anchors(self) -> None:
        """Flush the audit's anchors; a failure is logged, nothing is lost."""
        try:
            flush_anchors(self.database)
        except (OSError, SQLAlchemyError):
            log.warning("audit anchors not flushed", exc_info=True)

    def _create_context(self, connection: WorkspaceConnection) -> WorkspaceContext:
        practice = connection.kind is ConnectionKind.SANDBOX
        if not practice:
            self._sandbox.forget()
        return WorkspaceContext(
            workspace_id=connection.workspace_id,
            connection_id=connection.id,
            public_connection_id=connection.public_id,
            practice=practice,
            database=self.database,
            commusoft=self._client(connection, practice),
            rule_file=RuleFile(self.settings.data_dir / RULES_FILE),
            index=LiveMatcher(self.database, connection.id, self.database.index_files),
            contacts=LiveContacts(self.database, connection.workspace_id, connection.id),
            ownership=self.ownership,
            wake=self._signal.send,
        )

    def _client(self, connection: WorkspaceConnection, practice: bool) -> CommusoftClient:
        if connection.kind is ConnectionKind.PAGES:
            return PagesClient(WebApplication(connection.base_url))
        if self._commusoft is not None:
            return self._commusoft
        if practice:
            account = Connection(self._sandbox.address() + SANDBOX_PATH, *["sandbox"] * 4)
        else:
            vault = Vault.at(self.settings.data_dir / KEY_FILE)
            account = credentials_of(connection, self.settings.commusoft, vault)
        limits = ClientLimits(
            max_concurrent=self.settings.max_concurrent_calls,
            max_per_second=self.settings.max_calls_per_second,
            paced_by_answers=self.settings.paced_by_answers,
        )
        shared = SharedStarts(self.database, connection.id) if self.database.is_shared else None
        return CommusoftClient(account, load_dialect(connection), limits, shared)


def open_installation(
    settings: Settings,
    commusoft: CommusoftClient | None = None,
    role: ProcessRole = ProcessRole.COMMAND,
) -> Installation:
    """Migrate the database and return the installation; its context is created on first use.

    Raises InvalidSettings.
    """
    return Installation(settings, open_database(settings), commusoft, role)


def open_database(settings: Settings) -> Database:
    """Return the migrated database of an installation, with its audit signed and anchored.

    Raises InvalidSettings.
    """
    signer = AuditSigner.of(settings.secret_key, settings.data_dir)
    database = Database(settings.database_url, signer=signer)
    database.use_pseudonyms(Pseudonyms(settings.secret_key))
    database.index_files = IndexFiles(settings.data_dir / INDEX_FOLDER)
    database.migrate()
    if move := forbidding_move(database):
        raise DatabaseMoved(out=move is MoveDirection.OUT)
    if database.is_shared and has_peer_with_other_key(database):
        raise OtherSecretKey
    try:
        prepare_audit(database)
    except OSError as error:
        raise InvalidSettings(
            f"The audit's anchor file cannot be made in {settings.data_dir} ({error.strerror}). "
            "Make room there, or set CRMLINK_DATA_DIR to a folder you may write to."
        ) from error
    return database


class Sandbox:
    """The sandbox of a data folder, run by this process or another one with the same folder."""

    def __init__(self, data_dir: Path) -> None:
        self._address_file = data_dir / "sandbox.address"
        self._state_file = data_dir / "sandbox.jsonl"
        self._exit_stack = ExitStack()

    def address(self) -> str:
        """Return the sandbox's URL; starts it unless it is running."""
        running_address = (
            self._address_file.read_text().strip() if self._address_file.exists() else ""
        )
        if _is_running(running_address):
            return running_address
        from crmlink.commusoft.sandbox import SandboxServer, create_sandbox

        application = create_sandbox(state_file=self._state_file)
        try:
            server = SandboxServer(application, SANDBOX_PORT, threads=SANDBOX_THREADS)
        except OSError:
            server = SandboxServer(application, threads=SANDBOX_THREADS)
        address = self._exit_stack.enter_context(server).url
        self._address_file.write_text(address)
        return address

    def stop(self) -> None:
        """Stop the sandbox if this process runs it."""
        self._exit_stack.close()

    def forget(self) -> None:
        """Stop the sandbox and delete its data."""
        self.stop()
        self._state_file.unlink(missing_ok=True)
        self._address_file.unlink(missing_ok=True)


def _is_same(before: WorkspaceConnection | None, after: WorkspaceConnection) -> bool:
    """Return whether nothing that determines the client has changed."""
    names = ("id", "connected_at", "credentials", "dialect")
    return before is not None and all(
        getattr(before, name) == getattr(after, name) for name in names
    )


def _is_running(address: str) -> bool:
    try:
        return SANDBOX_HEADER in requests.get(address, timeout=2).headers
    except requests.RequestException:
        return False
