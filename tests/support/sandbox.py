"""What tests need to say to the sandbox, and what they know about it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields

import requests

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.connection import Connection
from crmlink.commusoft.limits import ClientLimits
from crmlink.kinds import Kind
from crmlink.linking.decisions import Decision
from crmlink.linking.overrides import Overrides

HOLLOWAY = "8275f116-6419-4b82-889a-f41dcc1d6186"
OTHER = "11111111-2222-4333-8444-555555555555"
OCONNOR_HAS = "5f0c2b1e-7a3d-4c58-9e21-3b8a6d4f1c70"
GREENFIELD_HAS = "c1a7e0d2-94b6-4f3a-8d5e-6f2b7c9a1e34"
FAST_LIMITS = ClientLimits(
    connect_timeout=10,
    read_timeout=25,
    total_timeout=30,
    max_concurrent=50,
    max_per_second=10_000,
    read_retries=0,
    late_write_seconds=0,
)
OVERRIDES = [each.name for each in dataclass_fields(Overrides)]
WEBSERVICE = "/webservice_dev.php/api/v1"
PROFILE = "/api/v1"


def connection_to(address: str, path: str = WEBSERVICE) -> Connection:
    """The way to a sandbox, in one of the two shapes it plays."""
    return Connection(address + path, *["sandbox"] * 4)


@dataclass
class SandboxHandle:
    """A running sandbox, looked at and changed behind crmlink's back."""

    address: str
    stop: Callable[[], None]

    def __post_init__(self) -> None:
        self.other_user = CommusoftClient(connection_to(self.address, PROFILE), limits=FAST_LIMITS)

    def reference(self, record_id: str) -> str | None:
        """What is on a record now."""
        kind, number = _parts(record_id)
        return self.other_user.record(kind, number).reference

    def put_reference(self, record_id: str, reference: str | None) -> None:
        """Change a record as someone else would."""
        kind, number = _parts(record_id)
        self.other_user.write_reference(self.other_user.record(kind, number), reference)

    def delete(self, record_id: str) -> None:
        """Delete a record as Commusoft does: it stays, flagged."""
        kind, number = _parts(record_id)
        record = self.other_user.record(kind, number)
        token = requests.post(
            f"{self.address}{PROFILE}/getToken",
            json=dict.fromkeys(("clientId", "username", "password", "applicationId"), "sandbox"),
            timeout=30,
        ).text
        requests.delete(
            f"{self.address}{PROFILE}/{kind}s/{record.uuid}",
            headers={"X-Auth-Token": token},
            timeout=30,
        ).raise_for_status()


def decision(
    record_id: str = "customer-1001", reference: str = HOLLOWAY, **more: object
) -> Decision:
    """A decision to link a Xero contact, as a clerk would make it."""
    kind, _ = _parts(record_id)
    agreed = {name: more.pop(name) for name in OVERRIDES if name in more}
    fields: dict[str, object] = {
        "package": "xero",
        "organisation": "!kR4N6",
        "kind": kind,
        "reference": reference,
        "record_id": record_id,
        "contact_name": "Margaret Holloway",
        "overrides": Overrides(**agreed),  # type: ignore[arg-type] # as below
    }
    return Decision(**(fields | more))  # type: ignore[arg-type] # a factory takes what it is given


def new_key() -> str:
    return uuid.uuid4().hex


def _parts(record_id: str) -> tuple[Kind, str]:
    kind, _, number = record_id.partition("-")
    assert kind in ("customer", "supplier")
    return kind, number  # type: ignore[return-value] # just checked
