"""The key that signs this installation's packages for Chrome and Edge.

The extension's id is a digest of it, and policies name that id: a lost key means another extension.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

KEY_FILE = "extension.key"
KEY_BITS = 2048  # what Chrome's own packages have
PUBLIC_EXPONENT = 65_537


class SigningKeyUnreadable(Exception):
    """The key's file, named in the exception, is not one that crmlink wrote.

    With another key browsers would need new policy files, so none is made in its place.
    """


def signing_key(data_dir: Path) -> rsa.RSAPrivateKey:
    """Return the key of an installation; creates it the first time. Raises SigningKeyUnreadable."""
    file = data_dir / KEY_FILE
    if not file.exists():
        _create(file)
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except ValueError:
        raise SigningKeyUnreadable(file) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise SigningKeyUnreadable(file)
    return key


def _create(file: Path) -> None:
    """Write a new key, whole or not at all; of two at the same time, the first one stays."""
    key = rsa.generate_private_key(PUBLIC_EXPONENT, KEY_BITS)
    descriptor, name = tempfile.mkstemp(".new", f"{file.name}.", file.parent)  # its owner's alone
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            opened.flush()
            os.fsync(opened.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(beside, file)
    finally:
        beside.unlink()
