"""Every vector, through the Python half. `tests/extension/locate.test.js` is the other half."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from crmlink.accounting.errors import InvalidReference
from crmlink.accounting.locate import cautions, locate
from crmlink.accounting.references import canonical_reference
from crmlink.accounting.rule_loading import load_packages
from unit.accounting.vectors import (
    KEYS,
    Entry,
    address_entries,
    expected,
    failures,
    read,
    rules_for,
)

PACKAGES = load_packages()


@pytest.mark.parametrize("entry", address_entries(), ids=lambda entry: ascii(entry["url"])[:90])
def test_an_address_gives_what_its_vector_says(entry: Entry) -> None:
    location = locate(entry["url"], rules_for(entry, PACKAGES)).as_dict()
    demanded = expected(entry)
    assert {key: location[key] for key in demanded} == demanded, entry.get("why")
    assert set(location) == {"url", *KEYS}
    assert location["url"] == entry["url"]


@pytest.mark.parametrize("entry", read("references.json"), ids=lambda e: ascii(e["given"])[:60])
def test_a_typed_reference_becomes_canonical_or_is_refused(entry: Entry) -> None:
    if entry["canonical"] is None:
        with pytest.raises(InvalidReference) as refused:
            canonical_reference(entry["package"], entry["given"], PACKAGES)
        assert refused.value.expected in str(refused.value)
    else:
        given = canonical_reference(entry["package"], entry["given"], PACKAGES)
        assert given == entry["canonical"]
        assert canonical_reference(entry["package"], given, PACKAGES) == given


@pytest.mark.parametrize("entry", read("cautions.json"), ids=lambda entry: str(entry["url"])[:90])
def test_the_clerk_is_told_what_is_not_sure(entry: Entry) -> None:
    said = cautions(locate(entry["url"], PACKAGES), PACKAGES)
    starts = entry["cautions"]
    assert len(said) == len(starts)
    assert all(text.startswith(start) for text, start in zip(said, starts, strict=True))


def test_the_vectors_hold_hundreds_of_refusals_and_every_package_with_pages() -> None:
    entries = address_entries()
    assert sum(entry["package"] is None for entry in entries) > 300
    with_pages = {name for name, rules in PACKAGES["packages"].items() if "pages" in rules}
    assert {entry["package"] for entry in entries} - {None} == with_pages


def _xero(packages: dict[str, Any]) -> dict[str, Any]:
    rules: dict[str, Any] = packages["packages"]["xero"]
    return rules


def accept_any_host_below_the_domain(packages: dict[str, Any]) -> None:
    _xero(packages)["hosts"].append("{name}.xero.com")


def accept_any_page_of_the_old_kind(packages: dict[str, Any]) -> None:
    _xero(packages)["pages"].append({"page": "contact", "path": "/{organisation}/{reference}"})
    _xero(packages)["pages"].append(
        {"page": "contact", "path": "/AccountsPayable/View/{reference}"}
    )


def forget_the_form_of_a_reference(packages: dict[str, Any]) -> None:
    packages["packages"]["freeagent"]["reference"]["pattern"] = "[0-9a-z-]+"


def forget_which_words_are_no_contacts(packages: dict[str, Any]) -> None:
    packages["packages"]["sage_200"]["pages"][0]["never_words"] = []


def forget_the_reserved_names(packages: dict[str, Any]) -> None:
    packages["packages"]["freeagent"]["organisation"]["never"] = []


@pytest.mark.parametrize(
    "break_rules",
    [
        accept_any_host_below_the_domain,
        accept_any_page_of_the_old_kind,
        forget_the_form_of_a_reference,
        forget_which_words_are_no_contacts,
        forget_the_reserved_names,
    ],
)
def test_the_vectors_catch_a_rule_file_that_is_too_generous(
    break_rules: Callable[[dict[str, Any]], None],
) -> None:
    broken = copy.deepcopy(PACKAGES)
    break_rules(broken)
    assert failures(PACKAGES) == []
    assert failures(broken) != []
