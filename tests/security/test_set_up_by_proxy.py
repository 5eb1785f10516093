"""The first admin's code is for the server's own computer: no proxy passes it on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from crmlink.access.invitations import SET_UP_CODE
from crmlink.access.people import create_first_admin_invitation
from crmlink.app import create_app
from crmlink.installation import Installation
from crmlink.web.set_up_file import write_set_up_file
from support.databases import sqlite_database
from support.page_client import TOKEN

HOST = "127.0.0.1:8787"  # what nginx, Apache and IIS call the server behind them by default
PASSED_ON = [
    {"headers": {"X-Forwarded-For": "203.0.113.9"}},
    {"headers": {"X-Forwarded-For": "127.0.0.1"}},
    {"headers": {"X-Real-IP": "203.0.113.9"}},
    {"headers": {"Forwarded": "for=203.0.113.9"}},
    {"headers": {"X-Forwarded-Proto": "https"}},
    {"headers": {"Via": "1.1 office"}},
    {"headers": {"X-Original-Host": "crm.firm.example"}},
    {"environ_overrides": {"SERVER_PROTOCOL": "HTTP/1.0"}},
]


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: no database has a part in it."""
    return sqlite_database(tmp_path)


@pytest.fixture(params=[0, 1])
def client(request: pytest.FixtureRequest, installation: Installation) -> FlaskClient:
    """A client without and with a proxy on this computer that is said to be trusted."""
    hops: int = request.param
    installation.settings = replace(
        installation.settings, trusted_proxies=hops, proxy_addresses=("127.0.0.0/8",)
    )
    app: Flask = create_app(installation.settings, installation)
    return app.test_client()


def try_code(client: FlaskClient, installation: Installation, **how: object) -> tuple[int, str]:
    """Send a code as the form does; returns the status, and what the set-up page says."""
    code = create_first_admin_invitation(installation.access, SET_UP_CODE)
    assert code
    write_set_up_file(installation.settings.data_dir, f"http://{HOST}", code)
    url = f"http://{HOST}"
    page = client.get("/log-in", base_url=url, **how)
    found = TOKEN.search(client.get("/welcome", base_url=url).get_data(as_text=True))
    assert found
    form = {"token": code, "csrf_token": found[1]}
    sent = client.post("/welcome", base_url=url, data=form, **how)
    return sent.status_code, page.get_data(as_text=True)


@pytest.mark.parametrize("how", PASSED_ON, ids=str)
def test_a_proxy_that_names_this_computer_passes_no_code_on(
    client: FlaskClient, installation: Installation, how: dict[str, object]
) -> None:
    status, page = try_code(client, installation, **how)
    assert status == 403
    assert str(installation.settings.data_dir) not in page


def test_a_browser_on_this_computer_uses_the_code(
    client: FlaskClient, installation: Installation
) -> None:
    status, page = try_code(client, installation)
    assert status == 200
    assert str(installation.settings.data_dir) in page
