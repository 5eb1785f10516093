"""What the client sends and the sandbox answers in shape P, held against the published profile.

The profile is others' and not part of the project: it is read from the folder `shared/facts` beside
the checkout, and without it these checks do not run, and say so.
"""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from crmlink.commusoft.sandbox import SandboxServer, create_sandbox
from crmlink.kinds import KINDS, Kind
from unit.commusoft.fake_server import Enter

PROFILE = Path(__file__).parents[4] / "shared" / "facts" / "commusoft-openapi.yml"
INPUTS: dict[Kind, str] = {"customer": "CustomerInput", "supplier": "SupplierInput"}
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@pytest.fixture(scope="module")
def profile() -> dict[str, Any]:
    if not PROFILE.exists():
        pytest.skip("DID NOT RUN: the published profile is not beside this checkout")
    document: dict[str, Any] = yaml.safe_load(PROFILE.read_text(encoding="utf-8"))
    return document


def check(profile: dict[str, Any], schema: str, document: Any) -> None:
    root = {"$ref": f"#/components/schemas/{schema}", "components": profile["components"]}
    Draft202012Validator(root, format_checker=FormatChecker(["email", "uuid"])).validate(document)


def has_operation(profile: dict[str, Any], method: str, path: str) -> bool:
    for pattern, operations in profile["paths"].items():
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", pattern), path):
            return method.lower() in operations
    return False


class Listening:
    """A layer around the sandbox that keeps the bodies it is sent."""

    def __init__(self, inner: Wsgi) -> None:
        self.inner = inner
        self.heard: list[tuple[str, str, Any]] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(size)
        environ["wsgi.input"].seek(0)
        path = environ["PATH_INFO"].removeprefix("/api/v1")
        self.heard.append((environ["REQUEST_METHOD"], path, json.loads(body or b"null")))
        return self.inner(environ, start_response)


@pytest.mark.parametrize("kind", KINDS)
def test_every_request_of_the_client_and_answer_of_the_sandbox_fits_the_profile(
    profile: dict[str, Any], enter: Enter, kind: Kind
) -> None:
    app = create_sandbox(customers=150, suppliers=60)
    listening = Listening(app.wsgi_app)
    app.wsgi_app = listening  # type: ignore[method-assign]  # Flask's own way to wrap it
    with SandboxServer(app) as server:
        client = enter(server.p_url)
        records = [one for one in client.records(kind) if not one.deleted]
        for listed in records:
            check(profile, kind.capitalize(), listed.raw)
            record = client.record(kind, listed.number, listed.uuid)
            client.write_reference(record, "REF-1")
            client.write_reference(client.record(kind, listed.number, listed.uuid), None)
    assert all(has_operation(profile, method, path) for method, path, _ in listening.heard)
    check(profile, "TokenRequest", listening.heard[0][2])
    puts = [body for method, _, body in listening.heard if method == "PUT"]
    assert len(puts) == 2 * len(records) > 100
    for body in puts:
        check(profile, INPUTS[kind], body)


def test_a_record_without_its_surname_would_not_fit(profile: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        check(profile, "CustomerInput", {"uuid": "0b6ee5d4-3b58-4b69-8f0c-111111111111"})
    assert not has_operation(profile, "PATCH", "/customers/0b6ee5d4")
    assert not has_operation(profile, "GET", "/customer")
