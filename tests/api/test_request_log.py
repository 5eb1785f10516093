"""The line that each request leaves in the log."""

from __future__ import annotations

from flask import Flask, Response
from flask.testing import FlaskClient
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from crmlink.installation import Installation


def test_a_line_names_the_request_the_device_and_the_workspace_and_nothing_typed(
    client: FlaskClient, installation: Installation
) -> None:
    with capture_logs() as lines:
        reply = client.get("/api/v1/records?q=Holloway")
    line = next(line for line in lines if line["event"] == "request")
    assert line["request_id"] == reply.headers["X-Request-Id"]
    assert line["workspace"] == installation.access.workspace_id
    assert line["device"]
    assert "Holloway" not in str(lines)


def test_each_line_of_a_request_names_it_and_its_firm_also_of_its_attempts(
    app: Flask, client: FlaskClient, installation: Installation
) -> None:
    seen: list[dict[str, object]] = []

    def look(reply: Response) -> Response:
        attempts = installation.workspace.attempts
        seen.extend([get_contextvars(), attempts.submit(get_contextvars).result()])
        return reply

    app.after_request_funcs.setdefault(None, []).append(look)
    reply = client.get("/api/v1/workspace")
    wanted = {
        "request_id": reply.headers["X-Request-Id"],
        "workspace": installation.access.workspace_id,
    }
    assert seen == [wanted, wanted]
    assert get_contextvars() == {}
    assert installation.workspace.attempts.submit(get_contextvars).result() == {}
