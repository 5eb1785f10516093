"""Sign-ins at accounting software as an attacker or a fault answers them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Response, jsonify, request

from crmlink.sources.api import Api
from crmlink.sources.connecting import begin_sign_in, finish_sign_in
from crmlink.sources.context import SourceContext
from crmlink.sources.errors import (
    SignInDenied,
    SignInExpired,
    SourceError,
    SourceFault,
    SourceLimited,
    SourceUnreadable,
)
from crmlink.sources.oauth import Credentials
from crmlink.sources.packages import PACKAGES, is_issuer
from crmlink.sources.sync import sync_source
from crmlink.store import ContactSource, Device
from crmlink.store.base import utc_now
from security.attack_fixture import everything
from support.accounting_apis.oauth_server import CLIENT_ID, REDIRECT
from support.accounting_apis.xero import FakeXero
from support.source_factories import connect, contacts_of, source_now

Token = Callable[[dict[str, Any] | Response | str], None]


@pytest.fixture
def token(xero: FakeXero) -> Iterator[Token]:
    """Set what the token endpoint answers in place of its own."""
    answer: list[Any] = []

    def answered() -> Any:
        if not answer or request.path != "/token":
            return None
        return jsonify(answer[-1]) if isinstance(answer[-1], dict) else answer[-1]

    xero.server.app.before_request_funcs[None].insert(0, answered)
    yield answer.append
    answer.clear()


@pytest.fixture
def answer(sources: SourceContext, device: Device, xero: FakeXero) -> dict[str, str]:
    """What Xero sends back after a person agreed."""
    return xero.server.consent(
        begin_sign_in(sources, device, "xero", Credentials(CLIENT_ID), REDIRECT)
    )


GOOD = {"access_token": "a" * 30, "refresh_token": "r" * 30, "expires_in": 1800,
        "token_type": "Bearer"}  # fmt: skip


@pytest.mark.parametrize(
    "more",
    [
        {"error": "access_denied"},
        {"iss": "https://login.evil.example"},
        {"iss": "https://xero.com.evil.example"},
        {"iss": "https://evil.example/xero.com"},
        {"iss": "https://user@identity.xero.com"},
        {"iss": "http://identity.xero.com"},
        {"iss": ""},
        {"code": ""},
    ],
)
def test_an_answer_with_an_error_or_of_another_issuer_asks_for_no_token(
    sources: SourceContext, device: Device, xero: FakeXero, answer: dict[str, str],
    more: dict[str, str],
) -> None:  # fmt: skip
    with pytest.raises(SignInDenied):
        finish_sign_in(sources, device, answer | more)
    assert xero.server.oauth.tokens == []
    with pytest.raises(SignInExpired):
        finish_sign_in(sources, device, answer)  # each answer counts once


@pytest.mark.parametrize(
    ("package", "issuer"),
    [
        ("xero", "https://identity.xero.com"),
        ("quickbooks_online", "https://oauth.platform.intuit.com/op/v1"),
        ("sage_business_cloud", "https://id.sage.com/"),
        ("freeagent", "https://api.freeagent.com"),
    ],
)
def test_each_issuer_is_of_its_own_package_alone(package: str, issuer: str) -> None:
    assert [name for name, each in PACKAGES.items() if is_issuer(each, issuer)] == [package]


def test_the_packages_own_issuer_is_accepted(
    sources: SourceContext, device: Device, xero: FakeXero, answer: dict[str, str]
) -> None:
    assert finish_sign_in(sources, device, answer | {"iss": xero.server.url}).companies


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ('{"access_token": "a", "expires_in": 1e999}', SourceUnreadable),
        ('{"access_token": "a", "expires_at": 1e999}', SourceUnreadable),
        ("[" * 100_000, SourceUnreadable),
        ('{"access_token": ' + "[" * 100_000 + "}", SourceUnreadable),
        ('["access_token"]', SourceUnreadable),
        ({**GOOD, "access_token": "caf\xe9"}, SourceUnreadable),
        ('{"access_token": {"a": 1}}', SourceUnreadable),
        ('{"error": ["invalid_grant"]}', SignInDenied),
        ('{"error": null}', SignInDenied),
        ({**GOOD, "refresh_token": None}, SignInDenied),
        ({**GOOD, "refresh_token": 7}, SignInDenied),
        ({**GOOD, "scope": "openid offline_access"}, SignInDenied),
        ({**GOOD, "scope": ""}, SignInDenied),
        (Response('{"error": "rate_limited"}', 429, {"Retry-After": "60"}), SourceLimited),
        (Response("slow down", 429), SourceLimited),
        (Response('{"error": "temporarily_unavailable"}', 400), SourceFault),
        (Response(status=302, headers={"Location": "http://127.0.0.1:9/"}), SourceError),
    ],
    ids=range(17),
)
def test_odd_answers_of_the_token_endpoint_are_told_and_connect_nothing(
    sources: SourceContext, device: Device, answer: dict[str, str], token: Token,
    sent: Any, error: type[SourceError],
) -> None:  # fmt: skip
    token(sent)
    with pytest.raises(error):
        finish_sign_in(sources, device, answer)


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ('{"access_token": "a", "expires_in": 1e999}', "source-unreadable"),
        ("[" * 100_000, "source-unreadable"),
        (Response('{"error": "rate_limited"}', 429, {"Retry-After": "60"}), "source-limited"),
        (Response('{"error": "server_error"}', 400), "source-fault"),
    ],
    ids=range(4),
)
def test_a_passing_fault_of_the_token_endpoint_needs_no_person(
    sources: SourceContext, source: ContactSource, xero: FakeXero, token: Token,
    sent: Any, problem: str,
) -> None:  # fmt: skip
    xero.server.oauth.expire_access()
    token(sent)
    assert sync_source(sources, source.id).problem == problem
    now = source_now(sources, source)
    assert not now.account.needs_sign_in
    assert now.resume_at is not None
    assert now.resume_at > utc_now()


def test_a_renewal_whose_answer_is_lost_is_tried_again_and_then_told(
    sources: SourceContext, source: ContactSource, xero: FakeXero
) -> None:
    """Xero has renewed the token, and the process ended before it was kept."""
    xero.add("A")
    with sources.database.reading() as session:
        sealed = session.get_one(ContactSource, source.id).account.credentials
    xero.server.oauth.expire_access()
    assert sync_source(sources, source.id).complete
    with sources.database.writing() as session:
        session.get_one(ContactSource, source.id).account.credentials = sealed
    xero.server.oauth.expire_access()
    assert sync_source(sources, source.id).problem == "source-refused"
    now = source_now(sources, source)
    assert now.account.needs_sign_in
    assert list(contacts_of(sources, source)) == ["A"]


def test_a_sign_in_that_reaches_no_company_or_others_connects_none_of_them(
    sources: SourceContext, device: Device, xero: FakeXero
) -> None:
    xero.connections.clear()
    with pytest.raises(SignInExpired):
        connect(sources, device, xero.server, "xero")


def test_a_companys_id_that_no_index_takes_is_no_answer_and_connects_nothing(
    sources: SourceContext, device: Device, xero: FakeXero, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = begin_sign_in(sources, device, "xero", Credentials(CLIENT_ID), REDIRECT)
    answer = xero.server.consent(url)
    long = [{"id": "1", "tenantId": "t" * 1_500, "tenantType": "ORGANISATION", "tenantName": "A"}]
    get = Api.get
    monkeypatch.setattr(Api, "get", lambda *_: replace(get(*_), document=long))
    with pytest.raises(SourceUnreadable):
        finish_sign_in(sources, device, answer)
    assert everything(sources.database)["contact_source"] == []


def test_a_state_is_of_its_own_firm(
    sources: SourceContext, device: Device, answer: dict[str, str]
) -> None:
    other = replace(sources, workspace_id=sources.workspace_id + 1)
    for state in ({"state": ""}, {"state": answer["state"][:-1]}):
        with pytest.raises(SignInExpired):
            finish_sign_in(sources, device, answer | state)
    with pytest.raises(SignInExpired):
        finish_sign_in(other, device, answer)
    assert finish_sign_in(sources, device, answer).companies
