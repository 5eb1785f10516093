"""Checked proofs of possession, and the ones presented before."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from crmlink.store.base import utc_now

PROOF_TTL = timedelta(minutes=7)  # longer than any nonce is taken


@dataclass(frozen=True, slots=True)
class Proof:
    """A checked proof: its key's thumbprint (RFC 7638), its id, its token's hash.

    ``token_hash`` is empty if the proof names no access token.
    """

    thumbprint: str
    jti: str
    token_hash: str = ""

    def is_about(self, access_token: str) -> bool:
        """Return whether the proof was made for this access token."""
        return hmac.compare_digest(self.token_hash.encode(), token_hash(access_token).encode())


@dataclass
class SeenProofs:
    """Proofs presented to this process's API, until they expire."""

    _until: dict[tuple[str, str], datetime] = field(default_factory=dict)
    _swept: datetime = field(default_factory=utc_now)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, proof: Proof) -> bool:
        """Add a proof; returns False if it was presented before."""
        moment, key = utc_now(), (proof.thumbprint, proof.jti)
        with self._lock:
            if abs(moment - self._swept) > PROOF_TTL:
                self._until = {one: end for one, end in self._until.items() if end > moment}
                self._swept = moment
            if self._until.get(key, moment) > moment:
                return False
            self._until[key] = moment + PROOF_TTL
        return True


def token_hash(access_token: str) -> str:
    """Return the hash by which a proof names an access token (``ath``)."""
    return base64url(hashlib.sha256(access_token.encode()).digest())


def base64url(raw: bytes) -> str:
    """Return bytes in JOSE's encoding: base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
