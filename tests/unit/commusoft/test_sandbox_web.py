"""The sandbox's web application: its pages show and change the records of its API."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from werkzeug.test import TestResponse

from crmlink.commusoft.sandbox import create_sandbox
from crmlink.commusoft.sandbox.web.addresses import TABLE, record_pages
from support.faulty_sandbox.app import create_faulty_sandbox

OLD = "/customers/customer/1001/view/property/view"
NEW = "/customers/customer_list/1001/view_v2/property/view"
SUPPLIER = "/suppliers/list_supplier/501/view/supplier_details"
LABELS = {
    OLD: "Third party accounting ref",
    NEW: "Third-Party Reference",
    SUPPLIER: "Accounting reference",
}
LOG_IN = {"logintype_username": "sandbox", "logintype_password": "sandbox"}
PAGES = [
    "/", "/customers", "/suppliers", "/reporting/customers", "/reporting/suppliers",
    f"{TABLE}/dashboard", f"{TABLE}/link/customers", f"{TABLE}/link_v2/customers",
    f"{TABLE}/link/suppliers", f"{TABLE}/link_v2/suppliers",
    "/customers/customer/1001/jobs/10011/view", "/customers/customer/1001/invoices/10012/view",
    "/suppliers/501/invoice/5013/details",
    *(page.rule.replace("<number>", "1001" if page.kind == "customer" else "501")
      for page in record_pages()),
]  # fmt: skip


class Visitor:
    """A browser at the sandbox, with its own cookies."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, base_url="http://127.0.0.1:8788", **more)

    def post(self, path: str, **more: Any) -> TestResponse:
        return self.client.post(path, base_url="http://127.0.0.1:8788", **more)

    def log_in(self) -> None:
        assert self.post("/login", data=LOG_IN).status_code == 303

    def token(self) -> str:
        return _first(r'data-form-token="([^"]+)"', self.get("/customers").text)

    def reference(self, number: str = "1001") -> str:
        rows = self.get(f"{TABLE}/link_v2/customers/rows").get_json()["rows"]
        return str(next(row[3] for row in rows if row[0] == number))

    def save_old(self, **changed: str) -> TestResponse:
        """Open the older layout's form, change fields, and save all of it."""
        page = self.get(OLD).text.partition('id="editcustomer"')[2]
        fields = re.findall(r'<input[^>]* name="([^"]+)" value="([^"]*)"', page)
        return self.post(OLD, data={name: unescape(value) for name, value in fields} | changed)

    def save_new(self, sent: Any, path: str = NEW) -> TestResponse:
        return self.post(path, json=sent, headers={"X-Form-Token": self.token()})


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    with create_sandbox(60, 12).test_client() as client:
        yield Visitor(client)


@pytest.fixture
def user(visitor: Visitor) -> Visitor:
    visitor.log_in()
    return visitor


def _first(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, text
    return match[1]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_that_it_is_a_sandbox(user: Visitor, path: str) -> None:
    reply = user.get(path)
    assert reply.status_code == 200
    assert "<strong>SANDBOX</strong> This is not Commusoft" in reply.text
    assert "(sandbox)</title>" in reply.text
    assert "style=" not in reply.text
    assert " onclick=" not in reply.text
    assert "script-src 'self'" in reply.headers["Content-Security-Policy"]
    assert reply.headers["Commusoft-Sandbox"] == "crmlink"


@pytest.mark.parametrize("path", [*PAGES[1:], "/reporting/customers.csv"])
def test_a_page_is_shown_after_logging_in(visitor: Visitor, path: str) -> None:
    reply = visitor.get(path)
    assert (reply.status_code, reply.headers["Location"]) == (303, f"/login?next={path}")
    page = visitor.get(reply.headers["Location"]).text
    target = _first(r'name="next" value="([^"]+)"', page)
    reply = visitor.post("/login", data=LOG_IN | {"next": target})
    assert reply.headers["Location"] == path
    assert visitor.get(path).status_code == 200


@pytest.mark.parametrize("name", LOG_IN)
def test_a_wrong_password_opens_nothing(visitor: Visitor, name: str) -> None:
    reply = visitor.post("/login", data=LOG_IN | {name: "wrong"})
    assert reply.status_code == 401
    assert "That is not the sandbox" in reply.text
    assert visitor.get("/customers").status_code == 303


@pytest.mark.parametrize(
    "target", ["//evil.example/", "https://evil.example", "/\\evil.example", "javascript:1", ""]
)
def test_logging_in_leads_to_no_other_site(visitor: Visitor, target: str) -> None:
    reply = visitor.post("/login", data=LOG_IN | {"next": target})
    assert reply.headers["Location"] == "/customers"


@pytest.mark.parametrize("path", [*PAGES, "/login", "/static/record.js", "/nothing"])
def test_no_page_answers_under_another_name(user: Visitor, path: str) -> None:
    reply = user.client.get(path, base_url="http://evil.example")
    assert reply.status_code == 421


@pytest.mark.parametrize("path", LABELS)
def test_a_record_shows_its_reference_by_the_label_of_its_layout(user: Visitor, path: str) -> None:
    page = user.get(path).text
    labels = re.findall(r"<(?:dt|th scope=\"row\"|label[^>]*)>([^<]+)<", page)
    assert labels.count(LABELS[path]) == 2, "once to read, once to edit"
    assert not (set(LABELS.values()) - {LABELS[path]}) & set(labels)


def test_the_older_layout_saves_a_form(user: Visitor) -> None:
    reply = user.save_old(**{"customerDetails.field27": "REF-1"})
    assert (reply.status_code, reply.headers["Location"]) == (303, OLD)
    assert user.reference() == "REF-1"
    assert "<td>REF-1</td>" in user.get(OLD).text
    assert "<dd>REF-1</dd>" in user.get(NEW).text


def test_the_newer_layout_saves_without_leaving_the_page(user: Visitor) -> None:
    reply = user.save_new({"field_27": "REF-2", "town": "Ripon"})
    assert reply.status_code == 200
    assert "<dd>REF-2</dd>" in reply.text
    assert "<dd>Ripon</dd>" in reply.text
    assert user.reference() == "REF-2"


def test_what_is_wrong_is_said_and_nothing_is_saved(user: Visitor) -> None:
    wrong = {"customerEmail": "nobody", "customerDetails.field27": "REF-3"}
    reply = user.save_old(**wrong)
    assert reply.status_code == 422
    assert "Enter a valid email address." in reply.text
    assert 'value="REF-3"' in reply.text, "what was typed stays in the form"
    reply = user.save_new({"emailaddress": "nobody", "field_27": "x" * 256})
    assert (reply.status_code, set(reply.get_json()["errors"])) == (
        422,
        {"emailaddress", "field_27"},
    )
    assert user.reference() == ""


@pytest.mark.parametrize("token", ["", "wrong", "ü"])
def test_a_form_of_another_site_is_refused(user: Visitor, token: str) -> None:
    sent = {"customerDetails.field27": "REF", "form_token": token}
    assert user.post(OLD, data=sent).status_code == 403
    encoded = {"X-Form-Token": token.encode().decode("latin-1")}
    assert user.post(NEW, json={"field_27": "REF"}, headers=encoded).status_code == 403
    table = {"references": {"1001": "REF"}}
    assert user.post(f"{TABLE}/link/customers", json=table, headers=encoded).status_code == 403
    assert user.post("/logout", data={"form_token": token}).status_code == 403
    assert user.reference() == ""


def test_logging_out_ends_the_session(user: Visitor) -> None:
    assert user.post("/logout", data={"form_token": user.token()}).status_code == 303
    assert user.get(OLD).status_code == 303


def test_a_session_that_ran_out_saves_nothing() -> None:
    with create_faulty_sandbox(60, 12).test_client() as client:
        user = Visitor(client)
        user.log_in()
        token = user.token()
        client.delete("/sandbox/sessions", base_url="http://127.0.0.1:8788")
        sent = {"customerDetails.field27": "REF", "form_token": token}
        assert user.post(OLD, data=sent).headers["Location"].startswith("/login")
        reply = user.post(NEW, json={"field_27": "REF"}, headers={"X-Form-Token": token})
        assert reply.status_code == 401
        user.log_in()
        assert user.reference() == ""


def test_lists_are_searched_and_paged(user: Visitor) -> None:
    page = user.get("/customers?q=holloway+cheltenham").text
    assert re.findall(r'<td><a href="([^"]+)">', page) == [NEW]
    assert "1 to 1 of 1" in page
    assert "None" in user.get("/customers?q=nothing-like-this").text
    assert "Ethel" not in user.get("/customers?q=pargeter").text, "deleted ones are not listed"


def test_long_lists_have_more_pages() -> None:
    with create_sandbox(250, 12).test_client() as client:
        user = Visitor(client)
        user.log_in()
        seen: list[str] = []
        path: str | None = "/customers"
        while path:
            page = user.get(path).text
            seen += re.findall(r"<tr><td>(\d+)</td>", page)
            more = re.search(r'rel="next" href="([^"]+)"', page)
            path = f"/customers{unescape(more[1])}" if more else None
        assert len(seen) == len(set(seen)) > 200
        assert seen == sorted(seen, key=seen.index)


def test_both_tables_show_and_save_references(user: Visitor) -> None:
    page = user.get(f"{TABLE}/link/customers").text
    assert re.findall(r"<th[^>]*>([^<]+)<", page) == ["Customer", "Address", "Accounting reference"]
    assert 'data-record="1001" value=""' in page
    reply = user.save_new({"references": {"1001": "A", "1002": "B"}}, f"{TABLE}/link/customers")
    assert reply.get_json() == {"saved": 2}
    assert (user.reference("1001"), user.reference("1002")) == ("A", "B")
    assert 'data-record="1001" value="A"' in user.get(f"{TABLE}/link/customers").text


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"1001": "A", "999999": "B"}, 422),
        ({"1001": "A", "1002": 7}, 422),
        ({"1001": "A", "1002": "x" * 256}, 422),
        (["1001"], 400),
        (None, 400),
    ],
)
def test_a_table_is_saved_whole_or_not_at_all(user: Visitor, sent: Any, status: int) -> None:
    reply = user.save_new({"references": sent}, f"{TABLE}/link/customers")
    assert reply.status_code == status
    assert user.reference() == ""


def test_reports_hold_every_record_in_both_files(user: Visitor) -> None:
    user.save_new({"field_27": "=1+1"})
    table = user.get("/reporting/customers.csv")
    rows = list(csv.reader(io.StringIO(table.data.decode("utf-8-sig"))))
    book = load_workbook(io.BytesIO(user.get("/reporting/customers.xlsx").data))
    cells = [[cell.value or "" for cell in row] for row in book["Report"].iter_rows()]
    assert rows[0] == cells[0]
    assert [row[0] for row in rows] == [row[0] for row in cells]
    by_number = {row[0]: dict(zip(rows[0], row, strict=True)) for row in rows}
    assert by_number["1001"]["Customer Name"] == "Margaret Holloway"
    assert by_number["1001"]["Accounting Reference"] == "'=1+1", "no formula in a table of text"
    kept = next(row for row in book["Report"].iter_rows() if row[0].value == "1001")[-1]
    assert (kept.value, kept.data_type) == ("=1+1", "s")
    assert "1009" not in by_number, "deleted"


def test_pages_of_nothing_say_so(user: Visitor) -> None:
    for path in ("/customers/customer/424242/view/property/view", "/nothing",
                 "/customers/customer/1001/jobs/7/view"):  # fmt: skip
        reply = user.get(path)
        assert reply.status_code == 404
        assert "SANDBOX" in reply.text
        assert "Not Found" in reply.text
