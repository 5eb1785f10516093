"""The sandbox: both shapes of the API, and the web application, over the same records."""

import json
import secrets
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from crmlink.commusoft.sandbox.forms import json_object, wrapped
from crmlink.commusoft.sandbox.record_store import RecordStore
from crmlink.commusoft.sandbox.records import SandboxRecord
from crmlink.commusoft.sandbox.shapes import (
    RequestRejected,
    Shape,
    UpdateForm,
    p_shape,
    w_shape,
)
from crmlink.commusoft.sandbox.web import WebSessions, web
from crmlink.commusoft.sandbox.web.blueprint import add_page_headers, problem_page
from crmlink.commusoft.transport import SANDBOX_HEADER
from crmlink.hosts import Host
from crmlink.kinds import KINDS, Kind

CREDENTIAL = "sandbox"
_CUSTOMER_TYPES = ("1", "2", "3")  # private, company, landlord


def create_sandbox(
    customers: int = 2000,
    suppliers: int = 200,
    seed: int = 1,
    state_file: Path | None = None,
    drop_supplier_reference: bool = False,
    update: UpdateForm = "W",
) -> Flask:
    """Return a WSGI application that simulates Commusoft; a seed always gives the same records.

    Shape W is below `/webservice_dev.php/api/v1`, P below `/api/v1`; client id, user name, password
    and application id are all `sandbox`. Edits are appended to `state_file`, if given, and survive
    a kill. `drop_supplier_reference` makes shape P discard the reference of suppliers, as its
    published profile has no field for it. `update` is the form by which shape W changes a customer:
    N has names of its own, and what it is not sent stays, or is emptied. Raises `StateDamaged`.
    """
    ledger = RecordStore({"customer": customers, "supplier": suppliers}, seed, state_file)
    return sandbox_app(ledger, set(), WebSessions(), drop_supplier_reference, update)


def sandbox_app(
    ledger: RecordStore,
    tokens: set[str],
    sessions: WebSessions,
    drop_supplier_reference: bool = False,
    update: UpdateForm = "W",
) -> Flask:
    """Return the application for these records, valid tokens, and sessions of its pages."""
    app = Flask(__name__)
    for shape in (w_shape(update), p_shape(drop_supplier_reference)):
        app.register_blueprint(_api(shape, ledger, tokens), url_prefix=shape.prefix)
    app.register_blueprint(web(ledger, sessions))
    app.register_error_handler(RequestRejected, _unacceptable)
    app.register_error_handler(HTTPException, _http_error)

    @app.before_request
    def refuse_other_names() -> None:
        """Reject requests for another host name, against DNS rebinding."""
        host = Host.from_text(request.headers.get("Host"))
        if host is None or not host.is_loopback:
            abort(421)

    @app.after_request
    def mark_as_sandbox(response: Response) -> Response:
        response.headers[SANDBOX_HEADER] = "crmlink"
        return response if _is_api() else add_page_headers(response)

    return app


def _unacceptable(error: Exception) -> tuple[Response, int]:
    assert isinstance(error, RequestRejected)  # noqa: S101  # registered for this type alone
    return jsonify(message=error.message, code=error.status), error.status


def _is_api() -> bool:
    return "/api/" in request.path


def _http_error(error: Exception) -> tuple[Response | str, int]:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this type alone
    status = error.code or 500
    if not _is_api() and not request.is_json:
        return problem_page(status, error.name)
    return jsonify(message=error.name, code=status), status


def _api(shape: Shape, ledger: RecordStore, tokens: set[str]) -> Blueprint:
    api = Blueprint(f"api_{shape.name}", __name__)

    @api.before_request
    def refuse_without_token() -> tuple[Response, int] | None:
        given = request.headers.get("X-Auth-Token") or request.args.get("token")
        if request.endpoint == f"api_{shape.name}.get_token" or given in tokens:
            return None
        return jsonify(message="Authentication token missing or invalid", code=401), 401

    @api.post("/getToken")
    def get_token() -> Response | tuple[Response, int]:
        if not request.is_json:
            abort(415)
        given = json_object(request)
        names = ("clientId", "username", "password", "applicationId")
        if any(given.get(name) != CREDENTIAL for name in names):
            return jsonify(message="Invalid credentials", code=401), 401
        token = secrets.token_hex(20)
        tokens.add(token)
        if shape.name == "P":
            return Response(token, mimetype="text/plain")
        return jsonify(token=token)

    for kind in KINDS:
        _add_records(api, shape, ledger, kind)
    if shape.name == "W":
        _add_people(api, ledger)
    return api


def _add_records(api: Blueprint, shape: Shape, ledger: RecordStore, kind: Kind) -> None:
    """Add the list, read, update, soft delete and create routes of one kind of record."""

    def found(key: str) -> SandboxRecord:
        find = ledger.by_uuid if shape.by_uuid else ledger.by_number
        entry = find(kind, key)
        if entry is None:
            raise RequestRejected("Resource not found", status=404)
        return entry

    def listed() -> Response:
        entries = [entry for entry in ledger.all(kind) if _wanted(entry, shape)]
        return Response(_pieces(shape, kind, entries), mimetype="application/json")

    def one(key: str) -> Response:
        return jsonify(shape.show(found(key)))

    def updated(key: str) -> Response:
        entry = found(key)
        changes = shape.changes(entry, _sent(shape, kind))
        return jsonify(shape.show(ledger.change(entry, changes | {"updated": _now()})))

    def deleted(key: str) -> Response:
        return jsonify(shape.show(ledger.change(found(key), {"deleted": True})))

    def created(key: str = "") -> tuple[Response, int, dict[str, str]]:
        if kind == "customer" and not shape.by_uuid and key not in _CUSTOMER_TYPES:
            raise RequestRejected("Resource not found", status=404)
        entry = _create(shape, ledger, kind, _sent(shape, kind))
        place = f"{shape.prefix}/{kind}s/{entry.uuid if shape.by_uuid else entry.number}"
        return jsonify(shape.show(entry)), 201, {"Location": place}

    creates_by_type = kind == "customer" and not shape.by_uuid
    rules: tuple[tuple[str, str, Callable[..., Any]], ...] = (
        (f"/{kind}s", "GET", listed),
        (f"/{kind}s/<key>", "GET", one),
        (f"/{kind}s/<key>", "PUT", updated),
        (f"/{kind}s/<key>", "DELETE", deleted),
        (f"/{kind}s/<key>" if creates_by_type else f"/{kind}s", "POST", created),
    )
    for rule, method, view in rules:
        api.add_url_rule(rule, f"{kind}_{view.__name__}", view, methods=[method])


def _add_people(api: Blueprint, ledger: RecordStore) -> None:
    @api.get("/customers/<number>/contacts")
    def contacts(number: str) -> Response:
        entry = ledger.by_number("customer", number)
        if entry is None:
            raise RequestRejected("Resource not found", status=404)
        person = {
            "id": int(entry.number) * 10,
            "name": entry.first_name or None,
            "surname": entry.surname or None,
            "emailaddress": entry.email or None,
            "position": entry.position or None,
        }
        return jsonify(contacts=[person])


def _sent(shape: Shape, kind: Kind) -> dict[str, Any]:
    return json_object(request) if shape.by_uuid else wrapped(request, f"{kind}type")


def _create(
    shape: Shape, ledger: RecordStore, kind: Kind, document: dict[str, Any]
) -> SandboxRecord:
    own = str(document.get("uuid") or uuid.uuid4()).lower()
    if ledger.by_uuid(kind, own) is not None:
        raise RequestRejected("An error occurred.", status=500)
    entry = SandboxRecord(kind=kind, number="0", uuid=own, created=_now())
    for name, value in shape.take(entry, document).items():
        setattr(entry, name, value)
    return ledger.add(entry)


def _wanted(entry: SandboxRecord, shape: Shape) -> bool:
    """Return whether the filters of this shape accept the record; paging is not one."""
    wanted = request.args
    if "uuid" in wanted and wanted["uuid"].lower() != entry.uuid:
        return False
    if shape.by_uuid:
        return True
    if "emailaddress" in wanted and wanted["emailaddress"].lower() != entry.email.lower():
        return False
    return entry.created[:19] > wanted.get("createdondatetime_after", "")


def _pieces(shape: Shape, kind: Kind, entries: list[SandboxRecord]) -> Iterator[str]:
    """Yield the whole list as JSON, a few hundred records at a time."""
    head, tail = ("[", "]") if shape.by_uuid else (f'{{"{kind.capitalize()}s":[', "]}")
    yield head
    for start in range(0, len(entries), 500):
        shown = (shape.show(entry) for entry in entries[start : start + 500])
        text = ",".join(json.dumps(one, ensure_ascii=False) for one in shown)
        yield f",{text}" if start else text
    yield tail


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
