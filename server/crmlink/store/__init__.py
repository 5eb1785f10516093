"""Tables, migrations and the database they live in."""

from crmlink.store.audit import AuditEntry
from crmlink.store.database import Database
from crmlink.store.models import (
    Batch,
    BatchRow,
    Device,
    DeviceSort,
    Link,
    LinkState,
    MirroredRecord,
    PackageHost,
    Workspace,
)
from crmlink.store.people import (
    Invitation,
    PageSession,
    Pairing,
    PairingState,
    Person,
    Refresh,
    Role,
)

__all__ = [
    "AuditEntry",
    "Batch",
    "BatchRow",
    "Database",
    "Device",
    "DeviceSort",
    "Invitation",
    "Link",
    "LinkState",
    "MirroredRecord",
    "PackageHost",
    "PageSession",
    "Pairing",
    "PairingState",
    "Person",
    "Refresh",
    "Role",
    "Workspace",
]
