"""Values of a package's JSON replies, where a field may be missing or of another type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # a database takes neither
MAX_TEXT = 2_000  # characters; longer ones are no contact's


def text(entry: Mapping[str, Any], *names: str) -> str:
    """Return the first of an entry's texts that is not empty, without space around it."""
    for name in names:
        value = entry.get(name)
        if isinstance(value, str) and (kept := UNSTORABLE.sub("", value).strip()):
            return kept[:MAX_TEXT]
    return ""


def texts(values: Iterable[str]) -> tuple[str, ...]:
    """Return the texts that are not empty, each once."""
    return tuple(dict.fromkeys(value for value in values if value))


def lines(entry: Mapping[str, Any], *names: str) -> str:
    """Return an entry's lines of an address in one text."""
    return "\n".join(filter(None, (text(entry, name) for name in names)))


def moment(value: object) -> datetime | None:
    """Return an ISO time, aware; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return None
    return parsed if parsed.tzinfo else None


def entries(value: object) -> list[Mapping[str, Any]]:
    """Return the objects of a JSON array; an empty list for anything else."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
