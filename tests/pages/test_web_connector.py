"""/quickbooks as the Web Connector calls it, and the pages with its file and password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import zeep
from flask import Flask
from flask.testing import FlaskClient
from qbwc_kit import soap
from qbwc_kit.testing import FakeQuickBooks, FakeWebConnector
from sqlalchemy import select
from werkzeug.test import EnvironBuilder
from zeep.transports import Transport

from crmlink.access.devices import command_line_actor
from crmlink.access.workspaces import make_workspace, rename_workspace, suspend_workspace
from crmlink.installation import Installation, OpenWorkspace
from crmlink.sources.quickbooks_desktop.connectors import (
    NewPassword,
    add_connector,
    open_session,
)
from crmlink.store import ContactSource, SourceContact, WebConnector
from crmlink.store.base import utc_now
from crmlink.store.workspaces import list_workspaces
from crmlink.strict_xml import read_xml
from crmlink.web.auth import knows_sender
from crmlink.web.body_limits import REQUEST_BYTES, STRANGER_BYTES
from support.page_client import PageClient, words
from support.source_factories import change_source

PASSWORD = re.compile('<code id="secret">([^<]+)</code>')
FORM = "/sources/quickbooks-desktop"


@pytest.fixture
def password(admin: PageClient) -> str:
    """The password of a Web Connector that the admin has just made."""
    page = admin.send(FORM).get_data(as_text=True)
    found = PASSWORD.search(page)
    assert found
    return found[1]


@pytest.fixture
def connector(installation: Installation, password: str) -> WebConnector:
    with installation.database.reading() as session:
        return session.scalars(select(WebConnector)).one()


@pytest.fixture
def path(connector: WebConnector) -> str:
    return f"/quickbooks/{connector.source.public_id}"


@pytest.fixture
def second(installation: Installation) -> Iterator[OpenWorkspace]:
    """A second firm in the installation."""
    first = list_workspaces(installation.database)[0]
    rename_workspace(installation.sign_in, first, "Holloway Plumbing")
    made, _ = make_workspace(installation.sign_in, "Quill Heating")
    with installation.workspaces.use(made.id) as workspace:
        yield workspace


@pytest.fixture
def their_password(second: OpenWorkspace) -> NewPassword:
    """The Web Connector of the second firm, with its password."""
    return add_connector(second.sources, command_line_actor(second.access).device, "QuickBooks")


@pytest.fixture
def their_path(their_password: NewPassword) -> str:
    return f"/quickbooks/{their_password.connector.source.public_id}"


@pytest.fixture
def stranger(app: Flask) -> FlaskClient:
    """A client without a cookie, as the Web Connector is one."""
    return app.test_client()


def office(customers: int = 3) -> FakeQuickBooks:
    return FakeQuickBooks(
        {
            "Company": [{"CompanyName": "Office Ltd"}],
            "Customer": [
                {"ListID": f"C{number}", "Name": f"Customer {number} <&>"}
                for number in range(customers)
            ],
            "Vendor": [{"ListID": "V1", "Name": "Pipes"}],
        }
    )


def fake_connector(
    stranger: FlaskClient, path: str, connector: WebConnector, password: str
) -> FakeWebConnector:
    def transport(body: str) -> str:
        reply = stranger.post(path, data=body.encode(), content_type="text/xml; charset=utf-8")
        assert reply.status_code == 200, reply.get_data(as_text=True)
        assert reply.content_type == "text/xml; charset=utf-8"
        return reply.get_data(as_text=True)

    return FakeWebConnector(transport, connector.user_name, password)


def call(stranger: FlaskClient, path: str, method: str, *parameters: tuple[str, str]) -> Any:
    return stranger.post(path, data=soap.build_request(method, parameters).encode())


def names(installation: Installation) -> list[str]:
    with installation.database.reading() as session:
        return sorted(session.scalars(select(SourceContact.name)))


def test_a_web_connector_brings_the_contacts(
    installation: Installation, stranger: FlaskClient, path: str, connector: WebConnector,
    password: str, admin: PageClient,
) -> None:  # fmt: skip
    result = fake_connector(stranger, path, connector, password).run_update(office(60))
    assert (result.authenticated, result.last_error, result.close_message) == (True, "", "OK")
    assert result.progress[-1] == 100
    assert len(names(installation)) == 61
    text = admin.read("/sources")
    assert "Office Ltd" in text
    assert "✓ Connected" in text
    assert "as often as the Web Connector runs" in text
    assert "Read now" not in text


def test_each_firms_web_connector_brings_its_own_contacts(
    installation: Installation, stranger: FlaskClient, path: str, connector: WebConnector,
    password: str, second: OpenWorkspace, their_password: NewPassword, their_path: str,
) -> None:  # fmt: skip
    theirs = their_password.connector
    fake = fake_connector(stranger, their_path, theirs, their_password.password)
    assert fake.run_update(office()).authenticated
    owners = select(ContactSource.workspace_id).join(SourceContact).distinct()
    with installation.database.reading() as session:
        assert session.scalars(owners).all() == [second.id]
    crossed = fake_connector(stranger, path, theirs, their_password.password)
    assert crossed.run_update(office()).last_error == "nvu"
    crossed = fake_connector(stranger, their_path, connector, password)
    assert crossed.run_update(office()).last_error == "nvu"
    ticket = open_session(second.sources, theirs.source.public_id, theirs.user_name, fake.password)
    assert fake.last_error(ticket) == "No error."
    own = fake_connector(stranger, path, connector, password)
    assert "session has ended" in own.last_error(ticket)


def test_a_suspended_firms_web_connector_is_refused(
    installation: Installation, stranger: FlaskClient, second: OpenWorkspace,
    their_password: NewPassword, their_path: str,
) -> None:  # fmt: skip
    theirs = their_password.connector
    fake = fake_connector(stranger, their_path, theirs, their_password.password)
    ticket = open_session(second.sources, theirs.source.public_id, theirs.user_name, fake.password)
    row = list_workspaces(installation.database)[1]
    suspend_workspace(installation.sign_in, row, suspended=True)
    assert fake.run_update(office()).last_error == "nvu"
    assert "suspended" in fake.last_error(ticket)
    assert fake.connection_error(ticket, "0x80040408", "no") == "done"
    assert names(installation) == []


def test_an_independent_client_reads_the_description_and_calls_by_it(
    installation: Installation, stranger: FlaskClient, path: str, connector: WebConnector,
    password: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    class Ours(Transport):
        def load(self, url: str) -> bytes:
            return stranger.get(f"{path}?wsdl").get_data()

        def post(self, address: str, message: bytes, headers: dict[str, str]) -> Any:
            assert address.endswith(path)
            reply = stranger.post(path, data=message, headers=headers)
            return SimpleNamespace(
                status_code=reply.status_code, content=reply.get_data(), encoding="utf-8",
                headers=dict(reply.headers),
            )  # fmt: skip

    client: Any = zeep.Client  # it has no types
    transport: Any = Ours
    service = client(f"http://localhost{path}?wsdl", transport=transport()).service
    assert service.serverVersion() == "crmlink"
    assert not service.clientVersion("2.3.0.207")
    assert service.authenticate(connector.user_name, "wrong") == [None, "nvu"]
    ticket, status = service.authenticate(connector.user_name, password)
    assert not status
    quickbooks = office()
    for expected in (1, 50, 100):
        request = service.sendRequestXML(ticket, "", "C:\\Office.QBW", "UK", 13, 0)
        assert service.receiveResponseXML(ticket, quickbooks(request), "", "") == expected
    assert service.getLastError(ticket) == "No error."
    assert service.closeConnection(ticket) == "OK"
    assert "session has ended" in service.getLastError(ticket)
    assert names(installation) == [*(f"Customer {number} <&>" for number in range(3)), "Pipes"]


def test_guesses_are_limited(
    stranger: FlaskClient, path: str, connector: WebConnector, password: str
) -> None:
    wrong = fake_connector(stranger, path, connector, "wrong")
    for _ in range(30):  # a twentieth of the requests a minute, which is 600
        assert wrong.run_update().last_error == "nvu"
    right = fake_connector(stranger, path, connector, password)
    assert right.run_update(office()).last_error == "nvu"  # not even tried


def test_an_error_is_told_in_a_sentence(
    stranger: FlaskClient, path: str, connector: WebConnector, password: str, admin: PageClient
) -> None:
    quickbooks = office()
    quickbooks.supported = {"Company"}
    result = fake_connector(stranger, path, connector, password).run_update(quickbooks)
    assert result.progress[-1] == -1
    assert "reported an error of its own" in result.last_error
    assert "has a problem" in admin.read("/sources")
    fake = fake_connector(stranger, path, connector, password)
    assert "session has ended" in fake.last_error("unknown")
    assert fake.connection_error("unknown", "0x80040408", "no") == "done"


ENVELOPE = soap.build_request("serverVersion", [])


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        "<a/>",
        f'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>{ENVELOPE}',
        ENVELOPE.replace("serverVersion", "dropTables"),
        ENVELOPE.replace("http://developer.intuit.com/", "http://evil.example/"),
        ENVELOPE.replace("xmlsoap.org/soap", "xmlsoap.org/other"),
        ENVELOPE.replace("</soap:Body>", "</soap:Body><soap:Body/>"),
        soap.build_request("closeConnection", [("ticket", "a"), ("ticket", "b")]),
        soap.build_request("closeConnection", [("other", "a")]),
        soap.build_request("closeConnection", [("ticket", "a")]).replace(">a<", "><b/><"),
    ],
)
def test_what_is_no_call_is_refused_without_its_text(
    stranger: FlaskClient, path: str, body: str
) -> None:
    reply = stranger.post(path, data=body.encode())
    assert reply.status_code == 400
    text = reply.get_data(as_text=True)
    assert read_xml(text).find(".//faultstring") is not None
    assert "passwd" not in text
    assert "evil" not in text


def test_a_large_body_is_read_only_while_its_web_connector_has_signed_in(
    stranger: FlaskClient, path: str, connector: WebConnector, password: str
) -> None:
    large = [("ticket", "x"), ("response", "x" * STRANGER_BYTES)]
    assert call(stranger, path, "receiveResponseXML", *large).status_code == 413
    user = [("strUserName", connector.user_name), ("strPassword", password)]
    assert call(stranger, path, "authenticate", *user).status_code == 200
    assert call(stranger, path, "receiveResponseXML", *large).status_code == 200
    assert call(stranger, "/quickbooks/other", "receiveResponseXML", *large).status_code == 413
    larger = [("ticket", "x"), ("response", "x" * REQUEST_BYTES)]
    assert call(stranger, path, "receiveResponseXML", *larger).status_code == 413


def test_the_server_reads_such_a_body_by_its_head_alone(
    app: Flask, stranger: FlaskClient, path: str, connector: WebConnector, password: str
) -> None:
    def is_known(where: str) -> bool:
        return knows_sender(app, EnvironBuilder(path=where, method="POST").get_environ())

    assert not is_known(path)
    user = [("strUserName", connector.user_name), ("strPassword", password)]
    call(stranger, path, "authenticate", *user)
    assert is_known(path)
    assert not is_known("/quickbooks/other")


def test_a_character_that_xml_forbids_stops_no_list_and_is_shown(
    admin: PageClient, stranger: FlaskClient, path: str, connector: WebConnector, password: str
) -> None:
    """The Web Connector is written in .NET, which gives such a character by its number."""
    quickbooks = office(2)
    quickbooks.entities["Customer"].append({"ListID": "C9", "Name": "Sm\x01ith & Son"})
    quickbooks.entities["Customer"].append({"ListID": "C10", "Name": "Re\x02ed", "Email": "\x03"})

    def transport(body: str) -> str:
        sent = re.sub("[\x01-\x03]", lambda found: f"&#x{ord(found[0]):X};", body)
        assert sent.isprintable() or "\n" in sent
        reply = stranger.post(path, data=sent.encode(), content_type="text/xml; charset=utf-8")
        assert reply.status_code == 200, reply.get_data(as_text=True)
        return reply.get_data(as_text=True)

    fake = FakeWebConnector(transport, username=connector.user_name, password=password)
    assert fake.run_update(quickbooks).progress[-1] == 100
    page = admin.read("/sources")
    assert "2 contacts left out." in page
    assert "Correct in QuickBooks Desktop: Sm\ufffdith & Son, Re\ufffded." in page


def test_a_job_is_called_one(
    admin: PageClient, stranger: FlaskClient, path: str, connector: WebConnector, password: str
) -> None:
    quickbooks = office(1)
    quickbooks.entities["Customer"].append(
        {"ListID": "J1", "Name": "Kitchen", "FullName": "Customer 0:Kitchen", "Sublevel": "1"}
    )
    fake_connector(stranger, path, connector, password).run_update(quickbooks)
    text = admin.read("/left/contacts")
    assert "Customer 0:Kitchen Job" in text
    assert text.count(" Job ") == 1


def test_the_file_has_what_the_web_connector_needs_and_no_password(
    admin: PageClient, manager: PageClient, path: str, connector: WebConnector, password: str
) -> None:
    download = f"/sources/{connector.source.public_id}/connector.qwc"
    reply = admin.get(download)
    root = read_xml(reply.get_data(as_text=True))
    assert [each.tag for each in root] == [
        "AppName", "AppID", "AppURL", "AppDescription", "AppSupport", "UserName", "OwnerID",
        "FileID", "QBType", "Scheduler", "IsReadOnly",
    ]  # fmt: skip
    assert (root.findtext("AppURL") or "").endswith(path)
    assert root.findtext("UserName") == connector.user_name
    assert root.findtext("OwnerID") != root.findtext("FileID")
    assert admin.get(download).get_data() == reply.get_data()  # its ids stay
    assert password not in reply.get_data(as_text=True)
    assert manager.get(download).status_code == 403
    assert "crmlink.qwc" in reply.headers["Content-Disposition"]


def test_a_new_password_replaces_the_old_one(
    admin: PageClient, stranger: FlaskClient, path: str, connector: WebConnector, password: str
) -> None:
    page = admin.send(f"/sources/{connector.source.public_id}/connector-password")
    found = PASSWORD.search(page.get_data(as_text=True))
    assert found
    assert password not in page.get_data(as_text=True)
    old = fake_connector(stranger, path, connector, password)
    assert old.run_update(office()).last_error == "nvu"
    assert fake_connector(stranger, path, connector, found[1]).run_update(office()).authenticated
    assert found[1] not in admin.get("/sources").get_data(as_text=True)


def test_a_web_connector_that_no_longer_runs_is_noticed(
    installation: Installation, admin: PageClient, connector: WebConnector
) -> None:
    assert "Nothing has arrived for days" not in admin.read("/sources")
    old = utc_now() - timedelta(days=4)
    change_source(installation.sources, connector.source, connected_at=old)
    assert "Check on that computer that the Web Connector still runs" in admin.read("/sources")
    change_source(installation.sources, connector.source, synced_at=utc_now())
    assert "Nothing has arrived for days" not in admin.read("/sources")


def test_the_form_says_what_to_do(admin: PageClient, installation: Installation) -> None:
    page = admin.get(FORM)
    text = page.get_data(as_text=True)
    assert text.count("<li>", text.index('<ol class="sketched">'), text.index("</ol>")) == 5
    assert "QuickBooks Desktop" in words(page)
    with installation.database.reading() as session:
        assert session.scalars(select(ContactSource)).all() == []  # nothing is made by looking
