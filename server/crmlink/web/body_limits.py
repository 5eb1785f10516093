"""Size limits of request bodies: by route, smaller for anonymous users.

The web server checks them before it stores a body, the application again.
"""

from __future__ import annotations

from flask import Flask, abort, g, request
from werkzeug.exceptions import HTTPException

from crmlink.web.auth import PUBLIC_ENDPOINTS, is_expected

STRANGER_BYTES = 32_000  # larger than the sign-in forms
REQUEST_BYTES = 1_000_000  # larger than a page of contacts
UPLOAD_MB = 50
UPLOAD_BYTES = UPLOAD_MB * 2**20
FORM_BYTES = 100_000  # around an uploaded file
MAX_BODY_BYTES = UPLOAD_BYTES + FORM_BYTES
RECORDS_BYTES = 8_000_000  # larger than 5,000 rows of a list page
LARGE_ENDPOINTS = {
    "pages.upload_list": MAX_BODY_BYTES,
    "pages.upload_records": MAX_BODY_BYTES,
    "records.RecordImportView": RECORDS_BYTES,
}
REFUSED = "crmlink.body_refused"  # key in the WSGI environment: the body was discarded


def init_body_limits(app: Flask) -> None:
    """Apply the limits to requests. Call it after authentication."""
    app.before_request(_bound_body)


def body_limit(app: Flask, method: str, path: str) -> int:
    """Return the maximum bytes for an authenticated sender of this route."""
    try:
        endpoint, _ = app.url_map.bind("").match(path, method)
    except HTTPException:
        return REQUEST_BYTES
    return LARGE_ENDPOINTS.get(endpoint, REQUEST_BYTES)


def _bound_body() -> None:
    known = "actor" in g or is_expected()
    limit = LARGE_ENDPOINTS.get(request.endpoint or "", REQUEST_BYTES)
    request.max_content_length = limit if known else STRANGER_BYTES
    if request.environ.get(REFUSED) and (known or request.endpoint in PUBLIC_ENDPOINTS):
        abort(413)  # unauthenticated senders get that error instead
