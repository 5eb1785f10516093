"""The first start: the set-up page, and four steps that know what crmlink sees of them."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from crmlink.access.invitations import SET_UP_CODE
from crmlink.access.people import create_first_admin_invitation, list_people
from crmlink.access.preferences import read_preferences
from crmlink.app import create_app
from crmlink.commusoft.errors import CommusoftError
from crmlink.installation import Installation
from crmlink.store import Device
from crmlink.store.base import utc_now
from crmlink.web.set_up_file import set_up_file, write_set_up_file
from support.access_factories import make_person, make_token, pair, with_token
from support.installations import installation_of, open_app
from support.page_client import TOKEN, PageClient, signed_in_client, words
from support.page_links import open_pages_installation
from support.pages_account import open_without_api
from support.sample_data import SampleData

NEW = "a bucket of elbow joints"
ADMIN = {"name": "Priya Raman", "email": "priya@firm.example", "password": NEW, "again": NEW}
OTHER_PC, PROXY = "192.168.1.20", {"X-Forwarded-For": "127.0.0.1"}


def code_of(installation: Installation) -> str:
    code = create_first_admin_invitation(installation.access, SET_UP_CODE)
    assert code
    assert code.startswith(SET_UP_CODE)
    return code


def use_code(
    app: Flask, code: str, sender: str = "127.0.0.1", host: str = "localhost", **headers: str
) -> TestResponse:
    """Send the whole form for the first admin from an address."""
    client = app.test_client()
    base = f"http://{host}"
    environment = {"REMOTE_ADDR": sender}
    page = client.get("/welcome", base_url=base, environ_overrides=environment).text
    found = TOKEN.search(page)
    assert found
    form = ADMIN | {"token": code, "csrf_token": found[1]}
    return client.post(
        "/welcome", data=form, base_url=base, environ_overrides=environment, headers=headers
    )


@pytest.mark.parametrize("sender", ["127.0.0.1", "::1", "127.8.9.10"])
def test_on_its_own_computer_the_code_makes_the_first_admin_once(
    tmp_path: Path, sender: str
) -> None:
    with open_app(tmp_path) as app:
        code = code_of(installation_of(app))
        assert use_code(app, code, sender).headers["Location"] == "/start"
        [person] = list_people(installation_of(app).access)
        assert person.name == ADMIN["name"]
        assert use_code(app, code, sender).status_code == 422


@pytest.mark.parametrize(
    ("sender", "host", "headers"),
    [
        (OTHER_PC, "crm.office.example", {}),
        (OTHER_PC, "crm.office.example", PROXY),
        (OTHER_PC, "localhost", {}),
        ("127.0.0.1", "crm.office.example", {}),  # by a proxy that the settings do not know
    ],
)
def test_from_anywhere_else_the_code_opens_nothing(
    tmp_path: Path, sender: str, host: str, headers: dict[str, str]
) -> None:
    with open_app(tmp_path, public_url="http://crm.office.example") as app:
        code = code_of(installation_of(app))
        reply = use_code(app, code, sender, host, **headers)
        assert reply.status_code == 403
        assert "only works on the computer where crmlink is installed" in words(reply)
        assert list_people(installation_of(app).access) == []
        link = create_first_admin_invitation(installation_of(app).access)
        assert link  # what a terminal shows is for any computer, as before
        assert use_code(app, link, sender, host, **headers).status_code == 303


def test_a_trusted_proxy_passes_the_code_on_for_no_one(tmp_path: Path) -> None:
    with open_app(tmp_path, public_url="https://crm.office.example", trusted_proxies=1) as app:
        code = code_of(installation_of(app))
        headers = {"X-Forwarded-For": f"127.0.0.1, {OTHER_PC}", "X-Forwarded-Proto": "https"}
        client = app.test_client()
        page = client.get("/welcome", base_url="https://crm.office.example", headers=headers).text
        found = TOKEN.search(page)
        assert found
        reply = client.post(
            "/welcome", base_url="https://crm.office.example", headers=headers,
            data=ADMIN | {"token": code, "csrf_token": found[1]},
        )  # fmt: skip
        assert reply.status_code == 403


def test_guesses_of_a_code_count_as_those_of_a_link(tmp_path: Path) -> None:
    with open_app(tmp_path, requests_per_minute=200) as app:
        guesses = [use_code(app, SET_UP_CODE + "x" * 38).status_code for _ in range(12)]
    assert guesses[0] == 422
    assert 429 in guesses


def test_the_file_is_its_owners_alone_and_goes_with_the_first_admin(tmp_path: Path) -> None:
    with open_app(tmp_path) as app:
        code = code_of(installation_of(app))
        file = write_set_up_file(tmp_path, "http://127.0.0.1:8787", code)
        assert f"http://127.0.0.1:8787/welcome#{code}" in file.read_text()
        if sys.platform != "win32":
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        use_code(app, code)
        assert set_up_file(tmp_path) is None


def test_before_there_is_an_admin_the_first_page_tells_where_the_code_is(tmp_path: Path) -> None:
    with open_app(tmp_path, public_url="http://crm.office.example") as app:
        code = code_of(installation_of(app))
        visitor = app.test_client()
        assert "shown where crmlink was started" in words(visitor.get("/log-in"))
        file = write_set_up_file(tmp_path, "http://127.0.0.1", code)
        here = visitor.get("/log-in")
        assert str(file) in words(here)
        assert code not in here.text
        away = visitor.get(
            "/log-in",
            base_url="http://crm.office.example",
            environ_overrides={"REMOTE_ADDR": OTHER_PC},
        )
        assert str(tmp_path) not in away.text
        assert "on the computer where crmlink is installed" in words(away)
        use_code(app, code)
        assert "Email" in words(visitor.get("/log-in"))


def step(page: str, title: str) -> str:
    """The first word behind a step's title."""
    return page.partition(title)[2].split()[0]


RECORDS, SOFTWARE, BROWSERS = (
    "Your customers and suppliers", "Your accounting software", "Browsers"
)  # fmt: skip


def test_records_are_done_when_an_account_was_read(
    installation: Installation, admin: PageClient, clerk: PageClient
) -> None:
    page = admin.read("/start")
    assert step(page, RECORDS) != "Done", "practice data are no records"
    assert "58 customers and 11 suppliers. Last updated from Commusoft" in page
    assert "ask Commusoft for API access" in page
    assert "connects Commusoft" in clerk.read("/start")


def test_without_an_api_the_export_is_asked_for(tmp_path: Path, database_url: str) -> None:
    with open_without_api(tmp_path, database_url) as installation:
        app = create_app(installation.settings, installation)
        admin = signed_in_client(app, installation, make_person(installation.access, "admin"))
        assert step(admin.read("/start"), RECORDS) != "Done"
        assert "imported yet. Import Commusoft" in admin.read("/start")


def test_imported_records_are_records(tmp_path: Path, database_url: str) -> None:
    with open_pages_installation(tmp_path, database_url) as installation:
        app = create_app(installation.settings, installation)
        clerk = signed_in_client(app, installation, make_person(installation.access, "clerk"))
        assert step(clerk.read("/start"), RECORDS) == "Done"


def test_the_page_follows_a_first_reading_and_tells_of_trouble(tmp_path: Path) -> None:
    with open_app(tmp_path) as app:
        installation = installation_of(app)
        admin = signed_in_client(app, installation, make_person(installation.access, "admin"))
        page = admin.get("/start")
        assert "0 customers and 0 suppliers so far" in words(page)
        assert 'hx-trigger="every 2s"' in page.text
        with pytest.raises(CommusoftError):
            installation.workspace.sync()
        page = admin.get("/start")
        assert step(words(page), RECORDS) == "!"
        assert 'hx-trigger="every 2s"' not in page.text


def test_the_software_in_use_is_chosen_and_each_tells_what_was_seen_of_it(
    admin: PageClient, clerk: PageClient, installation: Installation, sample: SampleData
) -> None:
    assert step(admin.read("/start"), SOFTWARE) != "Done"
    assert "Your admin chooses it" in clerk.read("/start")
    sent = ["xero", "sage_200", "sage_50", "kashflow", "nonsense"]
    assert admin.send("/start/packages", "/start", package=sent).status_code == 303
    kept = read_preferences(installation.access)
    assert kept.packages == ("xero", "sage_50", "sage_200", "kashflow")
    page = admin.read("/start")
    assert step(page, SOFTWARE) == "Done"
    assert "Xero: contacts have been linked from it" in page
    assert "Sage 200 Web Portal: no link from it yet. If it" in page
    assert "Sage 50cloud Accounts: no link from it yet. Type a contact" in page
    assert "KashFlow: no link from it yet." in page
    assert "your admin adds its address" in clerk.read("/start")


def test_other_settings_keep_the_software_in_use(
    app: Flask, admin: PageClient, installation: Installation
) -> None:
    admin.send("/start/packages", "/start", package=["freeagent"])
    admin.send("/settings", keep_names_days="1", keep_drafts_days="1", sure_bound="99.9")
    assert read_preferences(installation.access).packages == ("freeagent",)
    body = {"pairing_needs_admin": False, "keep_names_days": 2, "keep_drafts_days": 2}
    reply = with_token(app, make_token(installation.access, "admin")).put(
        "/api/v1/preferences", json=body
    )
    assert reply.status_code == 200
    assert "packages" not in reply.get_json()
    kept = read_preferences(installation.access)
    assert (kept.packages, kept.keep_names_days) == (("freeagent",), 2)


def test_browsers_are_done_when_one_was_used(
    admin: PageClient, clerk: PageClient, installation: Installation, sample: SampleData
) -> None:
    assert step(clerk.read("/start"), BROWSERS) != "Done"
    assert f"{sample.browser.name}: connected, not used yet" in clerk.read("/start")
    for number in range(5):
        pair(installation.access, sample.admin, f"Workshop {number}")
    with installation.database.writing() as session:
        session.get_one(Device, sample.browser.id).last_used_at = utc_now()
    for page in (clerk.read("/start"), admin.read("/start")):
        assert step(page, BROWSERS) == "Done"
    assert f"{sample.browser.name}: last used" in clerk.read("/start")
    assert "Workshop" not in clerk.read("/start")
    assert "more." in admin.read("/start")
