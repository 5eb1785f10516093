"""Small commands and an idle server import only what they use: that is what makes them small.

Held by names instead of times, so that it fails for what was done and not for a busy machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.databases import sqlite_database

XERO = "https://go.xero.com/contacts/contact/8275f116-6419-4b82-889a-f41dcc1d6186"
LARGE = {  # none of them is needed to read an address
    "alembic", "authlib", "cryptography", "flask", "jsonschema", "marshmallow", "numpy",
    "openpyxl", "phonenumbers", "psycopg", "requests", "scipy", "sqlalchemy", "structlog",
    "urllib3", "werkzeug",
}  # fmt: skip
LISTS_AND_SIGN_ON = {"authlib", "joserfc", "jsonschema", "openpyxl", "phonenumbers", "scipy"}
EXTRAS_OF_LIBRARIES = {
    "greenlet",
    "psycopg",
    "pygments",
    "rich",
    "yaml",
}  # imported where they are found
REPORT = "print('modules:' + json.dumps(sorted(sys.modules)), flush=True)"
COMMAND = f"""
import atexit, json, sys
atexit.register(lambda: {REPORT})
from crmlink.cli import main
main(sys.argv[1:], prog_name="crmlink")
"""
MIGRATION = f"""
import json, sys
from crmlink.process_memory import import_without_extras
import_without_extras()
from crmlink.store import Database
Database(sys.argv[1]).migrate()
{REPORT}
"""
# A server that has started everything, has synchronised and answers; then it says what it has
# imported instead of waiting for requests.
SERVER = f"""
import json, os, sys, threading, urllib.request
from crmlink.cli import main, serve
synced = threading.Event()
begin = serve._serve
def _serve(*words, **named):  # the command's own imports have been made by now
    from crmlink import worker
    from crmlink.web.http_server import HTTPServer
    sync, run = worker.Worker._sync_first, HTTPServer.run
    worker.Worker._sync_first = lambda self: (sync(self), synced.set())
    HTTPServer.run = lambda server, on_stop: answer_once(server, run)
    begin(*words, **named)
def answer_once(server, run):
    threading.Thread(target=run, args=[server], daemon=True).start()
    assert synced.wait(60)
    urllib.request.urlopen(f"http://127.0.0.1:{{server.port}}/log-in").read()
    {REPORT}
    os._exit(0)
serve._serve = _serve
main(["serve", "--port", "0"], prog_name="crmlink")
"""


def imported(program: str, *words: str, **environment: str) -> set[str]:
    """The modules that a process has imported in the end."""
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = done.stdout.rpartition("modules:")[2]
    modules: list[str] = json.loads(found)
    return set(modules)


def test_help_imports_no_large_library_and_none_of_the_rooms() -> None:
    modules = imported(COMMAND, "--help")
    assert modules & LARGE == set()
    rooms = {"access", "accounting", "batches", "linking", "matching", "pages", "store", "web"}
    assert modules & {f"crmlink.{room}" for room in rooms} == set()


def test_locate_imports_no_large_library() -> None:
    modules = imported(COMMAND, "locate", XERO)
    assert "crmlink.accounting.locate" in modules
    assert modules & LARGE == set()


def test_a_large_library_that_is_imported_too_early_is_found() -> None:
    assert imported(f"import numpy\n{COMMAND}", "--help") & LARGE == {"numpy"}


def test_an_idle_server_imports_nothing_that_only_lists_and_sign_on_need(tmp_path: Path) -> None:
    sqlite_database(tmp_path)
    modules = imported(SERVER, CRMLINK_DATA_DIR=str(tmp_path))
    assert "crmlink.commusoft.sandbox" in modules, "practice data"
    assert modules & LISTS_AND_SIGN_ON == set()
    assert "alembic" not in modules, "there was nothing to migrate"
    assert modules & EXTRAS_OF_LIBRARIES == set()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no safe fork")
def test_a_first_start_keeps_nothing_of_what_made_the_tables(tmp_path: Path) -> None:
    modules = imported(SERVER, CRMLINK_DATA_DIR=str(tmp_path))
    assert "crmlink.commusoft.sandbox" in modules
    assert "alembic" not in modules
    assert modules & EXTRAS_OF_LIBRARIES == set()


def test_tables_are_made_without_what_colours_errors_in_templates(tmp_path: Path) -> None:
    modules = imported(MIGRATION, f"sqlite:///{tmp_path}/crmlink.sqlite")
    assert "alembic" in modules
    assert modules & EXTRAS_OF_LIBRARIES == set()


def test_a_server_with_an_account_does_without_the_sandbox(tmp_path: Path) -> None:
    sqlite_database(tmp_path)
    account = dict.fromkeys(("CLIENT_ID", "USERNAME", "PASSWORD", "APPLICATION_ID"), "account")
    settings = {f"CRMLINK_COMMUSOFT_{name}": value for name, value in account.items()}
    address = "http://127.0.0.1:9/api/v1"  # answered by nothing, at once
    modules = imported(
        SERVER, CRMLINK_DATA_DIR=str(tmp_path), CRMLINK_COMMUSOFT_URL=address, **settings
    )
    assert "crmlink.commusoft.sandbox" not in modules
