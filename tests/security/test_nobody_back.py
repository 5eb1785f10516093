"""Nobody comes back: not by connecting an account, not by disconnecting it, not by a restart.

From outside: a real server, its pages and its command line, and a second process that plays the
firm's Commusoft.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from browsers.real_services import wait_until
from crmlink.commusoft.sandbox import SandboxServer, create_sandbox
from security.visitors import CREDENTIALS, Installation, Visitor, running
from support.sandbox import HOLLOWAY, WEBSERVICE

ANNA, ANNAS = "anna@firm.example", "three wet spanners"
EVE, EVES = "eve@firm.example", "four dry hammers"


@pytest.fixture
def commusoft() -> Iterator[str]:
    """The address of what plays the firm's own account."""
    with SandboxServer(create_sandbox(20, 5)) as server:
        yield server.url


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with running(tmp_path) as installation:
        yield installation


@pytest.fixture
def anna(installation: Installation) -> Visitor:
    """The first admin."""
    visitor = installation.visitor()
    token = installation.first_invitation()
    assert visitor.join(token, ANNAS, name="Anna Pike", email=ANNA).status_code == 303
    return visitor


def test_a_person_who_was_removed_and_erased_stays_out_whatever_is_connected(
    installation: Installation, anna: Visitor, commusoft: str
) -> None:
    eve = installation.visitor()
    assert eve.join(anna.invite("Eve Sorrel", EVE, "admin"), EVES).status_code == 303
    assert "Connected." in anna.connect_commusoft(commusoft)
    installation.restart()
    assert installation.visitor().log_in(EVE, EVES) == 303, "the account changes no person"

    assert anna.log_in(ANNA, ANNAS) == 303
    person = anna.person_id(EVE)
    assert anna.send(f"/people/{person}/remove", "/account").status_code == 303
    assert installation.run("person", "erase", EVE, "--yes").returncode == 0
    assert installation.visitor().log_in(EVE, EVES) == 401

    assert anna.send("/commusoft/disconnect", "/account").status_code == 303
    installation.restart()
    assert installation.visitor().log_in(EVE, EVES) == 401
    assert eve.get("/people").status_code == 303, "her old log-in opens nothing"
    kept = b"".join(file.read_bytes() for file in installation.folder.glob("crmlink.sqlite*"))
    assert b"Eve Sorrel" not in kept
    assert EVE.encode() not in kept


def test_an_account_is_used_at_once_after_a_consent_that_names_what_goes(
    installation: Installation, anna: Visitor, commusoft: str
) -> None:
    token = installation.run("token", "create", "Till").stdout.split()[-1]
    script = {"Authorization": f"Bearer {token}"}

    def ask(method: str, path: str, **more: Any) -> requests.Response:
        address = f"{installation.server.address}/api/v1/{path}"
        return requests.request(method, address, headers=script, timeout=30, **more)

    wait_until(lambda: ask("GET", "workspace").json()["mirror"]["synced_at"], "a mirror")
    contact = {"reference": HOLLOWAY, "name": "Margaret Holloway"}
    made = ask("POST", "batches", json={"package": "xero", "contacts": [contact]})
    assert made.status_code == 201
    page = anna.get("/commusoft/connect").text
    assert re.search(r"practice data: 2,\d\d\d made-up records, 0 links and 1 list\.", page)

    fields = CREDENTIALS | {"url": commusoft + WEBSERVICE}
    form = "/commusoft/connect"
    assert "Tick the box" in anna.send(form, form, **fields).text
    stale = fields | {"agreed": "yes", "agreement": "1-0-0"}
    assert "Something was added" in anna.send(form, form, **stale).text
    assert len(ask("GET", "batches").json()["batches"]) == 1

    assert "Connected." in anna.connect_commusoft(commusoft)
    seen = ask("GET", "workspace").json()
    assert (seen["name"], seen["device"]["name"]) == ("sandbox", "Till")
    assert ask("GET", "batches").json()["batches"] == []
    wait_until(
        lambda: 0 < ask("GET", "workspace").json()["mirror"]["customers"] < 200,
        "the account's own records",
    )
    assert "deleted practice data" in anna.get("/audit?action=commusoft").text
