"""An admin's own addresses of a package reach the extensions with the rules."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from crmlink.accounting.locate import locate
from crmlink.installation import Installation
from support.access_factories import make_token, with_token

SERVER = "sage.office.example:10444"
PAGE = f"https://{SERVER}/Sage200WebPortal/Customers/View/27825"
HOSTS = "/api/v1/packages/sage_200/hosts"


@pytest.fixture
def admin(app: Flask, installation: Installation) -> FlaskClient:
    return with_token(app, make_token(installation.access, "admin"))


def rules(client: FlaskClient) -> tuple[Any, str]:
    reply = client.get("/api/v1/packages")
    return reply.get_json(), reply.headers["ETag"]


def test_an_added_address_is_served_with_the_rules_and_a_new_etag(admin: FlaskClient) -> None:
    before, old = rules(admin)
    assert locate(PAGE, before).reference is None
    for _ in range(2):
        assert admin.post(HOSTS, json={"host": SERVER.upper()}).get_json() == {"hosts": [SERVER]}
    after, new = rules(admin)
    assert locate(PAGE, after).reference == "27825"
    assert old != new
    assert admin.get(HOSTS).get_json() == {"hosts": [SERVER]}
    assert admin.delete(HOSTS, json={"host": SERVER}).get_json() == {"hosts": []}
    assert rules(admin) == (before, old)


@pytest.mark.parametrize(
    ("package", "host"),
    [
        ("sage_200", "https://sage.office.example/"),
        ("sage_200", "go.xero.com"),
        ("sage_200", ""),
        ("xero", "xero.office.example"),
        ("unheard_of", "office.example"),
    ],
)
def test_an_address_that_would_be_wrong_is_refused(
    admin: FlaskClient, package: str, host: str
) -> None:
    reply = admin.post(f"/api/v1/packages/{package}/hosts", json={"host": host})
    assert reply.status_code == 422
    assert reply.get_json()["detail"]


def test_a_clerk_may_not_add_one(client: FlaskClient) -> None:
    assert client.post(HOSTS, json={"host": SERVER}).status_code == 403
