"""The set-up page tests the address for other computers, and recognises only this very process."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from crmlink.commusoft.sandbox.serving import SandboxServer
from crmlink.hosts import Host
from crmlink.pages.public_address import reach_text
from crmlink.upkeep.local_certificates import SERVER, SERVER_KEY, make_certificate
from crmlink.web import reachability
from crmlink.web.reachability import PROBE_HEADER
from support.access_factories import make_person
from support.installations import installation_of, open_app
from support.page_client import PageClient, signed_in_client, words

NAME = "office-server"
OUTER = "192.0.2.10"  # an address for documentation


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with open_app(tmp_path_factory.mktemp("office")) as app:
        yield app


@pytest.fixture(scope="module")
def admin(app: Flask) -> PageClient:
    installation = installation_of(app)
    return signed_in_client(app, installation, make_person(installation.access, "admin"))


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network in which one name leads to an outer address of this computer."""

    def look_up(name: str, port: int, **_: object) -> list[object]:
        if name != NAME:
            raise socket.gaierror(8, "not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (OUTER, port))]

    def connection(*arguments: Any) -> Any:
        made: Any = usual(*arguments)
        made._create_connection = lambda address, timeout, *_: socket.create_connection(
            ("127.0.0.1", address[1]), timeout
        )
        return made

    usual = reachability._connection
    monkeypatch.setattr(reachability, "getaddrinfo", look_up)
    monkeypatch.setattr(reachability, "_connection", connection)


def result(admin: PageClient, address: str) -> str:
    reply = admin.send("/start/address", "/start", address=address)
    assert reply.status_code == 200
    return words(reply)


def test_it_recognises_itself_and_says_what_to_set(app: Flask, admin: PageClient) -> None:
    with SandboxServer(app) as server:
        address = f"http://{NAME}:{server.port}"
        said = result(admin, address + "/")
    assert f"crmlink answers at {address}, asked from its own computer" in said
    assert "A firewall can still keep others away" in said
    assert f"CRMLINK_PUBLIC_URL={address}" in said
    assert "With http, others on the network can read passwords" in said
    elsewhere = admin.client.get("/start", headers={"Host": f"{NAME}:{server.port}"})
    assert elsewhere.status_code == 421, "a test lets no one in"


def test_another_crmlink_is_not_taken_for_this_one(admin: PageClient, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with open_app(tmp_path / "other") as other, SandboxServer(other) as server:
        assert "not this crmlink" in result(admin, f"http://{NAME}:{server.port}")


def test_a_number_counts_while_its_test_runs_and_no_other_does(app: Flask) -> None:
    probes = app.extensions["crmlink_probes"]
    client = app.test_client()
    with probes.number() as number:
        client.get("/healthz", headers={PROBE_HEADER: "guessed"})
        client.get("/healthz")
        assert not probes.came_back(number)
        client.get("/healthz", headers={PROBE_HEADER: number, "Host": "any.example"})
        assert probes.came_back(number)
    client.get("/healthz", headers={PROBE_HEADER: number})
    assert not probes._seen


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("office-server", "Enter the address that people type"),
        ("ftp://office-server", "Enter the address that people type"),
        ("http://office-server/start", "Enter the address that people type"),
        ("http://0.0.0.0:8787", "Enter the address that people type"),
        ("http://a@office-server", "Enter the address that people type"),
        ("http://[::1", "Enter the address that people type"),
        ("http://localhost:8787", "localhost means that computer"),
        ("http://127.0.0.1:8787", "127.0.0.1 means that computer"),
        ("http://offic-server:8787", "No computer is called offic-server"),
    ],
)
def test_what_cannot_be_right_is_said(admin: PageClient, typed: str, sentence: str) -> None:
    assert sentence in result(admin, typed)


@pytest.mark.parametrize(
    ("listening", "sentence"),
    [
        (Host("127.0.0.1", 8787), "only listens to its own computer. Start it with --host"),
        (Host("0.0.0.0", 8787), "crmlink listens at port 8787"),  # noqa: S104
        (None, "Nothing answers at office-server"),
    ],
)
def test_a_refused_connection_is_explained(
    app: Flask, monkeypatch: pytest.MonkeyPatch, listening: Host | None, sentence: str
) -> None:
    monkeypatch.setattr(reachability, "listening_host", lambda _: listening)
    with socket.socket() as closed, app.test_request_context():
        closed.bind(("127.0.0.1", 0))  # and does not listen
        address = f"http://{NAME}:{closed.getsockname()[1]}"
        found = reachability.try_address(installation_of(app).settings, address)
    assert sentence in reach_text(found)


def test_https_and_http_are_not_confused(
    app: Flask, admin: PageClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reachability, "TIMEOUT", 0.5)  # the server waits for more
    with SandboxServer(app) as server:
        assert "https isn't spoken" in result(admin, f"https://{NAME}:{server.port}")


def test_an_untrusted_certificate_is_named_and_the_own_authority_is_trusted(
    app: Flask, admin: PageClient, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    other = make_certificate(tmp_path / "elsewhere", [NAME], replace=False).folder
    with tls_echo(other) as port:
        assert "isn't trusted here, or is for another name" in result(
            admin, f"https://{NAME}:{port}"
        )
    data_dir = installation_of(app).settings.data_dir
    own = make_certificate(data_dir, [NAME], replace=False).folder
    with tls_echo(own) as port:
        assert "not this crmlink" in result(admin, f"https://{NAME}:{port}")


@contextmanager
def tls_echo(folder: Path) -> Iterator[int]:
    """A server with https that is no crmlink, for one request."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / SERVER, folder / SERVER_KEY)
    listening = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        plain, _ = listening.accept()
        try:
            with context.wrap_socket(plain, server_side=True) as client:
                client.recv(4096)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except OSError:
            return

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        thread.join(10)
        listening.close()
