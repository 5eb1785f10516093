"""The Idempotency-Key header: a repeated request with the same key has the same answer."""

from __future__ import annotations

from typing import Any

from flask import request

from crmlink.web.error_handlers import MissingIdempotencyKey

MIN_LENGTH, MAX_LENGTH = 8, 100
HEADER = "Idempotency-Key"


def key_header(description: str, *, required: bool) -> dict[str, Any]:
    """Return the header's description for the API's documentation."""
    return {
        "name": HEADER,
        "in": "header",
        "required": required,
        "description": description,
        "schema": {"type": "string", "minLength": MIN_LENGTH, "maxLength": MAX_LENGTH},
    }


def optional_key() -> str | None:
    """Return the request's key, if it has one; raises MissingIdempotencyKey for a bad one."""
    key = request.headers.get(HEADER, "").strip()
    if key and not MIN_LENGTH <= len(key) <= MAX_LENGTH:
        raise MissingIdempotencyKey
    return key or None


def required_key() -> str:
    """Return the request's key; raises MissingIdempotencyKey."""
    key = optional_key()
    if key is None:
        raise MissingIdempotencyKey
    return key
