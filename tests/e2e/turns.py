"""What the two browsers share out: tests and cases that are each tried in one of them, by turns.

For what is the same code in both: what it says, asks and decides. Where a browser's own parts are
asked (permissions, workers, tabs that close, closed shadows), a test runs in both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest

BROWSERS = ("chromium", "firefox")
T = TypeVar("T")

in_chromium, in_firefox = (
    pytest.mark.parametrize("browser", [browser], indirect=True) for browser in BROWSERS
)


def by_turns(argument: str, cases: Sequence[T], name: Callable[[T], str]) -> pytest.MarkDecorator:
    """Return the mark that gives a test each case as `argument`, in one browser or the other.

    All of one browser come first: a file's own browser is started once.
    """
    turns = [
        pytest.param(browser, case, id=f"{browser}-{name(case)}")
        for turn, browser in enumerate(BROWSERS)
        for case in cases[turn :: len(BROWSERS)]
    ]
    return pytest.mark.parametrize(("browser", argument), turns, indirect=["browser"])
