"""Passwords, kept as argon2id hashes."""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from crmlink.access.errors import PasswordWeak

SHORTEST = 12
LONGEST = 200
DISTINCT = 6  # letters that differ: «aaaaaaaaaaaa» is long but no password

_hasher = PasswordHasher()
_turns = threading.Semaphore(4)  # each hash takes 64 MB: a crowd at the door must not fill memory


def hash_password(password: str, *known: str) -> str:
    """The hash to keep. ``known`` is what an attacker knows too: name, email. PasswordWeak."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordWeak(reason=f"Use {SHORTEST} characters or more; a few words do well.")
    if len(set(password)) < DISTINCT:
        raise PasswordWeak(reason="It repeats the same few characters.")
    if any(len(word) > 3 and word.casefold() in password.casefold() for word in known):
        raise PasswordWeak(reason="It contains the name or the email.")
    with _turns:
        return _hasher.hash(password)


def fits(password: str, kept: str | None) -> bool:
    """Whether a password is the one that was kept; takes as long when none was."""
    with _turns:
        try:
            return _hasher.verify(kept or _NOBODYS, password[:LONGEST]) and kept is not None
        except VerificationError:
            return False


_NOBODYS = _hasher.hash("nobody has this password")
