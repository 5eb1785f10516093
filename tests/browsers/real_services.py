"""The services around a browser: the faulty sandbox and a real ``crmlink serve``.

Each is a process of its own with a folder of its own; both are gone when the office closes.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import requests
from sqlalchemy import select

from crmlink.access.context import AccessContext
from crmlink.store import AuditSigner, ConnectionKind, Database, Workspace, WorkspaceConnection
from support.access_factories import make_person, make_token
from support.databases import sqlite_database
from support.ports import HeldPort
from support.prepared_process import CRMLINK as CRMLINK_MAIN
from support.prepared_process import PreparedProcess, Streams, run_crmlink
from support.sandbox import WEBSERVICE, SandboxHandle

CRMLINK = Path(sys.executable).with_name("crmlink")
TESTS = Path(__file__).resolve().parents[1]
START_LIMIT = 240.0  # seconds; a migration gives way to others for up to two minutes
STOP_LIMIT = 10.0
ANSWER_LIMIT = 60.0
PAUSE = 0.02  # seconds between two looks
T = TypeVar("T")
CREDENTIALS = ("CLIENT_ID", "USERNAME", "PASSWORD", "APPLICATION_ID")


class ServiceFailed(Exception):
    """A process did not start, or did not become ready."""


class Service:
    """One process that serves on this machine; it can be stopped and started again."""

    def __init__(
        self,
        command: str,
        folder: Path,
        environment: dict[str, str],
        program: Sequence[str | Path] = (CRMLINK,),
        name: str = "",
    ) -> None:
        """`command` as typed after `program`; its first start chooses a free port."""
        self.command = command
        self.program = program
        self.log = folder / f"{name or command.split()[0]}.log"
        self.environment = environment
        self.port = 0
        self._held: HeldPort | None = None  # between a stop and the next start too
        self.process: subprocess.Popen[bytes] | PreparedProcess | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, on the port it had before if it ran before. Raises ServiceFailed."""
        if self._held is None:
            self._held = HeldPort()
            self.port = self._held.number
        self.process = self._begin([*self.command.split(), "--port", str(self.port)])
        self.port = wait_until(self._announced_port, f"crmlink {self.command} starts", self.said)

    def _begin(self, arguments: Sequence[str]) -> subprocess.Popen[bytes] | PreparedProcess:
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [*self.program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment,
            )

    def _announced_port(self) -> int:
        if self.process and self.process.poll() is not None:
            raise ServiceFailed(f"crmlink {self.command} ended at once: {self.said()}")
        found = re.search(r"runs at http://127\.0\.0\.\d+:(\d+)", self.said())
        return int(found.group(1)) if found else 0

    def said(self) -> str:
        """What the process has printed so far."""
        return self.log.read_text(errors="replace")

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """End it, at the latest after some seconds by force."""
        if self.process is None:
            return
        self.process.send_signal(sign)
        try:
            self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_LIMIT)
        self.process = None


class PreparedService(Service):
    """A service that begins without imports; its program is an entry point."""

    def __init__(
        self,
        command: str,
        folder: Path,
        environment: dict[str, str],
        entry_point: str = CRMLINK_MAIN,
        name: str = "",
    ) -> None:
        super().__init__(command, folder, environment, (entry_point,), name)

    def _begin(self, arguments: Sequence[str]) -> subprocess.Popen[bytes] | PreparedProcess:
        self.log.write_bytes(b"")
        streams = Streams(self.log)
        return PreparedProcess(str(self.program[0]), arguments, streams, self.environment)


@dataclass
class RunningServices:
    """A server whose Commusoft is a sandbox, and the ways to look behind both."""

    sandbox: Service
    server: Service
    commusoft: SandboxHandle
    access_context: AccessContext  # its people and browsers, in its own database

    @cached_property
    def token(self) -> str:
        """A script's, to look behind the screens with."""
        return make_token(self.access_context)

    def crmlink(self, *words: str) -> str:
        """What a `crmlink` command prints. Raises CalledProcessError."""
        environment = self.server.environment
        if isinstance(self.server, PreparedService):
            done = run_crmlink(environment, *words, limit=START_LIMIT)
        else:
            command = [str(CRMLINK), *words]
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=START_LIMIT, env=environment
            )
        done.check_returncode()
        return done.stdout

    def reference(self, record_id: str) -> str | None:
        """What is on a record in Commusoft, asked of the sandbox over HTTP."""
        return self.commusoft.reference(record_id)

    def ask(self, path: str) -> Any:
        """What the server's API answers to a GET."""
        answer = requests.get(
            f"{self.server.address}/api/v1/{path}",
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=ANSWER_LIMIT,
        )
        answer.raise_for_status()
        return answer.json()

    def fault(self, **fault: Any) -> None:
        """Let the sandbox misbehave, as its own controls are told to."""
        address = f"{self.sandbox.address}/sandbox/faults"
        requests.post(address, json=fault, timeout=ANSWER_LIMIT).raise_for_status()

    def clear_faults(self) -> None:
        """Let the sandbox behave again."""
        address = f"{self.sandbox.address}/sandbox/faults"
        requests.delete(address, timeout=ANSWER_LIMIT).raise_for_status()

    def writes(self) -> list[dict[str, Any]]:
        """Every change that reached Commusoft since the start, oldest first."""
        answer = requests.get(f"{self.sandbox.address}/sandbox/writes", timeout=ANSWER_LIMIT)
        writes: list[dict[str, Any]] = answer.json()["writes"]
        return writes


def lose_api(access: RunningServices, origin: str) -> None:
    """Make the account one without an API, at this web application; its records stay."""
    with access.access_context.database.writing() as session:
        connection = session.scalars(select(WorkspaceConnection)).one()
        connection.kind, connection.base_url = ConnectionKind.PAGES, origin
    for name in ("URL", *CREDENTIALS):
        access.server.environment.pop(f"CRMLINK_COMMUSOFT_{name}", None)
    access.server.stop()
    access.server.start()


@contextmanager
def running_services(
    customers: int = 60, suppliers: int = 12, *, prepared: bool = False
) -> Iterator[RunningServices]:
    """Start both processes and wait until the server has its copy of the records.

    Prepared: for tests that each take a pair, from a database that has its tables already.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crmlink-")))
        state = folder / "sandbox.json"
        size = f"--customers {customers} --suppliers {suppliers}"
        sandbox = _sandbox(f"{size} --state {state}", folder, prepared)
        stack.callback(sandbox.stop)
        sandbox.start()
        server = _server(folder, _environment(folder / "data", sandbox.address), prepared)
        stack.callback(server.stop)
        server.start()
        access_context = stack.enter_context(_access_context(folder / "data"))
        make_person(access_context, "admin")  # without one, pages show how to set crmlink up
        access = RunningServices(
            sandbox, server, SandboxHandle(sandbox.address, sandbox.stop), access_context
        )
        wait_until(
            lambda: access.ask("workspace")["mirror"]["synced_at"],
            "the server copies the records",
            server.said,
        )
        yield access


def _sandbox(options: str, folder: Path, prepared: bool) -> Service:
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    if prepared:
        entry_point = "support.faulty_sandbox.__main__:main"
        return PreparedService(options, folder, environment, entry_point, name="sandbox")
    module = (sys.executable, "-m", "support.faulty_sandbox")
    return Service(options, folder, environment, module, name="sandbox")


def _server(folder: Path, environment: dict[str, str], prepared: bool) -> Service:
    if not prepared:
        return Service("serve", folder, environment)
    data = folder / "data"
    data.mkdir(mode=0o700)
    sqlite_database(data)
    return PreparedService("serve", folder, environment)


@contextmanager
def _access_context(data: Path) -> Iterator[AccessContext]:
    """Who may do what in a running server, past its pages."""
    key = (data / "secret.key").read_text().strip()
    database = Database(f"sqlite:///{data / 'crmlink.sqlite'}", signer=AuditSigner.of(key, data))
    try:
        with database.reading() as session:
            workspace_id = session.scalars(select(Workspace.id)).one()
        yield AccessContext(database, workspace_id, key)
    finally:
        database.close()


class ServicesAhead:
    """Offices opened ahead: while one is worked in, the next is being made."""

    def __init__(self) -> None:
        self._maker = ThreadPoolExecutor(max_workers=1)
        self._next = self._maker.submit(self._make)

    def _make(self) -> tuple[RunningServices, ExitStack]:
        with ExitStack() as stack:
            access = stack.enter_context(running_services(prepared=True))
            return access, stack.pop_all()

    @contextmanager
    def next(self) -> Iterator[RunningServices]:
        """An office that no one has been in; it is closed behind the one who leaves."""
        access, stack = self._next.result()
        self._next = self._maker.submit(self._make)
        try:
            yield access
        finally:
            self._maker.submit(stack.close)

    def close(self) -> None:
        """Close the one that no one came to, and wait for the rest."""
        try:
            self._next.result()[1].close()
        finally:
            self._maker.shutdown()


def _environment(data: Path, commusoft: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if "CRMLINK" not in name}
    credentials = {f"CRMLINK_COMMUSOFT_{name}": "sandbox" for name in CREDENTIALS}
    return {
        **inherited,
        **credentials,
        "CRMLINK_DATA_DIR": str(data),
        "CRMLINK_COMMUSOFT_URL": commusoft + WEBSERVICE,
    }


def wait_until(look: Callable[[], T], what: str, evidence: Callable[[], str] = str) -> T:
    """The first truthy thing seen. Raises ServiceFailed with the evidence when it never comes."""
    until = time.monotonic() + START_LIMIT
    while not (seen := look()):
        if time.monotonic() > until:
            raise ServiceFailed(f"It never came that {what}. {evidence()}")
        time.sleep(PAUSE)
    return seen
