"""Request bodies of the sandbox: PHP's nested form names, or JSON."""

import contextlib
import re
from collections.abc import Iterable
from typing import Any

from flask import Request

from crmlink.commusoft.sandbox.shapes import RequestRejected
from crmlink.strict_json import NotJSON, read_json


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return `a[b][0]=x` pairs as nested data, as PHP does."""
    document: dict[str, Any] = {}
    for name, value in pairs:
        head, brackets = name.partition("[")[0], re.findall(r"\[([^\]]*)\]", name)
        place = document
        for part in [head, *brackets][:-1]:
            inner = place.setdefault(part, {})
            if not isinstance(inner, dict):
                raise RequestRejected("This value is not valid.")
            place = inner
        place[[head, *brackets][-1]] = value
    return document


def json_object(request: Request) -> dict[str, Any]:
    """Return the JSON object of the request. Raises `RequestRejected`."""
    with contextlib.suppress(NotJSON):
        document = read_json(request.get_data())
        if isinstance(document, dict):
            return document
    raise RequestRejected("The body must be a JSON object.")


def wrapped(request: Request, wrapper: str) -> dict[str, Any]:
    """Return the fields below `wrapper`, from a form or nested JSON. Raises `RequestRejected`."""
    document = json_object(request) if request.is_json else nested(request.form.items(multi=True))
    if any("[" in name for name in document):
        # Live accounts treat JSON with brackets in names like this.
        raise RequestRejected("An error occurred.", status=500)
    fields = document.get(wrapper)
    if not isinstance(fields, dict):
        raise RequestRejected("This form was not submitted.")
    return fields
