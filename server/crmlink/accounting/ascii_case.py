"""Upper and lower case of ASCII letters only, so that Python and JavaScript agree."""

_LOWER = {capital: capital + 32 for capital in range(ord("A"), ord("Z") + 1)}
_UPPER = {small: small - 32 for small in range(ord("a"), ord("z") + 1)}


def ascii_lower(text: str) -> str:
    """Return the text with ASCII capitals in lower case."""
    return text.translate(_LOWER)


def ascii_upper(text: str) -> str:
    """Return the text with ASCII small letters in upper case."""
    return text.translate(_UPPER)
