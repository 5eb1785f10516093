"""The exports in the rule file: checked when it is edited, and kept out of what browsers get."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from crmlink.accounting.exports import messages as wording
from crmlink.accounting.exports.model import IMPORT_FIELDS
from crmlink.accounting.package_rules import browser_rules
from crmlink.accounting.rule_check import check_rule_file
from crmlink.accounting.rule_loading import SCHEMA_FILE, load_packages

PACKAGES = load_packages()
XERO = PACKAGES["packages"]["xero"]["exports"][0]


def wrong(folder: Path, package: str, **changes: Any) -> list[str]:
    """What is said of the rule file when one export of a package is changed."""
    edited = copy.deepcopy(PACKAGES)
    edited["packages"][package]["exports"][0].update(changes)
    file = folder / "edited.json"
    file.write_text(json.dumps(edited))
    return check_rule_file(file)


def test_a_renamed_heading_is_learnt_by_editing_the_file(tmp_path: Path) -> None:
    recognise = ["Contact", *XERO["recognise"][1:]]
    assert wrong(tmp_path, "xero", recognise=recognise) == []


@pytest.mark.parametrize(
    ("package", "changes", "says"),
    [
        ("xero", {"recognise": []}, "recognise"),
        ("xero", {"recognise": ["***"]}, "a heading in recognise has no letters"),
        ("xero", {"columns": {"favourite": ["Name"]}}, "favourite"),
        ("xero", {"columns": {"name": "Name"}}, "columns.name"),
        ("xero", {"columns": {"name": ["ContactName"], "reference": ["ContactID"]}}, "one heading"),
        ("xero", {"files": ["pdf"]}, "'pdf' is not one of"),
        ("xero", {"files": ["iif"]}, "exports.0"),
        ("xero", {"recognise": ["Customer full name", "x"]}, "cannot be told apart from"),
        ("sage_50", {"without_header": {"reference": ["A"]}}, "needs reference, name and email"),
        (
            "sage_50",
            {"without_header": {"reference": ["a"], "name": ["B"], "email": ["C"]}},
            "column letters",
        ),
        (
            "sage_50",
            {"without_header": {"reference": ["A"], "name": ["A"], "email": ["C"]}},
            "each once",
        ),
        (
            "sage_50",
            {"without_header": {"reference": ["A"], "name": ["B", "D"], "email": ["C"]}},
            "several columns for one value",
        ),
        ("quickbooks_desktop", {"table": "cust"}, "table"),
        ("kashflow", {"recognise": ["Name", "Postcode"]}, "one heading, which is in recognise"),
    ],
)
def test_a_broken_export_is_refused_in_a_sentence(
    tmp_path: Path, package: str, changes: dict[str, Any], says: str
) -> None:
    (said, *_) = wrong(tmp_path, package, **changes)
    assert says in said


def test_an_ordinary_table_never_tells_references(tmp_path: Path) -> None:
    edited = PACKAGES | {"any_table": {"reference": ["Reference"]}}
    file = tmp_path / "edited.json"
    file.write_text(json.dumps(edited))
    assert check_rule_file(file)


def test_the_schema_and_the_readers_know_the_same_fields() -> None:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    assert tuple(schema["$defs"]["columns"]["properties"]) == IMPORT_FIELDS


def test_browsers_get_the_rules_of_pages_alone() -> None:
    served = browser_rules(PACKAGES)
    assert served["packages"].keys() == PACKAGES["packages"].keys()
    assert set(served) == {"version", "packages", "crms"}
    assert all("exports" not in package for package in served["packages"].values())
    assert all("where" in package for package in served["packages"].values())
    assert "exports" in PACKAGES["packages"]["xero"]


def test_a_rule_file_from_before_exports_is_still_good(tmp_path: Path) -> None:
    file = tmp_path / "older.json"
    file.write_text(json.dumps(browser_rules(PACKAGES)))
    assert check_rule_file(file) == []


def test_every_code_has_a_sentence_and_every_sentence_a_code() -> None:
    folder = Path(wording.__file__).parent
    raising = [*folder.glob("*.py"), *(folder.parents[1] / "linking" / "records").glob("*.py")]
    text = "".join(path.read_text(encoding="utf-8") for path in raising)
    text = text.replace(Path(wording.__file__).read_text(encoding="utf-8"), "")
    raised = re.findall(
        r'(?:ExportError|RowRejected|CellConverted)\(\s*"(\w+)"(?: if \w+ else "(\w+)")?', text
    )
    used = {code for pair in raised for code in pair if code}
    used |= set(re.findall(r'RejectedRow\(\s*[\w.\[\]]+,\s*"(\w+)"', text)) | {
        "line_too_long",
        "quote_open",
        "erased",
        "footer",
        "header_again",
        "other_headings",
        "below_other_headings",
        "section",
        "total",
        "time_stamp",
    }
    assert used == {*wording.REFUSALS, *wording.ROWS}
