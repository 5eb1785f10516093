"""No file of code is longer than a person reads at once."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import crmlink

CHECKOUT = Path(crmlink.__file__).parents[2]
MAX_LINES = 420
CODE = {".css", ".html", ".js", ".mjs", ".py"}
FOLDERS = ("server", "extension", "tests")
NOT_OURS = {"node_modules", "saved_pages"}  # libraries, and pages as packages send them
ONE_PIECE = {
    "extension/lib/page/read_contact.js": "a browser runs it in a page by itself, without imports",
}


def _code() -> Iterable[Path]:
    for top in FOLDERS:
        for folder, folders, names in os.walk(CHECKOUT / top):
            folders[:] = set(folders) - NOT_OURS
            yield from (Path(folder) / name for name in names if Path(name).suffix in CODE)


def _too_long(paths: Iterable[Path], most: int = MAX_LINES) -> set[str]:
    return {
        path.relative_to(CHECKOUT).as_posix()
        for path in paths
        if ".min." not in path.name and len(path.read_bytes().splitlines()) > most
    }


def test_no_file_is_too_long() -> None:
    assert _too_long(_code()) == set(ONE_PIECE), "divide it along a seam, or give its reason"


def test_a_longer_file_would_be_found() -> None:
    here = Path(__file__)
    assert _too_long([here], most=10) == {here.relative_to(CHECKOUT).as_posix()}
