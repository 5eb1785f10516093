"""/devices: paired browsers; one may end one's own, an admin any."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from crmlink.access.devices import device_status, list_devices, rename_device, revoke_device
from crmlink.api.schemas.access import DeviceSchema, DevicesSchema, NameSchema
from crmlink.store import Device
from crmlink.web.auth import current_access, current_actor, require_permission
from crmlink.web.strict_parsing import Blueprint

blueprint = Blueprint("devices", __name__, url_prefix="/api/v1", description="Paired browsers")


@blueprint.route("/devices")
class DevicesView(MethodView):
    """All paired browsers."""

    @require_permission("admin")
    @blueprint.response(200, DevicesSchema)
    def get(self) -> dict[str, Any]:
        """Read all connected browsers, newest first, including disconnected ones"""
        return {"devices": [_serialize(device) for device in list_devices(current_access())]}


@blueprint.route("/devices/<device_id>")
class DeviceView(MethodView):
    """One paired browser."""

    @blueprint.arguments(NameSchema)
    @blueprint.response(200, DeviceSchema)
    def patch(self, body: dict[str, Any], device_id: str) -> dict[str, Any]:
        """Rename a browser; “me” is the one asking"""
        return _serialize(
            rename_device(
                current_access(), current_actor(), _is_own_device(device_id), body["name"]
            )
        )

    @blueprint.response(204)
    def delete(self, device_id: str) -> None:
        """Disconnect a browser immediately; “me” is the one asking"""
        revoke_device(current_access(), current_actor(), _is_own_device(device_id))


def _is_own_device(device_id: str) -> str:
    return current_actor().device.public_id if device_id == "me" else device_id


def _serialize(device: Device) -> dict[str, Any]:
    return {
        "id": device.public_id,
        "name": device.name,
        "person": device.person.name if device.person else None,
        "state": device_status(device),
        "created_at": device.created_at,
        "expires_at": device.expires_at,
        "last_used_at": device.last_used_at,
        "last_used_address": device.last_used_address,
        "use_count": device.use_count,
        "revoked_at": device.revoked_at,
        "revoked_because": device.revoked_because,
    }
