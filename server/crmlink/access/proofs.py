"""What is known of a checked proof of possession, and which of them were seen before."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from crmlink.store.models import now

PROOF_TTL = timedelta(minutes=7)  # longer than any nonce is taken


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that was checked: its key's thumbprint (RFC 7638), its id, its token's hash.

    ``token_hash`` is empty where the proof names no access token.
    """

    thumbprint: str
    jti: str
    token_hash: str = ""

    def is_about(self, access_token: str) -> bool:
        """Return whether the proof was made for this access token."""
        return hmac.compare_digest(self.token_hash.encode(), token_hash(access_token).encode())


@dataclass
class SeenProofs:
    """The proofs that one process has seen with requests to the API, until they are too old."""

    _until: dict[tuple[str, str], datetime] = field(default_factory=dict)
    _swept: datetime = field(default_factory=now)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, proof: Proof) -> bool:
        """Remember a proof; return False when it was seen before."""
        moment, key = now(), (proof.thumbprint, proof.jti)
        with self._lock:
            if abs(moment - self._swept) > PROOF_TTL:
                self._until = {one: end for one, end in self._until.items() if end > moment}
                self._swept = moment
            if self._until.get(key, moment) > moment:
                return False
            self._until[key] = moment + PROOF_TTL
        return True


def token_hash(access_token: str) -> str:
    """Return what a proof names an access token by (``ath``)."""
    return base64url(hashlib.sha256(access_token.encode()).digest())


def base64url(raw: bytes) -> str:
    """Return bytes as JOSE writes them: base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
