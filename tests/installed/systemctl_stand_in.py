"""Plays `systemctl --user` for one unit: really starts and stops what the unit says.

Beside the unit it keeps the process's number. The commands are those that crmlink uses.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

UNIT = Path(os.environ["XDG_CONFIG_HOME"]) / "systemd" / "user" / "crmlink.service"
NUMBER = UNIT.with_suffix(".pid")


def main() -> int:
    verb = next(word for word in sys.argv[1:] if not word.startswith("-"))
    if verb == "start" and not is_active():
        values = [line.partition("=")[::2] for line in UNIT.read_text().splitlines()]
        pairs = [
            word for name, text in values if name == "Environment" for word in shlex.split(text)
        ]
        settings = dict(pair.split("=", 1) for pair in pairs)
        (command,) = (text for name, text in values if name == "ExecStart")
        with UNIT.with_suffix(".log").open("ab") as log:
            process = subprocess.Popen(
                shlex.split(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={"PATH": os.defpath, **settings}, start_new_session=True,
            )  # fmt: skip
        NUMBER.write_text(str(process.pid))
    if verb == "stop" and is_active():
        os.kill(int(NUMBER.read_text()), signal.SIGTERM)
        while is_active():
            time.sleep(0.02)
    return 3 if verb == "is-active" and not is_active() else 0


def is_active() -> bool:
    if not NUMBER.exists():
        return False
    status = Path("/proc") / NUMBER.read_text() / "stat"
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


if __name__ == "__main__":
    sys.exit(main())
