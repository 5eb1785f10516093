"""Cases that the two browsers share out: each is tried in one of them, by turns."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest

BROWSERS = ("chromium", "firefox")
T = TypeVar("T")


def by_turns(argument: str, cases: Sequence[T], name: Callable[[T], str]) -> pytest.MarkDecorator:
    """Return the mark that gives a test each case as `argument`, in one browser or the other."""
    turns = [
        pytest.param(browser, case, id=f"{browser}-{name(case)}")
        for browser, case in zip(itertools.cycle(BROWSERS), cases, strict=False)
    ]
    return pytest.mark.parametrize(("browser", argument), turns, indirect=["browser"])
