"""What no page sends: addresses, numbers and hidden fields made by hand are answered in words."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from crmlink.installation import Installation
from support.access_factories import make_person
from support.page_client import PageClient, signed_in_client
from support.page_forms import forms_on

HUGE = "9" * 5_000
TABLE = b"Name,Email,Code\n" + b"".join(
    b"Ann Lee %d,a%d@b.example,%s\n"
    % (n, n, b"?" if n < 4 else b"%08d-0000-4000-8000-%012d" % (n, n))
    for n in range(1, 9)
)


@pytest.fixture
def admin(app: Flask, installation: Installation) -> PageClient:
    return signed_in_client(app, installation, make_person(installation.access, "admin"))


@pytest.mark.parametrize(
    "wanted", ["//[", "http://[", "//[::1", "//\uff0f[", "https://a@[x", "//\u2100.com"]
)
def test_a_stranger_is_asked_to_sign_in_whatever_page_was_wanted(
    admin: PageClient, anonymous: PageClient, wanted: str
) -> None:
    asked = anonymous.client.get("/log-in", query_string={"next": wanted})
    assert asked.status_code == 200
    refused = anonymous.send("/log-in", "/log-in", email="x@y.example", password="no", next=wanted)
    assert refused.status_code == 401


@pytest.mark.parametrize("path", ["/links?page=", "/records?page=", "/audit?line=", "/lists?from="])
def test_a_page_number_without_end_is_no_failure(admin: PageClient, path: str) -> None:
    assert admin.get(path + HUGE).status_code == 200


@pytest.mark.parametrize(
    "shown",
    [
        "[]",
        "5",
        '{"header":[],"columns":[]}',
        '{"header":[],"columns":{"email":5}}',
        '{"header":[{}],"columns":{"email":[[]]}}',
        '{"header":"ab","columns":{},"header_line":"x"}',
        '{"header":["a"],"header":["b"],"columns":{}}',
        "[" * 50_000,
        HUGE,
    ],
)
@pytest.mark.parametrize("do", ["show", "keep"])
def test_what_a_form_says_it_showed_may_be_anything(admin: PageClient, shown: str, do: str) -> None:
    path = admin.send("/lists/new", file=(io.BytesIO(TABLE), "a.csv")).headers["Location"]
    sent = admin.send(path, do=do, shown=shown, kind="customer", **{"name-0": "0", "email-0": "1"})
    assert sent.status_code in (303, 422)
    assert admin.get(path).status_code == 200


def test_agreeing_to_a_number_without_end_agrees_to_nothing(admin: PageClient) -> None:
    path = admin.send("/lists/new", file=(io.BytesIO(TABLE), "a.csv")).headers["Location"]

    def send(**more: str) -> TestResponse:
        form = next(one for one in forms_on(admin.get(path)) if "name-0" in one.values)
        return admin.client.post(path, data=form.values | more)

    columns = {"name-0": "0", "email-0": "1", "reference-0": "2", "package": "xero"}
    send(kind="customer", do="show", **columns)
    assert send(agreed="1").status_code == 409
    assert send(agreed=HUGE).status_code == 409
