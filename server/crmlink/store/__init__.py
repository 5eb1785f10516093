"""Tables, migrations and the database they live in."""

from crmlink.store.database import Database
from crmlink.store.models import (
    Batch,
    BatchRow,
    Device,
    Link,
    LinkState,
    MirroredRecord,
    PackageHost,
    Workspace,
)

__all__ = [
    "Batch",
    "BatchRow",
    "Database",
    "Device",
    "Link",
    "LinkState",
    "MirroredRecord",
    "PackageHost",
    "Workspace",
]
