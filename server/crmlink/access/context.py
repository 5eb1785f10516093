"""Whose doors these are, and who stands before them."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from crmlink.store import Database, Device, Person, audit


@dataclass(frozen=True)
class Office:
    """One workspace's people and devices, and the key that their secrets are hashed with."""

    database: Database
    workspace_id: int
    secret_key: str = field(repr=False)

    def keyed(self, purpose: str, secret: str) -> bytes:
        """What stands for a secret in the database; of no use to who does not have the key."""
        message = f"{purpose}\0{secret}".encode()
        return hmac.new(self.secret_key.encode(), message, hashlib.sha256).digest()


@dataclass(frozen=True)
class Actor:
    """Who acts: a device, and the person it acts for; None for scripts of the command line."""

    device: Device
    person: Person | None
    permissions: frozenset[str]
    address: str = ""

    def owns(self, device: Device) -> bool:
        """Whether what a device did was done by this actor."""
        same_person = self.person is not None and device.person_id == self.person.id
        return device.id == self.device.id or same_person


def note(
    session: Session, office: Office, actor: Actor | None, action: str, subject: str, **details: Any
) -> None:
    """Add to the audit what an actor does in this writing session; None: the server itself."""
    audit.append(
        session,
        office.workspace_id,
        action,
        subject,
        device_id=actor.device.id if actor else None,
        person_id=actor.person.id if actor and actor.person else None,
        **details,
    )
