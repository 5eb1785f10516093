"""Walk over an audit's rows: its chain, its signatures, and its anchors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from crmlink.access.audit.findings import Code, Finding
from crmlink.access.audit.redaction import Redacted
from crmlink.access.audit.rows import Row, hash_of_row
from crmlink.store import AuditSigner
from crmlink.store.audit import Anchor
from crmlink.store.audit.entries import START

HASH = Row._fields.index("hash")


class Walk:
    """Verification of rows in order; those before ``vouched_until`` are vouched for.

    They may be signed with an older key, or not at all before the first signed one. Their faults
    count only if they differ from those the vouching entry knows, so they are kept as a digest.
    """

    def __init__(
        self,
        signer: AuditSigner,
        workspace_id: int,
        vouched_until: int,
        redacted: Mapping[int, Redacted],
    ) -> None:
        self._signer, self._key_id = signer, signer.key_id
        self._workspace_id = workspace_id
        self._vouched_until = vouched_until
        self._redacted = redacted
        self._wrong = hashlib.sha256()
        self._signed_before = False
        self.position, self.hash, self.count = 0, START, 0
        self.first_before: Finding | None = None
        self.first_after: Finding | None = None

    @property
    def wrong_before(self) -> str:
        """Digest of all faults of the vouched rows; "" without any."""
        return self._wrong.hexdigest() if self.first_before else ""

    def resume(self, row: Row, count: int) -> None:
        """Continue after a row up to which all was intact."""
        self.position, self.hash, self.count = row.position, row.hash, count
        self._signed_before = True

    def take(self, row: Row) -> None:
        """Verify a row against the previous one."""
        computed = hash_of_row(row, self._workspace_id)
        known = self._redacted.get(row.position)
        if known and known.now == computed:  # all else of the line is as it was
            computed = known.was
        # What has no place comes last, wherever it was: only its digest can say that it is known.
        vouched = not isinstance(row.position, int) or row.position < self._vouched_until
        finding = self._link(row, computed) or self._signature(row, vouched)
        if finding and vouched:
            self.first_before = self.first_before or finding
            self._wrong.update(f"{finding.code} {row.position} {computed}\n".encode())
        elif finding:
            self.first_after = self.first_after or finding
        if isinstance(row.position, int):
            self.position = row.position
        self.hash, self.count = row.hash, self.count + 1
        self._signed_before = self._signed_before or row.key_id is not None

    def _link(self, row: Row, computed: str) -> Finding | None:
        if isinstance(row.position, int) and row.position > self.position + 1:
            return Finding(Code.LINES_MISSING, self.position + 1, row.position - 1)
        if (
            row.position != self.position + 1
            or row.previous_hash != self.hash
            or row.hash != computed
        ):
            return Finding(Code.LINE_CHANGED, self.position + 1)
        return None

    def _signature(self, row: Row, vouched: bool) -> Finding | None:
        if row.key_id == self._key_id:
            good = row.mac == self._signer.sign("entry", row.hash)
        elif row.key_id is None:
            good = vouched and not self._signed_before
        else:
            good = vouched
        return None if good else Finding(Code.LINE_UNSIGNED, row.position)


class Comparison:
    """Comparison of rows with their anchors."""

    def __init__(self, anchors: Iterable[Anchor]) -> None:
        self._by_position: dict[Any, Anchor] = {}
        self._other: Anchor | None = None
        for anchor in anchors:
            known = self._by_position.setdefault(anchor.position, anchor)
            if known.hash != anchor.hash:  # the audit was continued in two ways
                self._keep(anchor)

    def see(self, chunk: Iterable[tuple[Any, ...]]) -> None:
        """Compare some rows."""
        for row in chunk:
            anchor = self._by_position.get(row[0])
            if anchor is not None and anchor.hash != row[HASH]:
                self._keep(anchor)

    def positions(self, until: int) -> list[int]:
        """Return the anchored sequence numbers, up to one."""
        return sorted(position for position in self._by_position if position <= until)

    def findings(self, end: int) -> Iterable[Finding]:
        """Return the disagreements, given the last row's sequence number."""
        if self._other:
            yield Finding(Code.CHAIN_CONTINUED, self._other.position, at=self._other.at)
        last = max(self._by_position, default=0)
        if last > end:
            yield Finding(Code.CHAIN_CUT, end + 1, last, self._by_position[last].at)

    def _keep(self, anchor: Anchor) -> None:
        if self._other is None or anchor.position < self._other.position:
            self._other = anchor
