"""A real ``crmlink serve`` that stops at a step of an assisted link, for a test to kill it there.

What is written on Commusoft's page asks nothing of Commusoft that a test could hold. So the process
itself waits: before its transaction, in it with everything written, or after it, unanswered.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from crmlink import cli

Step = Literal["arrived", "written", "committed"]
FOLDER = "STOPS_IN"  # environment variable: where the test and the server leave each other word
# Each step of each request: a function, and whether the server stops after it or before.
STOPS: dict[str, dict[Step, tuple[str, str, bool]]] = {
    "decision": {
        "arrived": ("crmlink.linking.decisions", "intend", False),
        "written": ("crmlink.linking.intents", "record_intended", True),
        "committed": ("crmlink.linking.decisions", "intend", True),
    },
    "observation": {
        "arrived": ("crmlink.linking.on_page", "_take", False),
        "written": ("crmlink.linking.on_page", "_take", True),
        "committed": ("crmlink.linking.on_page", "_answer", False),
    },
    "withdrawal": {
        "arrived": ("crmlink.linking.on_page", "_page_link", False),
        "written": ("crmlink.linking.on_page", "_settle", True),
        "committed": ("crmlink.linking.on_page", "_reload", False),
    },
}


class Stop:
    """The test's side: asks for a stop, and learns that it was reached."""

    def __init__(self, folder: Path) -> None:
        self._wanted, self._reached = folder / "wanted", folder / "reached"

    def at(self, request: str, step: Step) -> None:
        self._reached.unlink(missing_ok=True)
        self._wanted.write_text(f"{request} {step}")

    def is_reached(self) -> bool:
        return self._reached.exists()

    def take_back(self) -> None:
        self._wanted.unlink(missing_ok=True)


def main() -> None:
    """The command, with its functions watched."""
    folder = Path(os.environ[FOLDER])
    for request, steps in STOPS.items():
        for step, (module, name, after) in steps.items():
            home = importlib.import_module(module)
            watched = _watched(getattr(home, name), folder, f"{request} {step}", after=after)
            setattr(home, name, watched)
    cli.main()


def credulous() -> None:
    """The broken twin: it takes any look at a page for a proof."""
    on_page = importlib.import_module("crmlink.linking.on_page")
    on_page._judge = lambda *_: "linked"  # type: ignore[attr-defined] # a module's function
    main()


def _watched(
    function: Callable[..., Any], folder: Path, stop: str, *, after: bool
) -> Callable[..., Any]:
    def wait_if_wanted() -> None:
        wanted = folder / "wanted"
        if wanted.exists() and wanted.read_text() == stop:
            (folder / "reached").touch()
            threading.Event().wait()  # to be killed here

    def called(*arguments: Any, **named: Any) -> Any:
        if not after:
            wait_if_wanted()
        result = function(*arguments, **named)
        if after:
            wait_if_wanted()
        return result

    return called
