"""The installation's keys and its own certificates, sealed by scrypt and Fernet."""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from crmlink.browser_extension.signing_key import KEY_FILE as EXTENSION_KEY
from crmlink.installation import KEY_FILE as CREDENTIAL_KEYS
from crmlink.upkeep.errors import UpkeepFailure
from crmlink.upkeep.local_certificates import AUTHORITY, AUTHORITY_KEY, SERVER, SERVER_KEY
from crmlink.upkeep.local_certificates import FOLDER as CERTIFICATES

SECRET_KEY = "secret.key"  # noqa: S105 - the file's name
CERTIFICATE_FILES = tuple(
    f"{CERTIFICATES}/{name}" for name in (AUTHORITY_KEY, AUTHORITY, SERVER_KEY, SERVER)
)
KEY_FILES = (SECRET_KEY, CREDENTIAL_KEYS, EXTENSION_KEY, *CERTIFICATE_FILES)
MIN_PASSPHRASE = 12  # characters
_COST, _MAX_COST = 2**16, 2**20  # of scrypt: 64 MB and half a second, at most 1 GB
_BLOCK, _LANES, _SALT_BYTES = 8, 1, 16


def keys_of(data_dir: Path, secret_key: str) -> dict[str, str]:
    """Return the keys by file; the secret key in use may come from the environment."""
    found = {name: data_dir / name for name in KEY_FILES}
    return {name: path.read_text() for name, path in found.items() if path.is_file()} | {
        SECRET_KEY: secret_key
    }


def seal(keys: dict[str, str], passphrase: str) -> bytes:
    """Return the keys encrypted. Raises UpkeepFailure for a short passphrase."""
    if len(passphrase) < MIN_PASSPHRASE:
        raise UpkeepFailure("passphrase-short", least=str(MIN_PASSPHRASE))
    salt = secrets.token_bytes(_SALT_BYTES)
    token = _fernet(passphrase, salt, _COST).encrypt(json.dumps(keys).encode())
    sealed = {"kdf": "scrypt", "n": _COST, "salt": salt.hex(), "token": token.decode()}
    return json.dumps(sealed).encode()


def unseal(sealed: bytes, passphrase: str) -> dict[str, str]:
    """Return the keys by file. Raises UpkeepFailure for another passphrase or other data."""
    try:
        held = json.loads(sealed)
        cost = int(held["n"])
        if held["kdf"] != "scrypt" or not 2**14 <= cost <= _MAX_COST:
            raise UpkeepFailure("damaged")
        salt, token = bytes.fromhex(held["salt"]), held["token"].encode()
        keys = json.loads(_fernet(passphrase, salt, cost).decrypt(token))
    except InvalidToken:
        raise UpkeepFailure("passphrase-wrong") from None
    except (ValueError, KeyError, TypeError, AttributeError, UnsupportedAlgorithm):
        raise UpkeepFailure("damaged") from None
    return {name: str(keys[name]) for name in KEY_FILES if name in keys}


def _fernet(passphrase: str, salt: bytes, cost: int) -> Fernet:
    derived = Scrypt(salt=salt, length=32, n=cost, r=_BLOCK, p=_LANES).derive(passphrase.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
