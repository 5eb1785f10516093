"""crmlink export read, as a person or a script runs it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crmlink.cli import main

EXPORTS = Path(__file__).parents[2] / "exports"


def run(folder: Path, *arguments: str) -> Result:
    runner = CliRunner(env={"CRMLINK_DATA_DIR": str(folder)})
    return runner.invoke(main, ["export", "read", *arguments])


def test_a_person_sees_what_the_file_is_its_first_contacts_and_the_bad_rows(tmp_path: Path) -> None:
    said = run(tmp_path, str(EXPORTS / "kashflow.csv"), "--rows", "1").stdout.splitlines()
    assert said[0] == "kashflow.csv: KashFlow, customers: Customers (certainty: medium)"
    assert said[1] == "CSV, utf-8, headings in line 1"
    assert "  reference       Customer Code" in said
    assert any(line.startswith("This file has KashFlow Codes.") for line in said)
    assert sum(line.startswith("line 2: HOL01 · customer · Holloway") for line in said) == 1
    assert said[-1] == "3 contacts read, 0 lines left out."


def test_a_script_gets_one_json_object(tmp_path: Path) -> None:
    summary = json.loads(run(tmp_path, str(EXPORTS / "sage_50.csv"), "--json").stdout)
    assert summary["recognised"]["package"] == "sage_50"
    assert summary["recognised"]["has_references"] is True
    assert (summary["contacts"], summary["bad"]) == (3, 0)
    assert summary["first"][1]["reference"] == "CAFE01"


def test_columns_and_package_are_corrected_by_hand(tmp_path: Path) -> None:
    file = tmp_path / "typed.csv"
    file.write_text("Number,Who,Landline,Cell\n7,Ann,01632 960001,07700 900001\n")
    unknown = run(tmp_path, str(file))
    assert unknown.exit_code == 1
    assert "We don't recognise this file" in unknown.stdout
    assert "Match your columns" in unknown.stderr
    read = run(
        tmp_path, str(file), "--package", "freeagent", "--kind", "supplier", "--header-line", "1",
        "--column", "reference=Number", "--column", "name=Who",
        "--column", "phones=Landline=Cell",
    )  # fmt: skip
    assert read.exit_code == 0, read.output
    assert "line 2: 7 · supplier · Ann · 01632 960001 · 07700 900001" in read.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--column", "name=Nowhere"], "The file has no column “Nowhere”"),
        (["--column", "favourite=Name"], "isn't one of the fields"),
        (["--column", "name"], "FIELD=HEADING"),
        (["--header-line", "5000"], "no headings in line 5000"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    tmp_path: Path, arguments: list[str], says: str
) -> None:
    refused = run(tmp_path, str(EXPORTS / "sage_50.csv"), *arguments)
    assert refused.exit_code in (1, 2)
    assert says in refused.stderr
    assert "Traceback" not in refused.output


def test_the_firms_own_rule_file_is_used(tmp_path: Path) -> None:
    from crmlink.accounting.rule_loading import load_packages

    own = load_packages()
    own["packages"]["sage_50"]["exports"][0]["form"] = "Our own report"
    (tmp_path / "packages.json").write_text(json.dumps(own))
    assert "Our own report" in run(tmp_path, str(EXPORTS / "sage_50.csv")).stdout
