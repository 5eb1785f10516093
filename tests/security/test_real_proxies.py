"""A real Caddy and a real nginx with https in front of a real server, by the files of docs/deploy.

Both are Debian packages; where one isn't installed, its tests are skipped.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter

import crmlink
from browsers.real_services import wait_until
from security.outside import CSRF, WELCOME, Browser, Outside, real_server
from support.ports import HeldPort

PROXY = Path(crmlink.__file__).resolve().parents[2] / "docs" / "deploy" / "proxy"
NAME = "crmlink.firm.example"  # as in the files
ANONYMOUS = 40  # requests a minute that one address has
MB = 1 << 20


@dataclass
class Front:
    """A server behind a proxy; ``authority`` is the file that its certificate is trusted by."""

    server: Outside
    address: str
    plain: str  # where the proxy speaks http
    authority: Path

    def visitor(self, source: str = "127.0.0.1") -> requests.Session:
        """Someone at this address of the computer, who trusts the proxy's certificate."""
        session = requests.Session()
        session.trust_env, session.verify = False, str(self.authority)
        adapter = HTTPAdapter()
        adapter.init_poolmanager(4, 4, source_address=(source, 0))
        for scheme in ("http://", "https://"):
            session.mount(scheme, adapter)
        return session

    def admin(self) -> requests.Session:
        """The first admin, who used the link that the server printed."""
        said = self.server.service.said
        address, token = wait_until(lambda: WELCOME.findall(said()), "a link", said)[0]
        assert address == self.address, "the link leads to the public address"
        person = self.visitor()
        form = {"token": token, "name": "Ann", "email": "ann@firm.example"}
        form |= {"password": "three random words", "again": "three random words"}
        self.send(person, "/welcome", **form)
        return person

    def send(self, person: requests.Session, path: str, **form: str) -> requests.Response:
        found = CSRF.search(person.get(self.address + path, timeout=30).text)
        assert found
        headers = {"Referer": self.address + path, "Origin": self.address}
        form |= {"csrf_token": found[1]}
        reply = person.post(self.address + path, data=form, headers=headers, timeout=30)
        assert reply.ok, reply.text
        return reply


def _caddy(folder: Path, upstream: int, https: int, http: int) -> tuple[list[str], Path]:
    """The command of a Caddy with the documents' file; it makes its own authority."""
    config = folder / "Caddyfile"
    config.write_text(
        "{\n admin off\n local_certs\n skip_install_trust\n default_bind 127.0.0.1\n"
        f" https_port {https}\n http_port {http}\n storage file_system {folder / 'store'}\n}}\n"
        f"import {PROXY / 'Caddyfile'}\n"
    )
    command = ["env", f"CRMLINK_UPSTREAM=127.0.0.1:{upstream}"]
    command += ["caddy", "run", "--adapter", "caddyfile", "--config", str(config)]
    return command, folder / "store" / "pki" / "authorities" / "local" / "root.crt"


def _nginx(folder: Path, upstream: int, https: int, http: int) -> tuple[list[str], Path]:
    """The command of an nginx with the documents' file, and a certificate of its own."""
    pair = [str(folder / name) for name in ("fullchain.pem", "privkey.pem")]
    request = ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", f"/CN={NAME}"]
    request += ["-addext", f"subjectAltName=DNS:{NAME}", "-out", pair[0], "-keyout", pair[1]]
    subprocess.run(request, capture_output=True, check=True)
    changes = {
        "/etc/ssl/crmlink/fullchain.pem": pair[0],
        "/etc/ssl/crmlink/privkey.pem": pair[1],
        "listen 443": f"listen 127.0.0.1:{https}",
        "listen 80": f"listen 127.0.0.1:{http}",
        "https://$server_name$": f"https://$server_name:{https}$",  # the standard port needs none
        "proxy_set_header Host $host;": "proxy_set_header Host $host:$server_port;",
        "127.0.0.1:8787": f"127.0.0.1:{upstream}",
    }
    text = (PROXY / "nginx.conf").read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder / kind};\n" for kind in kinds)
    user = "user root;\n" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(
        f"{user}daemon off;\npid {folder / 'pid'};\nevents {{}}\n"
        f"http {{\naccess_log off;\n{places}{text}\n}}\n"
    )
    return ["nginx", "-c", str(config), "-p", str(folder), "-e", "stderr"], Path(pair[0])


COMMANDS: dict[str, Callable[[Path, int, int, int], tuple[list[str], Path]]] = {
    "caddy": _caddy,
    "nginx": _nginx,
}


@contextmanager
def _running(command: list[str], folder: Path, port: int) -> Iterator[None]:
    with (folder / "proxy.log").open("wb") as log:
        proxy = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        wait_until(lambda: _answers(port), "the proxy listens", (folder / "proxy.log").read_text)
        yield
    finally:
        proxy.terminate()
        proxy.wait(20)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _is_ready(front: Front) -> bool:
    try:
        return front.visitor().get(f"{front.address}/healthz", timeout=10).ok
    except requests.ConnectionError:  # a Caddy that still signs its certificate
        return False


@pytest.fixture(scope="module", params=sorted(COMMANDS))
def front(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    kind = request.param
    if not all(map(shutil.which, (kind, "openssl"))):
        pytest.skip(f"{kind} isn't installed here")
    found = socket.getaddrinfo
    patch = pytest.MonkeyPatch()
    patch.setattr(
        socket,
        "getaddrinfo",
        lambda name, *more: found("127.0.0.1" if name == NAME else name, *more),
    )
    folder = tmp_path_factory.mktemp(kind)
    (folder / "proxy").mkdir()
    held = [HeldPort(), HeldPort()]
    https, http = (port.number for port in held)
    settings = {
        "PUBLIC_URL": f"https://{NAME}:{https}",
        "TRUSTED_PROXIES": "1",
        "REQUESTS_PER_MINUTE": str(ANONYMOUS),
    }
    with real_server(folder, **settings) as server:
        command, authority = COMMANDS[kind](folder / "proxy", server.port, https, http)
        with _running(command, folder / "proxy", https):
            wait_until(authority.is_file, "there is an authority")
            plain = f"http://{NAME}:{http}"
            front = Front(server, settings["PUBLIC_URL"], plain, authority)
            wait_until(lambda: _is_ready(front), "its certificate is there")
            yield front
    for port in held:
        port.close()
    patch.undo()


@pytest.fixture(scope="module")
def admin(front: Front) -> requests.Session:
    return front.admin()


def test_signed_in_through_it_the_cookies_are_for_https_alone(
    front: Front, admin: requests.Session
) -> None:
    assert admin.cookies
    assert all(cookie.secure for cookie in admin.cookies)
    page = admin.get(f"{front.address}/", timeout=30)
    assert "Overview" in page.text
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert (
        "Strict-Transport-Security"
        not in requests.get(f"{front.server.address}/healthz", timeout=30).headers
    ), "crmlink's own plain http"


def test_plain_http_leads_to_https(front: Front) -> None:
    reply = front.visitor().get(f"{front.plain}/log-in", allow_redirects=False, timeout=30)
    assert reply.status_code in (301, 308)
    assert reply.headers["Location"].startswith(f"https://{NAME}")
    assert not reply.cookies


def test_what_a_visitor_claims_about_the_way_is_not_believed(
    front: Front, admin: requests.Session
) -> None:
    claims = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "host=evil.example;proto=http",
    }
    page = admin.get(f"{front.address}/install", headers=claims, timeout=30)
    assert page.status_code == 200
    assert "evil.example" not in page.text
    assert front.address in page.text
    other = front.visitor().get(f"{front.address}/", headers={"Host": "evil.example"}, timeout=30)
    assert other.status_code in (200, 404, 421)  # Caddy answers unknown names with nothing
    assert "evil.example" not in other.text


def test_a_limit_is_each_visitors_own_whatever_address_he_claims(front: Front) -> None:
    first, second = front.visitor("127.0.0.2"), front.visitor("127.0.0.3")
    seen = [
        first.get(
            f"{front.address}/log-in", headers={"X-Forwarded-For": f"203.0.113.{each}"}, timeout=30
        ).status_code
        for each in range(ANONYMOUS + 1)
    ]
    assert seen[-1] == 429
    assert second.get(f"{front.address}/log-in", timeout=30).status_code == 200


def test_a_large_list_passes_and_a_larger_body_ends_at_the_proxy(
    front: Front, admin: requests.Session
) -> None:
    found = CSRF.search(admin.get(f"{front.address}/lists/new", timeout=30).text)
    assert found

    def send(size: int) -> requests.Response:
        return admin.post(
            f"{front.address}/lists/new", data={"csrf_token": found[1]}, timeout=120,
            files={"file": ("contacts.csv", b"Name,Email\n" + b"A,a@b.example\n" * (size // 14))},
            headers={"Referer": f"{front.address}/lists/new"}, allow_redirects=False,
        )  # fmt: skip

    taken = send(5 * MB)  # five times what nginx takes unless it is told
    assert taken.status_code != 413, taken.text
    assert "crmlink" in taken.text or taken.status_code == 303
    try:
        refused = send(60 * MB).status_code
    except requests.ConnectionError:  # cut off while it was being sent
        refused = 413
    assert refused == 413


def test_a_browser_proves_its_key_for_the_public_address_and_is_led_there(front: Front) -> None:
    origin = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"
    browser = Browser(front.address)
    reply = browser.ask(
        "POST", "/pairings", data={"browser": "Chrome on Linux"}, verify=str(front.authority),
        headers={"Origin": origin},
    )  # fmt: skip
    assert reply.status_code == 200, reply.text
    assert reply.json()["verification_uri"].startswith(f"{front.address}/")
    assert reply.headers.get("Access-Control-Allow-Origin") is None, "the extension needs none"


def test_no_websocket_is_opened(front: Front) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    reply = front.visitor("127.0.0.4").get(f"{front.address}/log-in", headers=headers, timeout=30)
    assert reply.status_code == 200
