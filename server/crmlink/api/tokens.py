"""/tokens: script tokens; for admins."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from crmlink.access.api_tokens import (
    create_token,
    list_tokens,
    revoke_all_tokens,
    revoke_token,
    rotate_token,
)
from crmlink.access.devices import standing
from crmlink.api.schemas.access import (
    NewTokenSchema,
    RevokedSchema,
    SecretSchema,
    ShownTokenSchema,
    TokensSchema,
)
from crmlink.store import Device
from crmlink.web.auth import actor, needs, office
from crmlink.web.strict_parsing import Blueprint

blueprint = Blueprint("tokens", __name__, url_prefix="/api/v1", description="Tokens for scripts")


@blueprint.route("/tokens")
class TokensView(MethodView):
    @needs("admin")
    @blueprint.response(200, TokensSchema)
    def get(self) -> dict[str, Any]:
        """All tokens, the newest first, revoked ones too"""
        return {"tokens": [_shape(device) for device in list_tokens(office())]}

    @needs("admin")
    @blueprint.arguments(NewTokenSchema)
    @blueprint.response(201, ShownTokenSchema)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Make a token; it is shown only in this answer"""
        device, token = create_token(
            office(), actor(), body["name"], tuple(body["scopes"]), body["days"]
        )
        return _shape(device) | {"token": token}

    @needs("admin")
    @blueprint.response(200, RevokedSchema)
    def delete(self) -> dict[str, Any]:
        """Revoke every token of the workspace"""
        return {"revoked": revoke_all_tokens(office(), actor())}


@blueprint.route("/tokens/<token_id>")
class TokenView(MethodView):
    @needs("admin")
    @blueprint.response(204)
    def delete(self, token_id: str) -> None:
        """Revoke a token"""
        revoke_token(office(), actor(), token_id)


@blueprint.route("/tokens/<token_id>/rotations")
class RotationsView(MethodView):
    @needs("admin")
    @blueprint.response(201, SecretSchema)
    def post(self, token_id: str) -> dict[str, Any]:
        """A new token in place of one, which works until the new one is first used"""
        return {"token": rotate_token(office(), actor(), token_id)}


def _shape(device: Device) -> dict[str, Any]:
    return {
        "id": device.public_id,
        "name": device.name,
        "begins": device.prefix,
        "scopes": device.scopes,
        "made_by": device.person.name if device.person else None,
        "state": standing(device),
        "created_at": device.created_at,
        "expires_at": device.expires_at,
        "last_used_at": device.last_used_at,
        "last_used_address": device.last_used_address,
        "use_count": device.use_count,
        "revoked_at": device.revoked_at,
    }
