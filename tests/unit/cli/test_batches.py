"""crmlink batch, run as a person or a script runs it, against a real sandbox."""

import csv
import json
from pathlib import Path

import pytest

from crmlink.accounting.exports.reader import DELIMITERS, ENCODINGS
from crmlink.cli import file_options
from crmlink.cli.batches import follow as batch_following
from crmlink.commusoft.limits import ClientLimits
from support.batch_factories import HEADER
from support.sandbox import FAST_LIMITS, SandboxHandle
from unit.cli.test_commands import Run, run

__all__ = ["run"]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server runs here, and Commusoft need not be spared."""
    monkeypatch.setattr(batch_following, "SERVER_TAKES", 0.0)
    monkeypatch.setattr(batch_following, "POLL_INTERVAL", 0.02)
    monkeypatch.setattr("crmlink.installation.open_workspace.ClientLimits", lambda **_: FAST_LIMITS)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Two of the sandbox's customers as Sage 50 has them, and a line that is nobody."""
    path = tmp_path / "Customers.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([
            HEADER,
            ("HOLL01", "Margaret Holloway", "14 Orchard Close", "Cheltenham", "", "GL50 2TR", "",
             "Margaret Holloway", "01632 960114"),
            ("PRYC01", "Jonathan Pryce-Davies", "Flat 3", "27 Cathedral Road", "Cardiff",
             "CF11 9HA", "", "", "029 2018 0231"),
            ("", "Nobody", "", "", "", "", "", "", ""),
        ])  # fmt: skip
    return path


def test_a_file_becomes_links_and_is_undone(run: Run, export: Path, sandbox: SandboxHandle) -> None:
    assert FAST_LIMITS.max_per_second > ClientLimits().max_per_second
    result = run(
        "batch", "import", str(export), "--package", "sage_50", "--kind", "customer", "--yes"
    )
    assert result.exit_code == 0, result.output
    assert "line 4, left out: No reference." in result.stdout
    listed = run("batch", "list", "--json")
    batch_id = json.loads(listed.stdout)["id"]
    matched = run("batch", "match", batch_id, "--json")
    assert matched.exit_code == 0, matched.output
    assert json.loads(matched.stdout)["verdicts"] == {"sure": 2}
    assert run("batch", "status", batch_id).stdout.startswith("review\n")
    assert "same phone" in run("batch", "show", batch_id, "--verdict", "sure").stdout
    assert run("batch", "accept-sure", batch_id, typed="n\n").exit_code == 1
    assert "2 accepted" in run("batch", "accept-sure", batch_id, "--yes").stdout
    written = run("batch", "write", batch_id, "--yes", "--json")
    assert written.exit_code == 0, written.output
    assert json.loads(written.stdout)["states"] == {"successful": 2}
    assert sandbox.reference("customer-1001") == "HOLL01"
    rows = [
        json.loads(line) for line in run("batch", "results", batch_id, "--json").stdout.splitlines()
    ]
    assert [row["outcome"] for row in rows] == ["successful", "successful"]
    undone = run("batch", "undo", batch_id, "--yes")
    assert undone.exit_code == 0, undone.output
    assert sandbox.reference("customer-1001") is None
    assert run("batch", "status", batch_id).stdout.startswith("undone: 2 of 2 done")


def test_what_cannot_be_done_is_said_in_a_sentence(run: Run, export: Path) -> None:
    refused = run("batch", "import", str(export), "--package", "sage_50", "--column", "name=Nome")
    assert refused.exit_code == 1
    assert "no column" in refused.stderr
    made = json.loads(
        run("batch", "import", str(export), "--package", "sage_50", "--json", "--yes").stdout
    )
    assert (made["contacts"], made["bad"]) == (2, 1)
    early = run("batch", "pause", made["id"])
    assert early.exit_code == 1
    assert "The list is a draft" in early.stderr
    assert run("batch", "status", "nowhere").exit_code == 1


def test_more_than_one_line_in_twenty_is_left_out_only_when_a_person_says_so(
    run: Run, export: Path
) -> None:
    refused = run("batch", "import", str(export), "--package", "sage_50", typed="n\n")
    assert refused.exit_code == 1
    assert "1 of 3 lines would be left out." in refused.stderr
    assert "No lists yet" in run("batch", "list").stdout
    kept = run("batch", "import", str(export), "--package", "sage_50", typed="y\n")
    assert "2 contacts saved, 1 line left out." in kept.stdout


def test_a_file_is_read_with_the_delimiter_and_the_encoding_that_are_told(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes("Name|Email;Town\nZoë, A|z@x.example;York\nBo|b@x.example;Leeds\n"
                     .encode("cp1252"))  # fmt: skip
    options = ("--delimiter", "bar", "--encoding", "cp1252")
    assert "Zoë, A" in run("export", "read", str(path), *options).stdout
    assert "2 contacts saved" in run("batch", "import", str(path), *options).stdout


def test_the_commands_know_every_delimiter_and_encoding() -> None:
    assert tuple(file_options.DELIMITERS.values()) == DELIMITERS
    assert file_options.ENCODINGS == ENCODINGS
