"""What a service runs, what is known of it, and why it cannot be managed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePath
from typing import ClassVar, Protocol

NAME = "crmlink"
DESCRIPTION = "crmlink: links accounting contacts with Commusoft"
RESTART_DELAY = 5  # seconds
STOP_TIMEOUT = 30  # seconds; longer attempts are recovered at the next start


class ServiceFailure(Exception):
    """The service cannot be managed."""


class RightsMissing(ServiceFailure):
    """Only an administrator may manage services of the whole computer."""


class ServiceMissing(ServiceFailure):
    """There is no service of crmlink."""


class UserMissing(ServiceFailure):
    """It is not known whose service it is to be."""


class WrapperMissing(ServiceFailure):
    """The program that runs crmlink as a Windows service was not found."""


class ProgramPrivate(ServiceFailure):
    """crmlink is installed where the service's user cannot read it."""

    def __init__(self, path: PurePath) -> None:
        super().__init__(str(path))
        self.path = path


class SystemUnknown(ServiceFailure):
    """The system has none of the service managers that crmlink can use."""


class WindowsNeeded(ServiceFailure):
    """The agent's service is one of Windows, where Sage 50 is."""


class CommandFailed(ServiceFailure):
    """A command of the system failed; ``output`` is what it printed."""

    def __init__(self, command: Sequence[str], output: str) -> None:
        super().__init__(" ".join(command))
        self.command, self.output = tuple(command), output


class ServiceStatus(StrEnum):
    """State of the service."""

    RUNNING = "running"
    STOPPED = "stopped"
    MISSING = "missing"


@dataclass(frozen=True)
class ServicePlan:
    """What the service runs: this installation's server with these options."""

    host: str = "127.0.0.1"
    port: int = 8787
    public_url: str = ""
    trusted_proxies: int = 0
    tls_cert: PurePath | None = None
    tls_key: PurePath | None = None
    data_dir: PurePath | None = None  # None: where the system keeps the data of services
    python: PurePath = field(default_factory=lambda: PurePath(sys.executable))
    name: ClassVar[str] = NAME
    description: ClassVar[str] = DESCRIPTION

    @property
    def arguments(self) -> tuple[str, ...]:
        """Arguments of Python."""
        where = ("--host", self.host, "--port", str(self.port))
        return ("-m", "crmlink", "serve", "--service", *where)

    def environment(self, data_dir: PurePath) -> dict[str, str]:
        """Return the settings that differ from the defaults."""
        values = {
            "CRMLINK_DATA_DIR": str(data_dir),
            "CRMLINK_PUBLIC_URL": self.public_url,
            "CRMLINK_TRUSTED_PROXIES": str(self.trusted_proxies or ""),
            "CRMLINK_TLS_CERT": str(self.tls_cert or ""),
            "CRMLINK_TLS_KEY": str(self.tls_key or ""),
        }
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True)
class AgentPlan(ServicePlan):
    """What the agent's service runs; its options are in its folder, its secrets sealed there."""

    name: ClassVar[str] = "crmlink-agent"
    description: ClassVar[str] = "crmlink agent: brings contacts of Sage 50"

    @property
    def arguments(self) -> tuple[str, ...]:
        """Arguments of Python."""
        return ("-m", "crmlink", "agent", "run", "--folder", str(self.data_dir))

    def environment(self, data_dir: PurePath) -> dict[str, str]:
        """Return no settings: the agent has none of the server's."""
        del data_dir
        return {}


@dataclass(frozen=True)
class Described:
    """What a definition says that the service runs, and with which settings."""

    program: PurePath
    arguments: Sequence[str]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class InstalledService:
    """The service that runs this installation; ``options`` are those of its commands."""

    options: tuple[str, ...]
    environment: Mapping[str, str]
    address: tuple[str, int]  # where a program on this computer reaches it
    is_running: bool


Run = Callable[[Sequence[str]], tuple[int, str]]  # exit code and output of a command


class ServiceManager(Protocol):
    """The service of one system. Methods raise ServiceFailure."""

    @property
    def definition(self) -> Path:
        """The file that describes the service."""

    @property
    def log_hint(self) -> str:
        """The command or file that shows what the service prints."""

    def data_dir(self, plan: ServicePlan) -> PurePath:
        """Return where the service keeps its data."""

    def described(self) -> Described | None:
        """Return what the definition says; None if there is none."""

    def install(self, plan: ServicePlan) -> bool:
        """Describe the service to the system; return whether anything changed."""

    def uninstall(self) -> bool:
        """Stop and remove the service, and keep its data; return whether there was one."""

    def start(self) -> None:
        """Start it; nothing happens if it runs."""

    def stop(self) -> None:
        """Stop it; nothing happens if it does not run."""

    def status(self) -> ServiceStatus:
        """Return its state."""


def must_succeed(run: Run, *command: str) -> str:
    """Return what a command prints. Raises CommandFailed."""
    code, output = run(command)
    if code:
        raise CommandFailed(command, output)
    return output


def write_if_changed(path: Path, text: str, mode: int = 0o644) -> bool:
    """Write a file unless it has this content; return whether it was written."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    path.chmod(mode)
    return True
