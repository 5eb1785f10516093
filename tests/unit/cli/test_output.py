"""The output of commands is for programs: no log line is in it, whatever was logged.

In processes of their own: what an earlier test has configured would hide it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from crmlink import cli
from crmlink.accounting import rule_file
from crmlink.cli import main
from crmlink.logs import LOG_NAME
from support.databases import sqlite_database
from support.prepared_process import run_crmlink

CLI = Path(cli.__file__).parent
XERO = "https://go.xero.com/contacts/contact/8275f116-6419-4b82-889a-f41dcc1d6186"
CONTACTS = "*ContactName,AccountNumber,EmailAddress\nAda Byron,AB12,ada@firm.example\n"
PRACTICE_CONTACT = (
    "A/C,Name,Address Line 1,Address Line 2,Address Line 4,Telephone\n"
    "HOLL01,Margaret Holloway,14 Orchard Close,Cheltenham,GL50 2TR,01632 960114\n"
)
RECORDS = "Customer ID,Name,Email\n1001,Ada Byron,ada@firm.example\n"
LIST_WORDS = {  # in the order in which a person does them with a list
    "batch match": "",
    "batch show": "--rows 5",
    "batch accept-sure": "--yes",
    "batch write": "--yes",
    "batch status": "--follow",
    "batch results": "",
}
WORDS = {
    "audit verify": "",
    "batch import": "{folder}/contacts.csv --kind customer",
    "batch list": "",
    "check": "",
    "device list": "",
    "doctor": "",
    "export read": "{folder}/contacts.csv",
    "link": XERO,
    "locate": XERO,
    "person list": "",
    "records import": "{folder}/records.csv",
    "rules check": "{folder}/edited.json",
    "token create": "Tests",
    "token list": "",
    "undo": "123",
    "update": "--check {folder}/release",
    "workspace limits": "Holloway --people 5",
    "workspace list": "",
}


def offering_json(command: click.Command, path: str = "") -> Iterator[str]:
    """Every command that has --json, by the words that call it."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from offering_json(inner, f"{path} {name}".strip())
    elif any("--json" in option.opts for option in command.params):
        yield path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder whose rule file is damaged, so that everything that reads it logs a warning."""
    sqlite_database(tmp_path)
    (tmp_path / "packages.json").write_text("{")
    (tmp_path / "contacts.csv").write_text(CONTACTS)
    (tmp_path / "records.csv").write_text(RECORDS)
    shutil.copy(Path(rule_file.__file__).with_name("packages.json"), tmp_path / "edited.json")
    return tmp_path


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run_crmlink(os.environ | {"CRMLINK_DATA_DIR": str(folder)}, *words)


def test_every_command_that_prints_json_is_tried_here() -> None:
    assert set(offering_json(main)) == set(WORDS) | set(LIST_WORDS)


@pytest.mark.parametrize("command", sorted(WORDS))
def test_what_is_printed_as_json_is_nothing_else(folder: Path, command: str) -> None:
    words = WORDS[command].format(folder=folder).split()
    if "Holloway" in words:
        firm = json.loads(run(folder, "workspace", "list", "--json").stdout)["id"]
        run(folder, "workspace", "rename", firm, "Holloway")
    done = run(folder, *command.split(), *words, "--json")
    assert "Traceback" not in done.stderr
    for line in done.stdout.splitlines():
        json.loads(line)


@pytest.mark.slow
def test_what_is_printed_of_a_list_as_json_is_nothing_else(folder: Path) -> None:
    (folder / "contacts.csv").write_text(PRACTICE_CONTACT)
    made = run(folder, "batch", "import", str(folder / "contacts.csv"), "--package=sage_50",
               "--kind=customer", "--json")  # fmt: skip
    batch_id = json.loads(made.stdout)["id"]
    printed = {}
    for command, words in LIST_WORDS.items():
        done = run(folder, *command.split(), batch_id, *words.split(), "--json")
        assert done.returncode == 0, (command, done.stderr)
        [printed[command]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert printed["batch match"]["verdicts"] == {"sure": 1}
    assert printed["batch accept-sure"] == {"accepted": 1, "left": 0}
    assert printed["batch results"]["outcome"] == "successful"
    for state in ("batch write", "batch status"):
        assert printed[state]["states"] == {"successful": 1}


def test_a_warning_goes_to_where_people_read_it(folder: Path) -> None:
    done = run(folder, "export", "read", str(folder / "contacts.csv"), "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)
    assert json.loads(done.stderr)["event"] == "rule file refused, the last good one stays"


def test_what_is_done_with_firms_is_said_in_a_sentence_and_logged_in_the_file(
    folder: Path,
) -> None:
    firm = json.loads(run(folder, "workspace", "list", "--json").stdout)["id"]
    assert run(folder, "workspace", "rename", firm, "Holloway").stdout == "Renamed.\n"
    made = run(folder, "workspace", "make", "Quill").stdout
    assert (made.startswith("http"), made.count("\n")) == (True, 1)
    suspended = run(folder, "workspace", "suspend", "Quill")
    assert (suspended.stdout.count("\n"), suspended.stderr) == (1, "")
    assert run(folder, "workspace", "resume", "Quill").stdout == "Resumed.\n"
    lines = [json.loads(line) for line in (folder / LOG_NAME).read_text().splitlines()]
    actions = [line["action"] for line in lines if line["event"] == "audit"]
    assert actions == [
        "workspace.renamed", "workspace.made", "workspace.suspended", "workspace.resumed",
    ]  # fmt: skip


def test_settings_are_read_by_what_also_says_where_logs_go() -> None:
    reading = {
        file.relative_to(CLI).as_posix()
        for file in CLI.rglob("*.py")
        if "load_settings()" in file.read_text() or "load_place()" in file.read_text()
    }
    assert reading == {
        "context.py",
        "people.py",  # invitation_link: the log is configured by then
        "serve.py",
        "worker.py",
    }
