"""Kinds of records and contacts, shared by all rooms."""

from typing import Literal, get_args

Kind = Literal["customer", "supplier"]
KINDS: tuple[Kind, ...] = get_args(Kind)


def kind_named(text: str) -> Kind | None:
    """Return the kind with this name; None for any other text."""
    return next((kind for kind in KINDS if kind == text), None)
