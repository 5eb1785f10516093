"""Log-in, invitation and log-out."""

from __future__ import annotations

import pytest
from flask import Flask

from crmlink.access.people import create_first_admin_invitation, invite, list_people
from crmlink.installation import Installation
from crmlink.web.auth import SESSION_COOKIE
from support.access_factories import PASSWORD, page_actor
from support.page_client import PageClient, anonymous_client, words
from support.sample_data import SampleData

NEW = "a bucket of elbow joints"


def test_email_and_password_lead_to_the_page_that_was_wanted(
    anonymous: PageClient, sample: SampleData
) -> None:
    assert anonymous.get("/links?state=failed").headers["Location"] == (
        "/log-in?next=/links?state%3Dfailed"
    )
    reply = anonymous.send(
        "/log-in", "/log-in", email=sample.clerk.email, password=PASSWORD, next="/links?q=a"
    )
    assert (reply.status_code, reply.headers["Location"]) == (303, "/links?q=a")
    assert "Anna Whitcombe" in anonymous.read("/links")


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "", "/a\nb", "/%0a\\"],
)
def test_no_one_is_sent_to_another_site_after_the_log_in(
    anonymous: PageClient, sample: SampleData, elsewhere: str
) -> None:
    reply = anonymous.send(
        "/log-in", "/log-in", email=sample.clerk.email, password=PASSWORD, next=elsewhere
    )
    assert reply.headers["Location"] == "/"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    anonymous: PageClient, sample: SampleData
) -> None:
    reply = anonymous.send("/log-in", "/log-in", email=sample.clerk.email, password=PASSWORD)
    cookie = next(
        one for one in reply.headers.getlist("Set-Cookie") if one.startswith(SESSION_COOKIE)
    )
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_wrong_password_and_an_unknown_email_look_the_same(
    anonymous: PageClient, sample: SampleData
) -> None:
    replies = [
        anonymous.send("/log-in", "/log-in", email=email, password="wrong, all wrong")
        for email in (sample.clerk.email, "nobody@firm.example")
    ]
    assert [reply.status_code for reply in replies] == [401, 401]
    assert words(replies[0]) == words(replies[1])
    assert anonymous.get("/").status_code == 303


def test_the_log_in_says_how_long_to_wait_after_too_many_wrong_passwords(
    anonymous: PageClient, sample: SampleData
) -> None:
    for _ in range(60):
        reply = anonymous.send("/log-in", "/log-in", email=sample.clerk.email, password="wrong one")
        if reply.status_code == 429:
            break
    assert reply.status_code == 429
    assert int(reply.headers["Retry-After"]) > 0
    assert "Too many attempts" in words(reply)


def test_the_first_admin_sets_name_email_and_password(
    app: Flask, installation: Installation
) -> None:
    token = create_first_admin_invitation(installation.access)
    visitor = anonymous_client(app)
    page = words(visitor.send("/welcome", "/welcome", token=token))
    assert "be the administrator" in page
    reply = visitor.send(
        "/welcome", "/welcome", token=token, name="Priya Raman", email="priya@firm.example",
        password=NEW, again=NEW,
    )  # fmt: skip
    assert reply.headers["Location"] == "/start"
    assert "Priya Raman" in visitor.read("/people")


def test_the_whole_link_may_be_pasted(app: Flask, installation: Installation) -> None:
    token = create_first_admin_invitation(installation.access)
    visitor = anonymous_client(app)
    link = f" http://127.0.0.1:8787/welcome#{token}\n"
    assert "be the administrator" in words(visitor.send("/welcome", "/welcome", token=link))


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        (NEW, NEW + "x", "two passwords don't match"),
        ("short", "short", "12 characters"),
        ("aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "same few"),
        ("kim osei kim osei", "kim osei kim osei", "name or email"),
        ("", "", "12 characters"),
    ],
)
def test_a_password_that_will_not_do_is_refused_at_its_field(
    app: Flask, installation: Installation, sample: SampleData, password: str, again: str, said: str
) -> None:
    token = _invited(installation, sample)
    visitor = anonymous_client(app)
    reply = visitor.send("/welcome", "/welcome", token=token, password=password, again=again)
    assert reply.status_code == 422
    assert said in words(reply)
    assert 'aria-invalid="true"' in reply.get_data(as_text=True)
    good = visitor.send("/welcome", "/welcome", token=token, password=NEW, again=NEW)
    assert good.headers["Location"] == "/"


@pytest.mark.parametrize("token", ["", "crmi_" + "x" * 38, "<b>"])
def test_a_link_that_never_was_is_refused(
    anonymous: PageClient, sample: SampleData, token: str
) -> None:
    reply = anonymous.send("/welcome", "/welcome", token=token)
    assert reply.status_code == 422
    assert "Ask your admin for a new one" in words(reply)


def test_a_link_works_once(app: Flask, installation: Installation, sample: SampleData) -> None:
    token = _invited(installation, sample)
    first = anonymous_client(app).send("/welcome", "/welcome", token=token, password=NEW, again=NEW)
    assert first.status_code == 303
    again = anonymous_client(app).send("/welcome", "/welcome", token=token, password=NEW, again=NEW)
    assert again.status_code == 422


def test_log_out_ends_the_session_on_the_server(clerk: PageClient) -> None:
    cookie = clerk.client.get_cookie(SESSION_COOKIE)
    assert cookie
    assert clerk.send("/log-out").headers["Location"] == "/log-in"
    clerk.client.set_cookie(SESSION_COOKIE, cookie.value)
    assert clerk.get("/").status_code == 303


def test_a_form_without_its_token_changes_nothing(
    installation: Installation, sample: SampleData, admin: PageClient
) -> None:
    before = len(list_people(installation.access))
    for path, fields in (
        ("/people", {"name": "Eve", "email": "eve@evil.example", "role": "admin"}),
        (f"/links/{sample.linked.id}/undo", {}),
        ("/devices/tokens/revoke-all", {}),
        ("/log-out", {}),
    ):
        reply = admin.client.post(path, data=fields)
        assert reply.status_code == 400
        assert "The page was too old" in words(reply)
    assert len(list_people(installation.access)) == before
    assert admin.get("/").status_code == 200


def test_a_form_that_another_site_sends_is_refused_though_its_token_is_right(
    admin: PageClient,
) -> None:
    admin.client.environ_base["HTTP_SEC_FETCH_SITE"] = "cross-site"
    assert admin.send("/settings", "/settings", keep_drafts_days="1").status_code == 400


def _invited(installation: Installation, sample: SampleData) -> str:
    admin = page_actor(installation.access, sample.admin)
    return invite(installation.access, admin, "Kim Osei", "kim@firm.example", "clerk")[1]
