"""Single values of a file: tidied, and understood where they are more than text.

What Excel may have changed is never guessed back: a reference that is no text any more is refused
with what became of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

from crmlink.accounting.exports.model import DateOrder
from crmlink.accounting.package_rules import Package
from crmlink.accounting.references import is_reference
from crmlink.folding import compose
from crmlink.kinds import KINDS, Kind
from crmlink.values import is_placeholder, read_emails, read_phones

_CONTROL = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")
_AROUND = "\ufeff" + "".join(sign for sign in map(chr, range(0x3001)) if sign.isspace())
_AS_TEXT = re.compile(r'="([^"]*)"')
_SHOWN_NUMBER = re.compile(r"[0-9](?:\.[0-9]+)?E[+-][0-9]{2,3}")
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_SHOWN_DATE = re.compile(
    rf"[0-9]{{1,2}}-(?:{_MONTHS})(?:-[0-9]{{2,4}})?|(?:{_MONTHS})-[0-9]{{2,4}}"
)
_EXCEL_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|NAME\?|NUM!|DIV/0!|NULL!)")
_EXACT_DIGITS = 15

_MONEY = re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,12})(?:\.[0-9]{1,6})?")
_NUMERIC_DATE = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})(?:[ T].*)?")
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[ T].*)?")
_KIND_WORDS: dict[str, Kind] = {**{kind: kind for kind in KINDS}, "vendor": "supplier"}


class CellConverted(Exception):
    """A reference is no text any more; `code` and `shown` say what became of it."""

    def __init__(self, code: str, shown: str) -> None:
        super().__init__(code)
        self.code = code
        self.shown = shown


def shown(cell: Any) -> str:
    """A value as a person would read it, trimmed; empty where there is none."""
    match cell:
        case None:
            return ""
        case str():
            return _tidy(cell)
        case bool():
            return "TRUE" if cell else "FALSE"
        case int():
            return str(cell)
        case float():
            whole = isfinite(cell) and cell.is_integer() and abs(cell) < 1e15
            return str(int(cell)) if whole else repr(cell)
        case datetime():
            return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ")
        case date() | time():
            return cell.isoformat()
        case _:
            return str(cell)


def _tidy(text: str) -> str:
    if text.startswith("=") and (told := _AS_TEXT.fullmatch(text)):
        text = told[1]
    if not text.isprintable():
        text = _CONTROL.sub(" ", text)
    return compose(text).strip(_AROUND)


def reference_text(cell: Any, package: Package, *, through_excel: bool) -> str:
    """The text that a reference was, not yet in canonical form. Raises CellConverted.

    A whole number is taken as it is only where the package's references are plain numbers, which
    never begin with a zero that Excel could have taken away.
    """
    match cell:
        case None:
            return ""
        case str():
            text = cell.strip("\ufeff")
            return _written(text) if through_excel else text
        case bool():
            raise CellConverted("reference_value", shown(cell))
        case int() | float():
            return _number(cell, package)
        case datetime() | date() | time() | timedelta():
            raise CellConverted("reference_date", shown(cell))
        case _:
            raise CellConverted("reference_value", shown(cell)[:60])


def _written(text: str) -> str:
    told = _AS_TEXT.fullmatch(text.strip())
    if told:
        return told[1]
    bare = text.strip()
    if _SHOWN_NUMBER.fullmatch(bare):
        raise CellConverted("reference_number", bare)
    if _SHOWN_DATE.fullmatch(bare):
        raise CellConverted("reference_date", bare)
    if _EXCEL_ERROR.fullmatch(bare):
        raise CellConverted("reference_value", bare)
    return text


def _number(cell: int | float, package: Package) -> str:
    text = shown(cell)
    if isinstance(cell, float) and not (isfinite(cell) and cell.is_integer()):
        raise CellConverted("reference_number", text)
    if abs(cell) >= 10**_EXACT_DIGITS:
        raise CellConverted("reference_long_number", text)
    if is_reference("0" + text, package):
        raise CellConverted("reference_number", text)
    return text


def phones(cells: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """The phone numbers in some values as they are written, without labels and notes, and whether
    something was meant for a number and is none. Numbers labelled as fax are left out."""
    read = [read_phones(cell) for cell in cells]
    numbers = {number.e164: number.text for each in read for number in reversed(each.numbers)}
    ordered = dict.fromkeys(number.e164 for each in read for number in each.numbers)
    return tuple(numbers[e164] for e164 in ordered), any(each.unread for each in read)


def emails(cells: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """The emails in some values as they are written, and whether something else stands there."""
    read = [read_emails(cell) for cell in cells]
    found = {email.lower(): email for each in read for email in (*each.emails, *each.misspelt)}
    strange = any(
        not (each.emails or each.misspelt or is_placeholder(cell))
        for cell, each in zip(cells, read, strict=True)
    )
    return tuple(found.values()), strange


def parse_amount(cell: Any) -> Decimal | None:
    """An amount, written as in English, or None: "£1,234.50", "(12.00)", "-3"."""
    if isinstance(cell, bool):
        return None
    if isinstance(cell, (int, float)):
        return _decimal(repr(cell)) if isfinite(cell) else None
    text = shown(cell).replace("£", "").replace("€", "").replace("$", "").replace(" ", "")
    if text.startswith("(") and text.endswith(")"):
        text = "-" + text[1:-1]
    return _decimal(text.replace(",", "")) if _MONEY.fullmatch(text) else None


def _decimal(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if abs(found) < 10**12 else None


def parse_count(cell: Any) -> int | None:
    """A whole number that is not negative, or None."""
    found = parse_amount(cell)
    return int(found) if found is not None and found >= 0 and found == int(found) else None


def parse_date(cell: Any, order: DateOrder | None) -> date | None:
    """A date, or None: where day and month can be told apart, or `order` says which comes first."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = shown(cell)
    try:
        if iso := _ISO_DATE.fullmatch(text):
            return date(*(int(part) for part in iso.groups()))
        if told := _NUMERIC_DATE.fullmatch(text):
            return _told_apart(int(told[1]), int(told[2]), int(told[3]), order)
    except ValueError:
        return None
    return None


def _told_apart(first: int, second: int, year: int, order: DateOrder | None) -> date | None:
    if order == "mdy" or (order is None and second > 12):
        return date(year, first, second)
    if order == "dmy" or first > 12 or first == second:
        return date(year, second, first)
    return None


def kind(cell: Any) -> Kind | None:
    """Customer or supplier, as people write it, or None."""
    return _KIND_WORDS.get(shown(cell).lower().removesuffix("s"))
