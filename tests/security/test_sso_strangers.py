"""Strangers who press the single sign-on's button hold no threads and press no provider."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from flask import Flask

from browsers.real_services import wait_until
from crmlink.access.oidc.provider import OidcProvider
from security.attack import forms_of
from security.oidc_server import SECRET
from security.outside import TIMEOUT_SECONDS, Outside, real_server
from support.access_factories import make_person
from support.installations import installation_of, open_app

EMAIL, PASSWORD = "admin@firm.example", "four dry hammers"
DISCOVERY = "/.well-known/openid-configuration"


class SlowProvider(ThreadingHTTPServer):
    """A provider that is as slow as its test wants; it counts what it is asked, and how often.

    It answers the discovery and refuses every code.
    """

    daemon_threads = True
    request_queue_size = 100

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.issuer = f"http://127.0.0.1:{self.server_address[1]}"
        self.pause = 0.0
        self.broken = False
        self.asked: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.now = self.most_at_once = 0


class _Handler(BaseHTTPRequestHandler):
    server: SlowProvider

    def do_GET(self) -> None:
        provider = self.server
        with provider.lock:
            provider.asked[self.path] += 1
            provider.now += 1
            provider.most_at_once = max(provider.now, provider.most_at_once)
        time.sleep(provider.pause)
        with provider.lock:
            provider.now -= 1
        good = self.path == DISCOVERY and not provider.broken
        endpoints = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        document = {"issuer": provider.issuer} | {
            name: f"{provider.issuer}/{name}" for name in endpoints
        }
        body = json.dumps(document if good else {"error": "invalid_grant"}).encode()
        self.send_response(200 if good else 400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 # the names that http.server calls

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def slow_provider() -> Iterator[SlowProvider]:
    with SlowProvider() as provider:
        threading.Thread(target=provider.serve_forever, args=(0.01,), daemon=True).start()
        yield provider
        provider.shutdown()


@pytest.fixture
def provider() -> Iterator[SlowProvider]:
    with slow_provider() as provider:
        yield provider


@pytest.fixture
def app(provider: SlowProvider, tmp_path: Path) -> Iterator[Flask]:
    sso = OidcProvider(provider.issuer, "crmlink", SECRET)
    with open_app(tmp_path, oidc=sso, requests_per_minute=600, trusted_proxies=1) as app:
        make_person(installation_of(app).access, "admin")  # without one, pages show the set-up
        yield app


def depart(app: Flask, address: str = "10.0.0.1") -> tuple[int, str, str]:
    """Press the button; return the status, where it leads, and the state that was given out."""
    client = app.test_client()
    client.environ_base["HTTP_X_FORWARDED_FOR"] = address
    _, csrf = forms_of(client)
    reply = client.post("/log-in", data={"csrf_token": csrf, "with": "sso"})
    url = reply.headers.get("Refresh", "").partition("url=")[2]
    state = parse_qs(urlsplit(url).query).get("state", [""])[0]
    return reply.status_code, url, state


def test_the_provider_is_asked_once_where_it_is(app: Flask, provider: SlowProvider) -> None:
    statuses = {depart(app, f"10.0.0.{number}")[0] for number in range(20)}
    assert statuses == {200}
    assert provider.asked == {DISCOVERY: 1}


def test_a_provider_that_is_away_is_not_asked_each_time(app: Flask, provider: SlowProvider) -> None:
    provider.broken = True
    statuses = [depart(app, f"10.0.0.{number}")[0] for number in range(10)]
    assert set(statuses) <= {400, 503}
    assert provider.asked == {DISCOVERY: 1}


def test_departures_are_counted_by_client(app: Flask) -> None:
    statuses = [depart(app, "10.0.0.1")[0] for _ in range(70)]
    assert statuses[:30] == [200] * 30
    assert statuses[-1] == 429
    assert depart(app, "10.0.0.2")[0] == 200


def test_answers_are_counted_by_client(app: Flask, provider: SlowProvider) -> None:
    client = app.test_client()
    client.environ_base["HTTP_X_FORWARDED_FOR"] = "10.0.0.1"
    statuses = []
    for _ in range(70):
        statuses.append(client.get("/log-in?code=made-up&state=x").status_code)
    assert statuses[0] == 400
    assert statuses[-1] == 429


def test_at_most_two_calls_are_out_at_once(app: Flask, provider: SlowProvider) -> None:
    provider.pause = 0.3
    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda number: depart(app, f"10.0.1.{number}")[0], range(20)))
    assert provider.most_at_once <= 2
    assert set(statuses) <= {200, 503}
    assert 200 in statuses


def send_form(outside: Outside, source: str, fields: dict[str, str], wait: float = 0.5) -> bytes:
    """Send the log-in's form from some address, as a stranger does who waits for no answer."""
    csrf_page = outside.raw(
        f"GET /log-in HTTP/1.0\r\nHost: 127.0.0.1:{outside.port}\r\n\r\n".encode(), source=source
    ).decode()
    token = csrf_page.partition('name="csrf_token" value="')[2].partition('"')[0]
    cookie = csrf_page.partition("Set-Cookie: ")[2].partition(";")[0]
    body = urlencode({"csrf_token": token} | fields)
    return outside.raw(
        (
            f"POST /log-in HTTP/1.0\r\nHost: 127.0.0.1:{outside.port}\r\nCookie: {cookie}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
            f"\r\n{body}"
        ).encode(),
        source=source,
        wait=wait,
    )


def test_a_slow_provider_does_not_stop_the_server(tmp_path: Path) -> None:
    with slow_provider() as provider:
        provider.pause = 6
        oidc = {"OIDC_ISSUER": provider.issuer, "OIDC_CLIENT_ID": "x", "OIDC_CLIENT_SECRET": "y"}
        with real_server(tmp_path, **oidc) as outside:
            sources = [f"127.0.1.{number}" for number in range(1, 21)]
            with ThreadPoolExecutor(20) as pool:
                pool.map(lambda source: send_form(outside, source, {"with": "sso"}), sources)
                wait_until(lambda: provider.asked, "the provider is asked")
                slowest = max(outside.seconds_to_answer() for _ in range(5))
            assert slowest < provider.pause
            assert provider.most_at_once <= 2
            page = requests.get(f"{outside.address}/log-in", timeout=TIMEOUT_SECONDS)
            assert page.status_code == 200  # passwords go on


def test_passwords_and_sign_on_flooded_together_keep_no_one_out(tmp_path: Path) -> None:
    """Both at once, from forty addresses: a person signs in, with a browser known and a new one."""
    with slow_provider() as provider:
        provider.pause = 6
        oidc = {"OIDC_ISSUER": provider.issuer, "OIDC_CLIENT_ID": "x", "OIDC_CLIENT_SECRET": "y"}
        with real_server(tmp_path, **oidc) as outside:
            known = outside.become_admin(EMAIL, PASSWORD)
            over, guesses = threading.Event(), Counter[bytes]()

            def set_out(source: str) -> None:
                while not over.is_set():
                    send_form(outside, source, {"with": "sso"})

            def guess(source: str) -> None:
                for number in itertools.count():
                    if over.is_set():
                        return
                    email = EMAIL if number == 0 else f"{number}@{source}.example"
                    reply = send_form(
                        outside, source, {"email": email, "password": "wrong"}, TIMEOUT_SECONDS
                    )
                    guesses[reply[9:12]] += 1

            with ThreadPoolExecutor(40) as pool:
                numbers = range(1, 21)
                floods = [pool.submit(set_out, f"127.0.1.{number}") for number in numbers]
                floods += [pool.submit(guess, f"127.0.2.{number}") for number in numbers]
                try:
                    wait_until(lambda: provider.asked, "the provider is asked")
                    wait_until(lambda: guesses[b"401"] >= 40, "passwords are guessed")
                    for browser in (known, requests.Session()):
                        assert sign_in(outside, browser).url == f"{outside.address}/"
                    assert outside.seconds_to_answer() < TIMEOUT_SECONDS
                finally:
                    over.set()
            for flood in floods:
                flood.result()
            assert provider.most_at_once <= 2
            assert set(guesses) <= {b"401", b"429", b"503", b""}


def sign_in(outside: Outside, browser: requests.Session) -> requests.Response:
    """Sign out, if signed in, and in again with the password."""
    browser.cookies.pop("crmlink_session", None)
    form = {"csrf_token": outside.csrf(browser), "email": EMAIL, "password": PASSWORD}
    return browser.post(f"{outside.address}/log-in", data=form, timeout=TIMEOUT_SECONDS)
