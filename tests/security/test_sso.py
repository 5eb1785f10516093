"""Single sign-on with a real provider: only people who were invited, only when all of it fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from crmlink.access.context import AccessContext
from crmlink.access.devices import command_line_actor
from crmlink.access.oidc.provider import OidcProvider, UnsafeIssuer
from crmlink.access.people import invite, list_people, remove_person
from crmlink.store import Person
from crmlink.web.auth import SESSION_COOKIE
from crmlink.web.problems import problem
from security.attack import forms_of
from security.oidc_server import SECRET, log_in_there, running_provider
from support.access_factories import make_person
from support.installations import installation_of, open_app


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with running_provider() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def app(issuer: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    provider = OidcProvider(issuer, "crmlink", SECRET, "the firm's sign-on")
    with open_app(tmp_path_factory.mktemp("sso"), oidc=provider) as app:
        make_person(installation_of(app).access, "admin")  # without one, pages show the set-up
        yield app


@pytest.fixture
def access(app: Flask) -> AccessContext:
    return installation_of(app).access


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def invited(access: AccessContext, name: str) -> Person:
    actor = command_line_actor(access)
    return invite(access, actor, name.title(), f"{name}@firm.example", "clerk")[0]


def set_out(client: FlaskClient, wanted: str = "") -> TestResponse:
    _, csrf = forms_of(client)
    return client.post("/log-in", data={"csrf_token": csrf, "with": "sso", "next": wanted})


def leave(client: FlaskClient, wanted: str = "") -> str:
    """The provider's address that the button leads to."""
    reply = set_out(client, wanted)
    assert reply.status_code == 200
    return reply.headers["Refresh"].partition("url=")[2]


def go_round(client: FlaskClient, name: str, *, consent: bool = True) -> TestResponse:
    return client.get(log_in_there(leave(client), name, consent=consent))


def refused(reply: TestResponse, code: str) -> bool:
    """Whether the log-in page says this, and no one is in."""
    found = problem(code)
    page = reply.get_data(as_text=True).replace("&#39;", "'")
    return (
        reply.status_code == found.status
        and found.detail in page
        and SESSION_COOKIE not in "".join(reply.headers.getlist("Set-Cookie"))
    )


def test_the_button_names_the_provider_and_leads_to_it(app: Flask, issuer: str) -> None:
    client = app.test_client()
    assert "Sign in with the firm&#39;s sign-on" in client.get("/log-in").get_data(as_text=True)
    url = leave(client)
    asked = parse_qs(urlsplit(url).query)
    assert url.startswith(issuer)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == ["http://localhost/log-in"]
    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    assert "code_verifier" not in asked


def test_someone_who_was_invited_gets_in_to_the_page_they_wanted(
    client: FlaskClient, access: AccessContext
) -> None:
    person = invited(access, "anna")
    reply = client.get(log_in_there(leave(client, "/links?state=linked"), "anna"))
    assert (reply.status_code, reply.headers["Location"]) == (303, "/links?state=linked")
    assert client.get("/account").status_code == 200
    found = next(one for one in list_people(access) if one.id == person.id)
    assert found.joined_at
    assert found.password_hash is None


def test_the_same_person_gets_in_again_even_under_another_email(
    client: FlaskClient, access: AccessContext
) -> None:
    person = invited(access, "bea")
    assert go_round(client, "bea").status_code == 303
    with access.database.writing() as session:
        session.get_one(Person, person.id).email = "beatrice@firm.example"
    assert go_round(client, "bea").status_code == 303


def test_sso_without_invitation_is_rejected(client: FlaskClient, access: AccessContext) -> None:
    assert refused(go_round(client, "stranger"), "sso-unknown")
    person = invited(access, "gone")
    remove_person(access, command_line_actor(access), person.public_id)
    assert refused(go_round(client, "gone"), "sso-unknown")


def test_an_email_that_someone_came_by_is_not_taken_by_another_account(
    client: FlaskClient, access: AccessContext
) -> None:
    person = invited(access, "carl")
    assert go_round(client, "carl").status_code == 303
    with access.database.writing() as session:
        session.get_one(Person, person.id).sso_subject = "https://elsewhere.example#carl"
    assert refused(go_round(client, "carl"), "sso-unknown")


def test_an_email_that_no_one_confirmed_lets_no_one_in(
    client: FlaskClient, access: AccessContext
) -> None:
    invited(access, "unproven")
    assert refused(go_round(client, "unproven"), "sso-unproven")


def test_who_says_no_at_the_provider_hears_so(client: FlaskClient) -> None:
    assert refused(go_round(client, "anna", consent=False), "sso-denied")


def test_an_answer_counts_once(client: FlaskClient, access: AccessContext) -> None:
    invited(access, "dora")
    back = log_in_there(leave(client), "dora")
    kept = client.get_cookie("crmlink_forms")
    assert kept
    assert client.get(back).status_code == 303
    assert refused(client.get(back), "sso-refused")
    client.set_cookie("crmlink_forms", kept.value)  # also with the cookie of before
    assert refused(client.get(back), "sso-refused")


def test_an_answer_counts_only_in_the_browser_that_asked(app: Flask, client: FlaskClient) -> None:
    back = log_in_there(leave(client), "anna")
    stranger = app.test_client()
    assert refused(stranger.get(back), "sso-refused")
    leave(stranger)
    assert refused(stranger.get(back), "sso-refused")


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("state", "another"),
        ("nonce", "another"),
        ("verifier", "another" * 10),
        ("begun", 0.0),
        ("begun", 9e12),
    ],
)
def test_an_answer_to_another_question_is_refused(
    client: FlaskClient, part: str, value: object
) -> None:
    back = log_in_there(leave(client), "anna")
    with client.session_transaction() as kept:
        kept["sso"] = kept["sso"] | {part: value}
    assert refused(client.get(back), "sso-refused")


@pytest.mark.parametrize("query", ["code=made-up", "error=access_denied", "code="])
def test_an_answer_without_a_question_is_refused(client: FlaskClient, query: str) -> None:
    assert refused(client.get(f"/log-in?{query}&state=x"), "sso-refused")


def test_a_code_that_the_provider_never_gave_is_refused(client: FlaskClient) -> None:
    back = urlsplit(log_in_there(leave(client), "anna"))
    state = parse_qs(back.query)["state"][0]
    assert refused(client.get(f"/log-in?code=made-up&state={state}"), "sso-refused")


def test_an_answer_of_another_issuer_is_refused(client: FlaskClient) -> None:
    back = log_in_there(leave(client), "anna")
    mixed_up = back.partition("&iss=")[0] + "&iss=https://elsewhere.example"
    assert refused(client.get(mixed_up), "sso-refused")


def with_provider(
    app: Flask, monkeypatch: pytest.MonkeyPatch, provider: OidcProvider | None
) -> None:
    installation = installation_of(app)
    monkeypatch.setattr(installation, "settings", replace(installation.settings, oidc=provider))


def test_a_provider_that_does_not_answer_is_told_and_passwords_go_on(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = log_in_there(leave(client), "anna")
    with_provider(app, monkeypatch, OidcProvider("http://127.0.0.1:9", "crmlink", SECRET))
    assert refused(client.get(back), "sso-refused")  # it is not who was asked
    assert refused(set_out(client), "sso-unreachable")
    assert client.get("/log-in").status_code == 200


def test_a_provider_that_calls_itself_something_else_is_refused(
    app: Flask, client: FlaskClient, issuer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_another_name = issuer.replace("127.0.0.1", "localhost")
    with_provider(app, monkeypatch, OidcProvider(by_another_name, "crmlink", SECRET))
    assert refused(set_out(client), "sso-refused")


def test_a_wrong_secret_lets_no_one_in(
    app: Flask, client: FlaskClient, issuer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_provider(app, monkeypatch, OidcProvider(issuer, "crmlink", "wrong"))
    assert refused(go_round(client, "anna"), "sso-refused")


def test_without_the_setting_there_is_no_button_and_no_way(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_provider(app, monkeypatch, None)
    assert 'value="sso"' not in client.get("/log-in").get_data(as_text=True)
    assert refused(set_out(client), "sso-refused")
    assert refused(client.get("/log-in?code=x&state=y"), "sso-refused")


@pytest.mark.parametrize(
    "issuer",
    ["http://sso.firm.example", "ftp://sso.firm.example", "https://", "https://a:b@sso.example",
     "https://sso.example/?tenant=1", "sso.example"],
)  # fmt: skip
def test_an_issuer_that_could_be_listened_to_is_no_issuer(issuer: str) -> None:
    with pytest.raises(UnsafeIssuer):
        OidcProvider(issuer, "crmlink", SECRET)


def test_the_secret_is_not_shown(app: Flask, client: FlaskClient) -> None:
    assert SECRET not in repr(installation_of(app).settings)
    assert SECRET not in set_out(client).get_data(as_text=True)
