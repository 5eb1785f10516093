"""The tests' PostgreSQL ends with its process."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from support import postgresql_server

PATIENCE = 30.0  # seconds
SERVE = """
import time
from support.postgresql_server import running_postgresql
with running_postgresql() as address:
    print(address, flush=True)
    time.sleep(600)
"""


@contextmanager
def other_process() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process with a PostgreSQL of its own, and the address of that."""
    place = Path(postgresql_server.__file__).parents[1]
    command = [sys.executable, "-c", SERVE]
    with subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process, process.stdout.readline().strip().format("postgres")
        process.kill()


@pytest.mark.slow
def test_a_process_that_is_killed_leaves_neither_postgresql_nor_its_folder() -> None:
    with other_process() as (process, address):
        with psycopg.connect(address) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        folder = Path(parse_qs(urlsplit(address).query)["host"][0])
        assert (folder / "postmaster.pid").exists()
    assert process.returncode == -9
    until = time.monotonic() + PATIENCE
    while folder.exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not folder.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(address)
