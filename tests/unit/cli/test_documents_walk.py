"""docs/operate.md moves crmlink to another computer: its commands are run as they stand there.

What needs an administrator (`service …`, `chown`) is tried by hand; here the folder of the document
is one of a test's, and each computer has its own.
"""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import crmlink
from crmlink.cli import main

OPERATE = Path(crmlink.__file__).resolve().parents[2] / "docs" / "operate.md"
DATA, PROGRAM = "/var/lib/crmlink", "/opt/crmlink/bin/crmlink"
PASSPHRASE = "a passphrase of the office"


def commands(heading: str) -> list[list[str]]:
    """The words of each command of crmlink that a section has in its blocks."""
    section = OPERATE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```\n(.*?)```", section, re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [words for line in lines if PROGRAM in (words := shlex.split(line, comments=True))]


def run(words: list[str], data: Path) -> Result:
    """Run a command as its document has it, on the computer with this data folder."""
    before, given = words[: words.index(PROGRAM)], words[words.index(PROGRAM) + 1 :]
    settings = dict(word.split("=", 1) for word in before if "=" in word)
    assert settings == {"CRMLINK_DATA_DIR": DATA}, words
    arguments = [word.replace(DATA, str(data)) for word in given]
    runner = CliRunner(env={"CRMLINK_DATA_DIR": str(data)})
    typed = f"{PASSPHRASE}\n" * (2 if given[0] == "backup" else 1)
    return runner.invoke(main, arguments, input=typed)


def test_a_move_by_the_document_keeps_people_and_an_audit_that_verifies(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    invite = ["person", "add", "Ann", "ann@firm.example", "--role", "admin"]
    runner = CliRunner(env={"CRMLINK_DATA_DIR": str(old)})
    assert runner.invoke(main, invite).exit_code == 0
    walk = [words for words in commands("Move to another computer") if "service" not in words]
    assert [words[words.index(PROGRAM) + 1] for words in walk] == ["backup", "restore", "check"]
    backup, restore, check = walk
    made = run(backup, old)
    assert made.exit_code == 0, made.output
    new.mkdir(mode=0o700)  # `service install` makes it
    shutil.copyfile(old / "move.backup", new / "move.backup")
    for words in (restore, check):
        done = run(words, new)
        assert done.exit_code == 0, done.output
    there, here = (
        CliRunner(env={"CRMLINK_DATA_DIR": str(data)}).invoke(main, ["person", "list"]).output
        for data in (old, new)
    )
    assert "Ann" in here
    assert here == there
    verified = CliRunner(env={"CRMLINK_DATA_DIR": str(new)}).invoke(main, ["audit", "verify"])
    assert verified.exit_code == 0, verified.output


@pytest.mark.parametrize("heading", ["Move to another computer", "Update", "The service"])
def test_every_command_of_the_document_exists(heading: str) -> None:
    section = OPERATE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    named = re.findall(r"(?:^|`|/|sudo )crmlink ([a-z]+)", section, re.M)
    assert named
    assert set(named) <= main.commands.keys()
