"""Capitals and small letters of ASCII alone, so that Python and JavaScript cannot differ."""

_LOWER = {capital: capital + 32 for capital in range(ord("A"), ord("Z") + 1)}
_UPPER = {small: small - 32 for small in range(ord("a"), ord("z") + 1)}


def ascii_lower(text: str) -> str:
    return text.translate(_LOWER)


def ascii_upper(text: str) -> str:
    return text.translate(_UPPER)
