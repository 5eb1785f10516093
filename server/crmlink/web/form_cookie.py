"""Flask's session cookie, which forms and sign-ins keep their state in."""

from __future__ import annotations

import time
from typing import Any

from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import SignatureExpired, TimestampSigner, URLSafeTimedSerializer

from crmlink.store.base import CLOCK_SKEW

_SKEW = CLOCK_SKEW.total_seconds()


def is_recent(begun: float, longest: float) -> bool:
    """Return whether a time in seconds since 1970, of any machine's clock, is recent enough."""
    return -_SKEW <= time.time() - begun < longest


class _SkewedSigner(TimestampSigner):
    """A signer that takes what another machine signed whose clock is ahead."""

    def unsign(
        self, signed_value: str | bytes, max_age: int | None = None, return_timestamp: bool = False
    ) -> Any:
        """Return the value, with its time if that is asked for. Raises BadSignature."""
        value, signed_at = super().unsign(signed_value, return_timestamp=True)
        age = self.get_timestamp() - signed_at.timestamp()
        if max_age is not None and not -_SKEW <= age <= max_age:
            raise SignatureExpired("too old", payload=value, date_signed=signed_at)
        return (value, signed_at) if return_timestamp else value


class FormCookie(SecureCookieSessionInterface):
    """The cookie, marked Secure if it was set over https; the machines' clocks may differ."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """Return whether the request came over https."""
        return request.is_secure

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return the serializer of the cookie; None without a secret key."""
        serializer = super().get_signing_serializer(app)
        if serializer is not None:
            serializer.signer = _SkewedSigner
        return serializer
