"""Somebody who goes through the pages without a browser: reads them and sends their forms."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from crmlink.installation import Installation
from crmlink.store import Person
from support.access_factories import logged_in

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass(frozen=True)
class PageClient:
    """A client with the cookies of one browser."""

    client: FlaskClient

    def get(self, path: str) -> TestResponse:
        return self.client.get(path)

    def read(self, path: str) -> str:
        """The words of a page that must be there."""
        reply = self.get(path)
        assert reply.status_code == 200, (path, reply.status_code)
        return words(reply)

    def hidden_field(self, path: str, name: str) -> str:
        """The value that the form of a page sends along unseen."""
        found = re.search(f'name="{name}" value="([^"]+)"', self.get(path).get_data(as_text=True))
        assert found, f"{path} has no field {name}"
        return found[1]

    def send(self, path: str, form_on: str = "/account", **fields: Any) -> TestResponse:
        """Send a form, with the token of a page that has one; redirects are not followed."""
        found = TOKEN.search(self.client.get(form_on).get_data(as_text=True))
        assert found, f"{form_on} has no form"
        return self.client.post(path, data=fields | {"csrf_token": found[1]})


def words(reply: TestResponse) -> str:
    """What a page says, without its markup, in single spaces."""
    text = reply.get_data(as_text=True).replace("<wbr>", "")
    text = re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def signed_in_client(app: Flask, installation: Installation, person: Person) -> PageClient:
    return PageClient(logged_in(app, installation.access, person))


def anonymous_client(app: Flask) -> PageClient:
    return PageClient(app.test_client())
