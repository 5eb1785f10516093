"""One server a SQLite database and data folder; its lock dies with it, however it dies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from crmlink.store.only_server import ServerRunning, only_server

HOLD = """
import sys, pathlib
from crmlink.store.only_server import only_server
with only_server(pathlib.Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path, database_url: str) -> subprocess.Popen[bytes]:
    """A process that holds the locks until it dies."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), database_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stdout.readline() == b"held\n"
    return process


def address(folder: Path) -> str:
    return f"sqlite:///{folder / 'crmlink.sqlite'}"


def refused(folder: Path, database_url: str) -> str:
    """The sentence by which a server is refused."""
    with pytest.raises(ServerRunning) as caught, only_server(folder, database_url):
        pass
    return str(caught.value)


def test_a_second_server_is_refused_in_a_sentence_and_let_in_once_the_first_was_killed(
    tmp_path: Path,
) -> None:
    first = holder(tmp_path, address(tmp_path))
    try:
        assert refused(tmp_path, address(tmp_path)) == (
            f"A crmlink server is already using {tmp_path}. Stop it first, or give this one its "
            "own folder with CRMLINK_DATA_DIR."
        )
    finally:
        first.kill()
        first.communicate()
    with only_server(tmp_path, address(tmp_path)) as alone:
        assert alone


@pytest.mark.parametrize("shared", ["database", "folder"])
def test_neither_the_database_nor_the_folder_is_shared_by_two(tmp_path: Path, shared: str) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    folder, database = (other, one) if shared == "database" else (one, other)
    with only_server(one, address(one)):
        refused(folder, address(database))


def test_a_database_behind_a_link_is_the_same_database(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (tmp_path / "crmlink.sqlite").touch()
    (other / "elsewhere.sqlite").symlink_to(tmp_path / "crmlink.sqlite")
    with only_server(tmp_path, address(tmp_path)):
        refused(other, f"sqlite:///{other / 'elsewhere.sqlite'}")


def test_a_refused_server_leaves_nothing_locked(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    with only_server(one, address(one)):
        refused(other, address(one))
        with only_server(other, address(other)) as alone:
            assert alone


def test_a_postgresql_may_have_many_servers(tmp_path: Path) -> None:
    url = "postgresql+psycopg://user@host/database"
    with only_server(tmp_path, url) as first, only_server(tmp_path, url) as second:
        assert (first, second) == (False, False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_locked_says_so(tmp_path: Path) -> None:
    assert "can't be locked" in refused(tmp_path / "missing", address(tmp_path))
