"""The update itself, run by the Python that the environment was made with.

It needs the standard library alone, as it replaces the environment that crmlink is in. What it does
to the data, it does by crmlink's own commands, as the data's user and with this process's
environment: the old version's before the installation and on the way back, the new version's after.

The service stays stopped until the new version has passed its checks. So nothing is decided by a
version that is taken back, and the data that was backed up is the data that comes back.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BESIDE = ".before-update"  # what the copy of the environment is called, after its name
LOST = ("database", "sound", "tables")  # checks that say that the data must come back
ANSWER_SECONDS = 60.0  # for the service to listen
_PAUSE = 0.2


class StepFailed(Exception):
    """A step failed; ``code`` says which, and ``facts`` are for the sentence."""

    def __init__(self, code: str, **facts: str) -> None:
        super().__init__(code)
        self.code, self.facts = code, facts


@dataclass(frozen=True)
class Plan:
    """What to do, as `crmlink update` has found it out."""

    versions: Mapping[str, str]  # "from" and "to"
    prefix: Path
    python: Path
    install: Sequence[str]
    left_over: str  # a folder to delete at the end; "" for none
    data: Path
    backup: Path
    user: tuple[int, int] | None  # who owns the data, if that is another one
    service: Sequence[str] | None  # options of crmlink's service commands; None: no service runs
    address: tuple[str, int]  # where the service listens
    waits_for: int  # a process that has to end first; 0 for none
    as_json: bool
    texts: Mapping[str, str]  # the sentences, by code

    @classmethod
    def read(cls, text: str) -> Plan:
        """Return the plan from its JSON."""
        values: dict[str, Any] = json.loads(text)
        for name in ("prefix", "python", "data", "backup"):
            values[name] = Path(values[name])
        values["address"] = tuple(values["address"])
        values["user"] = tuple(values["user"]) if values["user"] else None
        return cls(**values)


class Update:
    """One update; ``run`` returns the exit code."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.copy = plan.prefix.with_name(plan.prefix.name + BESIDE)
        self._words = {**plan.versions, "backup": str(plan.backup), "port": str(plan.address[1])}

    def run(self) -> int:
        """Update, or go back."""
        try:
            self._stop_service()
            troubles = self._troubles(updates_tables=True)
            self._print("backing-up")
            self._crmlink("backup", "--without-keys", str(self.plan.backup))
            shutil.copytree(self.plan.prefix, self.copy, symlinks=True)
        except (StepFailed, OSError) as error:
            shutil.rmtree(self.copy, ignore_errors=True)
            self._start_service()
            return self._end("kept", cause=self._cause(error))
        try:
            self._print("installing")
            self._install()
            self._print("checking")
            new = self._troubles(updates_tables=True) - troubles
            if new:
                raise StepFailed("step-check", codes=", ".join(sorted(new)))
        except (StepFailed, OSError) as error:
            return self._go_back(self._cause(error), troubles)
        answers = self._start_service()
        shutil.rmtree(self.copy, ignore_errors=True)
        return self._end("done" if answers else "silent")

    def _go_back(self, cause: str, troubles: set[str]) -> int:
        self._print("going-back")
        failed = self.plan.prefix.with_name(f"{self.plan.prefix.name}.failed-update")
        shutil.rmtree(failed, ignore_errors=True)
        if self.plan.prefix.exists():
            _rename(self.plan.prefix, failed)
        _rename(self.copy, self.plan.prefix)
        shutil.rmtree(failed, ignore_errors=True)
        try:
            if (self._troubles() - troubles) & set(LOST):
                options = ("--replace", "--without-keys")
                self._crmlink("restore", *options, str(self.plan.backup))
        except StepFailed as error:
            return self._end("back-without-data", cause=f"{cause} {self._cause(error)}")
        self._start_service()
        return self._end("back", cause=cause)

    def _install(self) -> None:
        os.umask(0o022)  # the service's user reads what the administrator installs
        _run(self.plan.install, "step-install")
        os.umask(0o077)
        version = _run(self._command("--version"), "step-version", **self._as_owner())
        if self.plan.versions["to"] not in version.split():
            raise StepFailed("step-other", version=version.strip())

    def _troubles(self, *, updates_tables: bool = False) -> set[str]:
        """Return the codes of the checks that fail. Raises StepFailed if there are no results."""
        options = ("--update-tables",) if updates_tables else ()
        done = subprocess.run(  # noqa: S603 # crmlink's own command
            self._command("check", "--json", *options), capture_output=True, text=True,
            check=False, **self._as_owner(),
        )  # fmt: skip
        try:
            checks = json.loads(done.stdout)["checks"]
        except (ValueError, KeyError):
            raise StepFailed("step-said", output=_last_lines(done.stderr or done.stdout)) from None
        return {check["code"] for check in checks if check["health"] == "failed"}

    def _crmlink(self, *words: str) -> None:
        _run(self._command(*words), f"step-{words[0]}", **self._as_owner())

    def _command(self, *words: str) -> list[str]:
        return [str(self.plan.python), "-P", "-m", "crmlink", *words]

    def _as_owner(self) -> dict[str, Any]:
        """Return how a command that uses the data is run."""
        where = {"cwd": str(self.plan.data)}
        if self.plan.user is None:
            return where
        user, group = self.plan.user
        return {**where, "user": user, "group": group, "extra_groups": []}

    def _stop_service(self) -> None:
        if self.plan.service is not None:
            self._print("stopping")
            _run(self._command("service", "stop", *self.plan.service), "step-stop")

    def _start_service(self) -> bool:
        """Start the service if it ran before; return whether it then answers."""
        if self.plan.service is None:
            return True
        self._print("starting")
        try:
            _run(self._command("service", "start", *self.plan.service), "step-start")
        except StepFailed as error:
            print(self._cause(error), file=sys.stderr)
            return False
        return _answers(self.plan.address)

    def _cause(self, error: StepFailed | OSError) -> str:
        if isinstance(error, StepFailed):
            return self.plan.texts[error.code].format_map(error.facts)
        return f"{error.strerror or error}."

    def _print(self, code: str) -> None:
        print(self.plan.texts[code].format_map(self._words), file=sys.stderr, flush=True)

    def _end(self, code: str, cause: str = "") -> int:
        sentence = self.plan.texts[code].format_map({**self._words, "cause": cause})
        if self.plan.left_over:
            shutil.rmtree(self.plan.left_over, ignore_errors=True)
        result = {**self.plan.versions, "result": code, "backup": str(self.plan.backup)}
        print(json.dumps({**result, "text": sentence}) if self.plan.as_json else sentence)
        return 0 if code == "done" else 1


def _run(command: Sequence[str], code: str, **options: Any) -> str:
    """Return what a command prints. Raises StepFailed."""
    try:
        done = subprocess.run(  # noqa: S603 # the plan's commands
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            **options,
        )  # fmt: skip
    except OSError as error:
        raise StepFailed(code, output=f"{error.strerror}.") from error
    if done.returncode:
        raise StepFailed(code, output=_last_lines(done.stdout))
    return str(done.stdout)


def _last_lines(output: str) -> str:
    return " ".join(output.strip().splitlines()[-3:])


def _rename(source: Path, target: Path) -> None:
    """Rename a folder; on Windows a program in it may take a moment to end."""
    for _ in range(50):
        try:
            source.rename(target)
        except PermissionError:
            time.sleep(_PAUSE)
        else:
            return
    source.rename(target)


def _answers(address: tuple[str, int]) -> bool:
    until = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < until:
        try:
            with socket.create_connection(address, _PAUSE):
                return True
        except OSError:
            time.sleep(_PAUSE)
    return False


def _wait_for(process: int) -> None:
    """Wait until crmlink's own process has ended: Windows locks the program that it runs."""
    if sys.platform == "win32" and process:
        import ctypes

        kernel = ctypes.windll.kernel32
        if handle := kernel.OpenProcess(0x00100000, False, process):  # SYNCHRONIZE
            kernel.WaitForSingleObject(handle, 60_000)
            kernel.CloseHandle(handle)


def main() -> int:
    """Carry out the plan that is the only argument; it goes on if the terminal is closed."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if found := getattr(signal, name, None):
            signal.signal(found, signal.SIG_IGN)
    plan = Plan.read(sys.argv[1])
    _wait_for(plan.waits_for)
    return Update(plan).run()


if __name__ == "__main__":
    sys.exit(main())
