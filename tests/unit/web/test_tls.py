"""https by crmlink itself: a client verifies it, none stops it, and http keeps its limits."""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from flask import Response, request

from browsers.real_services import wait_until
from crmlink.hosts import Host
from crmlink.upkeep.local_certificates import AUTHORITY, SERVER, SERVER_KEY, make_certificate
from crmlink.web import http_requests, tls
from crmlink.web.hosts import serve_at
from crmlink.web.http_server import HTTPServer
from crmlink.web.tls import TlsFiles, TlsFilesUnusable
from support.installations import open_app
from support.threaded_server import channels, running

LARGE = 12_000_000  # bytes: more than the buffers of two sockets hold


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("certificate")
    return make_certificate(data, ["office-server"], replace=False).folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[HTTPServer]:
    with open_app(tmp_path_factory.mktemp("server")) as app:
        app.before_request_funcs[None].insert(1, answer)  # before anyone has to sign in
        with running(app, TlsFiles(folder / SERVER, folder / SERVER_KEY)) as found:
            serve_at(app, Host("127.0.0.1", found.port))
            yield found


def answer() -> Response | str | None:
    match request.path:
        case "/large":
            return Response(b"x" * LARGE)
        case "/root":
            return request.url_root
        case "/length":
            return str(len(request.get_data()))
    return None


def get(server: HTTPServer, folder: Path, path: str, **options: Any) -> requests.Response:
    address = f"https://127.0.0.1:{server.port}{path}"
    return requests.get(address, verify=str(folder / AUTHORITY), timeout=20, **options)


def tls_client(server: HTTPServer, folder: Path) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=folder / AUTHORITY)
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    return context.wrap_socket(plain, server_hostname="localhost")


def test_who_trusts_the_authority_is_served_and_others_are_warned(
    server: HTTPServer, folder: Path
) -> None:
    reply = get(server, folder, "/healthz")
    assert reply.status_code == 200
    assert reply.headers["Strict-Transport-Security"]
    own = requests.get(
        f"https://localhost:{server.port}/healthz", verify=str(folder / AUTHORITY), timeout=20
    )
    # it would turn every other program's http on this computer into https
    assert "Strict-Transport-Security" not in own.headers
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"https://127.0.0.1:{server.port}/healthz", timeout=20)


def test_a_large_answer_arrives_whole(server: HTTPServer, folder: Path) -> None:
    reply = get(server, folder, "/large")
    assert reply.content == b"x" * LARGE


def test_a_slow_reader_gets_it_whole_too(server: HTTPServer, folder: Path) -> None:
    with tls_client(server, folder) as client:
        client.sendall(f"GET /large HTTP/1.1\r\nHost: localhost:{server.port}\r\n\r\n".encode())
        wait_until(lambda: any(each.total_outbufs_len for each in channels(server)), "it fills up")
        got = 0
        while got < LARGE:
            got += len(client.recv(65536))
    assert get(server, folder, "/healthz").status_code == 200


def test_a_body_of_several_records_is_read_to_its_end(server: HTTPServer, folder: Path) -> None:
    head = f"POST /length HTTP/1.1\r\nHost: localhost:{server.port}\r\nContent-Length: 31000\r\n"
    with tls_client(server, folder) as client:
        client.sendall(f"{head}\r\n".encode() + b"x" * 31_000)
        answer = b""
        while not answer.endswith(b"31000"):
            part = client.recv(65536)
            assert part, answer
            answer += part


def test_many_at_once_are_served(server: HTTPServer, folder: Path) -> None:
    clients = [tls_client(server, folder) for _ in range(20)]
    ask = f"GET /root HTTP/1.1\r\nHost: localhost:{server.port}\r\n\r\n".encode()
    for client in clients:
        client.sendall(ask * 2)  # the second request comes in one record with the first
    for client in clients:
        answer = b""
        while answer.count(f"https://localhost:{server.port}/".encode()) < 2:
            part = client.recv(65536)
            assert part, answer
            answer += part
        client.close()


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00", b"\x16\x03\x01\x02\x00\x01"])
def test_an_unfinished_handshake_stops_no_one_and_has_its_time(
    server: HTTPServer, folder: Path, sent: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as silent:
        silent.sendall(sent)
        address = silent.getsockname()
        wait_until(lambda: of(server, address), "a connection")
        assert get(server, folder, "/healthz").status_code == 200
        [channel] = of(server, address)
        assert not channel.is_overdue(time.time() + http_requests.HEADER_SECONDS - 5)
        assert channel.is_overdue(time.time() + http_requests.HEADER_SECONDS + 1)


def of(server: HTTPServer, address: object) -> list[Any]:
    return [each for each in channels(server) if each.addr == address]


def test_who_types_http_is_told(server: HTTPServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(f"GET /log-in HTTP/1.1\r\nHost: localhost:{server.port}\r\n\r\n".encode())
        reply = b""
        while part := client.recv(65536):  # until it is closed
            reply += part
        address = client.getsockname()
        wait_until(lambda: not of(server, address), "it is closed")
    assert reply.startswith(b"HTTP/1.1 400 ")
    assert b"Type https://" in reply


def test_what_is_no_tls_at_all_is_closed(server: HTTPServer, folder: Path) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(os.urandom(4000))
        while True:
            try:
                if not client.recv(1000):
                    break
            except ConnectionError:
                break
    assert get(server, folder, "/healthz").status_code == 200


def test_a_renewed_certificate_is_used_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_certificate(tmp_path, ["office-server"], replace=False)
    files = TlsFiles(made.folder / SERVER, made.folder / SERVER_KEY)
    first = files.context()
    whole = (made.folder / SERVER).read_bytes()
    monkeypatch.setattr(tls, "POLL_INTERVAL", -1.0)
    (made.folder / SERVER).write_bytes(whole[:100])
    assert files.context() is first  # half a file is no reason to stop
    make_it = make_certificate(tmp_path, ["office-server"], replace=True)
    assert make_it.is_new_authority
    second = files.context()
    assert second is not first
    assert files.context() is second


def test_files_that_cannot_be_used_are_refused_at_the_start(folder: Path, tmp_path: Path) -> None:
    other = make_certificate(tmp_path, ["office-server"], replace=False).folder
    key = serialization.load_pem_private_key((folder / SERVER_KEY).read_bytes(), None)
    sealed = tmp_path / "sealed.key"
    sealed.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"password"),
        )
    )  # fmt: skip
    for unusable in (other / SERVER_KEY, sealed, tmp_path / "none", folder / SERVER):
        with pytest.raises(TlsFilesUnusable):
            TlsFiles(folder / SERVER, unusable)
