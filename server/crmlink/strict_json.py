"""Strict parser of external JSON: a name repeated in one object is rejected.

Parsers differ in which of two values they keep, so two programs could read two references in one
text. NaN and Infinity are no JSON (RFC 8259) and are rejected too.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, NoReturn

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # JSON may have both, and a database takes neither


class NotJSON(ValueError):
    """The text is no unambiguous JSON; the message is a sentence."""


class NameTwice(NotJSON):
    """An object repeats a name."""


def read_json(text: str | bytes, *, control_characters: bool = False) -> Any:
    """Return the document. Raises NameTwice or NotJSON, without the text in it.

    ``control_characters``: take them inside strings as they are, not only escaped. Programs write
    them, what they mean is not in doubt, and one must not hide all that is beside it.
    """
    try:
        return json.loads(
            text,
            strict=not control_characters,
            object_pairs_hook=_object_of_pairs,
            parse_constant=_refuse_constant,
        )
    except NotJSON:
        raise
    except json.JSONDecodeError as error:
        raise NotJSON(f"{error.msg} in line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError):
        raise NotJSON("It is not encoded as JSON, or nested too deeply") from None


def objects_noting(note: Callable[[str], None]) -> Callable[[], dict[str, Any]]:
    """Return a dict type for parsers that fill objects themselves; reports repeated names.

    It must not raise: a parser in C would report a SystemError instead.
    """

    class Noting(dict[str, Any]):
        def __setitem__(self, name: str, value: Any) -> None:
            if name in self:
                note(name)
            super().__setitem__(name, value)

    return Noting


def _object_of_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        name = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise NameTwice(f"“{name[:50]}” is given twice")
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise NotJSON(f"{name} is no JSON")
