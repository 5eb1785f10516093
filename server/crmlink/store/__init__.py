"""Tables, migrations and the database they live in."""

from crmlink.store.access import (
    Device,
    DeviceSort,
    Invitation,
    PageSession,
    Pairing,
    PairingState,
    Person,
    Refresh,
    Role,
    SeenProof,
)
from crmlink.store.audit import AuditEntry, AuditSeal, AuditSigner
from crmlink.store.batches import (
    BadBatchRow,
    Batch,
    BatchPage,
    BatchRow,
    BatchSource,
    BatchState,
    Choice,
    RowState,
    Verdict,
)
from crmlink.store.connections import ConnectionKind, WorkspaceConnection
from crmlink.store.database import Database
from crmlink.store.erased import ErasedKey
from crmlink.store.links import Link, LinkState
from crmlink.store.processes import Ownership, Process, ProcessRole
from crmlink.store.records import MirroredRecord
from crmlink.store.reports import LinkedShare, Lookalike
from crmlink.store.workspaces import PackageHost, Workspace

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
    "ErasedKey",
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
