"""Kinds of records and contacts, shared by all rooms."""

from typing import Literal, get_args

Kind = Literal["customer", "supplier"]
KINDS: tuple[Kind, ...] = get_args(Kind)
