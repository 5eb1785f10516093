"""Problem details in the OpenAPI document, and flask-smorest configured to return them."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response
from flask_smorest import Api
from marshmallow import Schema, fields
from werkzeug.exceptions import HTTPException

from crmlink.web.error_handlers import PROBLEM_JSON, http_problem


class ProblemSchema(Schema):
    """RFC 9457 problem details; members after the first five belong to some types only."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    request_id = fields.String(required=True)
    errors = fields.List(fields.String(), metadata={"description": "One for each wrong field."})
    error = fields.String(metadata={"description": "RFC 6749's word, where tokens are asked for."})
    record = fields.Nested("RecordSchema")
    holders = fields.List(fields.Nested("RecordSchema"))
    current_reference = fields.String(allow_none=True)
    contact_kind = fields.String()
    link = fields.Nested("LinkSchema")
    by = fields.String(allow_none=True)
    since = fields.AwareDateTime(allow_none=True)
    retry_after = fields.Float(allow_none=True, metadata={"description": "Seconds."})
    state = fields.String(metadata={"description": "In which a list or its row is now."})
    choice = fields.String(allow_none=True)
    contact = fields.String(allow_none=True)
    contacts = fields.Integer()
    position = fields.Integer(allow_none=True)


class ProblemApi(Api):  # type: ignore[misc] # flask-smorest ships no types
    """flask-smorest's Api with problem details."""

    ERROR_SCHEMA = ProblemSchema

    def _register_responses(self) -> None:
        """Document the errors that flask-smorest adds itself with their actual type."""
        failures = {status.name: status.phrase for status in HTTPStatus if status >= 400}
        for name, phrase in ({"DEFAULT_ERROR": "What went wrong."} | failures).items():
            content = {PROBLEM_JSON: {"schema": self.ERROR_SCHEMA}}
            response = {"description": phrase, "content": content}
            self.spec.components.response(name, response, lazy=True)

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Return the problem of an HTTP error."""
        return http_problem(error)
