"""Opens everything that one installation needs, for the server and the command line alike."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import requests

from crmlink.access.context import Office
from crmlink.access.usage import Uses
from crmlink.accounting.rule_file import RuleFile
from crmlink.commusoft.client import Commusoft
from crmlink.commusoft.connection import Connection
from crmlink.commusoft.limits import Patience
from crmlink.commusoft.sandbox import SandboxServer, create_sandbox
from crmlink.commusoft.vault import Vault
from crmlink.linking.connections import connected_account, dialect_of, workspace_of
from crmlink.linking.context import Desk, Index
from crmlink.settings import Settings
from crmlink.store import Database
from crmlink.wakeup import Bell

EXTENSION = Path(__file__).parents[2] / "extension"
COMMAND = Path(sys.executable).with_name("crmlink")
KEYS_NAME = "credential.keys"
RULES_NAME = "packages.json"
SANDBOX_PORT = 8788
SANDBOX_HEADER = "Commusoft-Sandbox"
SANDBOX_PATH = "/webservice_dev.php/api/v1"


@dataclass(frozen=True)
class House:
    """One installation at work."""

    settings: Settings
    database: Database
    desk: Desk
    office: Office
    uses: Uses
    has_account: bool
    exits: ExitStack

    @property
    def sandboxed(self) -> bool:
        """Whether what answers is no Commusoft but the sandbox, ours or one that said so."""
        return not self.has_account or self.desk.commusoft.sandbox

    def close(self) -> None:
        """Let running attempts end, then let go of the database."""
        self.desk.attempts.shutdown(cancel_futures=True)
        self.uses.flush()
        self.exits.close()
        self.database.close()


def open_house(settings: Settings, commusoft: Commusoft | None = None) -> House:
    """Migrate the database and set up the workspace's desk; without an account, the sandbox's.

    A client that is given is used in place of the one that the settings describe.
    """
    database = Database(settings.database_url)
    database.migrate()
    exits = ExitStack()
    account = settings.commusoft or connected_account(
        database, Vault.at(settings.data_dir / KEYS_NAME)
    )
    workspace = workspace_of(database, account)
    if commusoft is None:
        connection = account or _sandbox(settings.data_dir, exits)
        patience = Patience(at_once=settings.calls_at_once, per_second=settings.calls_per_second)
        commusoft = Commusoft(connection, dialect_of(workspace), patience)
    desk = Desk(
        workspace_id=workspace.id,
        database=database,
        commusoft=commusoft,
        rule_file=RuleFile(settings.data_dir / RULES_NAME),
        index=Index(database, workspace.id),
        wake=Bell(settings.data_dir).ring,
    )
    office = Office(database, workspace.id, settings.secret_key)
    return House(settings, database, desk, office, Uses(office), account is not None, exits)


def _sandbox(data_dir: Path, exits: ExitStack) -> Connection:
    """The sandbox that runs for this data folder already, or a new one in this process."""
    address_file = data_dir / "sandbox.address"
    address = address_file.read_text().strip() if address_file.exists() else ""
    if not _answers(address):
        application = create_sandbox(state_file=data_dir / "sandbox.jsonl")
        try:
            server = SandboxServer(application, SANDBOX_PORT)
        except OSError:
            server = SandboxServer(application)
        address = exits.enter_context(server).url
        address_file.write_text(address)
    return Connection(address + SANDBOX_PATH, *["sandbox"] * 4)


def _answers(address: str) -> bool:
    try:
        return SANDBOX_HEADER in requests.get(address, timeout=2).headers
    except requests.RequestException:
        return False
