"""Tables for people: what a spreadsheet would run instead of showing is made harmless."""

from __future__ import annotations

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(value: str) -> str:
    """A value that a spreadsheet shows as it is."""
    return f"'{value}" if value.startswith(DANGEROUS) else value
