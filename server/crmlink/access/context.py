"""Access contexts, before and after the workspace is known, and the acting device and person."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.orm import Session

from crmlink.access.proofs import SeenProofs
from crmlink.store import Database, Device, DeviceType, Person, audit


class KeyedContext(Protocol):
    """What checking a secret needs, whether or not its workspace is known."""

    @property
    def database(self) -> Database:
        """The installation's database, or the workspace's."""
        ...

    @property
    def secret_key(self) -> str:
        """The installation's secret key."""
        ...

    @property
    def seen_proofs(self) -> SeenProofs:
        """Proofs presented to this process."""
        ...

    def keyed_hash(self, purpose: str, secret: str) -> bytes:
        """Return the keyed hash stored for a secret, useless without the key."""
        ...

    def of(self, workspace_id: int) -> AccessContext:
        """Return the access context of a workspace of the same installation."""
        ...


@dataclass(frozen=True)
class SignInContext:
    """Database and hashing key before a request's workspace is known; it has none."""

    database: Database
    secret_key: str = field(repr=False)
    seen_proofs: SeenProofs = field(default_factory=SeenProofs, repr=False, compare=False)

    def keyed_hash(self, purpose: str, secret: str) -> bytes:
        """Return the keyed hash stored for a secret, useless without the key."""
        return _keyed_hash(self.secret_key, purpose, secret)

    def of(self, workspace_id: int) -> AccessContext:
        """Return the access context of a workspace."""
        database = self.database.of(workspace_id)
        return AccessContext(database, workspace_id, self.secret_key, self.seen_proofs)


@dataclass(frozen=True)
class AccessContext:
    """Database, workspace and hashing key of access."""

    database: Database
    workspace_id: int
    secret_key: str = field(repr=False)
    seen_proofs: SeenProofs = field(default_factory=SeenProofs, repr=False, compare=False)

    def keyed_hash(self, purpose: str, secret: str) -> bytes:
        """Return the keyed hash stored for a secret, useless without the key."""
        return _keyed_hash(self.secret_key, purpose, secret)

    def of(self, workspace_id: int) -> AccessContext:
        """Return the access context of another workspace of the same installation."""
        return replace(self, database=self.database.of(workspace_id), workspace_id=workspace_id)


def _keyed_hash(secret_key: str, purpose: str, secret: str) -> bytes:
    message = f"{purpose}\0{secret}".encode()
    return hmac.new(secret_key.encode(), message, hashlib.sha256).digest()


@dataclass(frozen=True)
class Actor:
    """The acting device, and the person it acts for; None for scripts of the command line.

    ``ends_at`` is the end of a script's token, None otherwise.
    """

    device: Device
    person: Person | None
    permissions: frozenset[str]
    address: str = ""
    ends_at: datetime | None = None

    @property
    def is_script(self) -> bool:
        """Whether the actor is a token, which has fewer permissions than its creator."""
        return self.device.sort is DeviceType.SCRIPT

    def owns(self, device: Device) -> bool:
        """Return whether a device, and its actions, are this actor's own.

        A person owns all their devices, a script only itself.
        """
        if device.id == self.device.id:
            return True
        return not self.is_script and self.person is not None and device.person_id == self.person.id


def record_audit(
    session: Session,
    access: AccessContext,
    actor: Actor | None,
    action: str,
    subject: str,
    **details: Any,
) -> None:
    """Add an actor's action to the audit in this writing session; None: the server itself."""
    audit.append_entry(
        session,
        access.workspace_id,
        action,
        subject,
        device_id=actor.device.id if actor else None,
        person_id=actor.person.id if actor and actor.person else None,
        **details,
    )
