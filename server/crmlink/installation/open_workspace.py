"""One workspace, open in this process: people, mail, sources and the connection in use."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from crmlink.access.context import AccessContext
from crmlink.accounting.rule_file import RuleFile
from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.connection import Connection, WebApplication
from crmlink.commusoft.limits import ClientLimits
from crmlink.commusoft.no_api import PagesClient
from crmlink.commusoft.shared.account import SharedAccount
from crmlink.commusoft.vault import Vault, VaultKeyMissing
from crmlink.installation.sandbox import LocalSandbox
from crmlink.linking.connections import (
    connection_in_use,
    credentials_of,
    load_dialect,
    use_account_of_environment,
)
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import ConnectionNotAgreed, CredentialsMissing
from crmlink.linking.index_memory import IndexMemory
from crmlink.linking.known_contacts import LiveContacts
from crmlink.linking.live_matcher import LiveMatcher
from crmlink.mail.service import MailService
from crmlink.settings import Settings
from crmlink.sources.context import SourceContext
from crmlink.store import ConnectionKind, Ownership, WorkspaceConnection
from crmlink.store.workspaces import find_workspace

KEY_FILE = "credential.keys"
RULES_FILE = "packages.json"
SANDBOX_PATH = "/webservice_dev.php/api/v1"
CHECK_INTERVAL = 1.0  # seconds between checks of the connection in use, during long work


@dataclass(frozen=True, slots=True)
class Resources:
    """What an installation gives to each of its workspaces.

    ``commusoft`` replaces the client that the settings describe; ``wake`` notifies the worker;
    ``indexes`` bounds the memory of matching.
    """

    settings: Settings
    ownership: Ownership
    commusoft: CommusoftClient | None
    wake: Callable[[], None]
    indexes: IndexMemory


class OpenWorkspace:
    """A workspace with what this process needs to work in it; no truth is in memory.

    ``folder`` is for its own files; ``account_of_environment`` the account that the settings name
    for it, if they do.
    """

    def __init__(
        self,
        access: AccessContext,
        folder: Path,
        sandbox: LocalSandbox,
        resources: Resources,
        account_of_environment: Connection | None,
    ) -> None:
        settings = resources.settings
        self.id = access.workspace_id
        self.access = access
        self.folder = folder
        self.account_of_environment = account_of_environment
        self.mail = MailService(
            access,
            settings.mail_server,
            settings.public_url,
            settings.data_dir / KEY_FILE,
            self._uses_practice_data,
        )
        self.sources = SourceContext(
            access.database,
            access.workspace_id,
            vault=self.vault,
            registry=settings.source_packages,
            rules=RuleFile(folder / RULES_FILE).current,
            ownership=resources.ownership,
        )
        self._resources = resources
        self._sandbox = sandbox
        self._lock = threading.Lock()
        self._context: WorkspaceContext | None = None
        self._connection: WorkspaceConnection | None = None
        self._checked_at = 0.0

    @property
    def context(self) -> WorkspaceContext:
        """Context of the connection in use, see ``now``."""
        return self.now()[0]

    def now(self) -> tuple[WorkspaceContext, WorkspaceConnection]:
        """Return the context of the connection in use, and the connection as just read.

        The context is a new one once the connection has changed; work in progress keeps its own.
        Raises ConnectionNotAgreed, CredentialsMissing or VaultKeyMissing.
        """
        database, account = self.access.database, self.account_of_environment
        with self._lock:
            if self._connection is None and account:
                use_account_of_environment(database, self.id, account)
            connection = connection_in_use(database, self.id)
            self._checked_at = time.monotonic()
            if self._context is None or _stamp(self._connection) != _stamp(connection):
                self._context, self._connection = self._create_context(connection), connection
            return self._context, connection

    @property
    def has_account(self) -> bool:
        """Whether an account is connected; if not, the sandbox is used."""
        return not self.context.practice

    def vault(self) -> Vault:
        """Return the vault of the installation's credentials."""
        return Vault.at(self._resources.settings.data_dir / KEY_FILE)

    def has_left(self, ctx: WorkspaceContext) -> bool:
        """Return whether work with a context must end, checked at most once a second.

        It must when its connection was replaced, or the workspace suspended.
        """
        if time.monotonic() - self._checked_at < CHECK_INTERVAL:
            return self._context is not ctx
        if find_workspace(self.access.database, self.id).suspended_at is not None:
            return True
        return self.context is not ctx

    def rest(self) -> None:
        """Let go of idle threads and connections to Commusoft; they come back when needed."""
        if ctx := self._context:
            ctx.attempts.rest()
            ctx.commusoft.rest()

    def close(self) -> None:
        """Finish running attempts."""
        if self._context:
            self._context.attempts.shutdown(cancel_futures=True)

    def _uses_practice_data(self) -> bool:
        """Return whether made-up data is in use, of this installation or of another sandbox."""
        try:
            return self.context.uses_sandbox
        except ConnectionNotAgreed:  # practice stays until an admin agrees to the account
            return True
        except (CredentialsMissing, VaultKeyMissing):  # an account's
            return False

    def _create_context(self, connection: WorkspaceConnection) -> WorkspaceContext:
        practice = connection.kind is ConnectionKind.SANDBOX
        if not practice:
            self._sandbox.forget()
        database = self.access.database
        return WorkspaceContext(
            workspace_id=connection.workspace_id,
            connection_id=connection.id,
            public_connection_id=connection.public_id,
            practice=practice,
            database=database,
            commusoft=self._client(connection, practice),
            rule_file=RuleFile(self.folder / RULES_FILE),
            index=LiveMatcher(
                database, connection.id, database.index_files, self._resources.indexes
            ),
            contacts=LiveContacts(
                database, connection.workspace_id, connection.id, self._resources.indexes
            ),
            ownership=self._resources.ownership,
            wake=self._resources.wake,
        )

    def _client(self, connection: WorkspaceConnection, practice: bool) -> CommusoftClient:
        if connection.kind is ConnectionKind.PAGES:
            return PagesClient(WebApplication(connection.base_url))
        if self._resources.commusoft is not None:
            return self._resources.commusoft
        if practice:
            account = Connection(self._sandbox.address() + SANDBOX_PATH, *["sandbox"] * 4)
        else:
            account = credentials_of(connection, self.account_of_environment, self.vault())
        settings, database = self._resources.settings, self.access.database
        limits = ClientLimits(
            max_concurrent=settings.max_concurrent_calls,
            max_per_second=settings.max_calls_per_second,
            paced_by_answers=settings.paced_by_answers,
        )
        shared = None
        if database.is_shared:
            # An account of the environment needs no key, which each machine would make for itself.
            vault = self.vault if connection.credentials else None
            shared = SharedAccount(database, connection.id, vault)
        return CommusoftClient(account, load_dialect(connection), limits, shared)


def _stamp(connection: WorkspaceConnection | None) -> tuple[object, ...]:
    names = ("id", "connected_at", "credentials", "dialect")
    return tuple(getattr(connection, name) for name in names) if connection else ()
