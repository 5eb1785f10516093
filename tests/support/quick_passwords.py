"""Passwords hashed in no time: a hash of crmlink's own strength takes a sixth of a second."""

from __future__ import annotations

from argon2 import PasswordHasher

from crmlink.access import passwords

SHIPPED = passwords._hasher  # what crmlink uses outside of tests


def hash_quickly() -> None:
    """Let passwords be hashed weakly in this process; a hash names its own strength."""
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
