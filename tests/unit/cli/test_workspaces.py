"""crmlink workspace: an operator makes, names and suspends firms, and sees figures only."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from crmlink.cli import main
from support.databases import sqlite_database

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    runner = CliRunner(
        env={"CRMLINK_DATA_DIR": str(tmp_path), "CRMLINK_DATABASE_URL": sqlite_database(tmp_path)}
    )
    return lambda *arguments, typed=None: runner.invoke(main, arguments, input=typed)


def firms(run: Run) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run("workspace", "list", "--json").stdout.splitlines()]


def test_with_one_firm_the_help_does_not_say_the_word(run: Run) -> None:
    assert "workspace" not in run("--help").stdout.lower()
    assert run("person", "list").exit_code == 0


def test_a_firm_is_made_once_the_first_one_has_a_name(run: Run) -> None:
    first = firms(run)[0]
    refused = run("workspace", "make", "Quill Heating")
    how = f'crmlink workspace rename {first["id"]} "NAME"'
    assert (refused.exit_code, how in refused.output) == (2, True)
    run("workspace", "rename", first["id"], "Holloway Plumbing")
    made = run("workspace", "make", "Quill Heating")
    assert made.exit_code == 0
    assert "/welcome#crmi_" in made.stdout
    assert [firm["name"] for firm in firms(run)] == ["Holloway Plumbing", "Quill Heating"]
    assert run("workspace", "make", "Quill Heating").exit_code == 2, "the name is taken"
    for _ in range(2):  # a start looks at the anchors
        assert run("--workspace", "Quill Heating", "audit", "verify").exit_code == 0


def test_a_command_has_to_say_which_of_several_firms_it_is_for(run: Run) -> None:
    run("workspace", "rename", firms(run)[0]["id"], "Holloway Plumbing")
    run("workspace", "make", "Quill Heating")
    refused = run("person", "add", "Kim", "kim@firm.example")
    assert (refused.exit_code, "--workspace" in refused.output) == (1, True)
    assert run("--workspace", "Nobody", "person", "list").exit_code == 1
    run("--workspace", "Quill Heating", "person", "add", "Kim", "kim@firm.example")
    assert "Kim" in run("--workspace", "Quill Heating", "person", "list").stdout
    assert "Kim" not in run("--workspace", "Holloway Plumbing", "person", "list").stdout
    assert [firm["people"] for firm in firms(run)] == [0, 1]


def test_a_firm_is_suspended_and_resumed_and_its_audit_says_so(run: Run) -> None:
    first = firms(run)[0]
    assert run("workspace", "suspend", first["id"]).exit_code == 0
    assert firms(run)[0]["suspended"] is True
    assert run("workspace", "resume", first["id"]).exit_code == 0
    assert firms(run)[0]["suspended"] is False
    told = run("audit", "export").stdout
    assert told.index("workspace.suspended") < told.index("workspace.resumed")
    assert run("audit", "verify").exit_code == 0


def test_a_firm_is_exported_into_a_new_file_alone(run: Run, tmp_path: Path) -> None:
    first, file = firms(run)[0], tmp_path / "firm.zip"
    assert "Exported:" in run("workspace", "export", first["id"], str(file)).stdout
    assert "workspace.exported" in run("audit", "export").stdout
    before = file.read_bytes()
    assert run("workspace", "export", first["id"], str(file)).exit_code == 1
    assert file.read_bytes() == before


def test_a_suspended_firm_is_deleted_once_its_name_is_typed(run: Run) -> None:
    run("workspace", "rename", firms(run)[0]["id"], "Holloway Plumbing")
    run("workspace", "make", "Quill Heating")
    firm = firms(run)[1]["id"]
    works = run("workspace", "delete", firm, typed="Quill Heating\n")
    assert (works.exit_code, "workspace suspend" in works.output) == (1, True)
    run("workspace", "suspend", firm)
    assert run("workspace", "delete", firm, typed="Quill\n").exit_code == 1
    assert len(firms(run)) == 2
    done = run("workspace", "delete", firm, typed="Quill Heating\n")
    assert done.exit_code == 0, done.output
    assert [each["name"] for each in firms(run)] == ["Holloway Plumbing"]
    stays = json.loads(run("workspace", "list", "--deleted", "--json").stdout)
    assert (stays["id"], stays["people"], stays["entries"] > 0) == (firm, 0, True)
    assert "Quill" not in run("workspace", "list", "--deleted").stdout
    assert run("person", "list").exit_code == 0, "there is one firm again"
    first = run("workspace", "delete", "Holloway Plumbing", typed="Holloway Plumbing\n")
    assert (first.exit_code, "first firm" in first.output) == (1, True)


def test_limits_are_set_one_by_one_and_listed_with_what_is_in_use(run: Run) -> None:
    firm = firms(run)[0]["id"]
    run("person", "add", "Kim", "kim@firm.example")
    assert "no limit" in run("workspace", "limits", firm).stdout
    done = run("workspace", "limits", firm, "--people", "1", "--rows", "500")
    assert done.exit_code == 0, done.output
    assert "1 used  reached" in done.stdout
    refused = run("person", "add", "Bo", "bo@firm.example")
    assert (refused.exit_code, "ask those who run crmlink" in refused.output) == (1, True)
    assert "Bo" not in run("person", "list").stdout
    told = json.loads(run("workspace", "limits", firm, "--people", "none", "--json").stdout)
    assert told["people"] == {"limit": None, "used": 1}
    assert told["rows"] == {"limit": 500, "used": None}
    assert run("person", "add", "Bo", "bo@firm.example").exit_code == 0
    for wrong in ("0", "-1", "many", "1.5", "9" * 12):
        assert run("workspace", "limits", firm, "--people", wrong).exit_code == 2
    assert run("workspace", "limits", "No such firm", "--people", "1").exit_code == 1
    assert run("audit", "export").stdout.count("workspace.limited") == 2
