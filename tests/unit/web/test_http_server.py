"""How long connections may wait, and which of them make room for others."""

from __future__ import annotations

import resource
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from argon2.exceptions import VerificationError
from flask import Flask

from browsers.real_services import wait_until
from crmlink.access import passwords
from crmlink.access.oidc import sign_on as oidc
from crmlink.web import http_requests, http_server
from crmlink.web.http_server import HTTPServer, room_for_connections
from support.installations import open_app
from support.threaded_server import channels, running


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with open_app(tmp_path_factory.mktemp("server")) as app:
        yield app


def is_there(server: HTTPServer, address: tuple[str, int]) -> bool:
    return any(channel.addr == address for channel in channels(server))


def only_channel(server: HTTPServer) -> Any:
    return wait_until(lambda: channels(server), "a connection")[0]


@pytest.mark.parametrize(
    ("sent", "allowed"),
    [
        (b"", http_requests.HEADER_SECONDS),
        (b"GET / HTT", http_requests.HEADER_SECONDS),
        (b"\r\n\r\n", http_server.IDLE_SECONDS),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", http_server.IDLE_SECONDS),
        (b"POST / HTTP/1.1\r\nContent-Length: 16000\r\n\r\nx", http_requests.BODY_SECONDS + 1),
    ],
)
def test_a_connection_has_its_time(app: Flask, sent: bytes, allowed: float) -> None:
    with running(app) as server, socket.create_connection(("127.0.0.1", server.port)) as client:
        channel = only_channel(server)
        client.sendall(sent)
        if sent.startswith(b"GET /healthz"):
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        wait_until(lambda: not sent or channel._has_sent, "it arrives")
        wait_until(lambda: not channel.requests and not channel.total_outbufs_len, "it is answered")
        now = time.time()
        assert not channel.is_overdue(now + allowed - 5)
        assert channel.is_overdue(now + allowed + 1)


def test_a_connection_that_is_answered_is_never_overdue(app: Flask) -> None:
    with running(app) as server, socket.create_connection(("127.0.0.1", server.port)):
        channel = only_channel(server)
        channel.requests.append(object())
        assert not channel.is_overdue(time.time() + 10_000)
        assert not channel.is_waiting
        channel.requests.clear()


PAGE = b"GET /static/htmx-2.0.11.min.js HTTP/1.1\r\nHost: localhost\r\n\r\n"


@contextmanager
def unread_answer(server: HTTPServer) -> Iterator[Any]:
    """The connection of a client that asks for more than the system keeps, and reads nothing."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    with client:
        client.connect(("127.0.0.1", server.port))
        channel = only_channel(server)
        channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        client.sendall(PAGE)
        wait_until(lambda: channel.total_outbufs_len and not channel.requests, "it is unread")
        yield channel


def test_an_answer_that_is_not_read_has_its_time(app: Flask) -> None:
    with running(app) as server, unread_answer(server) as channel:
        now = time.time()
        assert not channel.is_overdue(now + http_server.UNREAD_SECONDS - 5)
        assert channel.is_overdue(now + http_server.UNREAD_SECONDS + 1)


def test_an_answer_that_is_read_by_drops_has_its_time_too(app: Flask) -> None:
    with running(app) as server, unread_answer(server) as channel:
        later = time.time() + 100
        channel.last_activity = later  # a byte was taken just now
        assert channel.is_overdue(later)


def test_a_thread_that_waits_for_a_reader_is_let_go(app: Flask) -> None:
    with running(app) as server, unread_answer(server) as channel:
        channel.requests.append(object())  # as while its answer is written
        assert channel.is_overdue(time.time() + http_server.UNREAD_SECONDS + 1)
        channel.requests.clear()


def test_a_connection_asks_for_a_few_things_ahead_and_no_more(app: Flask) -> None:
    ask = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with running(app) as server:
        for asked, answered in ((3, 3), (60, http_server.MAX_PIPELINED)):
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                client.settimeout(10)
                client.sendall(ask * asked)
                replies = b""
                while replies.count(b'"ok"') < answered:
                    more = client.recv(65536)
                    assert more
                    replies += more
                if asked > answered:
                    assert client.recv(65536) == b""
                assert replies.count(b"HTTP/1.1 200") == answered


def test_no_open_file_waits_for_a_reader(app: Flask) -> None:
    with running(app) as server, unread_answer(server):
        static = [path for path in open_files() if "static" in path]
        assert not static


def open_files() -> list[str]:
    return [str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]


def test_a_refused_body_has_a_minute_whatever_its_length(app: Flask) -> None:
    head = b"POST /log-in HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\nx"
    with running(app) as server, socket.create_connection(("127.0.0.1", server.port)) as client:
        channel = only_channel(server)
        client.sendall(head)
        wait_until(lambda: channel._has_sent, "it arrives")
        now = time.time()
        assert not channel.is_overdue(now + http_requests.BODY_SECONDS - 5)
        assert channel.is_overdue(now + 2 * http_requests.BODY_SECONDS)


@pytest.mark.parametrize(
    "beginning",
    [b"", b"GET / HT", b"POST /log-in HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\nemail="],
)
def test_who_waits_longest_makes_room(
    app: Flask, monkeypatch: pytest.MonkeyPatch, beginning: bytes
) -> None:
    monkeypatch.setattr(http_server, "MAX_CONNECTIONS", 50)
    with running(app) as server, ExitStack() as held:
        clients = []
        for _ in range(60):
            client = held.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            clients.append(client)
            own = client.getsockname()
            wait_until(partial(is_there, server, own), "it is accepted")
            client.sendall(beginning if len(clients) < 60 else b"")
        for client in clients[:10]:
            client.settimeout(10)
            assert client.recv(1) == b""
        clients[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        clients[-1].settimeout(10)
        assert clients[-1].recv(100).startswith(b"HTTP/1.1 200")
        assert len(channels(server)) == 50


def test_the_limit_of_open_files_is_raised_or_kept_to(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = [1024, 1024]
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(limits))
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: limits.__setitem__(0, wanted[0]))
    assert room_for_connections() == 1024 - http_server.SPARE_FILES
    limits[1] = 4096
    assert room_for_connections() == http_server.MAX_CONNECTIONS
    assert limits[0] == http_server.MAX_CONNECTIONS + http_server.SPARE_FILES


@pytest.mark.slow
def test_a_crowd_that_tries_passwords_holds_no_thread_that_others_need(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = threading.Event()
    monkeypatch.setattr(passwords, "_hasher", SlowHasher(ends))
    monkeypatch.setattr(
        passwords, "_dummy_hash", lambda: "none"
    )  # else later tests keep this one's
    with running(app) as server:
        address = f"http://127.0.0.1:{server.port}"
        with ThreadPoolExecutor(25) as pool:
            tried = [pool.submit(try_password, address) for _ in range(25)]
            wait_until(
                lambda: not passwords._slots_after_failures._entered._value, "they are at it"
            )
            try:
                for _ in range(3):
                    assert requests.get(f"{address}/healthz", timeout=30).status_code == 200
            finally:
                ends.set()
        assert {future.result() for future in tried} == {401, 429}


def test_passwords_and_single_sign_on_together_leave_threads_free() -> None:
    sign_on = oidc.MAX_CALLS + oidc.MAX_WAITING
    at_passwords = 2 * (passwords.MAX_WORKING + passwords.MAX_WAITING)
    assert at_passwords + sign_on + 4 <= http_server.THREADS


class SlowHasher:
    """Finds each password wrong, once its test lets it end."""

    def __init__(self, ends: threading.Event) -> None:
        self._ends = ends

    def hash(self, _: str) -> str:
        return ""

    def verify(self, *_: object) -> bool:
        assert self._ends.wait(120)
        raise VerificationError


def try_password(address: str) -> int:
    stranger = requests.Session()
    page = stranger.get(f"{address}/log-in", timeout=60).text
    csrf = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {"csrf_token": csrf, "email": "a@firm.example", "password": "wrong"}
    return stranger.post(f"{address}/log-in", data=form, timeout=60).status_code


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_it_listens_on_every_address_of_a_name(app: Flask, host: str) -> None:
    try:
        server = HTTPServer(app, host, 0)
    except OSError:
        pytest.skip("this computer has no IPv6")
    assert server.port
    server.close()
    server._dispatcher.shutdown()
