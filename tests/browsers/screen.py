"""A screen of its own for a browser that is to be seen: an X server, a window manager, a keyboard.

Nobody sees it, but the browser does not know: focus, shortcuts and prompts are the real ones.
"""

import os
import select
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from browsers.find import DESKTOP, OPENBOX, XCOMPMGR, XVFB, find
from browsers.page_driver import PATIENCE, BrowserTrouble, WaitTimeout

START_LIMIT = 30.0  # seconds
PAUSE = 0.05  # seconds between two looks
STILL = 0.3  # seconds between two looks at what may still move
PHOTOGRAPH = ("import", "-window", "root")
T = TypeVar("T")


@dataclass(frozen=True)
class Screen:
    """A running X display."""

    display: str
    size: tuple[int, int]

    def press(self, *keys: str) -> None:
        """Keys as xdotool names them, on whatever has the keyboard."""
        self._xdotool("key", "--clearmodifiers", *keys)

    def click(self, x: int, y: int) -> None:
        """The left button at a place on the screen."""
        self._xdotool("mousemove", str(x), str(y), "click", "1")

    def park_mouse(self) -> None:
        """Out of the picture, so that nothing looks pointed at."""
        self._xdotool("mousemove", str(self.size[0]), str(self.size[1]))

    def focus_window(self, window_class: str) -> str:
        """Give the keyboard to the newest window of a program; the window's id."""
        found = self.wait_until(lambda: self.windows(window_class), f"{window_class} has a window")
        self._xdotool("windowfocus", "--sync", found[-1])
        return found[-1]

    def windows(self, window_class: str) -> list[str]:
        """Ids of a program's visible windows."""
        done = self._run(
            ["xdotool", "search", "--onlyvisible", "--class", window_class], check=False
        )
        return done.stdout.split()

    def picture(self, path: Path) -> None:
        """What is on the screen once nothing moves, as PNG.

        At most 256 colours: a few hundred kilobytes, and letters as sharp as ever.
        """
        self.wait_until(self._stands_still, "the screen stands still")
        self._photograph("-dither", "None", "-colors", "256", "-strip", f"png8:{path}")

    def _stands_still(self) -> bool:
        """Whether two looks, some frames apart, are the same."""
        before = self._photograph("rgb:-")
        time.sleep(STILL)
        return self._photograph("rgb:-") == before

    def find_colour(self, colour: bytes) -> tuple[int, int] | None:
        """The middle between the first and the last point of exactly this red, green and blue."""
        pixels = self._photograph("-depth", "8", "rgb:-")
        places = [at // 3 for at in _all_places(pixels, colour) if at % 3 == 0]
        if not places:
            return None
        (top, left), (bottom, right) = (divmod(at, self.size[0]) for at in (places[0], places[-1]))
        return (left + right) // 2, (top + bottom) // 2

    def brightness(self, x: int, y: int) -> int:
        """How bright one place is, from 0 to 255."""
        return self._photograph("-crop", f"1x1+{x}+{y}", "-depth", "8", "gray:-")[0]

    def _photograph(self, *look: str) -> bytes:
        done = subprocess.run(
            [*PHOTOGRAPH, *look],
            env=self._environment(),
            capture_output=True,
            timeout=START_LIMIT,
            check=True,
        )
        return done.stdout

    def wait_until(self, look: Callable[[], T | None], what: str, seconds: float = PATIENCE) -> T:
        """The first truthy thing seen. Raises WaitTimeout."""
        until = time.monotonic() + seconds
        while not (seen := look()):
            if time.monotonic() > until:
                raise WaitTimeout(f"It never came that {what}")
            time.sleep(PAUSE)
        return seen

    def _xdotool(self, *words: str) -> None:
        self._run(["xdotool", *words])

    def _run(self, command: Sequence[str], check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=START_LIMIT,
            check=check,
        )

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "DISPLAY": self.display}


@contextmanager
def open_screen(size: tuple[int, int] = (1280, 900)) -> Iterator[Screen]:
    """Start a display with a window manager; both end with the block.

    Raises Unavailable when a program is not here, BrowserTrouble when one does not start.
    """
    for program in DESKTOP:
        find(program)
    with ExitStack() as stack:
        log = stack.enter_context(tempfile.TemporaryFile())
        read, write = os.pipe()
        stack.callback(os.close, read)
        command = [str(find(XVFB).path), "-displayfd", str(write), "-nolisten", "tcp"]
        server = subprocess.Popen(
            [*command, "-screen", "0", f"{size[0]}x{size[1]}x24"],
            pass_fds=[write],
            stdout=log,
            stderr=log,
        )
        os.close(write)
        stack.callback(_end, server)
        screen = Screen(f":{_display_number(read)}", size)
        # The second lets windows cast shadows: without it a popup has no edge to be seen by.
        for program in (OPENBOX, XCOMPMGR):
            helper = subprocess.Popen(
                [find(program).path], env=screen._environment(), stdout=log, stderr=log
            )
            stack.callback(_end, helper)
        screen.wait_until(lambda: _managed(screen), "the window manager is ready", START_LIMIT)
        yield screen


def _all_places(pixels: bytes, colour: bytes) -> Iterator[int]:
    at = pixels.find(colour)
    while at >= 0:
        yield at
        at = pixels.find(colour, at + 1)


def _display_number(pipe: int) -> int:
    """The number of a free display, as the X server says it once it is ready."""
    if not select.select([pipe], [], [], START_LIMIT)[0]:
        raise BrowserTrouble("Xvfb did not start")
    said = os.read(pipe, 20).strip()
    if not said.isdigit():
        raise BrowserTrouble("Xvfb ended at once")
    return int(said)


def _managed(screen: Screen) -> bool:
    """Only a window manager tells how many desktops there are."""
    return screen._run(["xdotool", "get_num_desktops"], check=False).returncode == 0


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(PATIENCE)
