"""Rooms know only rooms below them, no imports go in circles, and the page shows them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import crmlink
from support import room_map

REPOSITORY = Path(crmlink.__file__).resolve().parents[2]
LINT = Path(sys.executable).with_name("lint-imports")


def _lint(server: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINT, "--config", REPOSITORY / "pyproject.toml", "--no-cache"],
        env=os.environ | {"PYTHONPATH": str(server)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_rooms_import_only_rooms_below_them() -> None:
    result = _lint(REPOSITORY / "server")
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("store/database.py", "import crmlink.linking.decisions"),  # upwards
        ("pages/records.py", "import crmlink.api.records"),  # to a sibling
        ("matching/details.py", "import sqlalchemy"),  # a room that needs no database
        ("accounting/ascii_case.py", "import crmlink.accounting.references"),  # in a circle
    ],
)
def test_an_import_that_breaks_the_rules_is_caught(tmp_path: Path, module: str, line: str) -> None:
    shutil.copytree(
        REPOSITORY / "server", tmp_path / "server", ignore=shutil.ignore_patterns("__pycache__")
    )
    broken = tmp_path / "server" / "crmlink" / module
    broken.write_text(broken.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    result = _lint(tmp_path / "server")
    assert result.returncode == 1, result.stdout
    assert f".{Path(module).stem}" in result.stdout


def test_the_picture_of_the_rooms_is_that_of_the_imports() -> None:
    page = room_map.PAGE.read_text(encoding="utf-8")
    assert room_map.drawn(page) == page, "write it again: cd tests && python -m support.room_map"
    assert "-->" in page
