"""Answers of the checklist: bounded, and refused where they may hold a customer's data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from crmlink.commusoft.checklist.questions import TextKind
from crmlink.values.postcodes import find

MAX_TEXT_LENGTH, MAX_HEADING_LENGTH, MAX_HEADINGS = 120, 60, 80
_PARTED = re.compile(r"[,;\t\n]+")
_PATH = re.compile(r"/[A-Za-z0-9/_.{}-]*")
_LONG_ID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{20,}")
_DIGITS = re.compile(r"(?:\d[\s().-]*){6,}")
_TITLE = re.compile(r"\b(?:mr|mrs|ms|miss|dr|prof)\b\.?\s+\w", re.IGNORECASE)


class AnswerRefused(ValueError):
    """An answer cannot be stored; ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Answer:
    """A choice and a short text; both empty means not answered."""

    choice: str = ""
    text: str = ""

    def __bool__(self) -> bool:
        return bool(self.choice or self.text)


def read_text(kind: TextKind, text: str) -> str:
    """Return a typed answer in the form that is stored. Raises AnswerRefused.

    Of an address only the path is kept, with each number as ``{n}``; headings are joined by commas.
    """
    text = text.strip()
    if not text or kind == "none":
        return ""
    if kind == "address":
        return _path_of(text)
    if kind == "headings":
        parts = [" ".join(part.split()) for part in _PARTED.split(text)]
        parts = [part for part in parts if part]
        if len(parts) > MAX_HEADINGS or any(len(part) > MAX_HEADING_LENGTH for part in parts):
            raise AnswerRefused("too-long")
        return ", ".join(parts)
    if len(text) > MAX_TEXT_LENGTH:
        raise AnswerRefused("too-long")
    return " ".join(text.split())


def require_impersonal(text: str) -> None:
    """Raise AnswerRefused if a text may hold an email, telephone, postcode, id or titled name."""
    if "@" in text:
        raise AnswerRefused("email")
    if _DIGITS.search(text):
        raise AnswerRefused("number")
    if next(find(text, irish=True), None):
        raise AnswerRefused("postcode")
    if _TITLE.search(text):
        raise AnswerRefused("name")


def _path_of(text: str) -> str:
    try:
        path = urlsplit(text).path
    except ValueError:
        raise AnswerRefused("address") from None
    path = _LONG_ID.sub("{id}", path)
    path = "/".join("{n}" if part.isdigit() else part for part in path.split("/"))
    if len(path) > MAX_TEXT_LENGTH or not _PATH.fullmatch(path):
        raise AnswerRefused("address")
    return path
