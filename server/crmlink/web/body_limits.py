"""How large a request's body may be: by route, and less from who is not signed in.

The web server asks here before it stores a body, and the application holds to the same bounds.
"""

from __future__ import annotations

from flask import Flask, abort, g, request
from werkzeug.exceptions import HTTPException

from crmlink.web.auth import PUBLIC_ENDPOINTS

STRANGER_BYTES = 32_000  # the sign-in forms need less
REQUEST_BYTES = 1_000_000  # the largest real one is a page of contacts
UPLOAD_MB = 50
UPLOAD_BYTES = UPLOAD_MB * 2**20
FORM_BYTES = 100_000  # around an uploaded file
LARGEST = UPLOAD_BYTES + FORM_BYTES
LARGE_ENDPOINTS = {"pages.upload_list": LARGEST}
REFUSED = "crmlink.body_refused"  # in the WSGI environment: the body was not kept


def init_body_limits(app: Flask) -> None:
    """Hold requests to these bounds. Call it when a request's sender has been looked for."""
    app.before_request(_bound_body)


def body_limit(app: Flask, method: str, path: str) -> int:
    """Return the bytes that a signed-in sender may send there."""
    try:
        endpoint, _ = app.url_map.bind("").match(path, method)
    except HTTPException:
        return REQUEST_BYTES
    return LARGE_ENDPOINTS.get(endpoint, REQUEST_BYTES)


def _bound_body() -> None:
    known = "actor" in g
    limit = LARGE_ENDPOINTS.get(request.endpoint or "", REQUEST_BYTES)
    request.max_content_length = limit if known else STRANGER_BYTES
    if request.environ.get(REFUSED) and (known or request.endpoint in PUBLIC_ENDPOINTS):
        abort(413)  # others are told that they are not signed in
