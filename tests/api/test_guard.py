"""Nothing gets in without a valid token, and what comes out is safe to show."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from crmlink.access.tokens import create_token, is_well_formed, list_tokens, revoke_token
from crmlink.api.guard import PUBLIC
from crmlink.house import House
from crmlink.store import Device
from crmlink.store.models import now


def make_token(house: House, **more: object) -> str:
    return create_token(
        house.database,
        house.desk.workspace_id,
        house.settings.secret_key,
        "Script",
        **more,  # type: ignore[arg-type] # a factory takes what it is given
    )[1]


def ask(app: Flask, token: str | None, path: str = "/api/v1/workspace") -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    reply = app.test_client().get(path, headers=headers)
    body = reply.get_json()
    return reply.status_code, f"{body.get('type')} {body.get('detail')}"


def test_every_route_but_the_short_list_is_refused_without_a_token(app: Flask) -> None:
    refused = 0
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            path = rule.rule.replace("<record_id>", "customer-1001").replace("<link_id>", "x")
            reply = app.test_client().open(
                path.replace("<path:filename>", "page.css"), method=method
            )
            assert (reply.status_code == 401) is (rule.endpoint not in PUBLIC), rule.rule
            refused += reply.status_code == 401
    assert refused >= 7
    assert len(PUBLIC) <= 6


def test_every_kind_of_bad_token_is_refused_with_the_same_body(app: Flask, house: House) -> None:
    expired, revoked, good = (make_token(house) for _ in range(3))
    with house.database.writing() as session:
        session.execute(
            update(Device)
            .where(Device.prefix == expired[:12])
            .values(expires_at=now() - timedelta(seconds=1))
        )
    revoke_token(house.database, house.desk.workspace_id, revoked[:12])
    tampered = good[:-1] + ("0" if good[-1] != "0" else "1")
    bad = [None, "", "garbage", "crm_", tampered, good.lower(), expired, revoked, "crm_" + "é" * 38]
    answers = {ask(app, token) for token in bad}
    assert len(answers) == 1
    assert answers.pop()[0] == 401
    assert ask(app, good)[0] == 200


def test_an_address_that_does_not_exist_is_not_told_to_strangers(
    app: Flask, client: FlaskClient
) -> None:
    assert ask(app, None, "/api/v1/secrets")[0] == 401
    assert client.get("/api/v1/secrets").status_code == 404
    assert client.delete("/api/v1/workspace").status_code == 405


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/api/v1/suggestions", "suggest"),
        ("GET", "/api/v1/records?q=smith", "suggest"),
        ("GET", "/api/v1/records/customer-1001", "read"),
        ("POST", "/api/v1/links", "link"),
        ("GET", "/api/v1/links", "read"),
        ("GET", "/api/v1/links/x", "read"),
        ("POST", "/api/v1/links/x/undo", "link"),
    ],
)
def test_a_token_does_only_what_its_scopes_say(
    app: Flask, house: House, method: str, path: str, scope: str
) -> None:
    others = tuple({"suggest", "link", "read"} - {scope})
    for scopes, allowed in ((others, False), ((scope,), True)):
        token = make_token(house, scopes=scopes)
        reply = app.test_client().open(
            path, method=method, json={}, headers={"Authorization": f"Bearer {token}"}
        )
        assert (reply.status_code != 403) is allowed


def test_a_token_of_another_workspace_or_another_key_opens_nothing(
    app: Flask, house: House
) -> None:
    _, foreign = create_token(house.database, house.desk.workspace_id, "another key" * 5, "Thief")
    assert ask(app, foreign)[0] == 401


def test_the_database_keeps_no_token_and_the_lists_show_how_it_begins(house: House) -> None:
    token = make_token(house)
    assert is_well_formed(token)
    shown = list_tokens(house.database, house.desk.workspace_id)[0]
    assert token.startswith(shown.prefix)
    assert len(shown.prefix) == 12
    for file in house.settings.data_dir.iterdir():
        assert token.encode() not in file.read_bytes()


def test_use_is_noted(app: Flask, house: House) -> None:
    token = make_token(house)
    assert list_tokens(house.database, house.desk.workspace_id)[0].last_used_at is None
    ask(app, token)
    assert list_tokens(house.database, house.desk.workspace_id)[0].last_used_at


def test_every_answer_carries_the_protective_headers(app: Flask) -> None:
    reply = app.test_client().get("/")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'self'" in reply.headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in reply.headers
    assert app.test_client().get("/api/v1/links").headers["Cache-Control"] == "no-store"
