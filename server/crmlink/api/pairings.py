"""/pairings and /token: pairing of a browser and its tokens (RFC 8628, RFC 6749)."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from werkzeug.exceptions import HTTPException

from crmlink.access.dpop import MAX_PROOF_LENGTH
from crmlink.access.errors import InvalidTokenRequest, UnsupportedGrantType
from crmlink.access.pairing import exchange_device_code, start_pairing
from crmlink.access.refresh_tokens import (
    TokenResponse,
    rotate_refresh_token,
    workspace_of_refresh_token,
)
from crmlink.api.schemas.access import (
    DEVICE_CODE_GRANT,
    DeviceAuthorizationSchema,
    PairingSchema,
    TokenRequestSchema,
    TokenResponseSchema,
)
from crmlink.web.auth import proof_of_request, sign_in_context
from crmlink.web.error_handlers import token_error_response
from crmlink.web.hosts import external_url
from crmlink.web.rate_limits import pairing_limit, token_limit
from crmlink.web.strict_parsing import Blueprint

PROOF_HEADER = {
    "name": "DPoP",
    "in": "header",
    "required": True,
    "description": "A proof of the browser's key (RFC 9449), ES256, with the server's nonce.",
    "schema": {"type": "string", "maxLength": MAX_PROOF_LENGTH},
}
blueprint = Blueprint("pairings", __name__, url_prefix="/api/v1", description="Connect a browser")


@blueprint.route("/pairings", methods=["POST"])
@pairing_limit
@blueprint.doc(security=[], parameters=[PROOF_HEADER])
@blueprint.arguments(PairingSchema, location="form")
@blueprint.response(200, DeviceAuthorizationSchema)
def create_pairing(form: dict[str, Any]) -> dict[str, Any]:
    """Ask to connect a browser; a person approves it at the verification address"""
    proof = proof_of_request()
    begun = start_pairing(sign_in_context(), form["browser"], request.remote_addr or "", proof)
    return {
        "device_code": begun.device_code,
        "user_code": begun.user_code,
        "verification_uri": external_url("pages.pair"),
        "verification_uri_complete": external_url("pages.pair", code=begun.user_code),
        "expires_in": begun.expires_in,
        "interval": begun.interval,
    }


@blueprint.route("/token", methods=["POST"])
@token_limit
@blueprint.doc(security=[], parameters=[PROOF_HEADER])
@blueprint.arguments(TokenRequestSchema, location="form")
@blueprint.response(200, TokenResponseSchema)
def issue_token(form: dict[str, Any]) -> dict[str, Any]:
    """Get tokens for an approved browser, or replace old ones

    Asked again with the same code or token, because an answer was lost, it gives the same refresh
    token, until that or its access token was used. They work only with the key that the proof of
    the pairing was made with.
    """
    proof = proof_of_request()
    if form["grant_type"] == DEVICE_CODE_GRANT:
        code = _required_param(form, "device_code")
        grant = exchange_device_code(sign_in_context(), code, proof)
    else:
        token = _required_param(form, "refresh_token")
        access = sign_in_context().of(workspace_of_refresh_token(sign_in_context(), token))
        grant = rotate_refresh_token(access, token, proof)
    return _serialize(grant)


@blueprint.errorhandler(415)
@blueprint.errorhandler(422)
def malformed(error: HTTPException) -> Response:
    """Return RFC 6749's error for a malformed request."""
    wrong = getattr(error, "data", {}).get("messages", {}).get("form", {})
    unknown_type = "grant_type" in wrong and request.form.get("grant_type")
    return token_error_response(UnsupportedGrantType() if unknown_type else InvalidTokenRequest())


def _required_param(form: dict[str, Any], name: str) -> str:
    if not form[name]:
        raise InvalidTokenRequest
    return str(form[name])


def _serialize(grant: TokenResponse) -> dict[str, Any]:
    return {
        "access_token": grant.access_token,
        "token_type": "DPoP",
        "expires_in": grant.expires_in,
        "refresh_token": grant.refresh_token,
        "device": {"id": grant.device.public_id, "name": grant.device.name},
        "person": {"name": grant.person.name, "role": grant.person.role},
    }
