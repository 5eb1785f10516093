"""Escaping of CSV values that a spreadsheet would run as a formula."""

from __future__ import annotations

FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r", "\n")


def escape_formula(value: str) -> str:
    """Return the value so that a spreadsheet shows it as text."""
    return f"'{value}" if value.startswith(FORMULA_PREFIXES) else value
