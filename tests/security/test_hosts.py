"""Addresses that are handed out never come from a request's Host, and other Hosts are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from browsers.real_services import wait_until
from crmlink.access.dpop import new_nonce
from crmlink.hosts import Host
from crmlink.web.auth import SESSION_COOKIE
from crmlink.web.hosts import serve_at
from security.outside import TIMEOUT_SECONDS, WELCOME, Outside, real_server
from security.routes import every_route
from support.access_factories import logged_in, make_person, pair, with_token
from support.browser_key import BrowserKey
from support.installations import installation_of, open_app

PUBLIC = "https://crmlink.firm.example"
EVIL = (
    "evil.example", "evil.example:8787", "crmlink.firm.example.evil.example", "127.0.0.1.nip.io",
    "crmlink.firm.example:8443", "crmlink.firm.example.", "localhost:22", "127.0.0.1:22",
    "127.0.0.2", "[::2]", "user@localhost", "localhost#", "localhost/", "a b", "", "[::1", "0",
    "localhost:99999999999", "localhost, evil.example",
)  # fmt: skip
EVERYWHERE = "0.0.0.0"  # noqa: S104 # what is tested is that it is not served as a name
LOCAL = (
    "localhost:8787",
    "127.0.0.1:8787",
    "[::1]:8787",
    "LOCALHOST:8787",
    "[0:0:0:0:0:0:0:1]:8787",
)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    hosts = (Host("crmlink-old", None),)
    with open_app(tmp_path_factory.mktemp("hosts"), public_url=PUBLIC, allowed_hosts=hosts) as app:
        serve_at(app, Host("127.0.0.1", 8787))
        yield app


def status(client: FlaskClient, host: str, path: str = "/log-in") -> int:
    return client.get(path, headers={"Host": host}).status_code


def test_other_hosts_are_refused_on_every_route(app: Flask) -> None:
    access = installation_of(app).access
    token = pair(access, make_person(access, "admin")).access_token
    for route in every_route(app):
        if route.rule.rule in ("/healthz", "/readyz"):
            continue
        path = re.sub("<[^>]+>", "1", route.rule.rule)
        client = with_token(app, token) if route.in_api else app.test_client()
        for host in ("evil.example", "localhost:22"):
            reply = client.open(path, method=route.method, headers={"Host": host})
            assert reply.status_code == 421, (route.name, host)
            assert "evil" not in reply.get_data(as_text=True)
            assert "Set-Cookie" not in reply.headers
            assert "Location" not in reply.headers


@pytest.mark.parametrize("host", EVIL)
def test_a_host_that_only_looks_right_is_refused(app: Flask, host: str) -> None:
    assert status(app.test_client(), host) == 421


@pytest.mark.parametrize("host", [*LOCAL, "crmlink.firm.example", "CRMlink.firm.example:443",
                                  "crmlink-old", "crmlink-old:8787"])  # fmt: skip
def test_the_public_the_allowed_and_the_loopback_names_are_served(app: Flask, host: str) -> None:
    assert status(app.test_client(), host) == 200


def test_a_health_check_may_come_by_any_address(app: Flask) -> None:
    for path in ("/healthz", "/readyz"):
        assert status(app.test_client(), "10.1.2.3:8787", path) == 200


def test_a_program_and_a_person_hear_what_to_set(app: Flask) -> None:
    client = app.test_client()
    program = client.get("/api/v1/workspace", headers={"Host": "evil.example"}).get_json()
    assert program["type"] == "urn:crmlink:problem:misdirected"
    assert "CRMLINK_PUBLIC_URL" in program["detail"]
    page = client.get("/", headers={"Host": "evil.example"}).get_data(as_text=True)
    assert "CRMLINK_PUBLIC_URL" in page
    assert "Sign in</a>" not in page


@pytest.mark.parametrize("host", ["crmlink.firm.example", "localhost:8787", "CRMLINK-old"])
def test_handed_out_addresses_are_the_public_one(app: Flask, host: str) -> None:
    access = installation_of(app).access
    admin = make_person(access, "admin")
    program = with_token(app, pair(access, admin).access_token)
    headers = {"Host": host}
    begun = program.post("/api/v1/pairings", data={"browser": "x"}, headers=headers).get_json()
    assert begun["verification_uri"] == f"{PUBLIC}/pair"
    assert begun["verification_uri_complete"].startswith(f"{PUBLIC}/pair?code=")
    body = {"name": "Eve", "email": f"{len(host)}@firm.example", "role": "clerk"}
    made = program.post("/api/v1/people", json=body, headers=headers).get_json()
    assert made["link"].startswith(f"{PUBLIC}/welcome#crmi_")
    again = program.post(f"/api/v1/people/{made['id']}/invitations", headers=headers).get_json()
    assert again["link"].startswith(f"{PUBLIC}/welcome#crmi_")
    kept = logged_in(app, access, admin).get_cookie(SESSION_COOKIE)
    assert kept
    signed_in = headers | {"Cookie": f"{SESSION_COOKIE}={kept.value}"}
    page = app.test_client(use_cookies=False).get("/start", headers=signed_in)
    assert PUBLIC in page.get_data(as_text=True)


def test_without_a_public_address_links_lead_where_the_server_listens(tmp_path: Path) -> None:
    with open_app(tmp_path) as app:
        serve_at(app, Host("192.168.7.5", 8787))
        client = app.test_client()
        for host in ("192.168.7.5:8787", "localhost:8787"):
            headers = {"Host": host} | proof_for(app, f"http://{host}")
            reply = client.post("/api/v1/pairings", data={"browser": "x"}, headers=headers)
            assert reply.get_json()["verification_uri"] == f"http://{host}/pair"
        assert status(client, "192.168.7.6:8787") == 421
        assert status(client, "192.168.7.5") == 421


def test_listening_everywhere_means_this_computer_only_until_an_address_is_set(
    tmp_path: Path,
) -> None:
    with open_app(tmp_path) as app:
        serve_at(app, Host(EVERYWHERE, 8787))
        assert status(app.test_client(), "localhost:8787") == 200
        for host in ("0.0.0.0:8787", "192.168.7.5:8787", "office-server:8787"):
            assert status(app.test_client(), host) == 421


def proof_for(app: Flask, address: str) -> dict[str, str]:
    """The header of a browser that asks to be paired at this address."""
    nonce = new_nonce(installation_of(app).access)
    return {"DPoP": BrowserKey().proof("POST", f"{address}/api/v1/pairings", nonce)}


def forwarded(app: Flask, peer: str, address: str) -> dict[str, str]:
    """A pairing's address and whether it counts as secure, through a proxy at ``peer``."""
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = peer
    headers = {"Host": "127.0.0.1:8787", "X-Forwarded-Host": "crmlink-old",
               "X-Forwarded-Proto": "https", "X-Forwarded-For": "9.9.9.9",
               **proof_for(app, address)}  # fmt: skip
    reply = client.post("/api/v1/pairings", data={"browser": "x"}, headers=headers)
    return {"uri": reply.get_json()["verification_uri"], "secure": str(
        "Strict-Transport-Security" in reply.headers)}  # fmt: skip


@pytest.mark.parametrize(
    ("hops", "peer", "uri", "secure"),
    [
        (0, "127.0.0.1", "http://127.0.0.1:8787/pair", "False"),
        (1, "127.0.0.1", "https://crmlink-old/pair", "True"),
        (1, "::1", "https://crmlink-old/pair", "True"),
        (1, "10.2.3.4", "https://crmlink-old/pair", "True"),
        (1, "10.9.3.4", "http://127.0.0.1:8787/pair", "False"),
    ],
)
def test_forwarded_headers_count_from_our_proxies_only(
    tmp_path: Path, hops: int, peer: str, uri: str, secure: str
) -> None:
    with open_app(
        tmp_path,
        trusted_proxies=hops,
        proxy_addresses=("127.0.0.1/32", "::1/128", "10.2.0.0/16"),
        allowed_hosts=(Host("crmlink-old", None),),
    ) as app:
        serve_at(app, Host("127.0.0.1", 8787))
        assert forwarded(app, peer, uri.removesuffix("/pair")) == {"uri": uri, "secure": secure}


def pairing_address(outside: Outside, at: str = "", **headers: str) -> str:
    """The address that a browser is sent to which asks to be paired at ``at``; or the status."""
    key, nonce = BrowserKey(), ""
    for _ in range(2):
        proof = key.proof("POST", f"{at or outside.address}/api/v1/pairings", nonce)
        reply = requests.post(
            f"{outside.address}/api/v1/pairings",
            data={"browser": "x"},
            headers=headers | {"DPoP": proof},
            timeout=TIMEOUT_SECONDS,
        )
        nonce = reply.headers.get("DPoP-Nonce", "")
    if reply.status_code != 200:
        return str(reply.status_code)
    return str(reply.json()["verification_uri"])


def test_a_real_server_hands_out_its_own_address_only(tmp_path: Path) -> None:
    with real_server(tmp_path) as outside:
        own = f"{outside.address}/pair"
        assert pairing_address(outside) == own
        at = f"http://localhost:{outside.port}"
        assert pairing_address(outside, at, Host=f"localhost:{outside.port}") == f"{at}/pair"
        for host in ("evil.example", f"evil.example:{outside.port}", "localhost:22", "127.0.0.1"):
            assert pairing_address(outside, Host=host) == "421"
        lies = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https",
                "Forwarded": "host=evil.example;proto=https"}  # fmt: skip
        assert pairing_address(outside, **lies) == own
        raw = b"POST /api/v1/pairings HTTP/1.0\r\nContent-Length: 0\r\n\r\n"
        assert b" 421 " in outside.raw(raw).splitlines()[0]


def test_a_real_server_behind_a_proxy_believes_it(tmp_path: Path) -> None:
    settings = {"PUBLIC_URL": PUBLIC, "TRUSTED_PROXIES": "1", "REQUESTS_PER_MINUTE": "30"}
    with real_server(tmp_path, **settings) as outside:
        invited = f"{PUBLIC}/welcome#crmi_"
        assert wait_until(lambda: invited in outside.service.said(), "it is printed")
        sent = {"Host": "crmlink.firm.example", "X-Forwarded-Proto": "https"}
        page = requests.get(f"{outside.address}/log-in", headers=sent, timeout=TIMEOUT_SECONDS)
        assert page.status_code == 200
        assert "Secure" in page.headers["Set-Cookie"]
        assert "Strict-Transport-Security" in page.headers
        assert pairing_address(outside, PUBLIC, **sent) == f"{PUBLIC}/pair"
        lies = sent | {"X-Forwarded-Host": "evil.example"}
        assert pairing_address(outside, PUBLIC, **lies) == "421"
        for number in range(35):  # each client has bounds of its own
            each = sent | {"X-Forwarded-For": f"10.0.0.{number}"}
            page = requests.get(f"{outside.address}/log-in", headers=each, timeout=TIMEOUT_SECONDS)
            assert page.status_code == 200


def test_who_listens_everywhere_is_told_what_to_set(tmp_path: Path) -> None:
    with real_server(tmp_path, "--host", EVERYWHERE) as outside:
        wait_until(lambda: WELCOME.search(outside.service.said()), "a link")
        said = outside.service.said()
        assert "CRMLINK_PUBLIC_URL" in said
        assert "0.0.0.0/welcome" not in said
        assert f"http://127.0.0.1:{outside.port}/welcome#" in said
