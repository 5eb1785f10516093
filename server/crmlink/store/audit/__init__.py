"""Audit table, signing of its entries, and the anchors outside the database."""

from crmlink.store.audit.anchors import Anchor, AnchorFile, Anchors
from crmlink.store.audit.entries import AuditEntry, AuditSeal, append_entry, entry_hash
from crmlink.store.audit.signing import AuditSigner

__all__ = [
    "Anchor",
    "AnchorFile",
    "Anchors",
    "AuditEntry",
    "AuditSeal",
    "AuditSigner",
    "append_entry",
    "entry_hash",
]
