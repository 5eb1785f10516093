"""What tests ask of the sandbox itself, below `/sandbox`; no token needed."""

from dataclasses import asdict

from flask import Blueprint, Response, abort, jsonify, request

from crmlink.commusoft.sandbox.forms import json_object
from crmlink.commusoft.sandbox.web import WebSessions
from support.faulty_sandbox.faults import FAULTS, FaultRegistry, read_fault
from support.faulty_sandbox.records import FaultyRecords


def controls(
    records: FaultyRecords, tokens: set[str], sessions: WebSessions, faults: FaultRegistry
) -> Blueprint:
    """The edits done (`GET writes`), and the faults; `DELETE tokens` makes every token old.

    `DELETE sessions` lets every session of the web application run out.
    """
    blueprint = Blueprint("controls", __name__)

    @blueprint.before_request
    def take_json_only() -> None:
        """Refuse what a page of any site may send to this computer without asking first."""
        if request.method == "POST" and request.mimetype != "application/json":
            abort(415)

    @blueprint.get("/writes")
    def writes() -> Response:
        return jsonify(writes=[asdict(write) for write in records.writes()])

    @blueprint.delete("/tokens")
    def forget_tokens() -> tuple[str, int]:
        tokens.clear()
        return "", 204

    @blueprint.delete("/sessions")
    def end_sessions() -> tuple[str, int]:
        sessions.clear()
        return "", 204

    @blueprint.get("/faults")
    def list_faults() -> Response:
        return jsonify(known=FAULTS, standing=faults.active())

    @blueprint.post("/faults")
    def add_fault() -> tuple[Response, int]:
        fault = read_fault(json_object(request))
        faults.add(fault)
        return jsonify(fault.as_dict()), 201

    @blueprint.delete("/faults")
    def clear_faults() -> tuple[str, int]:
        faults.clear()
        return "", 204

    return blueprint
