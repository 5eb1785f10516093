"""The rule file is refused, with a sentence, when it is broken; hosts are added with care."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from crmlink.accounting.errors import InvalidHost, InvalidRules, UnknownPackage
from crmlink.accounting.locate import locate
from crmlink.accounting.package_rules import package_name, with_hosts
from crmlink.accounting.references import canonical_reference
from crmlink.accounting.rule_check import check_rule_file
from crmlink.accounting.rule_loading import load_packages

PACKAGES = load_packages()


def written(folder: Path, document: object) -> Path:
    path = folder / "rules.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def changed(*steps: str | int, to: object) -> dict[str, Any]:
    """The real rules with one value replaced."""
    document = copy.deepcopy(PACKAGES)
    place: Any = document
    for step in steps[:-1]:
        place = place[step]
    place[steps[-1]] = to
    return document


def test_the_rule_file_holds_the_eight_packages_by_name() -> None:
    assert [package_name(PACKAGES, each) for each in PACKAGES["packages"]] == [
        "Xero",
        "Sage 50cloud Accounts",
        "Sage Business Cloud Accounting",
        "Sage 200 Web Portal",
        "QuickBooks Online",
        "QuickBooks Desktop",
        "FreeAgent",
        "KashFlow",
    ]


def test_the_example_in_the_documentation_is_a_right_rule_file(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs" / "packages.md").read_text(encoding="utf-8")
    example = text.split("```json")[1].split("```")[0]
    path = written(tmp_path, f'{{"version": 1, "packages": {{{example}}}}}')
    location = locate("https://acme.freeagent.com/contacts/7/edit", load_packages(path))
    assert (location.reference, location.organisation) == ("7", "acme")


def test_what_is_not_sure_is_marked_in_the_data() -> None:
    for package in PACKAGES["packages"].values():
        weak = [page for page in package.get("pages", []) if page.get("certainty") == "low"]
        assert all("caution" in page for page in weak)
        assert package["certainty"] == "high" or package["uncertain"]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("{", "not JSON"),
        ("[]", "one JSON object"),
        ("{}", "version None"),
        (changed("version", to=2), "version 2"),
        (changed("version", to="1"), "version '1'"),
        (changed("packages", to={}), "At packages"),
        (changed("packages", "xero", "hosts", to=["*.xero.com"]), "At packages.xero.hosts.0"),
        (changed("packages", "xero", "hosts", to=["https://go.xero.com"]), "hosts.0"),
        (changed("packages", "xero", "hosts", to=["GO.xero.com"]), "hosts.0"),
        (changed("packages", "xero", "surprise", to=1), "surprise"),
        (changed("packages", "xero", "reference", "pattern", to="(a+)+"), "reference.pattern"),
        (changed("packages", "xero", "reference", "pattern", to=".*"), "reference.pattern"),
        (changed("packages", "xero", "reference", "pattern", to="a*b*c*d*"), "quick"),
        (changed("packages", "xero", "reference", "pattern", to="[9-0]"), "not understood"),
        (changed("packages", "xero", "reference", "pattern", to="[0-9]|"), "empty alternative"),
        (changed("packages", "xero", "pages", 0, "path", to="/app/{reference"), "path"),
        (changed("packages", "xero", "pages", 0, "path", to="/app/contact"), "{reference} once"),
        (changed("packages", "xero", "pages", 0, "page", to="list"), "{reference} once"),
        (
            changed("packages", "freeagent", "pages", 2, "path", to="/x/{reference}"),
            "a list neither",
        ),
        (
            changed(
                "packages", "kashflow", "pages", 0, "fragment", to="/{organisation}/{reference}"
            ),
            "no organisation",
        ),
        (changed("packages", "sage_50", "hosts", to=["sage.example"]), "packages.sage_50"),
    ],
)
def test_a_broken_rule_file_is_refused_with_a_sentence(
    tmp_path: Path, document: object, says: str
) -> None:
    with pytest.raises(InvalidRules) as refused:
        load_packages(written(tmp_path, document))
    assert says in str(refused.value)


def test_a_rule_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRules, match=r"rules\.json cannot be read"):
        load_packages(tmp_path / "rules.json")


def test_an_added_host_leaves_the_given_rules_as_they_were() -> None:
    more = with_hosts(PACKAGES, "sage_200", [" SAGE.office.example:10444 ", "srv01:443"])
    url = "https://sage.office.example:10444/Sage200WebPortal/Customers/27825"
    assert locate(url, more).reference == "27825"
    assert locate(url, PACKAGES).reference is None
    assert "srv01" in more["packages"]["sage_200"]["hosts"]


@pytest.mark.parametrize(
    "host",
    [
        "",
        "https://sage.office.example",
        "sage.office.example/Sage200WebPortal",
        "*.example",
        "{name}.example",
        "a b",
        "sage.example:0",
        "sage.example:65536",
        "sage.example:x",
        "-a.example",
        "a..example",
        "user@sage.example",
        "s\u00e4ge.example",
        "a" * 260,
        "go.xero.com",
        "acme.freeagent.com",
        "c16.qbo.intuit.com:8443",
    ],
)
def test_a_host_that_is_none_or_another_packages_is_not_added(host: str) -> None:
    with pytest.raises(InvalidHost):
        with_hosts(PACKAGES, "sage_200", [host])


def test_a_firms_own_host_of_commusoft_can_be_added_and_is_no_packages() -> None:
    more = with_hosts(PACKAGES, "commusoft", ["firm.crm.example"])
    shown = locate("https://firm.crm.example/customers/customer/7/view_v2/property/view", more)
    assert (shown.page, shown.kind, shown.record, shown.package) == (
        "record",
        "customer",
        "7",
        None,
    )
    with pytest.raises(InvalidHost, match="an address of Commusoft"):
        with_hosts(PACKAGES, "sage_200", ["app.commusoft.co.uk"])


@pytest.mark.parametrize(
    "path", ["/customers/list", "/customers/{record}/{record}", "/c/{reference}"]
)
def test_a_records_page_names_one_record(path: str, tmp_path: Path) -> None:
    document = copy.deepcopy(PACKAGES)
    document["crms"]["commusoft"]["pages"][0]["path"] = path
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(document))
    with pytest.raises(InvalidRules, match=r"needs \{record\} once"):
        load_packages(file)


def test_a_packages_page_names_no_record(tmp_path: Path) -> None:
    document = copy.deepcopy(PACKAGES)
    document["packages"]["xero"]["pages"][0]["path"] = "/contacts/contact/{reference}/{record}"
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(document))
    with pytest.raises(InvalidRules, match="record"):
        load_packages(file)


def test_a_package_with_fixed_addresses_takes_no_host() -> None:
    with pytest.raises(InvalidHost, match="Xero always has the same addresses"):
        with_hosts(PACKAGES, "xero", ["xero.office.example"])


def test_a_package_that_is_not_known_is_said_to_be_unknown() -> None:
    with pytest.raises(UnknownPackage, match="sage_300"):
        canonical_reference("sage_300", "1", PACKAGES)


@pytest.mark.parametrize("thing", [None, 58, b"https://go.xero.com/", ["x"], object()])
def test_what_is_no_string_is_no_page(thing: Any) -> None:
    assert set(locate(thing, PACKAGES).as_dict().values()) == {"", None}


def test_a_rule_file_in_which_a_name_is_given_twice_is_refused(tmp_path: Path) -> None:
    text = json.dumps(PACKAGES)
    path = written(tmp_path, text[:-1] + ', "version": 1}')
    with pytest.raises(InvalidRules, match="“version” is given twice"):
        load_packages(path)
    assert check_rule_file(path) == [
        f"The rule file {path.name} is not JSON: “version” is given twice."
    ]
