"""What strangers send to /quickbooks and /hooks: odd encodings, huge bodies, guesses and crowds."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from time import time
from types import SimpleNamespace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from qbwc_kit import soap
from sqlalchemy import select

from crmlink.installation import Installation
from crmlink.sources.quickbooks_desktop.connectors import NewPassword, add_connector
from crmlink.sources.webhooks import set_webhook_key
from crmlink.store import ContactSource, Device, SourceAccount, WebConnector
from crmlink.store.base import utc_now
from crmlink.web import request_windows
from security.attack_fixture import everything
from support.source_factories import source_now

KEY = "webhook-key"
CALL = soap.build_request("serverVersion", [])


@pytest.fixture
def made(installation: Installation, device: Device) -> NewPassword:
    return add_connector(installation.sources, device, "QuickBooks Desktop")


@pytest.fixture
def path(made: NewPassword) -> str:
    return f"/quickbooks/{made.connector.source.public_id}"


@pytest.fixture
def stranger(app: Flask) -> FlaskClient:
    return app.test_client()


def lol(depth: int) -> str:
    entities = "".join(
        f'<!ENTITY l{number} "{f"&l{number - 1};" * 10 if number else "lol"}">'
        for number in range(depth)
    )
    return f"<!DOCTYPE l [{entities}]>{CALL.replace('<soap:Body>', f'<soap:Body>&l{depth - 1};')}"


REFUSED = {
    "billion laughs": lol(10).encode(),
    "an external entity": f'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>{CALL}'.encode(),
    "a parameter": f'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://e.example"> %x;]>{CALL}'.encode(),
    "UTF-16 with a mark": CALL.encode("utf-16"),
    "UTF-16 without one": CALL.encode("utf-16-le"),
    "UTF-32": CALL.encode("utf-32"),
    "UTF-7": b"+ADw-soap:Envelope/+AD4-",
    "no UTF-8": CALL.replace("serverVersion", "serverVersi\xf6n").encode("latin-1"),
    "deep": (b"<a>" * 3_000 + b"</a>" * 3_000),
    "deep in an envelope": CALL.replace("<soap:Body>", "<soap:Body>" + "<a>" * 50).encode(),
    "gzip": gzip.compress(CALL.encode()),
    "half": CALL.encode()[:-20],
    "two": (CALL + CALL).encode(),
    "nothing": b"\x00",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_call_is_refused_at_once(stranger: FlaskClient, path: str, name: str) -> None:
    reply = stranger.post(path, data=REFUSED[name], content_type="text/xml")
    assert reply.status_code == 400
    assert "passwd" not in reply.get_data(as_text=True)
    assert reply.content_length is not None
    assert reply.content_length < 1_000


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"SOAPAction": ""},
        {"SOAPAction": '"http://developer.intuit.com/closeConnection"'},
        {"Content-Type": "application/json"},
        {"Content-Type": "text/xml; charset=utf-16"},
    ],
)
def test_a_call_is_what_its_body_says_whatever_its_headers(
    stranger: FlaskClient, path: str, headers: dict[str, str]
) -> None:
    mark = "\ufeff"  # of UTF-8, as Windows' programs write it
    reply = stranger.post(path, data=f"{mark}{CALL}".encode(), headers=headers)
    assert reply.status_code == 200
    assert "crmlink</serverVersionResult>" in reply.get_data(as_text=True)


@pytest.mark.parametrize("method", ["sendRequestXML", "receiveResponseXML", "getLastError",
                                    "connectionError", "closeConnection"])  # fmt: skip
def test_no_other_secret_is_a_ticket(
    installation: Installation, stranger: FlaskClient, made: NewPassword, path: str, method: str
) -> None:
    """Neither the password, nor a stored hash, nor nothing."""
    connector = made.connector
    before = everything(installation.database)["contact_source"]
    for ticket in ("", made.password, connector.password_hash, connector.user_name, "\u00fc" * 50):
        call = soap.build_request(method, [("ticket", ticket)])
        assert stranger.post(path, data=call.encode()).status_code == 200
    with installation.database.reading() as session:
        row = session.scalars(select(WebConnector)).one()
    assert (row.ticket_hash, row.seen_at, row.error) == ("", None, "")
    assert everything(installation.database)["contact_source"] == before


@pytest.fixture
def hooked(installation: Installation, device: Device) -> ContactSource:
    """A company of Xero's that was read, with the key of its webhook."""
    ctx = installation.sources
    with ctx.database.writing() as session:
        account = SourceAccount(workspace_id=ctx.workspace_id, package="xero", credentials="x")
        source = ContactSource(workspace_id=ctx.workspace_id, package="xero", tenant="t",
                               account=account, synced_at=utc_now())  # fmt: skip
        session.add_all([account, source])
    set_webhook_key(ctx, device, source.public_id, KEY)
    return source


def signed(body: bytes) -> dict[str, str]:
    mac = hmac.new(KEY.encode(), body, hashlib.sha256).digest()
    return {"X-Xero-Signature": base64.b64encode(mac).decode()}


KINDS = ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
         "application/json; charset=utf-7"]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_webhook_is_signed_over_its_bytes_whatever_they_are_called(
    stranger: FlaskClient, hooked: ContactSource, kind: str
) -> None:
    body = b'{"events": [], "tenantId": "another"}&a=b'
    where = f"/hooks/{hooked.public_id}"
    assert (
        stranger.post(where, data=body, content_type=kind, headers=signed(body)).status_code == 200
    )
    wrong = stranger.post(where, data=body + b" ", content_type=kind, headers=signed(body))
    assert wrong.status_code == 401


def test_a_crowd_at_once_asks_for_one_reading(
    app: Flask,
    installation: Installation,
    hooked: ContactSource,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # All within one moment: a slow computer takes more than a minute for so many.
    monkeypatch.setattr(request_windows, "time", SimpleNamespace(monotonic=lambda: 1.0, time=time))
    body = b'{"events": []}'

    def send(_: int) -> int:
        client = app.test_client()
        return client.post(
            f"/hooks/{hooked.public_id}", data=body, headers=signed(body)
        ).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(send, range(700)))
    assert Counter(statuses) == {200: 600, 429: 100}  # a minute, from one network
    now = source_now(installation.sources, hooked)
    assert now.requested_at is not None
    assert (now.read, now.position, now.problem) == (0, None, None)
