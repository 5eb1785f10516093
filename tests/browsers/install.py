"""Makes sure that Chromium, Firefox and, on Linux, a screen and a keyboard for them are here.

    PYTHONPATH=tests python -m browsers.install

A browser already there is used. What is missing comes from the system's packages or, for a browser,
from Playwright's or Puppeteer's download. One line is printed for each program; the exit code is 1
when one cannot be had.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from browsers import find
from browsers.find import Found, Program, Unavailable

INSTALL_LIMIT = 1800.0  # seconds; a browser is a hundred megabytes and more
TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Manager:
    """A system's package manager: how it installs, and what the programs are called in it."""

    name: str
    prepare: tuple[str, ...]  # what to run first, () for nothing
    install: tuple[str, ...]
    as_root: bool
    packages: dict[str, tuple[str, ...]]  # by program title


APT = Manager(
    "apt-get",
    ("apt-get", "update", "-qq"),
    ("apt-get", "install", "-y", "--no-install-recommends"),
    as_root=True,
    packages={
        "Chromium": ("chromium",),
        "Firefox": ("firefox-esr",),
        "Xvfb": ("xvfb",),
        "openbox": ("openbox",),
        "xcompmgr": ("xcompmgr",),
        "xdotool": ("xdotool",),
        "ImageMagick's import": ("imagemagick",),
        "A font": ("fonts-dejavu-core", "fonts-liberation"),
    },
)
DNF = Manager(
    "dnf",
    (),
    ("dnf", "install", "-y"),
    as_root=True,
    packages={
        "Chromium": ("chromium",),
        "Firefox": ("firefox",),
        "Xvfb": ("xorg-x11-server-Xvfb",),
        "openbox": ("openbox",),
        "xcompmgr": ("xcompmgr",),
        "xdotool": ("xdotool",),
        "ImageMagick's import": ("ImageMagick",),
        "A font": ("dejavu-sans-fonts", "liberation-sans-fonts"),
    },
)
BREW = Manager(
    "brew",
    (),
    ("brew", "install", "--cask"),
    as_root=False,
    packages={"Chromium": ("chromium",), "Firefox": ("firefox",)},
)
# Stock Firefox comes by Puppeteer's tool, because Puppeteer drives it; Playwright's is not stock.
DOWNLOADS: dict[str, tuple[str, ...]] = {
    "Chromium": (sys.executable, "-m", "playwright", "install", "--no-shell", "chromium"),
    "Firefox": (
        "node",
        str(TESTS / "node_modules/@puppeteer/browsers/lib/cjs/main-cli.js"),
        "install",
        "firefox@stable",
        "--path",
        str(Path.home() / ".cache/puppeteer"),
    ),
}


def main() -> int:
    """Install what is missing; 0 when everything is there."""
    present, missing = survey(find.needed())
    for found in present:
        say(f"{found} is there")
    if missing:
        missing = by_system(missing)
    if missing:
        missing = by_download(missing)
    for program in missing:
        say(f"{why_not(program)}.", to=sys.stderr)
    if missing:
        say(advice(missing), to=sys.stderr)
    return 1 if missing else 0


def survey(programs: Sequence[Program]) -> tuple[list[Found], list[Program]]:
    """What is there, and what is not."""
    present, missing = [], []
    for program in programs:
        try:
            present.append(find.find(program))
        except Unavailable:
            missing.append(program)
    return present, missing


def by_system(missing: list[Program]) -> list[Program]:
    """Install from the system's packages; what is still missing afterwards.

    One program at a time: a system that does not have one of them may still have the others.
    """
    manager = manager_here()
    prefix = privilege(manager) if manager else None
    if manager is None or prefix is None:
        return missing
    if manager.prepare:
        run((*prefix, *manager.prepare))
    still = []
    for program in missing:
        packages = manager.packages.get(program.title, ())
        if packages:
            run((*prefix, *manager.install, *packages))
        still += settle(program, f"installed by {manager.name}")
    return still


def by_download(missing: list[Program]) -> list[Program]:
    """Fetch browsers from their makers; what is still missing afterwards."""
    still = []
    for program in missing:
        command = DOWNLOADS.get(program.title)
        if command and shutil.which(command[0]):
            run(command)
        still += settle(program, "downloaded")
    return still


def settle(program: Program, how: str) -> list[Program]:
    """Say that a program has come; it alone when it has not."""
    present, missing = survey([program])
    for found in present:
        say(f"{found} {how}")
    return missing


def manager_here() -> Manager | None:
    """The package manager of this system, or None."""
    for manager in (APT, DNF, BREW):
        if shutil.which(manager.name):
            return manager
    return None


def privilege(manager: Manager) -> tuple[str, ...] | None:
    """What to put before a command so that it may install; None when this user may not."""
    if not manager.as_root or os.geteuid() == 0:
        return ()
    sudo = ("sudo", "-n", "--preserve-env=DEBIAN_FRONTEND")
    return sudo if shutil.which("sudo") and run((*sudo, "true")) else None


def advice(missing: Sequence[Program]) -> str:
    """What a person can do about programs that could not be had: one sentence, one command."""
    manager = manager_here()
    known = manager.packages if manager else {}
    packages = [name for program in missing for name in known.get(program.title, ())]
    if manager is None or not packages:
        names = " and ".join(program.title for program in missing)
        return f"Install {names} by hand and put it on PATH."
    command = " ".join((*manager.install, *packages))
    who = "Ask an administrator to run" if manager.as_root else "Run"
    return f"{who}: {command}"


def why_not(program: Program) -> str:
    """Why a program cannot be used, in words."""
    try:
        find.find(program)
    except Unavailable as error:
        return str(error)
    return f"{program.title} is there now"


def run(command: Sequence[str]) -> bool:
    """Whether a command succeeded; its complaint is shown, as an administrator needs it."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=INSTALL_LIMIT,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        say(f"  {command[0]}: {error}", to=sys.stderr)
        return False
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        say(f"  {' '.join(command)}: {lines[-1] if lines else 'failed'}", to=sys.stderr)
    return done.returncode == 0


def say(line: str, to: TextIO | None = None) -> None:
    """One line at once, so that a long installation is seen to move."""
    print(line, file=to, flush=True)


if __name__ == "__main__":
    sys.exit(main())
