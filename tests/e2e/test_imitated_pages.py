"""The imitations of Commusoft's pages are true to their frameworks.

These hold the imitations alone, in one browser: a person types, without crmlink. What crmlink
does on them is tried in both.
"""

from __future__ import annotations

import pytest

from browsers.page_driver import wait_for, wait_through
from e2e.commusoft_pages.pages import VARIANTS, CommusoftPages, Variant
from e2e.commusoft_pages.records import many_records

PLAIN = VARIANTS[0]
pytestmark = pytest.mark.parametrize("browser", ["chromium"], indirect=True)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_what_a_person_types_reaches_the_model_and_is_saved(
    commusoft: CommusoftPages, variant: Variant
) -> None:
    commusoft.serve(variant)
    page = commusoft.open_record("customer-1001", variant.layout)
    page.edit()
    before = page.model()
    assert before
    page.type_reference("REF-1")
    wait_for(page.driver, "window.commusoftModel().values.reference === 'REF-1'")
    assert page.model() == before | {"reference": "REF-1"}
    assert page.is_dirty() in (True, None)
    page.save()
    page.is_saved()
    assert page.record("customer-1001")["reference"] == "REF-1"
    assert [save["id"] for save in page.saves()] == ["customer-1001"]


@pytest.mark.parametrize(
    "name", ["angularjs", "angularjs-blur", "angular", "angular-blur", "react", "vue", "vue-lazy"]
)
def test_a_value_that_is_only_set_does_not_reach_the_model(
    commusoft: CommusoftPages, name: str
) -> None:
    variant = next(one for one in VARIANTS if one.name == name)
    commusoft.serve(variant)
    page = commusoft.open_record("customer-1001", variant.layout)
    page.edit()
    page.focus_reference()
    page.driver.evaluate("document.activeElement.value = 'ONLY-SET'")
    page.driver.evaluate("document.activeElement.blur()")
    page.save()
    page.is_saved()
    assert page.record("customer-1001").get("reference", "") == ""


def test_a_record_is_left_for_another_in_the_same_document(commusoft: CommusoftPages) -> None:
    commusoft.serve(VARIANTS[-2])
    page = commusoft.open_record("customer-1001")
    page.edit()
    page.driver.evaluate("window.same = true")
    page.go("customer-1002")
    wait_for(page.driver, "document.querySelector('h1').textContent === 'Jonathan Pryce-Davies'")
    assert page.model() is None
    assert page.driver.evaluate("window.same") is True


def test_saves_fail_as_they_are_told_to(commusoft: CommusoftPages) -> None:
    commusoft.serve(next(one for one in VARIANTS if one.name == "react"))
    page = commusoft.open_record()
    page.fault(failOnce=True)
    page.edit()
    page.type_reference("REF-1")
    page.save()
    wait_for(page.driver, "document.querySelector('.said').textContent.includes('try again')")
    assert page.saves() == []
    page.fault(drop=True)
    page.save()
    page.is_saved()
    assert page.record("customer-1001").get("reference") is None
    page.fault(session=True)
    page.edit()
    page.save()
    wait_through(page.driver, "document.querySelector('#logintype_username')")
    assert len(page.saves()) == 1


@pytest.mark.parametrize("framework", ["table_inputs", "table_grid"])
def test_the_tables_show_what_the_records_hold(commusoft: CommusoftPages, framework: str) -> None:
    commusoft.serve(Variant(framework, framework), records=many_records(500))
    page = commusoft.open_table()
    held = page.model()
    assert held
    assert (len(held), held["customer-4"], held["customer-5"]) == (500, "HAS-4", "")
    drawn = page.driver.evaluate("document.querySelectorAll('tbody tr').length")
    assert drawn == 500 if framework == "table_inputs" else drawn < 100
