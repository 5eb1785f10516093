"""Passwords, stored as argon2id hashes."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from crmlink.access.errors import TooManyAttempts, WeakPassword
from crmlink.access.slots import Slots

MIN_LENGTH = 12
MAX_LENGTH = 200
MIN_DISTINCT_CHARS = 6  # distinct characters: «aaaaaaaaaaaa» is long but weak

_hasher = PasswordHasher()
# Argon2 needs 64 MB and a web server thread per hash: limit concurrent hashing. Clients that just
# failed have slots of their own, so that a flood of guesses keeps none from the others.
MAX_WORKING, MAX_WAITING, WAIT_SECONDS = 2, 2, 10.0
_slots = Slots(MAX_WORKING, MAX_WAITING, WAIT_SECONDS)
_slots_after_failures = Slots(MAX_WORKING, MAX_WAITING, WAIT_SECONDS)


def hash_password(password: str, *known: str) -> str:
    """Return the hash to store; raises WeakPassword.

    ``known`` is what an attacker knows too: name, email.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise WeakPassword(
            reason=f"Use at least {MIN_LENGTH} characters. Three random words work well."
        )
    if len(set(password)) < MIN_DISTINCT_CHARS:
        raise WeakPassword(reason="This password repeats the same few characters. Choose another.")
    if any(len(word) > 3 and word.casefold() in password.casefold() for word in known):
        raise WeakPassword(reason="This password contains the name or email. Choose another.")
    with _slots.one(TooManyAttempts(retry_after=2)):
        return _hasher.hash(password)


def verify_password(password: str, kept: str | None, *, has_failed: bool = False) -> bool:
    """Return whether a password matches the stored hash; takes as long without one.

    ``has_failed`` says that the client failed shortly before. Raises TooManyAttempts.
    """
    slots = _slots_after_failures if has_failed else _slots
    with slots.one(TooManyAttempts(retry_after=2)):
        dummy = _dummy_hash()  # whether needed or not, so that the first call tells nothing
        try:
            return _hasher.verify(kept or dummy, password[:MAX_LENGTH]) and kept is not None
        except VerificationError:
            return False


@cache
def _dummy_hash() -> str:
    """Return a hash that no password matches; made at the first use, as it takes a while."""
    return _hasher.hash("no one has this password")
