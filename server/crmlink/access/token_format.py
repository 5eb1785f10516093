"""Format of secrets: random, with a distinctive prefix and a checksum.

A token is its prefix + 32 letters and digits + a checksum of 6, so that a secret scanner can
recognise one without asking the server.
"""

from __future__ import annotations

import hmac
import secrets
import string
import zlib

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LENGTH = 32
CHECKSUM_LENGTH = 6


def generate_token(beginning: str) -> str:
    """Return a new random token."""
    return _whole(beginning, "".join(secrets.choice(BASE62) for _ in range(RANDOM_LENGTH)))


def derive_token(beginning: str, digest: bytes) -> str:
    """Return the token derived from 32 bytes that only the server can compute."""
    return _whole(beginning, _base62(int.from_bytes(digest), RANDOM_LENGTH))


def is_well_formed(token: str, beginning: str) -> bool:
    """Return whether a text has the form of such a token, and its checksum."""
    body = token.removeprefix(beginning)
    random, checksum = body[:RANDOM_LENGTH], body[RANDOM_LENGTH:]
    return (
        token.startswith(beginning)
        and len(body) == RANDOM_LENGTH + CHECKSUM_LENGTH
        and body.isascii()
        and hmac.compare_digest(checksum, _checksum(random))
    )


def _whole(beginning: str, random: str) -> str:
    return beginning + random + _checksum(random)


def _checksum(random: str) -> str:
    return _base62(zlib.crc32(random.encode()), CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(BASE62))
        digits.append(BASE62[digit])
    return "".join(reversed(digits))
