"""Tables for people: what a spreadsheet would run instead of showing is made harmless."""

from __future__ import annotations

FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r", "\n")


def escape_formula(value: str) -> str:
    """A value that a spreadsheet shows as it is."""
    return f"'{value}" if value.startswith(FORMULA_PREFIXES) else value
