"""An installation that was used for all it can do, by a real server process, over HTTP alone.

Every secret and every name in it is marked, so that it can be looked for afterwards.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import text

from browsers.real_services import PreparedService, wait_until
from crmlink.api.schemas.access import DEVICE_CODE_GRANT
from crmlink.commusoft.connection import Connection
from crmlink.commusoft.dialect import WEBSERVICE_DIALECT
from crmlink.commusoft.vault import Vault
from crmlink.installation import KEY_FILE, open_database
from crmlink.linking.connections import get_or_create_workspace, save_connection
from crmlink.settings import Settings
from crmlink.store import Database
from security.outside import Browser
from support.installations import NOWHERE
from support.sandbox import HOLLOWAY, WEBSERVICE

KEYS = {"secret.key", KEY_FILE}  # what is to be kept apart
CLIENT_ID = "firm-4471"  # no secret: it is the workspace's name
CREDENTIALS = ("Marked-User-4471", "Marked-Password-4471", "Marked-Application-4471")
OIDC_SECRET = "Marked-Oidc-9032"
PASSWORDS = ("marked wet spanners 1", "marked dry hammers 2", "marked old pliers 3")
NAME, CONTACT = "Quillon Zebedeus", "Xanthippe Wolverstone"
EMAIL, CONTACT_EMAIL = "quillon.zebedeus@marked.example", "xanthippe@marked.example"
LINK = re.compile(r"/welcome#(crmi_\w+)")


class MarkedCredential:
    """What a sandbox takes for right that knows an account by the marked credentials."""

    def __eq__(self, other: object) -> bool:
        return other in (CLIENT_ID, *CREDENTIALS)

    __hash__ = None  # type: ignore[assignment] # never one of a set


@dataclass
class Used:
    """Where it all is, and what must not be found: secrets anywhere, names in logs."""

    folder: Path
    database_url: str
    address: str
    secrets: dict[str, str] = field(default_factory=dict)
    alive: dict[str, bytes] = field(default_factory=dict)  # files while the server still ran
    names: tuple[str, ...] = (NAME, CONTACT, EMAIL, CONTACT_EMAIL, "Zebedeus", "Wolverstone")

    def files(self) -> dict[str, bytes]:
        """All files of the installation but the keys, by name."""
        return {
            file.name: file.read_bytes()
            for file in self.folder.iterdir()
            if file.is_file() and file.name not in KEYS
        }

    def keep(self, what: str, secret: str) -> str:
        """Remember a secret that went over the wire."""
        assert len(secret) >= 8, what
        self.secrets[f"{what} {len(self.secrets)}"] = secret
        return secret


@contextmanager
def used_installation(folder: Path, database_url: str, sandbox: str) -> Iterator[Used]:
    """Set it up, use it, and stop the server; what it left behind is there to be looked at."""
    key = secrets.token_urlsafe(48)
    (folder / "secret.key").write_text(key)
    database = open_database(Settings(folder, database_url, key))
    connection = Connection(sandbox + WEBSERVICE, CLIENT_ID, *CREDENTIALS)
    vault = Vault.at(folder / KEY_FILE)
    workspace_id = get_or_create_workspace(database).id
    save_connection(database, workspace_id, connection, vault=vault, dialect=WEBSERVICE_DIALECT)
    inherited = {name: value for name, value in os.environ.items() if "CRMLINK" not in name}
    settings = {
        "DATA_DIR": str(folder), "DATABASE_URL": database_url.replace("+psycopg", ""),
        "OIDC_ISSUER": NOWHERE, "OIDC_CLIENT_ID": "crmlink", "OIDC_CLIENT_SECRET": OIDC_SECRET,
    }  # fmt: skip
    environment = inherited | {f"CRMLINK_{name}": value for name, value in settings.items()}
    (folder / "said").mkdir()
    server = PreparedService("serve", folder / "said", environment)
    server.start()
    used = Used(folder, database_url, server.address)
    try:
        for credential in CREDENTIALS:
            used.keep("Commusoft's credential", credential)
        used.keep("the provider's secret", OIDC_SECRET)
        invited = wait_until(lambda: LINK.findall(server.said()), "an invitation", server.said)
        admin = _join(used, invited[0], PASSWORDS[0], name=NAME, email=EMAIL)
        browser = _connect(used, admin)
        _use(used, admin, browser)
        _go_wrong(browser, database)
        used.alive = used.files()
    finally:
        server.stop()
        database.close()
    yield used


def _form(page: requests.Response) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def _join(used: Used, token: str, password: str, **more: str) -> requests.Session:
    """Become someone by a one-time link."""
    used.keep("one-time link", token), used.keep("password", password)
    person = requests.Session()
    address = f"{used.address}/welcome"
    form = {"csrf_token": _form(person.get(address, timeout=10)), "token": token}
    form |= {"password": password, "again": password} | more
    reply = person.post(address, data=form, timeout=10, allow_redirects=False)
    assert reply.status_code == 303, reply.text
    used.keep("log-in", person.cookies["crmlink_session"])
    used.keep("form cookie", person.cookies["crmlink_forms"])
    return person


def _connect(used: Used, person: requests.Session) -> Browser:
    """Connect a browser, and renew its tokens a few times."""
    browser = Browser(used.address)
    begun = browser.ask("POST", "/pairings", data={"browser": "Chrome"}).json()
    code = begun["user_code"]
    page = person.get(f"{used.address}/pair", params={"code": code}, timeout=10)
    form = {"csrf_token": _form(page), "code": code, "name": "Marked desk"}
    assert person.post(f"{used.address}/pair", data=form, timeout=10).status_code == 200
    asked = {"grant_type": DEVICE_CODE_GRANT}
    asked["device_code"] = used.keep("device code", begun["device_code"])
    for _ in range(3):
        grant = browser.ask("POST", "/token", data=asked).json()
        access = used.keep("access token", grant["access_token"])
        asked = {"grant_type": "refresh_token"}
        asked["refresh_token"] = used.keep("refresh token", grant["refresh_token"])
        browser.access_token = access
        assert browser.ask("GET", "/workspace").status_code == 200
    used.keep("proof", browser.last_proof)
    return browser


def _use(used: Used, admin: requests.Session, browser: Browser) -> None:
    """People, tokens, links, lists, searches, failed log-ins, single sign-on."""

    def ask(method: str, path: str, status: int, **more: Any) -> Any:
        reply = browser.ask(method, path, **more)
        assert reply.status_code == status, reply.text
        return reply.json() if reply.text else None

    email = EMAIL.replace("quillon", "second")
    clerk = ask("POST", "/people", 201, json={"name": NAME, "email": email, "role": "clerk"})
    _join(used, clerk["link"].partition("#")[2], PASSWORDS[1])
    again = ask("POST", f"/people/{clerk['id']}/invitations", 201)
    used.keep("one-time link", again["link"].partition("#")[2])
    ask("PATCH", f"/people/{clerk['id']}", 200, json={"name": f"{NAME} II"})

    script = ask("POST", "/tokens", 201, json={"name": NAME, "scopes": ["read"]})
    used.keep("script token", script["token"])
    used.keep("rotated", ask("POST", f"/tokens/{script['id']}/rotations", 201)["token"])
    used.keep("revoked", ask("POST", "/tokens", 201, json={"name": "Other"})["token"])

    ask("GET", "/records", 200, params={"q": CONTACT})
    contact = {"package": "xero", "reference": HOLLOWAY, "name": CONTACT, "email": CONTACT_EMAIL}
    ask("POST", "/suggestions", 200, json=contact)
    here = ask("GET", "/workspace", 200)["connection_id"]
    decision = {
        "package": "xero", "kind": "customer", "reference": HOLLOWAY, "contact_name": CONTACT,
        "record_id": "customer-1001", "connection_id": here,
    }  # fmt: skip
    link = ask("POST", "/links", 201, json=decision, headers={"Idempotency-Key": "k" * 20})
    undo = {"json": {}, "headers": {"Idempotency-Key": "u" * 20}}
    ask("POST", f"/links/{link['id']}/undo", 201, **undo)
    listed = {"reference": HOLLOWAY, "name": CONTACT, "email": CONTACT_EMAIL}
    ask("POST", "/batches", 201, json={"package": "xero", "contacts": [listed]})

    stranger = requests.Session()
    page = stranger.get(f"{used.address}/log-in", params={"next": f"/links?q={NAME}"}, timeout=10)
    form = {"csrf_token": _form(page), "email": EMAIL, "password": used.keep("guess", PASSWORDS[2])}
    assert stranger.post(f"{used.address}/log-in", data=form, timeout=10).status_code == 401
    sso = {"csrf_token": _form(page), "with": "sso"}
    assert stranger.post(f"{used.address}/log-in", data=sso, timeout=20).status_code == 503
    for path in ("/", "/people", "/devices", "/links", "/records", "/audit", "/commusoft"):
        query = {"q": CONTACT}
        assert admin.get(used.address + path, params=query, timeout=10).status_code == 200


def _go_wrong(browser: Browser, database: Database) -> None:
    """A fault of the database in the middle of work, with names and secrets in its hands."""
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE audit_entry RENAME TO audit_entry_lost"))
    try:
        body = {"name": NAME, "email": "third." + EMAIL, "role": "clerk"}
        reply = browser.ask("POST", "/people", json=body)
        assert reply.status_code == 500
        assert NAME not in reply.text
    finally:
        with database.engine.begin() as connection:
            connection.execute(text("ALTER TABLE audit_entry_lost RENAME TO audit_entry"))
