"""A stranger writes nothing into the logs: not what they typed, no forged lines, not at length."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from crmlink.logs import MAX_STRANGERS_LINES
from security.outside import TIMEOUT_SECONDS, Outside, real_server

MARK = "MARKED6618"
LINE = f'\r\n{{"event": "audit", "place": 99, "hash": "{MARK}"}}\r\n'
EMAIL = f"{MARK}@marked.example"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    with real_server(
        tmp_path_factory.mktemp("outside"),
        OIDC_ISSUER="http://127.0.0.1:9",
        OIDC_CLIENT_ID="crmlink",
        OIDC_CLIENT_SECRET="a secret of the tests",
        CORS_ORIGINS="https://intranet.example",
    ) as server:
        yield server


def headers_everywhere() -> dict[str, str]:
    """Every header that some part of the server reads, marked."""
    names = (
        "User-Agent", "Referer", "Origin", "Accept", "Accept-Language", "X-Forwarded-For",
        "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "Idempotency-Key", "If-None-Match",
        "Sec-Fetch-Site", "X-CSRFToken", "X-Request-Id", "Access-Control-Request-Method",
        "Access-Control-Request-Headers", "Range",
    )  # fmt: skip
    marked = {name: f"{MARK}-{name}" for name in names}
    marked["Authorization"] = f"Bearer crm_{MARK}"
    marked["Cookie"] = f"crmlink_session=crms_{MARK}; crmlink_forms={MARK}; {MARK}={MARK}"
    return marked


def broken(port: int) -> Iterator[bytes]:
    """Requests that the web server itself has to deal with."""
    host = f"Host: 127.0.0.1:{port}\r\n"
    yield f"{MARK} / HTTP/1.1\r\n{host}Connection: close\r\n\r\n".encode()
    yield f"marked{MARK.lower()} / HTTP/1.1\r\n{host}\r\n".encode()
    yield f"GET {MARK} nonsense\r\n\r\n".encode()
    yield f"GET / HTTP/1.1\r\n{host}{MARK} no header\r\n\r\n".encode()
    yield f"GET / HTTP/1.1\r\n{host}Content-Length: {MARK}\r\n\r\n".encode()
    yield f"GET / HTTP/1.1\r\n{host}Transfer-Encoding: {MARK}\r\n\r\n".encode()
    yield f"GET /{MARK} HTTP/1.1\r\nHost: {MARK}:99999\r\nConnection: close\r\n\r\n".encode()
    yield f"GET http://{MARK}/{MARK} HTTP/1.1\r\n{host}Connection: close\r\n\r\n".encode()
    yield f"GET http://[{MARK}/ HTTP/1.1\r\n{host}Connection: close\r\n\r\n".encode()
    yield (
        f"POST /{MARK} HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n{MARK}\r\n\r\n"
    ).encode()
    yield f"GET / HTTP/1.1\r\n{host}{MARK}: ".encode() + MARK.encode() * 30_000 + b"\r\n\r\n"


def hang_up(outside: Outside, request: bytes) -> None:
    """Send a request and reset the connection at once."""
    connection = outside.connect()
    connection.sendall(request)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def write_everywhere(outside: Outside) -> None:
    """Do all that a stranger can, with MARK and forged lines in everything that they may choose."""
    stranger = requests.Session()
    address = outside.address
    forms = {"csrf_token": outside.csrf(stranger)}
    form = forms | {"email": EMAIL + LINE, "password": MARK + LINE, "next": f"/{MARK}{LINE}"}
    for _ in range(14):  # until it is bounded, and once more
        stranger.post(f"{address}/log-in", data=form, timeout=TIMEOUT_SECONDS)
    for _ in range(3):
        sso = form | {"with": "sso"}
        stranger.post(f"{address}/log-in", data=sso, timeout=TIMEOUT_SECONDS)
        stranger.get(f"{address}/log-in?code={MARK}&state={MARK}", timeout=TIMEOUT_SECONDS)
        invited = form | {"token": f"#crmi_{MARK}{LINE}", "name": MARK, "again": MARK}
        stranger.post(f"{address}/welcome", data=invited, timeout=TIMEOUT_SECONDS)
    for path in ("pairings", "token"):
        for _ in range(25):
            asked = {"browser": MARK + LINE, "grant_type": MARK, "device_code": MARK + LINE}
            requests.post(f"{address}/api/v1/{path}", data=asked, timeout=TIMEOUT_SECONDS)
    for path in ("/", f"/{MARK}", f"/links/{quote(MARK + LINE)}", f"/static/{MARK}", "/healthz",
                 f"/api/v1/links?{MARK}={quote(LINE)}", f"/api/v1/people/{MARK}", "/lists/new",
                 "/log-in", "/welcome", "/pair?code=" + MARK):  # fmt: skip
        for method in ("GET", "POST", "PUT", "OPTIONS"):
            requests.request(
                method, address + path, headers=headers_everywhere(), data={MARK: LINE},
                files={MARK: (MARK + ".csv", LINE)}, timeout=TIMEOUT_SECONDS, allow_redirects=False,
            )  # fmt: skip
    for body in (f'{{"{MARK}": "{MARK}"}}', f'{{"{MARK}": 1, "{MARK}": 2}}', MARK, LINE):
        kind = {"Content-Type": "application/json"}
        requests.post(f"{address}/api/v1/tokens", data=body, headers=kind, timeout=TIMEOUT_SECONDS)
    for request in broken(outside.port):
        outside.raw(request, wait=2)
        hang_up(outside, request)
    log_in = f"POST /log-in?{MARK} HTTP/1.1\r\nHost: 127.0.0.1:{outside.port}\r\n"
    hang_up(outside, f"{log_in}Content-Length: 400\r\n\r\nemail={MARK}".encode())


def test_nothing_that_a_stranger_typed_is_in_any_log(outside: Outside) -> None:
    write_everywhere(outside)
    logs = outside.logs()
    assert b"/api/v1/pairings" in logs["strangers.log"]  # there are lines about it all
    for name, content in logs.items():
        assert MARK.lower().encode() not in content.lower(), name
        assert b"marked.example" not in content, name


def test_every_line_of_the_log_is_one_of_ours(outside: Outside) -> None:
    write_everywhere(outside)
    logs = outside.logs()
    assert len(logs["strangers.log"].splitlines()) > 20
    for line in (*logs["server.log"].splitlines(), *logs["strangers.log"].splitlines()):
        entry = json.loads(line)
        assert {"event", "level", "timestamp"} <= entry.keys()
        assert entry.get("place") != 99


def test_strangers_push_nothing_out_of_the_log(tmp_path: Path) -> None:
    with real_server(tmp_path) as outside:
        stranger = requests.Session()
        form = {"csrf_token": outside.csrf(stranger), "password": "x", "email": "y" * 900_000}
        first = outside.logs()["server.log"].splitlines()[0]
        for number in range(60):
            form["email"] = form["email"][:-1] + str(number % 3)
            stranger.post(f"{outside.address}/log-in", data=form, timeout=TIMEOUT_SECONDS)
        for path in ("/", "/api/v1/links", "/nowhere"):
            for _ in range(250):
                stranger.get(outside.address + path, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        for _ in range(200):
            hang_up(outside, b"GET /static/crmlink.css HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert outside.seconds_to_answer() < TIMEOUT_SECONDS
        logs = outside.logs()
        assert [name for name in logs if name.startswith("server.log")] == ["server.log"]
        assert logs["server.log"].splitlines()[0] == first
        assert sum(map(len, logs.values())) < 100_000


def test_refused_proofs_and_failures_have_the_same_budget(tmp_path: Path) -> None:
    with real_server(tmp_path) as outside:
        before = outside.logs()["server.log"]
        stranger = requests.Session()
        for number in range(700):  # beyond 600 a minute they are refused with 429
            headers = {"Authorization": "DPoP x", "DPoP": "x" * (number % 3)}
            stranger.get(
                f"{outside.address}/api/v1/workspace", headers=headers, timeout=TIMEOUT_SECONDS
            )
        logs = outside.logs()
    added = logs["server.log"].removeprefix(before)
    assert b"proof refused" not in added
    assert b"/api/v1/workspace" not in added
    assert (
        0 < len(logs["strangers.log"].splitlines()) <= 3 * MAX_STRANGERS_LINES
    )  # of three minutes
