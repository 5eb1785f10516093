"""Values of a package's JSON replies, where a field may be missing or of another type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from crmlink.strict_json import UNSTORABLE

NUMBER = re.compile(r"[1-9][0-9]{0,14}")
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
    return in_utc(parsed) if parsed.tzinfo else None


def in_utc(aware: datetime) -> datetime | None:
    """Return a time in UTC; None for one at the edge of the calendar, which has none there."""
    try:
        return aware.astimezone(UTC)
    except OverflowError:
        return None


def number_text(entry: Mapping[str, Any], name: str) -> str:
    """Return an entry's whole number above 0, whether it is written as a number or as text."""
    value = entry.get(name)
    written = str(value) if _is_whole(value) else value.strip() if isinstance(value, str) else ""
    return written if NUMBER.fullmatch(written) else ""


def flag(entry: Mapping[str, Any], name: str) -> bool | None:
    """Return whether something is true, also in words; None for what says neither."""
    value = entry.get(name)
    word = value.strip().lower() if isinstance(value, str) else value
    if word in (True, "true"):
        return True
    return False if word in (False, "false") else None


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**15


def entries(value: object) -> list[Mapping[str, Any]]:
    """Return the objects of a JSON array; an empty list for anything else."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
