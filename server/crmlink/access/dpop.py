"""Proofs of possession (DPoP, RFC 9449): a browser's tokens work only with its own key.

Each request carries a short JWT about this request, signed with a key that never leaves the
browser. Clocks of office computers may be wrong by days, so a proof is dated by the server's nonce,
not by its ``iat``.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import jwt
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crmlink.access.context import KeyedContext
from crmlink.access.errors import NonceNeeded, ProofElsewhere, ProofMissing, ProofRefused
from crmlink.access.proofs import PROOF_TTL, Proof, base64url
from crmlink.store import SeenProof
from crmlink.store.base import CLOCK_SKEW, utc_now
from crmlink.store.counts import counting

ALGORITHM = "ES256"
PROOF_TYPE = "dpop+jwt"
REQUIRED = ["jti", "htm", "htu", "iat"]
MAX_PROOF_LENGTH = 2_000
MAX_JTI_LENGTH = 100
NONCE_TTL = timedelta(minutes=5)
COORDINATE_LENGTH = 43  # of a P-256 key: 32 bytes in base64url


def new_nonce(access: KeyedContext) -> str:
    """Return a nonce that dates a proof; valid for every process of the installation."""
    seconds = int(utc_now().timestamp())
    return f"{seconds:x}.{_nonce_mac(access, seconds)}"


def check_proof(
    access: KeyedContext, proofs: list[str], method: str, addresses: Collection[str]
) -> Proof:
    """Return the proof in a request's DPoP headers.

    ``addresses`` are those under which the browser may have sent the request. Raises ProofMissing,
    NonceNeeded, ProofElsewhere or ProofRefused.
    """
    if not proofs:
        raise ProofMissing
    if len(proofs) > 1 or len(proofs[0]) > MAX_PROOF_LENGTH:
        raise ProofRefused
    key = _key_in(proofs[0])
    claims = _claims(proofs[0], key)
    if not _is_current(access, claims.get("nonce")):
        raise NonceNeeded
    if claims["htm"] != method:
        raise ProofRefused
    if _comparable(claims["htu"]) not in {_comparable(address) for address in addresses}:
        raise ProofElsewhere
    token = claims.get("ath", "")
    return Proof(thumbprint(key), claims["jti"], token if isinstance(token, str) else "")


def remember_proof(session: Session, proof: Proof) -> bool:
    """Store a proof in a writing session; returns False if it was presented before."""
    digest = _digest(proof)
    if session.scalar(select(SeenProof.digest).filter_by(digest=digest)):
        return False
    session.add(SeenProof(digest=digest, expires_at=utc_now() + PROOF_TTL))
    return True


def is_first_use(access: KeyedContext, proof: Proof) -> bool:
    """Remember a proof presented with an access token; returns False if it was presented before.

    The one server of a SQLite database remembers in memory; with PostgreSQL it may have been
    presented to another process.
    """
    if not access.database.is_shared:
        return access.seen_proofs.add(proof)
    values = {"digest": _digest(proof), "expires_at": utc_now() + PROOF_TTL}
    first = insert(SeenProof).values(**values).on_conflict_do_nothing()
    with counting(access.database) as connection:
        return connection.execute(first.returning(SeenProof.digest)).first() is not None


def _digest(proof: Proof) -> str:
    return hashlib.sha256(f"{proof.thumbprint} {proof.jti}".encode()).hexdigest()


def forget_old_proofs(access: KeyedContext) -> None:
    """Delete proofs that are too old to be accepted."""
    with access.database.writing() as session:
        session.execute(delete(SeenProof).where(SeenProof.expires_at < utc_now()))


def thumbprint(key: dict[str, str]) -> str:
    """Return the thumbprint of a public key as a JWK (RFC 7638)."""
    canonical = '{{"crv":"{crv}","kty":"{kty}","x":"{x}","y":"{y}"}}'.format(**key)
    return base64url(hashlib.sha256(canonical.encode()).digest())


def _key_in(proof: str) -> dict[str, str]:
    """Return the public key in a proof's header, which must be of the one pinned type."""
    try:
        header = jwt.get_unverified_header(proof)
    except (jwt.PyJWTError, ValueError):
        raise ProofRefused from None
    key = header.get("jwk")
    if (
        header.get("typ") != PROOF_TYPE
        or header.get("alg") != ALGORITHM
        or not isinstance(key, dict)
    ):
        raise ProofRefused
    if "d" in key or (key.get("kty"), key.get("crv")) != ("EC", "P-256"):
        raise ProofRefused
    x, y = key.get("x"), key.get("y")
    if not all(isinstance(one, str) and len(one) == COORDINATE_LENGTH for one in (x, y)):
        raise ProofRefused
    return {"kty": "EC", "crv": "P-256", "x": cast("str", x), "y": cast("str", y)}


def _claims(proof: str, key: dict[str, str]) -> dict[str, Any]:
    """Return a proof's claims, after its signature was verified with the key."""
    options: Any = {
        "require": REQUIRED, "verify_iat": False, "verify_nbf": False, "verify_exp": False,
        "verify_aud": False,
    }  # fmt: skip
    try:
        public = jwt.PyJWK(key, ALGORITHM)
        claims: dict[str, Any] = jwt.decode(proof, public, [ALGORITHM], options=options)
    except (jwt.PyJWTError, ValueError):
        raise ProofRefused from None
    texts = [claims[name] for name in ("jti", "htm", "htu")]
    if not all(isinstance(text, str) and text for text in texts):
        raise ProofRefused
    if not all(text.isascii() for text in claims.values() if isinstance(text, str)):
        raise ProofRefused
    if len(claims["jti"]) > MAX_JTI_LENGTH or not isinstance(claims["iat"], int | float):
        raise ProofRefused
    return claims


def _is_current(access: KeyedContext, nonce: object) -> bool:
    """Return whether a nonce was issued here, a short while ago."""
    if not isinstance(nonce, str):
        return False
    given, _, mac = nonce.partition(".")
    try:
        seconds = int(given, 16)
        age = utc_now() - datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return False
    right = hmac.compare_digest(mac.encode(), _nonce_mac(access, seconds).encode())
    return right and -CLOCK_SKEW <= age <= NONCE_TTL


def _nonce_mac(access: KeyedContext, seconds: int) -> str:
    return base64url(access.keyed_hash("dpop nonce", str(seconds))[:18])


def _comparable(address: str) -> tuple[str, str, int | None, str] | None:
    """Return a normalised URL without its query; None if invalid."""
    try:
        parts = urlsplit(address)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port, unquote(parts.path)
