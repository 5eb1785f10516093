"""/tokens: script tokens, for admins."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from crmlink.access.api_tokens import (
    create_api_token,
    list_tokens,
    revoke_all_tokens,
    revoke_token,
    rotate_token,
)
from crmlink.access.devices import device_status
from crmlink.api.schemas.access import (
    NewTokenSchema,
    RevokedSchema,
    SecretSchema,
    ShownTokenSchema,
    TokensSchema,
)
from crmlink.store import Device
from crmlink.web.auth import current_access, current_actor, require_permission
from crmlink.web.strict_parsing import Blueprint

blueprint = Blueprint("tokens", __name__, url_prefix="/api/v1", description="Tokens for scripts")


@blueprint.route("/tokens")
class TokensView(MethodView):
    """All script tokens."""

    @require_permission("admin")
    @blueprint.response(200, TokensSchema)
    def get(self) -> dict[str, Any]:
        """Read all tokens, newest first, including revoked ones"""
        tokens = list_tokens(current_access())
        ids: dict[int | None, str] = {device.id: device.public_id for device in tokens}
        return {"tokens": [_serialize(device, ids.get(device.made_by_id)) for device in tokens]}

    @require_permission("admin")
    @blueprint.arguments(NewTokenSchema)
    @blueprint.response(201, ShownTokenSchema)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Create a token; it is shown only in this answer"""
        device, token = create_api_token(
            current_access(), current_actor(), body["name"], tuple(body["scopes"]), body["days"]
        )
        maker = current_actor().device.public_id if current_actor().is_script else None
        return _serialize(device, maker) | {"token": token}

    @require_permission("admin")
    @blueprint.response(200, RevokedSchema)
    def delete(self) -> dict[str, Any]:
        """Revoke every token"""
        return {"revoked": revoke_all_tokens(current_access(), current_actor())}


@blueprint.route("/tokens/<token_id>")
class TokenView(MethodView):
    """One script token."""

    @require_permission("admin")
    @blueprint.response(204)
    def delete(self, token_id: str) -> None:
        """Revoke a token"""
        revoke_token(current_access(), current_actor(), token_id)


@blueprint.route("/tokens/<token_id>/rotations")
class RotationsView(MethodView):
    """The rotation of a script token."""

    @require_permission("admin")
    @blueprint.response(201, SecretSchema)
    def post(self, token_id: str) -> dict[str, Any]:
        """Replace a token; the old one works until the new one is first used"""
        device, token = rotate_token(current_access(), current_actor(), token_id)
        return {"token": token, "expires_at": device.expires_at}


def _serialize(device: Device, made_by_token: str | None) -> dict[str, Any]:
    return {
        "id": device.public_id,
        "name": device.name,
        "begins": device.prefix,
        "scopes": device.scopes,
        "made_by": device.person.name if device.person else None,
        "made_by_token": made_by_token,
        "state": device_status(device),
        "created_at": device.created_at,
        "expires_at": device.expires_at,
        "last_used_at": device.last_used_at,
        "last_used_address": device.last_used_address,
        "use_count": device.use_count,
        "revoked_at": device.revoked_at,
    }
