"""Counts with their nouns, for pages and the command line."""

from __future__ import annotations


def counted(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun, singular for 1; the plural is ``one`` with an s by default."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
