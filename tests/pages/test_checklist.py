"""The checklist for Commusoft on its page: answers, what crmlink fills in, and the report."""

from __future__ import annotations

import pytest

from crmlink.access.devices import command_line_actor
from crmlink.commusoft.checklist.questions import QUESTIONS
from crmlink.installation import Installation
from crmlink.linking.decisions import confirm
from crmlink.linking.on_page import Observation, SeenOnPage, observe
from crmlink.linking.records.fields import ShownField, show_field
from crmlink.store import AuditEntry
from support.page_client import PageClient
from support.sandbox import HOLLOWAY, decision, new_key

PAGE = "/commusoft/checklist"


def report(client: PageClient) -> str:
    return client.client.get(f"{PAGE}/report").get_data(as_text=True)


def test_answers_are_saved_one_by_one_audited_and_in_the_report(
    pages_admin: PageClient, without_api: Installation
) -> None:
    assert f"0 of {len(QUESTIONS)} questions answered" in pages_admin.read("/commusoft")
    pages_admin.send(f"{PAGE}/label_customer", choice="other", text="Account code")
    pages_admin.send(
        f"{PAGE}/table_address", choice="yes", text="https://app.commusoft.co.uk/a/7/b?q=x"
    )
    assert f"2 of {len(QUESTIONS)} answered" in pages_admin.read(PAGE)
    assert "Something else: Account code" in report(pages_admin)
    assert "Yes: /a/{n}/b" in report(pages_admin)
    pages_admin.send(f"{PAGE}/label_customer", choice="", text="")
    assert f"1 of {len(QUESTIONS)} answered" in pages_admin.read(PAGE)
    with without_api.database.reading() as session:
        entries = session.query(AuditEntry).filter_by(action="checklist.answered").all()
    assert [entry.subject for entry in entries] == [
        "label_customer", "table_address", "label_customer",
    ]  # fmt: skip
    assert "answered a question about Commusoft" in pages_admin.read("/audit")


@pytest.mark.parametrize(
    "text",
    [
        "Ashworth Bakery Limited",
        "the one of  ashworth BAKERY limited",
        "as-shown-for/Pat_Bakery/here",
        "accounts@company1001.example",
    ],
)
def test_a_customers_data_is_refused_and_what_was_typed_stays(
    pages_admin: PageClient, text: str
) -> None:
    answer = pages_admin.send(f"{PAGE}/label_supplier", choice="other", text=text)
    assert answer.status_code == 422
    assert "Not saved." in answer.get_data(as_text=True)
    assert text in answer.get_data(as_text=True)
    assert text not in report(pages_admin)
    assert f"0 of {len(QUESTIONS)} answered" in pages_admin.read(PAGE)


def test_an_answer_that_was_not_offered_is_refused(pages_admin: PageClient) -> None:
    assert pages_admin.send(f"{PAGE}/shared", choice="perhaps").status_code == 422
    assert pages_admin.send(f"{PAGE}/unheard_of", choice="yes").status_code == 404


def test_crmlink_fills_in_what_it_found_out_without_any_name(
    pages_admin: PageClient, without_api: Installation
) -> None:
    ctx = without_api.workspace
    device_id = command_line_actor(without_api.access).device.id
    link = confirm(ctx, decision(), new_key(), device_id)
    observe(ctx, link.id, Observation("before", SeenOnPage(HOLLOWAY)), device_id)
    shown = ShownField("supplier", "app.commusoft.co.uk", "#ref-01242555123", "Account code")
    show_field(ctx, shown, device_id)
    page = pages_admin.read(PAGE)
    assert "1 customer links were filled in on the page" in page
    text = report(pages_admin)
    assert "An admin showed the field: label “Account code”." in text
    for secret in ("Ashworth", "01242555123", HOLLOWAY, "Ada Boss", "!kR4N6"):
        assert secret not in text


def test_practice_data_shows_nothing_of_commusoft(admin: PageClient) -> None:
    assert "crmlink uses practice data" in admin.read(PAGE)
    assert "crmlink:" not in report(admin).partition("\n")[2]
