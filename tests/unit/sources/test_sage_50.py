"""crmlink agent sage50: columns asked first, read and closed, sent in parts, nothing else."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask, Response
from sqlalchemy import select
from werkzeug.serving import make_server

from crmlink.cli import main
from crmlink.installation import Installation
from crmlink.sources.errors import AgentFailed
from crmlink.sources.sage_50 import agent
from crmlink.sources.sage_50.agent import Destination, SageData, read_contacts, send_contacts
from crmlink.sources.sage_50.ledgers import read_ledgers
from crmlink.store import ContactSource, ContactState, SourceContact
from support.access_factories import make_token
from support.databases import sqlite_database
from support.sage_driver import SageDriver

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PATH = "/api/v1/sources/sage_50/contacts"
PASSWORD = "Sage-Pass-Word-31"  # of the imitated driver


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: how parts are stored is tried on both kinds in `test_sage_50_parts.py`."""
    return sqlite_database(tmp_path)


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> SageDriver:
    driver = SageDriver()
    monkeypatch.setitem(sys.modules, "pyodbc", driver.module())
    return driver


@pytest.fixture
def token(installation: Installation) -> str:
    return make_token(installation.access, "contacts")


class Server:
    """crmlink over real HTTP; ``faults`` are answered in its place, one for each request."""

    def __init__(self, app: Flask) -> None:
        self.faults: list[Response | None] = []
        self.sizes: list[int] = []
        self._app = app
        self._made = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self.url = f"http://127.0.0.1:{self._made.port}"
        threading.Thread(target=self._made.serve_forever, args=(0.01,), daemon=True).start()

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.sizes.append(int(environ.get("CONTENT_LENGTH") or 0))
        fault = self.faults.pop(0) if self.faults else None
        return (fault or self._app)(environ, start_response)

    def stop(self) -> None:
        self._made.shutdown()
        self._made.server_close()


@pytest.fixture
def server(app: Flask) -> Iterator[Server]:
    made = Server(app)
    yield made
    made.stop()


def run(server: Server, token: str, **more: str) -> Result:
    options = {"server": server.url, "company": "Office Ltd", "dsn": "SageLine50v30",
               "user": "CRMLINK"} | more  # fmt: skip
    arguments = [f"--{name}={value}" for name, value in options.items() if value]
    environment = {"CRMLINK_SAGE_PASSWORD": PASSWORD, "CRMLINK_TOKEN": token}
    return CliRunner().invoke(main, ["agent", "sage50", *arguments], env=environment)


def stored(installation: Installation) -> dict[tuple[str, str], SourceContact]:
    with installation.database.reading() as session:
        found = session.scalars(select(SourceContact))
        return {(each.kind, each.reference): each for each in found}


def test_both_ledgers_are_brought(
    installation: Installation, driver: SageDriver, server: Server, token: str
) -> None:
    driver.add(
        "HILL001", NAME="Hill & Son ", CONTACT_NAME="Jo Hill", ADDRESS_1="1 High St",
        ADDRESS_3="Leeds", ADDRESS_5="LS1 1AA", TELEPHONE="0113 496 0018",
        E_MAIL="jo@hill.example", E_MAIL_2="bills@hill.example", RECORD_DELETED=0, BALANCE=12.5,
    )  # fmt: skip
    driver.add("HILL001", "PURCHASE_LEDGER", INACTIVE_ACCOUNT=1)
    driver.add("GONE", RECORD_DELETED=1)
    driver.add("  ")
    result = run(server, token)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1] == "3 contacts sent."  # after the server's own lines
    found = stored(installation)
    assert {key: each.state for key, each in found.items()} == {
        ("customer", "HILL001"): ContactState.ACTIVE,
        ("supplier", "HILL001"): ContactState.ARCHIVED,
        ("customer", "GONE"): ContactState.DELETED,
    }
    hill = found["customer", "HILL001"]
    assert (hill.name, hill.person, hill.postcode) == ("Hill & Son", "Jo Hill", "LS1 1AA")
    assert (hill.address, hill.phones) == ("1 High St\nLeeds", ["0113 496 0018"])
    assert (hill.email, hill.other_emails) == ("jo@hill.example", ["bills@hill.example"])
    with installation.database.reading() as session:
        source = session.scalars(select(ContactSource)).one()
    assert (source.name, source.package, source.problem) == ("Office Ltd", "sage_50", None)
    assert source.fully_synced_at is not None


def test_columns_are_asked_first_and_nothing_else_is_read(driver: SageDriver) -> None:
    driver.add("A")
    assert list(read_ledgers(driver.connect()))
    sales = [each for each in driver.statements if "SALES_LEDGER" in each]
    assert sales[0] == "SELECT * FROM SALES_LEDGER WHERE 1=0"
    assert "BALANCE" not in sales[1]
    assert not [each for each in driver.statements if not each.startswith("SELECT ")]


@pytest.mark.parametrize("email", ["E_MAIL", "EMAIL_1", "EMAIL", "email_1"])
def test_columns_of_other_versions_are_known(driver: SageDriver, email: str) -> None:
    columns = ("account_ref", "NAME", "ADDRESS_1", email, "ODD NAME--", "E_MAIL; DROP")
    quoted = tuple(f'"{column}"' for column in columns)
    driver.columns = {"SALES_LEDGER": quoted, "PURCHASE_LEDGER": quoted}
    driver.add("A", **{email: "jo@hill.example"})
    [contact] = read_ledgers(driver.connect())
    assert contact["emails"] == ["jo@hill.example"]
    assert contact["state"] == "active"


def test_data_that_is_not_sages_is_told(driver: SageDriver) -> None:
    driver.columns["SALES_LEDGER"] = ("NAME",)
    with pytest.raises(AgentFailed, match="no-column"):
        list(read_ledgers(driver.connect()))
    del driver.columns["SALES_LEDGER"]
    with pytest.raises(AgentFailed, match="not-read"):
        read_contacts(driver.connect)
    assert driver.open == 1  # the one that this test opened


def test_the_sentence_names_the_column_that_is_missing(
    driver: SageDriver, server: Server, token: str
) -> None:
    driver.columns["PURCHASE_LEDGER"] = ("ACCOUNT_REF",)
    assert "PURCHASE_LEDGER has no column NAME." in run(server, token).output
    assert server.sizes == []


def test_the_connection_is_closed_before_anything_is_sent(
    driver: SageDriver, server: Server, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.add("A")
    open_then: list[int] = []
    real = agent.send_contacts

    def send(*arguments: Any) -> int:
        open_then.append(driver.open)
        return real(*arguments)

    monkeypatch.setattr(agent, "send_contacts", send)
    assert run(server, token).exit_code == 0
    assert open_then == [0]


def test_a_value_of_the_connection_adds_no_setting() -> None:
    data = SageData("me", "a};DIR=C:\\other;{", dsn="Sage;UID=x")
    assert data.connection_string == "DSN={Sage;UID=x};UID={me};PWD={a}};DIR=C:\\other;{}"
    assert "other" not in repr(data)
    without = SageData("me", "x", driver="Sage Line 50 v30", folder=r"C:\Sage\ACCDATA")
    assert without.connection_string.startswith(r"Driver={Sage Line 50 v30};DIR={C:\Sage\ACCDATA}")


def test_a_refused_log_in_is_told_without_the_password(
    driver: SageDriver, server: Server, token: str
) -> None:
    driver.refuses = True
    result = run(server, token)
    assert result.exit_code == 1
    assert "can't be opened (ODBC 28000)" in result.output
    assert PASSWORD not in result.output
    assert f"PWD={{{PASSWORD}}}" in driver.strings[0]  # it was sent to the driver


def test_many_contacts_are_sent_in_parts_and_a_fault_is_waited_for(
    installation: Installation, driver: SageDriver, server: Server, token: str
) -> None:
    for number in range(1_200):
        driver.add(f"A{number:05}")
    waits: list[float] = []
    server.faults = [
        None, Response(status=503, headers={"Retry-After": "7"}), None, Response(status=502)
    ]  # fmt: skip
    contacts = read_contacts(driver.connect)
    assert send_contacts(Destination(server.url, token, "Office Ltd"), contacts, waits.append) == (
        1_200
    )
    assert len(server.sizes) == 5
    assert 5.0 < waits[0] <= 7.0
    assert waits[1] == 1.0
    assert len(stored(installation)) == 1_200


def test_a_server_that_does_not_answer_is_given_up(token: str) -> None:
    waits: list[float] = []
    destination = Destination("http://127.0.0.1:9", token, "Office Ltd")
    with pytest.raises(AgentFailed, match="no-answer"):
        send_contacts(destination, [{"kind": "customer", "reference": "A"}], waits.append)
    assert len(waits) == agent.MAX_TRIES


@pytest.mark.parametrize(
    "address", ["http://crmlink.office.example", "ftp://localhost", "http://[", "crmlink", ""]
)
def test_the_token_travels_encrypted_or_not_at_all(address: str, token: str) -> None:
    with pytest.raises(AgentFailed, match="unsafe-address"):
        send_contacts(Destination(address, token, "Office"), [{"reference": "A"}])


def test_empty_ledgers_send_nothing(driver: SageDriver, server: Server, token: str) -> None:
    result = run(server, token)
    assert result.exit_code == 1
    assert "nothing was sent" in result.output
    assert server.sizes == []


def test_another_token_is_told(
    installation: Installation, driver: SageDriver, server: Server
) -> None:
    driver.add("A")
    result = run(server, make_token(installation.access))
    assert result.exit_code == 1
    assert "It needs the scope contacts" in result.output
    assert stored(installation) == {}


def test_one_of_two_ways_to_the_data_is_needed(
    driver: SageDriver, server: Server, token: str
) -> None:
    for more in ({"dsn": ""}, {"driver": "Sage", "folder": "C:\\"}, {"dsn": "", "driver": "Sage"}):
        assert run(server, token, **more).exit_code == 2


def test_secrets_come_from_files_too(
    driver: SageDriver, server: Server, token: str, tmp_path: Path
) -> None:
    driver.add("A")
    (tmp_path / "token").write_text(token + "\n")
    (tmp_path / "password").write_text("from a file\n")
    options = {"token-file": str(tmp_path / "token"), "password-file": str(tmp_path / "password")}
    assert run(server, "wrong", **options).exit_code == 0
    assert "PWD={from a file}" in driver.strings[0]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_secrets_may_come_from_files_as_windows_saves_them(
    driver: SageDriver, server: Server, token: str, tmp_path: Path, encoding: str
) -> None:
    """Notepad puts a mark before the text, and a redirection of PowerShell writes UTF-16."""
    driver.add("A")
    (tmp_path / "token").write_text(f"{token}\r\n", encoding=encoding)
    (tmp_path / "password").write_text("Päss from a file\r\n", encoding=encoding)
    options = {"token-file": str(tmp_path / "token"), "password-file": str(tmp_path / "password")}
    result = run(server, "wrong", **options)
    assert result.exit_code == 0, result.output
    assert "PWD={Päss from a file}" in driver.strings[0]


def test_what_is_no_token_is_told_and_sent_nowhere(
    driver: SageDriver, server: Server, tmp_path: Path
) -> None:
    driver.add("A")
    for content in (b"\x81\xff\x00", "crm_ünsinn".encode(), b"crm_a\r\nX-Other: 1", b""):
        (tmp_path / "token").write_bytes(content)
        result = run(server, "", **{"token-file": str(tmp_path / "token")})
        assert result.exit_code == 1
        assert result.output.splitlines()[-1].startswith("Error: "), result.output
        assert "ünsinn" not in result.output
    assert server.sizes == []


def test_without_pyodbc_it_says_how_to_install_it(
    server: Server, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyodbc", None)
    assert "pip install crmlink[sage50]" in run(server, token).output


def test_two_folders_under_one_name_are_told_and_one_that_moved_is_taken(
    installation: Installation, driver: SageDriver, server: Server, token: str
) -> None:
    driver.add("A", NAME="Ours")
    assert run(server, token).exit_code == 0
    driver.add("B")
    other = run(server, token, dsn="SageLine50v31")
    assert other.exit_code == 1
    assert "already arrive under this company's name" in other.output.splitlines()[-1]
    assert ("customer", "B") not in stored(installation)
    options = ["--server", server.url, "--company", "Office Ltd", "--user", "CRMLINK",
               "--dsn", "SageLine50v31", "--moved"]  # fmt: skip
    secrets = {"CRMLINK_SAGE_PASSWORD": PASSWORD, "CRMLINK_TOKEN": token}
    moved = CliRunner().invoke(main, ["agent", "sage50", *options], env=secrets)
    assert moved.exit_code == 0, moved.output
    assert ("customer", "B") in stored(installation)
    assert run(server, token, dsn="SageLine50v31").exit_code == 0
    assert run(server, token).exit_code == 1


def test_data_is_known_by_its_computer_and_place(monkeypatch: pytest.MonkeyPatch) -> None:
    data = SageData("me", "x", dsn="SageLine50v30")
    folder = SageData("me", "x", driver="Sage Line 50 v30", folder=r"C:\Sage\COMPANY.000")
    other = SageData("me", "x", driver="Sage Line 50 v30", folder=r"C:\Sage\COMPANY.001")
    same = SageData("you", "y", driver="Sage Line 50 v31", folder="c:\\sage\\company.000\\")
    assert len({data.identity, folder.identity, other.identity}) == 3
    assert same.identity == folder.identity
    assert "Sage" not in data.identity
    before = data.identity
    monkeypatch.setattr("platform.node", lambda: "ANOTHER-PC")
    assert data.identity != before


def test_an_account_whose_reference_came_incomplete_is_named_and_stops_no_other(
    installation: Installation, driver: SageDriver, server: Server, token: str
) -> None:
    driver.add("AB\x0012", NAME="Nul")
    driver.add("AB\x0112", NAME="Bell\x07 \x00Ltd")
    driver.add("GOOD", NAME="Go\x00od")
    result = run(server, token)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1].endswith("Left out, as the A/C can't be read: Nul.")
    assert {key: each.name for key, each in stored(installation).items()} == {
        ("customer", "GOOD"): "Good"
    }
    with installation.database.reading() as session:
        source = session.scalars(select(ContactSource)).one()
    assert source.left_out == {"count": 2, "names": ["Nul", "Bell\x07 Ltd"]}
