"""The rule file, the workspace, the documentation, the start page and the health checks."""

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from crmlink.accounting.packages import load_packages
from crmlink.house import House


def test_the_rule_file_is_served_with_an_etag(client: FlaskClient) -> None:
    first = client.get("/api/v1/packages")
    assert first.get_json() == load_packages()
    again = client.get("/api/v1/packages", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_the_workspace_says_that_it_is_a_sandbox_and_what_the_mirror_holds(
    client: FlaskClient,
) -> None:
    workspace = client.get("/api/v1/workspace").get_json()
    assert workspace["commusoft"]["sandbox"] is True
    assert workspace["device"] == {
        "name": "Front desk",
        "scopes": ["suggest", "link", "read", "batch"],
    }
    assert workspace["mirror"]["customers"] > 50
    assert workspace["mirror"]["suppliers"] > 10
    assert workspace["mirror"]["synced_at"]


def test_the_openapi_document_describes_every_route_and_the_docs_show_it(app: Flask) -> None:
    spec = app.test_client().get("/api/openapi.json").get_json()
    described = {path.split("{")[0] for path in spec["paths"]}
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1"):
            assert rule.rule.split("<")[0] in described
    page = app.test_client().get("/api/docs").get_data(as_text=True)
    for path in spec["paths"]:
        assert path in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "<script" not in page


def test_the_start_page_guides_says_sandbox_and_names_nobody(app: Flask) -> None:
    page = app.test_client().get("/").get_data(as_text=True)
    assert "Sandbox." in page
    assert "Load the extension" in page
    assert "margaret.holloway" not in page


def test_health_and_readiness(app: Flask, house: House) -> None:
    assert app.test_client().get("/healthz").status_code == 200
    assert app.test_client().get("/readyz").status_code == 200
    with house.database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE workspace RENAME TO lost"))
    assert app.test_client().get("/readyz").status_code == 503
