"""launchd: a daemon of the Mac that runs as one of its people, or an agent of that person."""

from __future__ import annotations

import plistlib
from pathlib import Path, PurePath

from crmlink.service.model import (
    RESTART_DELAY,
    STOP_TIMEOUT,
    Described,
    Run,
    ServiceMissing,
    ServicePlan,
    ServiceStatus,
    must_succeed,
    write_if_changed,
)

LABEL = "crmlink.server"
SERVICE_LOG = "service.log"


def job_text(plan: ServicePlan, data_dir: PurePath, user: str = "") -> str:
    """Return the property list. ``user``: whom a daemon runs as; empty for an agent."""
    job: dict[str, object] = {
        "Label": LABEL,
        "ProgramArguments": [str(plan.python), *plan.arguments],
        "EnvironmentVariables": plan.environment(data_dir),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": RESTART_DELAY,
        "ExitTimeOut": STOP_TIMEOUT,
        "ProcessType": "Background",
        "Umask": 0o077,
        "StandardOutPath": str(data_dir / SERVICE_LOG),
        "StandardErrorPath": str(data_dir / SERVICE_LOG),
    }
    if user:
        job["UserName"] = user
    return plistlib.dumps(job).decode()


class Launchd:
    """The service under launchd."""

    def __init__(self, run: Run, *, domain: str, jobs: Path, home: PurePath, user: str) -> None:
        """``domain``: ``system`` or ``gui/UID``; ``user``: whom a daemon runs as."""
        self._run, self._domain, self._home, self._user = run, domain, home, user
        self.definition = jobs / f"{LABEL}.plist"

    @property
    def log_hint(self) -> str:
        """The file with what the service prints."""
        return str(self._home / SERVICE_LOG)

    def data_dir(self, plan: ServicePlan) -> PurePath:
        """Return where the service keeps its data: the person's own folder."""
        return plan.data_dir or self._home

    def described(self) -> Described | None:
        """Return what the job's file says."""
        if not self.definition.exists():
            return None
        job = plistlib.loads(self.definition.read_bytes())
        program, *arguments = job["ProgramArguments"]
        return Described(PurePath(program), arguments, job["EnvironmentVariables"])

    def install(self, plan: ServicePlan) -> bool:
        """Write the job; it is loaded when it is started, and at each start of the Mac."""
        user = self._user if self._domain == "system" else ""
        return write_if_changed(self.definition, job_text(plan, self.data_dir(plan), user))

    def uninstall(self) -> bool:
        """Stop and remove the job; its data stays."""
        if not self.definition.exists():
            return False
        self.stop()
        self.definition.unlink()
        return True

    def start(self) -> None:
        """Load the job, anew if its file changed."""
        self._require()
        self.stop()
        must_succeed(self._run, "launchctl", "bootstrap", self._domain, str(self.definition))

    def stop(self) -> None:
        """Unload the job."""
        self._require()
        if self.status() is ServiceStatus.RUNNING:
            must_succeed(self._run, "launchctl", "bootout", f"{self._domain}/{LABEL}")

    def status(self) -> ServiceStatus:
        """Return whether the job is loaded."""
        if not self.definition.exists():
            return ServiceStatus.MISSING
        code, _ = self._run(["launchctl", "print", f"{self._domain}/{LABEL}"])
        return ServiceStatus.STOPPED if code else ServiceStatus.RUNNING

    def _require(self) -> None:
        if not self.definition.exists():
            raise ServiceMissing
