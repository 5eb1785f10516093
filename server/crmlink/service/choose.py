"""The service manager of this system."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from platformdirs import site_data_path, user_config_path, user_data_path

from crmlink.service.launchd import Launchd
from crmlink.service.model import (
    NAME,
    AgentPlan,
    Described,
    InstalledService,
    RightsMissing,
    ServiceFailure,
    ServiceManager,
    ServicePlan,
    ServiceStatus,
    SystemUnknown,
    UserMissing,
    WindowsNeeded,
)
from crmlink.service.systemd import Systemd
from crmlink.service.windows import AGENT_WRAPPER, WRAPPER, WindowsService

SECONDS = 120  # for a command of the system
NO_SUCH_PROGRAM = 127


def service_manager(*, system: bool, wrapper: Path | None = None) -> ServiceManager:
    """Return the manager of services of the computer, or of this person's.

    Raises RightsMissing, UserMissing or SystemUnknown.
    """
    if sys.platform == "win32":
        return _windows(wrapper)
    if system and os.geteuid() != 0:
        raise RightsMissing
    home = user_data_path(NAME, appauthor=False)
    if sys.platform == "darwin":
        return _launchd(home, system=system)
    if shutil.which("systemctl") is None:
        raise SystemUnknown
    units = Path("/etc/systemd/system") if system else user_config_path("systemd") / "user"
    return Systemd(run_command, system=system, units=units, home=home)


def installed_service(python: Path) -> InstalledService | None:
    """Return the service of the computer, or of this person, that runs with this Python."""
    for system in (True, False):
        try:
            manager = service_manager(system=system)
            found = manager.described()
            running = manager.status() is ServiceStatus.RUNNING
        except ServiceFailure:
            continue
        if found and Path(found.program).parent == python.parent:
            options = () if system else ("--user",)
            return InstalledService(options, found.environment, address_of(found), running)
    return None


def address_of(found: Described) -> tuple[str, int]:
    """Return where a program on this computer reaches what a service runs."""
    plan, words = ServicePlan(), list(found.arguments)
    options = dict(pairwise(words))
    host = options.get("--host", plan.host)
    own = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 # compared
    return own, int(options.get("--port", plan.port))


def run_command(command: Sequence[str]) -> tuple[int, str]:
    """Return the exit code and the output of a command, without a window on Windows."""
    try:
        done = subprocess.run(  # noqa: S603 # the commands of the managers
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
            creationflags=_window_flags(),
        )
    except FileNotFoundError as error:
        return NO_SUCH_PROGRAM, str(error)
    return done.returncode, done.stdout


def _window_flags() -> int:
    if sys.platform == "win32":
        return subprocess.CREATE_NO_WINDOW
    return 0


def _launchd(home: Path, *, system: bool) -> ServiceManager:
    if not system:
        jobs = Path.home() / "Library" / "LaunchAgents"
        return Launchd(run_command, domain=f"gui/{os.geteuid()}", jobs=jobs, home=home, user="")
    user = os.environ.get("SUDO_USER", "")
    if user in ("", "root"):
        raise UserMissing
    own = Path(f"~{user}").expanduser() / "Library" / "Application Support" / NAME
    jobs = Path("/Library/LaunchDaemons")
    return Launchd(run_command, domain="system", jobs=jobs, home=own, user=user)


def _windows(wrapper: Path | None) -> ServiceManager:
    if not _is_windows_admin():
        raise RightsMissing
    data = site_data_path(NAME, appauthor=False)
    return WindowsService(
        run_command, program_dir=_programs(), data=data, wrapper=wrapper or _own_wrapper()
    )


def agent_service(wrapper: Path | None = None) -> tuple[ServiceManager, Path]:
    """Return the manager of the agent's service, and the folder of its options and secrets.

    Raises WindowsNeeded, as Sage 50 is, or RightsMissing.
    """
    if sys.platform != "win32":
        raise WindowsNeeded
    if not _is_windows_admin():
        raise RightsMissing
    folder = site_data_path(AgentPlan.name, appauthor=False)
    manager = WindowsService(
        run_command,
        program_dir=_programs(),
        data=folder,
        wrapper=wrapper or _own_wrapper(),
        wrapper_name=AGENT_WRAPPER,
    )
    return manager, folder


def _programs() -> Path:
    return Path(os.environ.get("PROGRAMFILES", r"C:\Program Files")) / NAME


def _own_wrapper() -> Path | None:
    """Return the wrapper that the installer has put beside Python."""
    return next(filter(Path.is_file, (Path(sys.prefix) / WRAPPER,)), None)


def _is_windows_admin() -> bool:
    import ctypes

    shell = getattr(ctypes, "windll").shell32  # noqa: B009 # it is there on Windows alone
    return bool(shell.IsUserAnAdmin())
