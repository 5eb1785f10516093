"""The rule file in use follows the firm's own, and never a broken one."""

import json
from pathlib import Path

import pytest

from crmlink.accounting.errors import InvalidRules
from crmlink.accounting.rule_file import RuleFile
from crmlink.accounting.rule_loading import load_packages

BUILT_IN = load_packages()


def named(name: str) -> str:
    edited = json.loads(json.dumps(BUILT_IN))
    edited["packages"]["xero"]["name"] = name
    return json.dumps(edited)


def name_of(rule_file: RuleFile) -> str:
    return str(rule_file.current()["packages"]["xero"]["name"])


def test_the_firms_own_file_is_used_while_it_is_there(tmp_path: Path) -> None:
    rule_file = RuleFile(tmp_path / "packages.json")
    assert rule_file.current() == BUILT_IN
    rule_file.own.write_text(named("Xero (mended)"))
    assert name_of(rule_file) == "Xero (mended)"
    rule_file.own.unlink()
    assert rule_file.current() == BUILT_IN


@pytest.mark.parametrize(
    "broken", ["{", "[]", json.dumps(BUILT_IN | {"version": 99}), '{"version": 1, "packages": 7}']
)
def test_a_broken_or_unknown_file_leaves_the_last_good_one_in_use(
    tmp_path: Path, broken: str
) -> None:
    rule_file = RuleFile(tmp_path / "packages.json")
    rule_file.own.write_text(named("Last good"))
    assert name_of(rule_file) == "Last good"
    rule_file.own.write_text(broken)
    assert name_of(rule_file) == "Last good"
    assert RuleFile(rule_file.own).current() == BUILT_IN


def test_a_broken_file_is_not_installed(tmp_path: Path) -> None:
    rule_file = RuleFile(tmp_path / "packages.json")
    edited = tmp_path / "edited.json"
    edited.write_text("{")
    with pytest.raises(InvalidRules):
        rule_file.install(edited)
    edited.write_text(named("Installed"))
    rule_file.install(edited)
    assert name_of(rule_file) == "Installed"
