"""Signing of the audit with a key outside the database, and writing of anchors."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog

from crmlink.store.audit.anchors import AnchorFile

log = structlog.get_logger()


@dataclass(frozen=True)
class AuditSigner:
    """Signs entries and seals, and writes anchors; the key is derived from the secret key."""

    key: bytes = field(repr=False)
    anchors: AnchorFile

    @classmethod
    def of(cls, secret_key: str, data_dir: Path) -> AuditSigner:
        """Return the signer of an installation."""
        key = hmac.digest(secret_key.encode(), b"crmlink audit", "sha256")
        return cls(key, AnchorFile(data_dir))

    @property
    def key_id(self) -> str:
        """Identifier of the key that reveals nothing about it."""
        return self.sign("key", "")[:16]

    def sign(self, purpose: str, text: str) -> str:
        """Return the signature (HMAC-SHA-256, hexadecimal) of a text for a purpose."""
        return hmac.digest(self.key, f"{purpose}\0{text}".encode(), "sha256").hex()

    def anchor(self, workspace_id: int, position: int, entry_hash: str, at: datetime) -> None:
        """Write an anchor of a committed entry; a failure is logged, the next anchor covers it."""
        try:
            self.anchors.add(workspace_id, position, entry_hash, at)
        except OSError as error:
            log.error("audit anchor not written", place=position, errno=error.errno)
