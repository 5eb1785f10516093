"""Which browsers and desktop programs this machine has, and whether they are good enough.

Only the standard library is used here, so that it also runs before anything is installed.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ANSWER_LIMIT = 60.0  # seconds to say a version; a first start on a slow disk is slow


class Unavailable(Exception):
    """A program that the tests need is not on this machine; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Program:
    """One program: what people call it, its names on PATH, and the oldest release that will do."""

    title: str
    names: tuple[str, ...]
    oldest: int = 0
    version_flag: str | None = None  # None: being there is enough
    elsewhere: tuple[str, ...] = ()  # globs below the home folder or from the root

    def paths(self) -> Iterator[Path]:
        """Every place where the program lies, likeliest first."""
        for name in self.names:
            found = shutil.which(name)
            if found:
                yield Path(found)
        for pattern in self.elsewhere:
            base = Path("/") if pattern.startswith("/") else Path.home()
            yield from sorted(base.glob(pattern.lstrip("/")), reverse=True)


@dataclass(frozen=True, slots=True)
class Found:
    """A program that will do."""

    program: Program
    path: Path
    version: str  # "" for a program that was not asked

    def __str__(self) -> str:
        return f"{self.program.title} {self.version} at {self.path}".replace("  ", " ")


# Branded Chrome and Edge no longer take an unpacked extension by flag, so they are not looked for.
# 147 is the first whose DevTools protocol can press an extension's toolbar button.
CHROMIUM = Program(
    "Chromium",
    ("chromium", "chromium-browser"),
    oldest=147,
    version_flag="--version",
    elsewhere=(
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        ".cache/ms-playwright/chromium-*/chrome-linux*/chrome",
        "Library/Caches/ms-playwright/chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
    ),
)
# 142 is the extension's own strict_min_version.
FIREFOX = Program(
    "Firefox",
    ("firefox-esr", "firefox"),
    oldest=142,
    version_flag="--version",
    elsewhere=(
        "/Applications/Firefox.app/Contents/MacOS/firefox",
        ".cache/puppeteer/firefox/*/firefox/firefox",
        ".cache/puppeteer/firefox/*/Firefox*.app/Contents/MacOS/firefox",
    ),
)
XVFB = Program("Xvfb", ("Xvfb",))
OPENBOX = Program("openbox", ("openbox",))
XDOTOOL = Program("xdotool", ("xdotool",))
IMPORT = Program("ImageMagick's import", ("import",))
XCOMPMGR = Program("xcompmgr", ("xcompmgr",))
# Without a font Chromium draws pages without a word on them.
FONT = Program("A font", (), elsewhere=("/usr/share/fonts/**/*.ttf", "/usr/share/fonts/**/*.otf"))

BROWSERS = (CHROMIUM, FIREFOX)
DESKTOP = (XVFB, OPENBOX, XCOMPMGR, XDOTOOL, IMPORT, FONT)


def needed(platform: str = sys.platform) -> tuple[Program, ...]:
    """What a machine needs: browsers everywhere, a screen of its own and its keyboard on Linux."""
    return BROWSERS + DESKTOP if platform.startswith("linux") else BROWSERS


def find(program: Program) -> Found:
    """The first copy of a program that will do. Raises Unavailable, saying why each will not."""
    refused = []
    for path in program.paths():
        try:
            return Found(program, path, _check(program, path))
        except Unavailable as error:
            refused.append(str(error))
    raise Unavailable("; ".join(refused) or f"{program.title} is not on this machine")


def _check(program: Program, path: Path) -> str:
    """The program's version. Raises Unavailable when it cannot be used."""
    if program.version_flag is None:
        return ""
    # A snap sees neither the temporary folders nor the extension that a test hands it.
    if "snap" in path.resolve().parts or _starts_a_snap(path):
        raise Unavailable(f"{path} is a snap, which cannot read the test's folders")
    said = _ask(path, program.version_flag)
    numbers = re.search(r"\d+(?:\.\d+)+", said)
    if numbers is None:
        raise Unavailable(f"{path} does not start")
    if int(numbers.group().split(".")[0]) < program.oldest:
        raise Unavailable(
            f"{path} is {program.title} {numbers.group()}, {program.oldest} or later is needed"
        )
    return numbers.group()


def _starts_a_snap(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(4000)
    return start.startswith(b"#!") and b"/snap/bin/" in start


def _ask(path: Path, flag: str) -> str:
    try:
        done = subprocess.run(
            [path, flag],
            capture_output=True,
            text=True,
            timeout=ANSWER_LIMIT,
            env=os.environ | {"MOZ_HEADLESS": "1"},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
