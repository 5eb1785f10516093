"""Chrome's package format, CRX version 3: a zip behind a header that its key has signed.

The header is a protocol buffer with six fields that matter here, so it is written by hand:
the libraries for it bring more than these forty lines. Source: components/crx_file/crx3.proto in
Chromium.
"""

from __future__ import annotations

import hashlib
import struct

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MAGIC, VERSION = b"Cr24", 3
SIGNED_CONTEXT = b"CRX3 SignedData\0"
ID_LENGTH = 16  # bytes of the public key's digest
RSA_PROOF, SIGNED_HEADER = 2, 10_000  # fields of CrxFileHeader
PUBLIC_KEY, SIGNATURE = 1, 2  # fields of AsymmetricKeyProof
CRX_ID = 1  # field of SignedData
LENGTH_DELIMITED = 2  # wire type


def extension_id(key: RSAPrivateKey) -> str:
    """Return the id that Chrome gives an extension of this key: 32 letters from a to p."""
    return "".join(chr(ord("a") + int(digit, 16)) for digit in _raw_id(key).hex())


def crx_of(package: bytes, key: RSAPrivateKey) -> bytes:
    """Return a zip as a CRX3 file signed with the key, the same to the byte each time."""
    signed = _field(CRX_ID, _raw_id(key))
    content = SIGNED_CONTEXT + struct.pack("<I", len(signed)) + signed + package
    proof = _field(PUBLIC_KEY, _public_key(key)) + _field(
        SIGNATURE, key.sign(content, PKCS1v15(), SHA256())
    )
    header = _field(RSA_PROOF, proof) + _field(SIGNED_HEADER, signed)
    return MAGIC + struct.pack("<II", VERSION, len(header)) + header + package


def _raw_id(key: RSAPrivateKey) -> bytes:
    return hashlib.sha256(_public_key(key)).digest()[:ID_LENGTH]


def _public_key(key: RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _field(number: int, content: bytes) -> bytes:
    """Return a field of bytes as a protocol buffer has it: tag, length, content."""
    return _varint(number << 3 | LENGTH_DELIMITED) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)
