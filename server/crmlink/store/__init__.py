"""Tables, migrations and the database they live in."""

from crmlink.store.audit import AuditEntry, AuditSeal, AuditSigner
from crmlink.store.batches import (
    BadBatchRow,
    Batch,
    BatchPage,
    BatchRow,
    BatchSource,
    BatchState,
    Choice,
    LinkedShare,
    Lookalike,
    RowState,
    Verdict,
)
from crmlink.store.connections import ConnectionKind, WorkspaceConnection
from crmlink.store.database import Database
from crmlink.store.models import (
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
    SeenProof,
)
from crmlink.store.processes import Ownership, Process, ProcessRole

__all__ = [
    "AuditEntry",
    "AuditSeal",
    "AuditSigner",
    "BadBatchRow",
    "Batch",
    "BatchPage",
    "BatchRow",
    "BatchSource",
    "BatchState",
    "Choice",
    "ConnectionKind",
    "Database",
    "Device",
    "DeviceSort",
    "Invitation",
    "Link",
    "LinkState",
    "LinkedShare",
    "Lookalike",
    "MirroredRecord",
    "Ownership",
    "PackageHost",
    "PageSession",
    "Pairing",
    "PairingState",
    "Person",
    "Process",
    "ProcessRole",
    "Refresh",
    "Role",
    "RowState",
    "SeenProof",
    "Verdict",
    "Workspace",
    "WorkspaceConnection",
]
