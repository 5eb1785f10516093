"""Encryption of credentials at rest, with keys outside the database."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from crmlink.commusoft.connection import Connection


class VaultKeyMissing(Exception):
    """No key decrypts it: the key file is not the one it was encrypted with."""


class Vault:
    """Encrypts with the newest key, decrypts with any.

    The key file has one key a line, newest first.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    @classmethod
    def at(cls, file: Path) -> Vault:
        """Return the vault of a key file; creates a key if there is no file."""
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return cls(file.read_text().split())
        key = Fernet.generate_key().decode()
        with os.fdopen(descriptor, "w") as opened:
            opened.write(key + "\n")
        return cls([key])

    def encrypt(self, connection: Connection) -> str:
        """Return a connection as text that only the keys decrypt."""
        return self.seal(asdict(connection))

    def decrypt(self, locked: str) -> Connection:
        """Return the encrypted connection; raises VaultKeyMissing."""
        return Connection(**self.open(locked))

    def seal(self, secrets: Mapping[str, Any]) -> str:
        """Return other secrets, as JSON has them, as text that only the keys decrypt."""
        return self._fernet.encrypt(json.dumps(secrets).encode()).decode()

    def open(self, sealed: str) -> dict[str, Any]:
        """Return sealed secrets; raises VaultKeyMissing."""
        try:
            secrets: dict[str, Any] = json.loads(self._fernet.decrypt(sealed))
        except InvalidToken:
            raise VaultKeyMissing from None
        return secrets

    def renewed(self, sealed: str) -> str:
        """Return sealed secrets, encrypted with the newest key; raises VaultKeyMissing."""
        try:
            return self._fernet.rotate(sealed).decode()
        except InvalidToken:
            raise VaultKeyMissing from None


def add_key(file: Path) -> None:
    """Add a new key before the others, if there are any, atomically; old ones still decrypt."""
    old = file.read_text().split() if file.exists() else []
    _write_keys(file, [Fernet.generate_key().decode(), *old])


def drop_old_keys(file: Path) -> None:
    """Remove all keys but the newest, once everything was encrypted with it."""
    _write_keys(file, file.read_text().split()[:1])


def _write_keys(file: Path, keys: list[str]) -> None:
    beside = file.with_suffix(".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write("\n".join(keys) + "\n")
        opened.flush()
        os.fsync(opened.fileno())
    beside.replace(file)
