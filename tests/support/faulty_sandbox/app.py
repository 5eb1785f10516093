"""A sandbox that fails when it is told to: `create_sandbox` with faults, and their controls."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from crmlink.commusoft.sandbox.app import sandbox_app
from crmlink.commusoft.sandbox.shapes import p_shape, w_shape
from crmlink.commusoft.sandbox.web import WebSessions
from support.faulty_sandbox.controls import controls
from support.faulty_sandbox.faults import FaultRegistry
from support.faulty_sandbox.middleware import FaultMiddleware
from support.faulty_sandbox.records import FaultyRecords


def create_faulty_sandbox(
    customers: int = 2000,
    suppliers: int = 200,
    seed: int = 1,
    state_file: Path | None = None,
    drop_supplier_reference: bool = False,
) -> Flask:
    """Return the sandbox, with faults below both prefixes and its controls below `/sandbox`."""
    records = FaultyRecords({"customer": customers, "supplier": suppliers}, seed, state_file)
    return faulty_sandbox(records, drop_supplier_reference)


def faulty_sandbox(records: FaultyRecords, drop_supplier_reference: bool = False) -> Flask:
    """Return such a sandbox with these records."""
    tokens: set[str] = set()
    faults = FaultRegistry()
    sessions = WebSessions()
    app = sandbox_app(records, tokens, sessions, drop_supplier_reference)
    app.register_blueprint(controls(records, tokens, sessions, faults), url_prefix="/sandbox")
    prefixes = (w_shape().prefix, p_shape(drop_supplier_reference).prefix)
    app.wsgi_app = FaultMiddleware(app.wsgi_app, faults, prefixes)  # type: ignore[method-assign]  # Flask's way
    return app
