"""Windows: a service run by WinSW 2.12, which restarts it and rotates what it prints.

WinSW (MIT licence) is one file that reads an XML file of its own name beside it. Only
administrators may write to their folder, as they decide what runs; only administrators and the
service's account may read the data.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path, PurePath
from xml.etree import ElementTree

from crmlink.service.model import (
    RESTART_DELAY,
    STOP_TIMEOUT,
    Described,
    Run,
    ServiceMissing,
    ServicePlan,
    ServiceStatus,
    WrapperMissing,
    must_succeed,
    write_if_changed,
)

WRAPPER, AGENT_WRAPPER = "crmlink-service.exe", "crmlink-agent.exe"
ACCOUNT = "NT AUTHORITY\\LocalService"
ACCESS = (  # by identifiers, as the names are translated: LocalService, Administrators, SYSTEM
    "*S-1-5-19:(OI)(CI)M",
    "*S-1-5-32-544:(OI)(CI)F",
    "*S-1-5-18:(OI)(CI)F",
)
STATES = {"started": ServiceStatus.RUNNING, "stopped": ServiceStatus.STOPPED}


def wrapper_text(plan: ServicePlan, data_dir: PurePath) -> str:
    """Return WinSW's XML file."""
    service = ElementTree.Element("service")
    _add(service, "id", plan.name)
    _add(service, "name", plan.name)
    _add(service, "description", plan.description)
    _add(service, "executable", str(plan.python))
    _add(service, "arguments", subprocess.list2cmdline(plan.arguments))
    _add(service, "workingdirectory", str(data_dir))
    for name, value in plan.environment(data_dir).items():
        ElementTree.SubElement(service, "env", name=name, value=value)
    _add(service, "startmode", "Automatic")
    _add(service, "delayedAutoStart", "true")
    _add(ElementTree.SubElement(service, "serviceaccount"), "username", ACCOUNT)
    for delay in (RESTART_DELAY, 6 * RESTART_DELAY):
        ElementTree.SubElement(service, "onfailure", action="restart", delay=f"{delay} sec")
    _add(service, "resetfailure", "1 hour")
    _add(service, "stoptimeout", f"{STOP_TIMEOUT} sec")
    _add(service, "hidewindow", "true")
    _add(service, "logpath", str(data_dir / "service-log"))
    log = ElementTree.SubElement(service, "log", mode="roll-by-size")
    _add(log, "sizeThreshold", "10240")  # KB
    _add(log, "keepFiles", "5")
    ElementTree.indent(service)
    text = ElementTree.tostring(service, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = text


class WindowsService:
    """The service of a Windows computer."""

    def __init__(
        self,
        run: Run,
        *,
        program_dir: Path,
        data: Path,
        wrapper: Path | None,
        wrapper_name: str = WRAPPER,
    ) -> None:
        """Manage the service that ``program_dir`` describes.

        ``wrapper``: WinSW's file, copied there under this name unless it is there.
        """
        self._run, self._data, self._given = run, data, wrapper
        self._wrapper = program_dir / wrapper_name
        self.definition = self._wrapper.with_suffix(".xml")

    @property
    def log_hint(self) -> str:
        """The folder with what the service prints."""
        return str(self._data / "service-log")

    def data_dir(self, plan: ServicePlan) -> PurePath:
        """Return where the service keeps its data."""
        return plan.data_dir or self._data

    def described(self) -> Described | None:
        """Return what WinSW's file says."""
        if not self.definition.exists():
            return None
        service = ElementTree.fromstring(self.definition.read_bytes())  # noqa: S314 # its own file
        program, arguments = (service.findtext(name, "") for name in ("executable", "arguments"))
        settings = {each.get("name", ""): each.get("value", "") for each in service.iter("env")}
        words = [word.strip('"') for word in shlex.split(arguments, posix=False)]
        return Described(PurePath(program), words, settings)

    def install(self, plan: ServicePlan) -> bool:
        """Register the service; return whether anything changed."""
        self._place_wrapper()
        data_dir = Path(self.data_dir(plan))
        data_dir.mkdir(parents=True, exist_ok=True)
        must_succeed(self._run, "icacls", str(data_dir), "/inheritance:r", "/grant:r", *ACCESS)
        registered = self.status() is not ServiceStatus.MISSING
        text = wrapper_text(plan, data_dir)
        if registered and self._is_described_as(text):
            return False
        if registered:
            self._remove()
        write_if_changed(self.definition, text)
        must_succeed(self._run, str(self._wrapper), "install")
        return True

    def uninstall(self) -> bool:
        """Stop and remove the service; its data stays."""
        if self.status() is ServiceStatus.MISSING:
            return False
        self._remove()
        self.definition.unlink()
        return True

    def start(self) -> None:
        """Start the service."""
        if self._known_status() is ServiceStatus.STOPPED:
            must_succeed(self._run, str(self._wrapper), "start")

    def stop(self) -> None:
        """Stop the service and wait until it has ended."""
        if self._known_status() is ServiceStatus.RUNNING:
            must_succeed(self._run, str(self._wrapper), "stopwait")

    def status(self) -> ServiceStatus:
        """Return whether it runs."""
        if not (self._wrapper.exists() and self.definition.exists()):
            return ServiceStatus.MISSING
        output = must_succeed(self._run, str(self._wrapper), "status")
        return STATES.get(output.strip().lower(), ServiceStatus.MISSING)

    def _known_status(self) -> ServiceStatus:
        found = self.status()
        if found is ServiceStatus.MISSING:
            raise ServiceMissing
        return found

    def _remove(self) -> None:
        self.stop()
        must_succeed(self._run, str(self._wrapper), "uninstall")

    def _is_described_as(self, text: str) -> bool:
        return self.definition.read_text(encoding="utf-8") == text

    def _place_wrapper(self) -> None:
        if self._given and self._given.is_file() and self._given != self._wrapper:
            self._wrapper.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._given, self._wrapper)
        if not self._wrapper.is_file():
            raise WrapperMissing
