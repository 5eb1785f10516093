"""One installation with its sandbox, shared by many tests that each take a record of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace

from sqlalchemy import select

from crmlink.access.devices import command_line_actor
from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.limits import ClientLimits
from crmlink.commusoft.sandbox import SandboxServer
from crmlink.installation import Installation, open_installation
from crmlink.linking.context import WorkspaceContext
from crmlink.settings import Settings
from crmlink.store import Link, MirroredRecord
from faults.processes import processes
from support.faulty_sandbox.app import create_faulty_sandbox
from support.sandbox import FAST_LIMITS, connection_to
from unit.commusoft.fake_server import Faults


@dataclass
class SharedInstallation:
    """An open installation, and a second way to look at its Commusoft."""

    installation: Installation
    address: str
    faults: Faults
    device_id: int
    free: Iterator[str]

    def __post_init__(self) -> None:
        self._onlooker = CommusoftClient(connection_to(self.address), limits=FAST_LIMITS)

    @property
    def workspace(self) -> WorkspaceContext:
        return self.installation.workspace

    def workspace_with(self, limits: ClientLimits) -> WorkspaceContext:
        """The desk with a client of its own that has no token yet."""
        return replace(
            self.workspace, commusoft=CommusoftClient(connection_to(self.address), None, limits)
        )

    def record(self, reference: str | None = None) -> str:
        """A customer that no test has touched, with that reference on it."""
        record_id = next(self.free)
        if reference is not None:
            record = self._onlooker.record("customer", number_of(record_id))
            self._onlooker.write_reference(record, reference)
        return record_id

    def reference(self, record_id: str) -> str | None:
        """What is on a record now."""
        return self._onlooker.record("customer", number_of(record_id)).reference

    def puts(self) -> Counter[str]:
        """How often each record was written to."""
        return Counter(write["record"] for write in self.faults.writes())

    def link(self, key: str) -> Link | None:
        """The link that a key made."""
        with self.installation.database.reading() as session:
            return session.scalar(select(Link).filter_by(idempotency_key=key))


def number_of(record_id: str) -> str:
    return record_id.removeprefix("customer-")


@contextmanager
def open_shared_installation(
    database_url: str, folder: Path, address: str, limits: ClientLimits = FAST_LIMITS
) -> Iterator[SharedInstallation]:
    """An office whose mirror holds what the sandbox at that address has."""
    settings = Settings(
        data_dir=folder,
        database_url=database_url,
        secret_key="k" * 48,
        commusoft=connection_to(address),
    )
    installation = open_installation(
        settings, CommusoftClient(connection_to(address), None, limits)
    )
    installation.workspace.sync()
    device = command_line_actor(installation.access).device
    faults = Faults(SimpleNamespace(url=address))  # type: ignore[arg-type] # asks for no more
    yield SharedInstallation(
        installation, address, faults, device.id, iter(_without_reference(installation))
    )
    faults.clear()
    installation.close()


@contextmanager
def sandbox_process(customers: int) -> Iterator[str]:
    """The address of a sandbox in a process of its own, so that both cores have work."""
    context = processes()
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(customers, theirs), daemon=True)
    process.start()
    theirs.close()
    yield ours.recv()
    ours.close()
    process.join(10)
    process.kill()


def _serve(customers: int, parent: Connection) -> None:
    with SandboxServer(create_faulty_sandbox(customers, 5)) as server, suppress(EOFError):
        parent.send(server.url)
        parent.recv()  # ends when the parent does


def _without_reference(installation: Installation) -> list[str]:
    with installation.database.reading() as session:
        rows = session.query(MirroredRecord).filter_by(kind="customer", reference=None).all()
    return [row.public_id for row in rows]
