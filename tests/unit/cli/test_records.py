"""crmlink records import, for an account without an API."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from openpyxl import Workbook
from sqlalchemy import select

from crmlink.cli import main
from crmlink.installation import Installation
from crmlink.linking.records.imports import latest_imports
from crmlink.store import MirroredRecord
from support.pages_account import HEADINGS, PEOPLE, many, open_without_api, report
from unit.cli.test_commands import Run
from unit.cli.test_commands import run as run_with_api

__all__ = ["run_with_api"]


@pytest.fixture
def no_api(tmp_path: Path, database_url: str) -> Iterator[Installation]:
    with open_without_api(tmp_path, database_url) as installation:
        yield installation


@pytest.fixture
def run(no_api: Installation, tmp_path: Path) -> Run:
    settings = no_api.settings
    runner = CliRunner(
        env={
            "CRMLINK_DATA_DIR": str(tmp_path),
            "CRMLINK_DATABASE_URL": settings.database_url,
            "CRMLINK_SECRET_KEY": settings.secret_key,
        }
    )
    return lambda *arguments, typed=None: runner.invoke(main, arguments, input=typed)


def saved(folder: Path, content: bytes, name: str = "Customers.csv") -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


def known(installation: Installation) -> dict[str, MirroredRecord]:
    with installation.database.reading() as session:
        return {
            row.number: row
            for row in session.scalars(select(MirroredRecord).filter_by(deleted_at=None))
        }


def test_a_report_is_imported_and_the_next_one_compared(
    run: Run, no_api: Installation, tmp_path: Path
) -> None:
    result = run("records", "import", saved(tmp_path, report()))
    assert result.exit_code == 0, result.output
    assert "Customers.csv: customers, CSV, headings in line 1" in result.stdout
    assert "3 new, 0 changed, 0 unchanged, 0 deleted; 0 lines left out." in result.stdout
    assert known(no_api)["1001"].address == "14 Orchard Rise"
    assert known(no_api)["1003"].label == "Northgate Lettings Ltd"
    moved = [{**PEOPLE[0], "Customer Address Postcode": "GL51 1AA"}, *PEOPLE[1:]]
    again = run("records", "import", saved(tmp_path, report(moved)), "--json")
    assert json.loads(again.stdout) == {
        "new": 0, "changed": 1, "unchanged": 2, "older": 0, "gone": 0, "would_remove": 0,
        "kept_back": False, "left_out": 0, "bad_rows": [],
    }  # fmt: skip
    assert known(no_api)["1001"].postcode == "GL51 1AA"


def test_a_workbook_says_when_it_was_made_and_the_file_is_known_by_it(
    run: Run, no_api: Installation, tmp_path: Path
) -> None:
    book = Workbook()
    book.properties.created = datetime(2026, 11, 20, 17, 45)
    assert book.active
    for row in (HEADINGS, *([one.get(heading, "") for heading in HEADINGS] for one in PEOPLE)):
        book.active.append(list(row))
    path = tmp_path / "Report.xlsx"
    book.save(path)
    assert run("records", "import", str(path)).exit_code == 0
    made = datetime(2026, 11, 20, 17, 45, tzinfo=UTC)
    assert latest_imports(no_api.workspace)["customer"].read_at == made
    newer = saved(tmp_path, report(PEOPLE[:1]))
    assert run("records", "import", newer, "--exported-at", "2026-11-19T10:00+00:00").exit_code == 0
    assert known(no_api)["1001"].read_at == made
    os.utime(newer, (1_700_000_000, 1_700_000_000))  # older than any export that is imported
    assert run("records", "import", newer).exit_code == 0
    assert (known(no_api)["1001"].read_at or made) > made


def test_bad_lines_are_named_and_many_of_them_asked_about(
    run: Run, no_api: Installation, tmp_path: Path
) -> None:
    lines = [*PEOPLE, {"Customer ID": "x", "Customer Name": "Nobody"}, {"Customer ID": "1009"},
             {"Customer ID": "1002", "Customer Name": "Priya Other"}]  # fmt: skip
    file = saved(tmp_path, report(lines))
    asked = run("records", "import", file, typed="n\n")
    assert asked.exit_code == 1
    assert "4 of 6 lines would be left out." in asked.output
    assert known(no_api) == {}
    result = run("records", "import", file, "--yes")
    assert result.exit_code == 0, result.output
    for sentence in (
        "line 3, left out: The id 1002 is in other lines too: 7. We don't know which is right.",
        "line 5, left out: “x” isn't an id in Commusoft, which is a whole number.",
        "line 6, left out: No name.",
        "line 7, left out: The id 1002 is in other lines too: 3.",
    ):
        assert sentence in result.stdout
    assert set(known(no_api)) == {"1001", "1003"}


def test_records_go_only_by_a_complete_file_and_many_only_with_their_number(
    run: Run, no_api: Installation, tmp_path: Path
) -> None:
    assert run("records", "import", saved(tmp_path, report(many(20)))).exit_code == 0
    few = saved(tmp_path, report(many(19)))
    assert "0 deleted" in run("records", "import", few).stdout
    assert "1 deleted" in run("records", "import", few, "--complete").stdout
    fewer = saved(tmp_path, report(many(10)))
    refused = run("records", "import", fewer, "--complete", "--yes", "--json")
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["would_remove"] == 9
    declined = run("records", "import", fewer, "--complete", "--yes", typed="n\n")
    assert declined.exit_code == 1
    assert "add --removes 9" in declined.output
    assert len(known(no_api)) == 19
    agreed = run("records", "import", fewer, "--complete", "--yes", typed="y\n")
    assert (agreed.exit_code, len(known(no_api))) == (0, 10)
    one = saved(tmp_path, report(many(5)))
    done = run("records", "import", one, "--complete", "--yes", "--removes", "5", "--json")
    assert (done.exit_code, json.loads(done.stdout)["gone"]) == (0, 5)


def test_a_left_out_line_keeps_its_record_and_an_unreadable_one_keeps_all(
    run: Run, no_api: Installation, tmp_path: Path
) -> None:
    assert run("records", "import", saved(tmp_path, report(many(20)))).exit_code == 0
    nameless = [*many(19), {"Customer ID": "5020"}]
    result = run("records", "import", saved(tmp_path, report(nameless)), "--complete", "--yes")
    assert "0 deleted; 1 line left out" in result.stdout
    strange = [*many(19), {"Customer ID": "?", "Customer Name": "Person 5020"}]
    kept = run("records", "import", saved(tmp_path, report(strange)), "--complete", "--yes")
    assert "Nothing was removed" in kept.stdout
    assert len(known(no_api)) == 20


def test_a_file_that_is_no_report_and_a_wrong_option_are_refused(
    run: Run, no_api: Installation, tmp_path: Path
) -> None:
    bare = saved(tmp_path, b"Name,Postcode\nAnna,GL50 2TR\n")
    assert "own id" in run("records", "import", bare, "--kind", "customer").output
    report_ = saved(tmp_path, report())
    for no_time in ("yesterday", "0001-01-01T00:00+14:00"):
        assert run("records", "import", report_, "--exported-at", no_time).exit_code == 2
    assert run("records", "import", report_, "--package", "xero").exit_code == 2
    named = run("records", "import", saved(tmp_path, b"ID,Name\n7,Anna\n"), "--kind", "supplier",
                "--column", "number=ID")  # fmt: skip
    assert named.exit_code == 0, named.output
    assert known(no_api)["7"].company == "Anna"


def test_an_account_with_an_api_imports_nothing(run_with_api: Run, tmp_path: Path) -> None:
    refused = run_with_api("records", "import", saved(tmp_path, report()))
    assert refused.exit_code == 1
    assert "from Commusoft's API" in refused.output
