"""A stranger cannot fill a real server's connections, memory or disk; people go on working."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import pytest
import requests

from security.outside import TIMEOUT_SECONDS, Outside, limited_server

EMAIL, PASSWORD = "admin@firm.example", "three wet spanners"
MB = 1_000_000
pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks into /proc")


@pytest.fixture(scope="module", autouse=True)
def many_files() -> Iterator[None]:
    """Thousands of connections need as many files, here too."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(before[1], 8192), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    folder = tmp_path_factory.mktemp("limits")
    with limited_server(folder, REQUESTS_PER_MINUTE="100000") as server:
        yield server


@pytest.fixture(scope="module")
def admin(outside: Outside) -> requests.Session:
    return outside.become_admin(EMAIL, PASSWORD)


def post(outside: Outside, path: str, length: int | str, *more: str) -> bytes:
    """The head of a request that announces a body."""
    return "\r\n".join(
        [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{outside.port}", f"Content-Length: {length}",
         *more, "\r\n"]
    ).encode()  # fmt: skip


def stored(outside: Outside) -> int:
    """Bytes that the server holds: in memory above its start, and in files without a name."""
    assert outside.service.process
    process = Path(f"/proc/{outside.service.process.pid}")
    memory = int(process.joinpath("statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    files = 0
    for file in process.joinpath("fd").iterdir():
        with suppress(OSError):
            if "(deleted)" in str(file.readlink()):
                files += file.stat().st_size
    return memory + files


def status_of(reply: bytes) -> int:
    return int(reply.split(b" ", 2)[1]) if reply.startswith(b"HTTP/") else 0


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
        b"POST /log-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000\r\n\r\nemail=",
        b"POST /lists/new HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900000\r\n\r\n",
    ],
)
@pytest.mark.parametrize("count", [1_000, 3_000])
def test_connections_that_never_finish_stop_no_one(
    outside: Outside, beginning: bytes, count: int
) -> None:
    with ExitStack() as held:
        for number in range(count):
            connection = held.enter_context(outside.connect(f"127.0.2.{number % 200 + 1}"))
            connection.sendall(beginning)
        for _ in range(5):
            assert outside.seconds_to_answer() < TIMEOUT_SECONDS  # it was more than a minute
        page = requests.get(f"{outside.address}/log-in", timeout=TIMEOUT_SECONDS)
        assert page.status_code == 200


def has_enough(outside: Outside, beginning: bytes) -> bool:
    """Send a byte a second, of as many as would take hours; return whether the server closes."""
    with outside.connect() as connection, suppress(ConnectionError):
        connection.sendall(beginning)
        connection.settimeout(1)
        for _ in range(120):  # it allows half a minute
            with suppress(TimeoutError):
                connection.sendall(b"x")
                if connection.recv(65536) == b"":
                    return True
        return False
    return True


def test_what_comes_byte_by_byte_is_not_waited_for(outside: Outside) -> None:
    beginnings = [b"GET / HTTP/1.1\r\nX-Slow: ", post(outside, "/log-in", 9000)]
    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(partial(has_enough, outside), beginnings))


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/lists/new", []),
        ("/lists/new", ["Cookie: crmlink_session=crms_guess"]),
        ("/lists/new", ["Authorization: Bearer crm_guess"]),
        ("/api/v1/batches", ["Authorization: Bearer crm_guess"]),
        ("/log-in", ["Content-Type: application/x-www-form-urlencoded"]),
        ("/healthz", []),
    ],
)
def test_a_strangers_large_body_is_refused_and_stored_nowhere(
    outside: Outside, path: str, headers: list[str]
) -> None:
    assert outside.seconds_to_answer() < TIMEOUT_SECONDS
    before = stored(outside)
    most = 0
    with ExitStack() as held:
        connections = [held.enter_context(outside.connect()) for _ in range(4)]
        for connection in connections:
            connection.sendall(post(outside, path, 40 * MB, *headers))
        for _ in range(30):
            for connection in connections:
                with suppress(OSError):
                    connection.settimeout(0.5)
                    connection.sendall(b"x" * 500_000)
            most = max(most, stored(outside) - before)
    assert most < 20 * MB
    assert outside.seconds_to_answer() < TIMEOUT_SECONDS


def test_a_stranger_hears_why(outside: Outside) -> None:
    body = b"x" * (2 * MB)
    reply = outside.raw(post(outside, "/lists/new", len(body), "Connection: close") + body)
    assert status_of(reply) == 401
    reply = outside.raw(post(outside, "/api/v1/batches", len(body), "Connection: close") + body)
    assert status_of(reply) == 401
    assert b"urn:crmlink:problem:token-refused" in reply
    reply = outside.raw(post(outside, "/log-in", len(body), "Connection: close") + body)
    assert status_of(reply) == 413


def test_what_no_one_may_send_is_refused_before_it_is_sent(outside: Outside) -> None:
    for path in ("/lists/new", "/log-in", "/api/v1/batches"):
        reply = outside.raw(post(outside, path, 500 * MB))
        assert status_of(reply) == 413
    asking = post(outside, "/lists/new", 20 * MB, "Expect: 100-continue", "Connection: close")
    assert status_of(outside.raw(asking)) == 401
    huge = b"GET / HTTP/1.1\r\nX-Large: " + b"x" * MB + b"\r\n\r\n"
    assert status_of(outside.raw(huge)) in (0, 431)


def test_an_endless_body_in_chunks_is_cut_off(outside: Outside) -> None:
    head = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"%x\r\n%s\r\n" % (100_000, b"x" * 100_000)
    for path in (b"/log-in", b"/lists/new", b"/api/v1/batches"):
        sent = 0
        with outside.connect() as connection, suppress(OSError):
            connection.sendall(head % path)
            connection.settimeout(5)
            while sent < 100 * MB:
                connection.sendall(chunk)
                sent += len(chunk)
        assert sent < 20 * MB


def upload(outside: Outside, admin: requests.Session, content: bytes) -> requests.Response:
    form = {"csrf_token": outside.csrf(admin, "/lists/new")}
    file = {"file": ("contacts.csv", content)}
    return admin.post(f"{outside.address}/lists/new", data=form, files=file, timeout=60)


def test_someone_signed_in_may_send_a_large_list(outside: Outside, admin: requests.Session) -> None:
    row = b"8275f116-6419-4b82-889a-f41dcc1d6186,Margaret Holloway,1 Mill Lane\n"
    content = b"*ContactName,AccountNumber,EmailAddress\n" + row * (20 * MB // len(row))
    reply = upload(outside, admin, content)
    assert reply.status_code in (200, 422)
    assert "contacts.csv" in reply.text or "file" in reply.text
    assert upload(outside, admin, b"x" * 60 * MB).status_code in (413, 422)


def test_someone_signed_in_may_send_no_more_than_a_route_needs(
    outside: Outside, admin: requests.Session
) -> None:
    form = {"csrf_token": outside.csrf(admin, "/people"), "name": "x" * (2 * MB)}
    reply = admin.post(f"{outside.address}/people", data=form, timeout=TIMEOUT_SECONDS)
    assert reply.status_code == 413
    assert "larger than crmlink accepts" in reply.text
    form["name"] = "x" * 400_000  # the form is read, and what is in it is looked at
    reply = admin.post(f"{outside.address}/people", data=form, timeout=TIMEOUT_SECONDS)
    assert reply.status_code == 422


def test_who_asks_first_may_send(outside: Outside, admin: requests.Session) -> None:
    cookies = "; ".join(f"{name}={value}" for name, value in admin.cookies.items())
    with outside.connect() as connection:
        connection.settimeout(TIMEOUT_SECONDS)
        connection.sendall(
            post(outside, "/people", 300_000, f"Cookie: {cookies}", "Expect: 100-continue",
                 "Content-Type: application/x-www-form-urlencoded", "Connection: close")
        )  # fmt: skip
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(b"name=" + b"x" * (300_000 - 5))
        assert status_of(connection.recv(65536)) == 400  # a form without its token


def test_a_connection_serves_many_requests_with_large_ones_among_them(
    outside: Outside, admin: requests.Session
) -> None:
    """Waiting for who sends must not mix up what comes after it."""
    for size in (10, 40_000, 10, 900_000, 10):
        form = {"csrf_token": outside.csrf(admin, "/people"), "name": "x" * size}
        reply = admin.post(f"{outside.address}/people", data=form, timeout=TIMEOUT_SECONDS)
        assert reply.status_code in (413, 422)  # Flask takes half a megabyte of one field
        assert admin.get(f"{outside.address}/account", timeout=TIMEOUT_SECONDS).status_code == 200


def test_the_server_still_serves(outside: Outside) -> None:
    """After all that: nothing is left held, and no file is open that has no name."""
    assert outside.seconds_to_answer() < TIMEOUT_SECONDS
    assert outside.service.process
    files = list(Path(f"/proc/{outside.service.process.pid}/fd").iterdir())
    assert len(files) < 500
