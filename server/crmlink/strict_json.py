"""JSON from outside, read strictly: a name that is given twice in one object is refused.

Parsers differ in which of two values they keep, so two programs could read two references in one
text. NaN and Infinity are no JSON (RFC 8259) and are refused too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NoReturn


class NotJSON(ValueError):
    """The text is no JSON that can be read in one way only; the message is a sentence."""


class NameTwice(NotJSON):
    """An object gives a name twice."""


def read_json(text: str | bytes) -> Any:
    """Return the document. Raise NameTwice or NotJSON, without the text in it."""
    try:
        return json.loads(text, object_pairs_hook=_object_of_pairs, parse_constant=_refuse_constant)
    except NotJSON:
        raise
    except json.JSONDecodeError as error:
        raise NotJSON(f"{error.msg} in line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError):
        raise NotJSON("It is not encoded as JSON, or nested too deeply") from None


def objects_noting(note: Callable[[str], None]) -> Callable[[], dict[str, Any]]:
    """Return a type of object for parsers that fill one by itself: it notes names given twice.

    It must not raise: a parser in C would report an error of the interpreter instead.
    """

    class Noting(dict[str, Any]):
        def __setitem__(self, name: str, value: Any) -> None:
            if name in self:
                note(name)
            super().__setitem__(name, value)

    return Noting


def _object_of_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        name = next(name for name in names if names.count(name) > 1)
        raise NameTwice(f"“{name[:50]}” is given twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise NotJSON(f"{name} is no JSON")
