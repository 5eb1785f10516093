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
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faults.processes import processes

CRMLINK = "crmlink.cli:main"
NOTHING = Path(os.devnull)


@dataclass(frozen=True)
class Streams:
    """The files of a program's streams; without `errors` they go to its output."""

    output: Path = NOTHING
    errors: Path | None = None
    typed: Path = NOTHING


class PreparedProcess:
    """A program by its entry point (`module:function`), used as `subprocess.Popen` is."""

    def __init__(
        self,
        entry_point: str,
        arguments: Sequence[str],
        streams: Streams,
        environment: dict[str, str],
    ) -> None:
        self._process = processes().Process(
            target=_run, args=(entry_point, list(arguments), streams, environment)
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

    def wait(self, seconds: float) -> int:
        """Wait until it has ended; return its exit code. Raises TimeoutExpired."""
        self._process.join(seconds)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), seconds)
        return code


def run_crmlink(
    environment: dict[str, str], *words: str, typed: str = "", limit: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run a `crmlink` command to its end; `typed` is its input. Raises TimeoutExpired."""
    with tempfile.TemporaryDirectory(prefix="crmlink-") as folder:
        streams = Streams(*(Path(folder) / name for name in ("output", "errors", "typed")))
        streams.typed.write_text(typed)
        process = PreparedProcess(CRMLINK, words, streams, environment)
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        said = (streams.output.read_text(), (Path(folder) / "errors").read_text())
    return subprocess.CompletedProcess(words, code, *said)


def _run(
    entry_point: str, arguments: list[str], streams: Streams, environment: dict[str, str]
) -> None:
    with streams.typed.open("rb") as typed:
        os.dup2(typed.fileno(), 0)
    with streams.output.open("ab") as output:
        os.dup2(output.fileno(), 1)
    with (streams.errors or streams.output).open("ab") as errors:
        os.dup2(errors.fileno(), 2)
    os.umask(0o022)  # as most systems start one
    os.environ.clear()
    os.environ.update(environment)
    module, _, function = entry_point.partition(":")
    sys.argv = [module, *arguments]
    getattr(importlib.import_module(module), function)()
