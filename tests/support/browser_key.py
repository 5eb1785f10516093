"""A browser's key pair and its proofs of possession (DPoP), made outside a browser for tests."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from jwt.utils import base64url_encode


@dataclass(frozen=True)
class BrowserKey:
    """What lies in a browser's IndexedDB, where nothing can read it out."""

    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def jwk(self) -> dict[str, Any]:
        """The public half, as a proof's header carries it."""
        whole: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(self.private.public_key()))
        return {name: whole[name] for name in ("kty", "crv", "x", "y")}

    @property
    def thumbprint(self) -> str:
        """RFC 7638: the hash of the members in order of their names, without spaces."""
        canonical = json.dumps(self.jwk, sort_keys=True, separators=(",", ":"))
        return base64url_encode(hashlib.sha256(canonical.encode()).digest()).decode()

    def proof(
        self,
        method: str,
        address: str,
        nonce: str = "",
        token: str = "",
        *,
        header: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A proof for one request; ``header`` and ``claims`` change it (None: left out)."""
        said: dict[str, Any] = {
            "jti": uuid.uuid4().hex, "htm": method, "htu": address.partition("?")[0],
            "iat": int(time.time()), "nonce": nonce or None,
            "ath": token_hash(token) if token else None,
        }  # fmt: skip
        said = {name: value for name, value in (said | claims).items() if value is not None}
        head = {"typ": "dpop+jwt", "jwk": self.jwk} | (header or {})
        return jwt.encode(said, self.private, "ES256", headers=head)


def token_hash(token: str) -> str:
    """What a proof names an access token by."""
    return base64url_encode(hashlib.sha256(token.encode()).digest()).decode()
