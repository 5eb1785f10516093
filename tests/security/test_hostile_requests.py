"""Whatever a request holds, every route answers in words, and no log has anything of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import structlog

import crmlink
from crmlink.web.body_limits import REQUEST_BYTES
from security.attack_fixture import AttackFixture
from security.permission_probe import Reach
from security.routes import Route, every_route

MARK = "Wexcombe-Marlstone"  # what no log may hold
NAME = re.compile(r"""(?:name="|\[["']|(?:get|getlist|pop)\(["'])([a-z][a-z_-]{0,30})["']""")
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=b"


def names_read() -> list[str]:
    """The names of all fields and parameters that pages read, or that their forms have."""
    pages = Path(crmlink.__file__).parent / "pages"
    files = [*pages.rglob("*.py"), *pages.rglob("*.html")]
    found = {name for file in files for name in NAME.findall(file.read_text())}
    return sorted(found - {"csrf_token"})


NAMES = names_read()
TEXTS = {
    "many digits": "9" * 5_000,
    "NUL": f"{MARK}\0",
    "half a letter": f"{MARK}\ud800",
    "depth": "[" * 3_000,
    "controls": f"http://[{MARK}\r\nSet-Cookie: a=b\x1b\u202e",
}
VALUES: dict[str, Any] = {
    "a list": [[[MARK]]],
    "an object": {MARK: {MARK: [None]}},
    "many digits": 10**400,
    "half a letter": f"{MARK}\ud800",
    "NUL": f"{MARK}\0",
    "a long text": MARK * 40_000,
    "nothing": None,
}


def each_field(value: str) -> bytes:
    return urlencode(dict.fromkeys(NAMES, value), errors="surrogatepass").encode()


def parts(count: int) -> bytes:
    part = f'--b\r\nContent-Disposition: form-data; name="{MARK}"\r\n\r\nx\r\n'
    return (part * count + "--b--\r\n").encode()


Asked = tuple[Route, str, dict[str, Any]]  # a route, its path, and what it is sent
JSON_BODIES = {
    "depth": (JSON, b"[" * 100_000 + b"]" * 100_000),
    "many keys": (JSON, json.dumps({f"{MARK}{n}": 1 for n in range(10_000)}).encode()),
    "too large": (JSON, b'"' + b"x" * REQUEST_BYTES + b'"'),
    "a number without end": (JSON, b'{"name": 1e400}'),
    "half a letter": (JSON, b'{"\\ud800": "%s"}' % MARK.encode()),
    "another type": (f"{JSON}, text/plain", b'{"name": "%s"}' % MARK.encode()),
}
FORM_BODIES = {
    "one field many times": (FORM, b"name=x&" * 50_000),
    "many parts": (PARTS, parts(10_000)),
    "parts without an end": (PARTS, parts(900)[:-20]),
    "bytes": (FORM, b"name=%ff%fe&" + bytes(range(256))),
    "JSON": (JSON, json.dumps(dict.fromkeys(NAMES, MARK)).encode()),
    **{f"each field: {what}": (FORM, each_field(text)) for what, text in TEXTS.items()},
}


@pytest.fixture(scope="module")
def reach(target: AttackFixture) -> Reach:
    return Reach(target)


@pytest.fixture
def logged(without_logs: None) -> Iterator[list[str]]:
    """All that is logged, with tracebacks."""
    lines: list[str] = []

    def note(_logger: Any, _name: str, event: Any) -> Any:
        lines.append(repr(event))
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[structlog.processors.format_exc_info, note],
        wrapper_class=structlog.make_filtering_bound_logger(0),
    )
    yield lines
    structlog.configure(**before)


def routes_of(target: AttackFixture, *, get: bool, in_api: bool | None = None) -> list[Route]:
    """The routes that read, or those that change something; of the API, of the pages, or both."""
    return [
        route
        for route in every_route(target.app)
        if (route.method == "GET") is get
        and in_api in (None, route.in_api)
        and route.rule.endpoint != "metrics"
    ]


def failures(reach: Reach, logged: list[str], asked: Sequence[Asked]) -> list[str]:
    """Routes that failed, or said in the log what they were sent."""
    found, were_logged = [], 0
    for route, path, content in asked:
        logged.clear()
        reply = reach.answer(route, "admin", path, content)
        lines = "\n".join(logged)
        were_logged += "request" in lines
        if reply.status_code == 500 or "unexpected" in lines or MARK in lines:
            found.append(f"{route.name}: {reply.status_code} {lines[-1500:]}")
        reply.close()
    assert were_logged > len(asked) / 2  # or else nothing is listened to
    return found


def sent(target: AttackFixture, kind: str, body: Any, *, in_api: bool) -> list[Asked]:
    """A body as every route is sent it that takes one."""
    content = {"data": body, "content_type": kind}
    routes = routes_of(target, get=False, in_api=in_api)
    return [(route, route.fresh_path(target, None), content) for route in routes]


@pytest.mark.parametrize("what", JSON_BODIES)
def test_no_body_breaks_a_route_of_the_api(
    target: AttackFixture, reach: Reach, logged: list[str], what: str
) -> None:
    assert failures(reach, logged, sent(target, *JSON_BODIES[what], in_api=True)) == []


@pytest.mark.parametrize("what", VALUES)
def test_no_value_of_a_field_breaks_a_route_of_the_api(
    target: AttackFixture, reach: Reach, logged: list[str], what: str
) -> None:
    asked = []
    for route in routes_of(target, get=False, in_api=True):
        body = route.content(target).get("json", {})
        path = route.fresh_path(target, None)
        for name in body:
            asked.append((route, path, {"json": body | {name: VALUES[what]}}))
    assert len(asked) > 40
    assert failures(reach, logged, asked) == []


@pytest.mark.parametrize("what", FORM_BODIES)
def test_no_form_breaks_a_page(
    target: AttackFixture, reach: Reach, logged: list[str], what: str
) -> None:
    assert failures(reach, logged, sent(target, *FORM_BODIES[what], in_api=False)) == []


@pytest.mark.parametrize("what", ["many digits", "half a letter", "controls"])
def test_no_parameter_breaks_a_route(
    target: AttackFixture, reach: Reach, logged: list[str], what: str
) -> None:
    query = each_field(TEXTS[what]).decode()
    asked: list[tuple[Route, str, dict[str, Any]]] = [
        (route, f"{route.path(target).partition('?')[0]}?{query}", {})
        for route in routes_of(target, get=True)
    ]
    assert failures(reach, logged, asked) == []


def test_a_route_that_fails_or_logs_a_value_is_found(
    target: AttackFixture, reach: Reach, logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: Any, **_more: Any) -> None:
        raise RuntimeError(MARK)

    monkeypatch.setattr("crmlink.web.strict_parsing.read_json", fail)
    [route] = [
        each for each in routes_of(target, get=False) if each.name == "POST /api/v1/suggestions"
    ]
    asked = [(route, route.path(target), {"json": {"package": "xero"}})]
    assert len(failures(reach, logged, asked)) == 1
