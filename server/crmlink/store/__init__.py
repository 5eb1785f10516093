"""Database: tables, migrations and sessions."""

from crmlink.store.access import (
    Device,
    DeviceType,
    Invitation,
    Pairing,
    PairingState,
    Person,
    RefreshToken,
    Role,
    SeenProof,
    WebSession,
)
from crmlink.store.audit import AuditEntry, AuditSeal, AuditSigner
from crmlink.store.batches import (
    AppendReceipt,
    Batch,
    BatchRow,
    BatchSource,
    BatchState,
    Choice,
    RejectedBatchRow,
    RowState,
    Verdict,
)
from crmlink.store.checklist import ChecklistAnswer
from crmlink.store.connections import ConnectionKind, WorkspaceConnection
from crmlink.store.counts import CommusoftPace, CountedAttempt, RequestCount
from crmlink.store.database import Database
from crmlink.store.deleted_workspaces import DeletedWorkspace
from crmlink.store.erased import ErasedKey
from crmlink.store.links import Link, LinkMethod, LinkState
from crmlink.store.mail import MailKind, MailMessage, MailSettings, MailState
from crmlink.store.moves import DatabaseMove
from crmlink.store.parked import ParkedContact
from crmlink.store.processes import Ownership, Process, ProcessRole
from crmlink.store.record_imports import ImportSource, RecordImport, RecordImportPart
from crmlink.store.records import MirroredRecord
from crmlink.store.reports import ShareSnapshot, SuspectedDuplicate
from crmlink.store.sources import (
    ContactSource,
    ContactState,
    SourceAccount,
    SourceContact,
    SourceSignIn,
)
from crmlink.store.uploads import Upload, UploadPart
from crmlink.store.web_connectors import WebConnector
from crmlink.store.workspaces import PackageHost, RecordField, Workspace, Writes
from crmlink.store.write_tests import WriteTest

__all__ = [
    "AppendReceipt",
    "AuditEntry",
    "AuditSeal",
    "AuditSigner",
    "Batch",
    "BatchRow",
    "BatchSource",
    "BatchState",
    "ChecklistAnswer",
    "Choice",
    "CommusoftPace",
    "ConnectionKind",
    "ContactSource",
    "ContactState",
    "CountedAttempt",
    "Database",
    "DatabaseMove",
    "DeletedWorkspace",
    "Device",
    "DeviceType",
    "ErasedKey",
    "ImportSource",
    "Invitation",
    "Link",
    "LinkMethod",
    "LinkState",
    "MailKind",
    "MailMessage",
    "MailSettings",
    "MailState",
    "MirroredRecord",
    "Ownership",
    "PackageHost",
    "Pairing",
    "PairingState",
    "ParkedContact",
    "Person",
    "Process",
    "ProcessRole",
    "RecordField",
    "RecordImport",
    "RecordImportPart",
    "RefreshToken",
    "RejectedBatchRow",
    "RequestCount",
    "Role",
    "RowState",
    "SeenProof",
    "ShareSnapshot",
    "SourceAccount",
    "SourceContact",
    "SourceSignIn",
    "SuspectedDuplicate",
    "Upload",
    "UploadPart",
    "Verdict",
    "WebConnector",
    "WebSession",
    "Workspace",
    "WorkspaceConnection",
    "WriteTest",
    "Writes",
]
