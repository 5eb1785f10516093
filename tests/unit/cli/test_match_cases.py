"""`crmlink match` on what people type, and on the export files of the packages."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest
from click.testing import CliRunner

from crmlink.cli.match import match_command
from support.contact_cases import Case, cases, contact_list, record_list

EXPORTS = Path(__file__).parents[2] / "exports"
PLAIN = [case for case in cases() if not {"person", "status"} & case.contact.keys()]
WORDS = {
    "same_phone": "same phone", "other_phone": "phone differs", "same_email": "same email",
    "other_email": "email differs", "same_postcode": "same postcode",
    "other_postcode": "postcode differs", "same_address": "same address",
    "other_address": "address differs", "other_town": "town differs", "same_name": "same name",
    "house_number": "house number differs", "other_name": "name differs",
    "other_kind": ", not a ", "retired_contact": "the contact is marked as no longer in use",
}  # fmt: skip
Answers = dict[str, list[dict[str, str]]]


def matched(contacts: Path, folder: Path) -> Answers:
    records, out = folder / "records.csv", folder / "out.csv"
    records.write_text(record_list(), encoding="utf-8")
    result = CliRunner().invoke(match_command, [str(contacts), str(records), "--out", str(out)])
    assert result.exit_code == 0, result.output
    found: Answers = defaultdict(list)
    with out.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            found[row["contact_id"]].append(row)
    return found


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    folder = tmp_path_factory.mktemp("match")
    (folder / "contacts.csv").write_text(contact_list(PLAIN), encoding="utf-8")
    return matched(folder / "contacts.csv", folder)


@pytest.mark.parametrize(("number", "case"), list(enumerate(PLAIN)), ids=[c.name for c in PLAIN])
def test_a_contact_finds_its_record(number: int, case: Case, answers: Answers) -> None:
    found = answers[str(number)]
    if not case.anywhere:
        assert found[0]["record_id"] == case.record, found[:2]
    own = next(row for row in found if row["record_id"] == case.record)
    said = own["reasons"].split("; ")
    for code in case.reasons:
        assert any(part.startswith(WORDS[code]) for part in said), (code, said)
    for code in case.never:
        assert not any(part.startswith(WORDS[code]) for part in said), (code, said)
    if case.sure is not None:
        assert (own["sure"] == "true") is case.sure


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("sage50_one_value_live.csv", {"SMIT01": "customer-9004", "SMIT02": "customer-9005",
                                       "PRYC01": "customer-9002"}),
        ("sage50_two_values_live.csv", {"SMIT01": "customer-9004", "SMIT02": "customer-9005",
                                        "PRYC01": "customer-9002"}),
        ("xero_site_address.csv", {"line 2": "customer-9001", "line 3": "customer-9002",
                                   "line 4": "customer-9004"}),
        ("qbd_hidden.iif", {"Holloway, M (OLD do not use)": "customer-9001",
                            "Margaret Holloway": "customer-9001"}),
        ("qbo_vendor_contact_list.csv", {"line 6": "supplier-9502"}),
    ],
)  # fmt: skip
def test_an_export_file_is_matched_as_it_is(
    file: str, expected: dict[str, str], tmp_path: Path
) -> None:
    found = matched(EXPORTS / file, tmp_path)
    assert {id_: found[id_][0]["record_id"] for id_ in expected} == expected


def test_two_values_match_like_one_and_better(tmp_path: Path) -> None:
    one = matched(EXPORTS / "sage50_one_value_live.csv", tmp_path)
    two = matched(EXPORTS / "sage50_two_values_live.csv", tmp_path)
    for contact in ("SMIT01", "SMIT02", "PRYC01"):
        best_of_one, best_of_two = one[contact][0], two[contact][0]
        assert best_of_one["record_id"] == best_of_two["record_id"]
        gained = float(best_of_two["probability"]) - float(best_of_one["probability"])
        assert gained >= -0.0005, contact  # the share of contacts with a record is estimated
    assert float(two["PRYC01"][0]["probability"]) > float(one["PRYC01"][0]["probability"])


def test_of_two_twins_only_the_one_in_use_is_sure(tmp_path: Path) -> None:
    found = matched(EXPORTS / "qbd_hidden.iif", tmp_path)
    assert found["Margaret Holloway"][0]["sure"] == "true"
    assert found["Holloway, M (OLD do not use)"][0]["sure"] == "false"
    assert "no longer in use" in found["Holloway, M (OLD do not use)"][0]["reasons"]
