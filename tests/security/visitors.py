"""A real server process, and people who reach it by HTTP alone, as a browser does."""

from __future__ import annotations

import html
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from browsers.real_services import PreparedService, Service, wait_until
from support.prepared_process import run_crmlink
from support.sandbox import WEBSERVICE

CREDENTIALS = dict.fromkeys(("client_id", "username", "password", "application_id"), "sandbox")
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
INVITATION = re.compile(r"/welcome#(crmi_\w+)")
FIELD = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')


@dataclass
class Visitor:
    """One browser's cookies at a server that may move to another port."""

    server: Service
    browser: requests.Session = field(default_factory=requests.Session)

    def get(self, path: str) -> requests.Response:
        return self.browser.get(self.server.address + path, timeout=30, allow_redirects=False)

    def send(self, path: str, form_on: str, **fields: Any) -> requests.Response:
        """Send a form, with the token of a page that has one; redirects are not followed."""
        found = TOKEN.search(self.get(form_on).text)
        assert found, f"{form_on} has no form"
        return self.browser.post(
            self.server.address + path,
            data=fields | {"csrf_token": found[1]},
            timeout=60,
            allow_redirects=False,
        )

    def join(self, token: str, password: str, **who: str) -> requests.Response:
        """Use a one-time link."""
        fields = {"token": token, "password": password, "again": password} | who
        return self.send("/welcome", "/welcome", **fields)

    def log_in(self, email: str, password: str) -> int:
        """The status that a log-in is answered with; 303 is inside."""
        return self.send("/log-in", "/log-in", email=email, password=password).status_code

    def invite(self, name: str, email: str, role: str = "clerk") -> str:
        """The token of the one-time link that a person is handed."""
        page = self.send("/people", "/people", name=name, email=email, role=role).text
        found = INVITATION.findall(page)
        assert found, page
        return str(found[0])

    def person_id(self, email: str) -> str:
        """The id of a person by the list of people."""
        row = self.get("/people").text.partition(f">{email}<")[0]
        return str(re.findall(r"/people/(\w{32})", row)[-1])

    def connect_commusoft(self, address: str) -> str:
        """Connect an account by the page, agreeing to what the page says; what it answered."""
        page = self.get("/commusoft/connect").text
        agreed = {name: html.unescape(value) for name, value in FIELD.findall(page)}
        agreed.pop("csrf_token", None)
        fields = CREDENTIALS | {"url": address + WEBSERVICE, "agreed": "yes"} | agreed
        return str(self.send("/commusoft/connect", "/commusoft/connect", **fields).text)


@dataclass
class Installation:
    """A ``crmlink serve`` with a data folder of its own, and its command line."""

    folder: Path
    server: Service

    def visitor(self) -> Visitor:
        return Visitor(self.server)

    def restart(self) -> None:
        self.server.stop()
        self.server.start()

    def run(self, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """A command of this installation, whatever it ends with."""
        return run_crmlink(self.server.environment, *words, typed=typed)

    def first_invitation(self) -> str:
        """The one-time link that the server prints when there is no admin."""
        said = self.server.said
        return str(wait_until(lambda: INVITATION.findall(said()), "an invitation", said)[0])


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Installation]:
    """A server that has just been installed; its Commusoft is the sandbox unless told otherwise."""
    inherited = {name: value for name, value in os.environ.items() if "CRMLINK" not in name}
    named = {"DATA_DIR": str(folder / "data")} | settings
    environment = inherited | {f"CRMLINK_{name}": value for name, value in named.items()}
    server = PreparedService("serve", folder, environment)
    server.start()
    try:
        yield Installation(folder / "data", server)
    finally:
        server.stop()
