"""Opens everything that one installation needs, for the server and the command line alike."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import requests
from sqlalchemy import select

from crmlink.accounting.rulefile import RuleFile
from crmlink.commusoft.client import Commusoft
from crmlink.commusoft.connection import Connection
from crmlink.commusoft.sandbox import SandboxServer, create_sandbox
from crmlink.linking.desk import Desk, Index
from crmlink.settings import Settings
from crmlink.store import Database, Workspace

EXTENSION = Path(__file__).parents[2] / "extension"
COMMAND = Path(sys.executable).with_name("crmlink")
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
    exits: ExitStack

    @property
    def sandboxed(self) -> bool:
        """Whether what answers is no Commusoft but the sandbox, ours or one that said so."""
        return self.settings.commusoft is None or self.desk.commusoft.sandbox

    def close(self) -> None:
        """Let running attempts end, then let go of the database."""
        self.desk.attempts.shutdown(cancel_futures=True)
        self.exits.close()
        self.database.close()


def open_house(settings: Settings, commusoft: Commusoft | None = None) -> House:
    """Migrate the database and set up the workspace's desk; without an account, the sandbox's.

    A client that is given is used in place of the one that the settings describe.
    """
    database = Database(settings.database_url)
    database.migrate()
    exits = ExitStack()
    if commusoft is None:
        commusoft = Commusoft(settings.commusoft or _sandbox(settings.data_dir, exits))
    workspace_id = _workspace(database, settings.commusoft)
    desk = Desk(
        workspace_id=workspace_id,
        database=database,
        commusoft=commusoft,
        rule_file=RuleFile(settings.data_dir / RULES_NAME),
        index=Index(database, workspace_id),
    )
    return House(settings, database, desk, exits)


def _workspace(database: Database, account: Connection | None) -> int:
    """The workspace of this Commusoft account, made when it is new; the sandbox has its own."""
    key = f"{account.base_url}#{account.client_id}" if account else "sandbox"
    name = account.client_id if account else "Sandbox"
    with database.writing() as session:
        workspace = session.scalar(select(Workspace).filter_by(account=key))
        if workspace is None:
            workspace = Workspace(account=key, name=name)
            session.add(workspace)
            session.flush()
        return workspace.id


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
