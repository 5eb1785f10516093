"""A program as a process that begins without imports: a copy of one that has made them already.

Importing crmlink takes two or three seconds of a core, which is most of what starting a server
costs. What runs is the same: the command's own main function, with its arguments and environment.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from faults.processes import processes


class PreparedProcess:
    """A program by its entry point (`module:function`), used as `subprocess.Popen` is."""

    def __init__(
        self, entry_point: str, arguments: Sequence[str], log: Path, environment: dict[str, str]
    ) -> None:
        self._process = processes().Process(
            target=_run, args=(entry_point, list(arguments), log, environment)
        )
        self._process.start()
        self.pid = self._process.pid or 0

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.exitcode

    def send_signal(self, sign: signal.Signals) -> None:
        """Send a signal unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, sign)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def wait(self, seconds: float) -> None:
        """Until it has ended. Raises TimeoutExpired."""
        self._process.join(seconds)
        if self.poll() is None:
            raise subprocess.TimeoutExpired(str(self.pid), seconds)


def _run(entry_point: str, arguments: list[str], log: Path, environment: dict[str, str]) -> None:
    with log.open("ab") as output, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)
    module, _, function = entry_point.partition(":")
    sys.argv = [module, *arguments]
    getattr(importlib.import_module(module), function)()
