"""`rules check`: an edited rule file is refused with sentences that lead to the mistake."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from crmlink.accounting.rule_check import MAX_SENTENCES, check_rule_file
from crmlink.accounting.rule_loading import RULE_FILE, load_packages
from unit.accounting.vectors import VECTORS

GUID = "8275f116-6419-4b82-889a-f41dcc1d6186"


def edited(folder: Path, edit: Any) -> Path:
    packages = copy.deepcopy(load_packages())
    edit(packages["packages"])
    path = folder / "edited.json"
    path.write_text(json.dumps(packages))
    return path


def vectors(folder: Path, *entries: object) -> Path:
    path = folder / "vectors.json"
    path.write_text(json.dumps(entries))
    return path


def test_the_rule_file_that_ships_passes_every_vector() -> None:
    assert check_rule_file(RULE_FILE, VECTORS) == []
    assert check_rule_file(RULE_FILE, VECTORS / "contact_urls.json") == []
    assert check_rule_file(RULE_FILE) == []


def test_a_redesign_is_learnt_by_one_added_page(tmp_path: Path) -> None:
    def learn(packages: dict[str, Any]) -> None:
        page = {"page": "contact", "path": "/app/{organisation}/people/{reference}"}
        packages["xero"]["pages"].append(page)

    known = vectors(
        tmp_path,
        {
            "url": f"https://go.xero.com/app/!kR4N6/people/{GUID}",
            "package": "xero",
            "reference": GUID,
            "organisation": "!kR4N6",
        },
    )
    assert check_rule_file(edited(tmp_path, learn), known) == []
    assert check_rule_file(edited(tmp_path, learn), VECTORS) == []
    assert check_rule_file(RULE_FILE, known) == [
        f"https://go.xero.com/app/!kR4N6/people/{GUID} should be a contact of Xero, "
        f"reference {GUID}, organisation !kR4N6, but is no page that crmlink knows."
    ]


def test_a_page_that_is_no_contact_is_named_with_its_reason(tmp_path: Path) -> None:
    def take_invoices(packages: dict[str, Any]) -> None:
        page = {"page": "contact", "kind": "customer", "path": "/invoices/{reference}"}
        packages["freeagent"]["pages"].append(page)

    said = check_rule_file(edited(tmp_path, take_invoices), VECTORS)
    assert (
        "https://acme.freeagent.com/invoices/151730 (an invoice) should be no page that crmlink "
        "knows, but is a contact of FreeAgent, customer, reference 151730, organisation acme."
    ) in said


def test_a_package_that_was_taken_out_is_missed(tmp_path: Path) -> None:
    said = check_rule_file(edited(tmp_path, lambda packages: packages.pop("kashflow")), VECTORS)
    assert said[0].startswith("https://app.kashflow.com/v3/#/customers/48213 should be a contact")
    without_hosts = check_rule_file(
        edited(tmp_path, lambda packages: packages.pop("sage_200")), VECTORS
    )
    assert any("support accounting software called “sage_200”" in one for one in without_hosts)


def test_everything_that_is_wrong_is_told_at_once_but_not_endlessly(tmp_path: Path) -> None:
    def break_two(packages: dict[str, Any]) -> None:
        packages["xero"]["hosts"] = ["*"]
        del packages["freeagent"]["name"]

    said = check_rule_file(edited(tmp_path, break_two), VECTORS)
    assert [one.split(":")[0] for one in said] == [
        "At packages.freeagent",
        "At packages.xero.hosts.0",
    ]

    def lose_all_hosts(packages: dict[str, Any]) -> None:
        packages["xero"]["hosts"] = ["xero.example"]

    many = check_rule_file(edited(tmp_path, lose_all_hosts), VECTORS)
    assert len(many) == MAX_SENTENCES + 1
    assert many[-1].startswith("And ")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is not JSON"),
        ('{"version": 2, "packages": {}}', "understands version 1"),
        ("\ufeff{}", "is not JSON"),
    ],
)
def test_a_file_that_is_no_rule_file_is_said_to_be_none(
    tmp_path: Path, content: str, says: str
) -> None:
    path = tmp_path / "edited.json"
    path.write_text(content, encoding="utf-8")
    [sentence] = check_rule_file(path, VECTORS)
    assert says in sentence


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    assert check_rule_file(tmp_path / "edited.json") == [
        "The rule file edited.json cannot be read."
    ]


@pytest.mark.parametrize(
    "content",
    ["", "58", "[58]", "{}", "[]", '[{"url": "x"}]', '[{"url": "x", "package": null, "hosts": 1}]'],
)
def test_vectors_that_check_nothing_do_not_pass(tmp_path: Path, content: str) -> None:
    path = tmp_path / "vectors.json"
    path.write_text(content)
    [sentence] = check_rule_file(RULE_FILE, path)
    assert "known addresses" in sentence
    [sentence] = check_rule_file(RULE_FILE, tmp_path / "nowhere.json")
    assert "known addresses" in sentence
