"""Words that every room shares."""

from typing import Literal, get_args

Kind = Literal["customer", "supplier"]
KINDS: tuple[Kind, ...] = get_args(Kind)
