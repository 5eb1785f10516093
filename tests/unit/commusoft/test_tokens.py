"""How the token is got and shown, and that nothing secret goes elsewhere."""

import json
import logging
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.connection import Connection
from crmlink.commusoft.dialect import WEBSERVICE_DIALECT
from crmlink.commusoft.errors import (
    CommusoftAuthError,
    CommusoftError,
    CommusoftUnreachable,
    InvalidCommusoftResponse,
)
from crmlink.commusoft.limits import ClientLimits
from crmlink.commusoft.sandbox import SandboxServer
from unit.commusoft.fake_server import QUICK, Answer, Faults, ScriptedResponse, ScriptedServer

Obey = Callable[[Callable[[ScriptedResponse], Answer]], ScriptedServer]
TOKEN = "tok3n-which-is-secret"
RECORD = json.dumps(
    {"id": 1, "uuid": "u-1", "surname": "Lowe", "thirdpartyreference": None}
).encode()
JSON = {"Content-Type": "application/json"}


def answering(
    token_reply: bytes, takes: Callable[[ScriptedResponse], bool]
) -> Callable[[ScriptedResponse], Answer]:
    def answer(said: ScriptedResponse) -> Answer:
        if said.path.endswith("/getToken"):
            return 200, JSON, token_reply
        return (200, JSON, RECORD) if takes(said) else (401, JSON, b"{}")

    return answer


def in_header(said: ScriptedResponse) -> bool:
    return said.headers.get("X-Auth-Token") == TOKEN and "token=" not in said.path


def in_query(said: ScriptedResponse) -> bool:
    return said.path.endswith(f"?token={TOKEN}") and "X-Auth-Token" not in said.headers


def client_of(server: ScriptedServer, secrets: Mapping[str, str]) -> CommusoftClient:
    return CommusoftClient(Connection(f"{server.url}/webservice/api", **secrets), limits=QUICK)


@pytest.mark.parametrize(
    "reply",
    [
        json.dumps({"token": TOKEN}).encode(),
        json.dumps({"userToken": TOKEN}).encode(),
        json.dumps({"token": None, "userToken": TOKEN}).encode(),
        TOKEN.encode(),
        b"\xef\xbb\xbf" + TOKEN.encode() + b"\r\n",
        json.dumps(TOKEN).encode(),
    ],
)
def test_each_shape_of_the_token_reply_is_taken(
    obey: Obey, secrets: Mapping[str, str], reply: bytes
) -> None:
    server = obey(answering(reply, in_header))
    assert client_of(server, secrets).record("customer", "1").name == "Lowe"
    login = server.heard[0]
    assert (login.method, login.path) == ("POST", "/webservice/api/getToken")
    assert json.loads(login.body) == {
        "clientId": secrets["client_id"],
        "username": secrets["username"],
        "password": secrets["password"],
        "applicationId": secrets["application_id"],
    }


NO_TOKENS = [
    *(b"", b"{}", b"[]", b"null", b"true", b"no way", b"<html>", b"\xff\xfe\x00", b"a" * 5000),
    *(b'{"token": ""}', b'{"token": {"a": 1}}', b'{"token": "ab'),
]


@pytest.mark.parametrize("reply", NO_TOKENS)
def test_a_reply_without_a_token_is_unreadable(
    obey: Obey, secrets: Mapping[str, str], reply: bytes
) -> None:
    server = obey(answering(reply, in_header))
    with pytest.raises(InvalidCommusoftResponse):
        client_of(server, secrets).record("customer", "1")


def test_a_server_that_has_only_plain_text_to_offer_may_give_it(
    obey: Obey, secrets: Mapping[str, str]
) -> None:
    server = obey(answering(TOKEN.encode(), in_header))
    client_of(server, secrets).record("customer", "1")
    assert all(
        said.headers["Accept"].startswith("application/json, */*;q=") for said in server.heard
    )


def test_the_header_is_tried_first_and_stays_alone_where_it_works(
    obey: Obey, secrets: Mapping[str, str]
) -> None:
    server = obey(answering(TOKEN.encode(), in_header))
    client = client_of(server, secrets)
    client.record("customer", "1")
    client.record("customer", "1")
    assert server.paths()[1:] == ["GET /webservice/api/customers/1"] * 2
    assert client.dialect.token_place == "header"


def test_the_query_is_tried_once_and_then_remembered(
    obey: Obey, secrets: Mapping[str, str]
) -> None:
    server = obey(answering(TOKEN.encode(), in_query))
    client = client_of(server, secrets)
    client.record("customer", "1")
    client.record("customer", "1")
    plain, with_token = (
        "GET /webservice/api/customers/1",
        f"GET /webservice/api/customers/1?token={TOKEN}",
    )
    assert server.paths()[1:] == [plain, with_token, with_token]
    client.write_reference(client.record("customer", "1"), "x")
    assert server.paths()[-1] == f"PUT /webservice/api/customers/1?token={TOKEN}"
    fresh = CommusoftClient(client.connection, client.dialect, QUICK)
    fresh.record("customer", "1")
    assert server.paths()[-1] == with_token
    assert server.paths()[-2].endswith("/getToken")


def test_a_log_in_page_instead_of_a_refusal_also_leads_to_the_query(
    obey: Obey, secrets: Mapping[str, str]
) -> None:
    def answer(said: ScriptedResponse) -> Answer:
        if said.path.endswith("/getToken"):
            return 200, JSON, TOKEN.encode()
        return (200, JSON, RECORD) if in_query(said) else (302, {"Location": "/login"}, b"")

    client = client_of(obey(answer), secrets)
    assert client.record("customer", "1").number == "1"
    assert client.dialect.token_place == "query"


def test_a_token_taken_nowhere_is_a_refusal(obey: Obey, secrets: Mapping[str, str]) -> None:
    server = obey(answering(TOKEN.encode(), lambda _: False))
    with pytest.raises(CommusoftAuthError):
        client_of(server, secrets).record("customer", "1")
    assert len(server.heard) == 6  # a token, both places, a new token, both places


def test_json_that_php_calls_html_is_read_all_the_same(
    obey: Obey, secrets: Mapping[str, str]
) -> None:
    def answer(said: ScriptedResponse) -> Answer:
        kind = {"Content-Type": "text/html; charset=UTF-8"}
        return 200, kind, TOKEN.encode() if said.path.endswith("/getToken") else RECORD

    assert client_of(obey(answer), secrets).record("customer", "1").name == "Lowe"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_neither_password_nor_token_follows_a_redirect(
    obey: Obey, secrets: Mapping[str, str], status: int
) -> None:
    elsewhere = obey(lambda _: (200, JSON, RECORD))

    def redirect(said: ScriptedResponse) -> Answer:
        return status, {"Location": elsewhere.url + said.path}, b""

    def redirect_reads(said: ScriptedResponse) -> Answer:
        return (200, JSON, TOKEN.encode()) if said.path.endswith("/getToken") else redirect(said)

    for answer in (redirect, redirect_reads):
        with pytest.raises(InvalidCommusoftResponse):
            client_of(obey(answer), secrets).record("customer", "1")
    assert elsewhere.heard == []


def test_a_cookie_that_commusoft_sets_is_not_sent_back(
    obey: Obey, secrets: Mapping[str, str]
) -> None:
    def answer(said: ScriptedResponse) -> Answer:
        body = TOKEN.encode() if said.path.endswith("/getToken") else RECORD
        return 200, {**JSON, "Set-Cookie": "PHPSESSID=abc; Path=/"}, body

    server = obey(answer)
    client = client_of(server, secrets)
    client.record("customer", "1")
    client.record("customer", "1")
    assert not [said for said in server.heard if "Cookie" in said.headers]


class Stopped(HTTPAdapter):
    """Keeps what would have been sent to a host that is not here."""

    sent: requests.PreparedRequest

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.sent = request
        raise requests.ConnectionError


def test_a_password_for_the_host_in_a_netrc_file_is_not_sent(
    secrets: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine crm.example login someone password something\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    stopped = Stopped()
    client = CommusoftClient(Connection("https://crm.example/api/v1", **secrets), limits=QUICK)
    client._account.transport._session.mount("https://", stopped)  # the host is not here
    with pytest.raises(CommusoftUnreachable):
        client.record("customer", "1", "u")
    assert stopped.sent.url == "https://crm.example/api/v1/getToken"
    assert "Authorization" not in stopped.sent.headers


def test_nothing_secret_is_in_the_log_or_in_an_exception(
    sandbox: SandboxServer, faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    query = replace(WEBSERVICE_DIALECT, token_place="query")
    connection = Connection(sandbox.w_url, *["sandbox"] * 4)
    limits = ClientLimits(max_per_second=1000, default_retry_after=0.01)
    client = CommusoftClient(connection, query, limits)
    client.record("customer", "1001")
    client._limits = replace(limits, total_timeout=1)
    answers = []
    for fault in ("reset", "html", "broken-off", "timeout"):
        faults.add(fault, path="/customers/*")
        with pytest.raises(CommusoftError) as caught:
            client.record("customer", "1001")
        answers += [repr(caught.value), "".join(traceback.format_exception(caught.value))]
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        faults.clear()
    logged = [record.getMessage() for record in caplog.records]
    assert any("token=***" in line for line in logged)
    token = client._account._token_cache._token  # the test must know the secret to look for it
    assert token
    assert not [line for line in [*logged, *answers] if token.text in line]
