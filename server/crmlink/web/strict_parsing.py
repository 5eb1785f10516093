"""Strict parsing of requests: nothing is guessed that the documentation forbids."""

from __future__ import annotations

import re
from typing import Any

import flask_smorest
from flask import Flask, Request, request
from marshmallow import Schema, ValidationError, fields
from webargs.flaskparser import FlaskParser
from webargs.multidictproxy import MultiDictProxy
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from crmlink.strict_json import NameTwice, NotJSON, read_json

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
# Their bodies are read as they came, whatever they are called: a form that is read leaves nothing.
WITHOUT_FORM = ("pages.accept_webhook", "pages.web_connector")
MAX_DIGITS = 10
UNSTORABLE_CHARS = re.compile(
    "[\0\ud800-\udfff]"
)  # PostgreSQL keeps no NUL, UTF-8 no half a letter
SENTENCE = "A character in it cannot be kept."
TWICE = "A name in it is given twice."


class StrictParser(FlaskParser):
    """webargs parser: a body must declare its type, and a value may be given only once."""

    def load_json(self, req: Request, schema: Schema) -> Any:
        """Return the JSON body."""
        if not req.is_json:
            raise UnsupportedMediaType
        try:
            value = read_json(req.get_data())
            keepable = _is_storable(value)
        except NameTwice:
            raise ValidationError(TWICE, field_name="request") from None
        except (NotJSON, RecursionError):
            raise BadRequest from None
        if not keepable:
            raise ValidationError(SENTENCE, field_name="request")
        return value

    def load_form(self, req: Request, schema: Schema) -> Any:
        """Return the form's fields."""
        if req.mimetype not in FORMS:
            raise UnsupportedMediaType
        return _reject_duplicates(super().load_form(req, schema))

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        """Return the query parameters."""
        return _reject_duplicates(super().load_querystring(req, schema))


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc] # flask-smorest ships no types
    """flask-smorest's blueprint with the strict parser."""

    ARGUMENTS_PARSER = StrictParser()

    def arguments(self, schema: type[Schema] | Schema, **options: Any) -> Any:
        """Do the same with one schema for all requests: making one copies all of its fields."""
        return super().arguments(schema() if isinstance(schema, type) else schema, **options)


class StrictInteger(fields.Integer):
    """A whole number in a JSON body; text and booleans are rejected."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int or abs(value) >= 10**MAX_DIGITS:
            raise self.make_error("invalid", input=value)
        return value


class StrictFloat(fields.Float):
    """A number in a JSON body; text and booleans are rejected."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if type(value) not in (int, float):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class QueryInteger(fields.Integer):
    """A whole number in a query: digits only."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not re.fullmatch(f"-?[0-9]{{1,{MAX_DIGITS}}}", str(value)):
            raise self.make_error("invalid", input=value)
        return int(value)


class StrictBoolean(fields.Boolean):
    """A boolean in a JSON body; text and numbers are rejected."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


def init_strict_parsing(app: Flask) -> None:
    """Reject queries and forms with characters that cannot be stored."""
    app.before_request(_reject_unstorable)


def _reject_unstorable() -> None:
    given = [request.path, *request.args, *request.args.values()]
    if request.mimetype in FORMS and request.endpoint not in WITHOUT_FORM:
        for name, values in request.form.lists():
            given += [name, *values]
    if any(map(UNSTORABLE_CHARS.search, given)):
        flask_smorest.abort(422, messages={"request": [SENTENCE]})


def _reject_duplicates(values: MultiDictProxy) -> MultiDictProxy:
    given: Any = values.data
    if again := {name: ["Give it once only."] for name in given if len(given.getlist(name)) > 1}:
        raise ValidationError(again)
    return values


def _is_storable(value: Any) -> bool:
    match value:
        case str():
            return not UNSTORABLE_CHARS.search(value)
        case dict():
            return all(_is_storable(key) and _is_storable(inner) for key, inner in value.items())
        case list():
            return all(map(_is_storable, value))
        case _:
            return True
