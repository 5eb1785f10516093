"""The rule file, the workspace, the documentation and the health checks."""

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from crmlink.access.roles import CLERK
from crmlink.accounting.rule_loading import load_packages
from crmlink.installation import Installation
from support.access_factories import logged_in, make_person, pair, with_token


def test_the_rule_file_is_served_with_an_etag(client: FlaskClient) -> None:
    first = client.get("/api/v1/packages")
    known = load_packages()["packages"]
    assert {one: rules["name"] for one, rules in first.get_json()["packages"].items()} == {
        one: rules["name"] for one, rules in known.items()
    }
    again = client.get("/api/v1/packages", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_the_workspace_says_that_it_is_a_sandbox_and_what_the_mirror_holds(
    client: FlaskClient,
) -> None:
    workspace = client.get("/api/v1/workspace").get_json()
    assert workspace["commusoft"]["sandbox"] is True
    assert workspace["device"]["name"] == "Front desk"
    assert workspace["person"] is None
    assert workspace["mirror"]["customers"] > 50
    assert workspace["mirror"]["suppliers"] > 10
    assert workspace["mirror"]["synced_at"]


def test_a_browser_is_told_who_it_acts_for_and_what_it_may_do(
    app: Flask, installation: Installation
) -> None:
    grant = pair(
        installation.access, make_person(installation.access, name="Robin Example"), "Front desk"
    )
    workspace = with_token(app, grant.access_token).get("/api/v1/workspace").get_json()
    assert workspace["person"] == {"name": "Robin Example", "role": "clerk"}
    assert workspace["device"]["id"] == grant.device.public_id
    assert workspace["device"]["scopes"] == sorted(CLERK)
    assert workspace["device"]["expires_at"]


def test_the_openapi_document_describes_every_route_and_the_docs_show_it(
    app: Flask, installation: Installation, client: FlaskClient
) -> None:
    spec = client.get("/api/openapi.json").get_json()
    described = {path.split("{")[0] for path in spec["paths"]}
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1"):
            assert rule.rule.split("<")[0] in described
    person = logged_in(app, installation.access, make_person(installation.access))
    assert person.get("/api/openapi.json").get_json() == spec
    page = person.get("/docs").get_data(as_text=True)
    for path in spec["paths"]:
        assert path in page


def test_health_and_readiness(app: Flask, installation: Installation) -> None:
    assert app.test_client().get("/healthz").status_code == 200
    assert app.test_client().get("/readyz").status_code == 200
    with installation.database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE workspace RENAME TO lost"))
    assert app.test_client().get("/readyz").status_code == 503
