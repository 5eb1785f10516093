"""Single cell values: trimmed, and parsed where they are more than text.

Conversions by Excel are never reversed by guessing: a reference that is no longer text is rejected
with the reason.
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
_EXCEL_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|NAME\?|NUM!|DIV/0!|NULL!)|#+|=.+")
# Formatted as a number or by a program: 1,234 and 123.0; a mark of Excel's texts: '00123.
_FORMATTED_NUMBER = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+\.0+")
_MARKED_TEXT = re.compile(r"['\u2018\u2019`][0-9].*")
_EXACT_DIGITS = 15

_MONEY = re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,12})(?:\.[0-9]{1,6})?")
_NUMERIC_DATE = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})(?:[ T].*)?")
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[ T].*)?")
_KIND_WORDS: dict[str, Kind] = {
    **{kind: kind for kind in KINDS},
    "cust": "customer", "client": "customer", "debtor": "customer", "sales ledger": "customer",
    "vendor": "supplier", "supp": "supplier", "creditor": "supplier",
    "purchase ledger": "supplier", "customer account": "customer", "supplier account": "supplier",
}  # fmt: skip
_REMARK = re.compile(r"\s*[(\[][^()\[\]]*[)\]]\s*")


class CellConverted(Exception):
    """A reference was converted and is no longer text; `code` and `shown` describe the result."""

    def __init__(self, code: str, shown: str) -> None:
        super().__init__(code)
        self.code = code
        self.shown = shown


def cell_text(cell: Any) -> str:
    """Return a value as displayed, trimmed; empty for none."""
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
            is_whole = isfinite(cell) and cell.is_integer() and abs(cell) < 1e15
            return str(int(cell)) if is_whole else repr(cell)
        case datetime():
            return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ")
        case date() | time():
            return cell.isoformat()
        case _:
            return str(cell)


def _tidy(text: str) -> str:
    if text.startswith("=") and (match_ := _AS_TEXT.fullmatch(text)):
        text = match_[1]
    if not text.isprintable():
        text = _CONTROL.sub(" ", text)
    return compose(text).strip(_AROUND)


def reference_text(cell: Any, package: Package, *, through_excel: bool) -> str:
    """Return the text of a reference, not yet canonical. Raises CellConverted.

    A whole number is accepted only where the package's references are plain numbers, which never
    start with a zero that Excel could have removed.
    """
    match cell:
        case None:
            return ""
        case str():
            text = cell.strip("\ufeff")
            return _written(text, package) if through_excel else text
        case bool():
            raise CellConverted("reference_value", cell_text(cell))
        case int() | float():
            return _number(cell, package)
        case datetime() | date() | time() | timedelta():
            raise CellConverted("reference_date", cell_text(cell))
        case _:
            raise CellConverted("reference_value", cell_text(cell)[:60])


def _written(text: str, package: Package) -> str:
    match_ = _AS_TEXT.fullmatch(text.strip())
    if match_:
        return match_[1]
    bare = text.strip()
    if _SHOWN_NUMBER.fullmatch(bare) or _FORMATTED_NUMBER.fullmatch(bare):
        raise CellConverted("reference_number", bare)
    if _SHOWN_DATE.fullmatch(bare):
        raise CellConverted("reference_date", bare)
    if _EXCEL_ERROR.fullmatch(bare):
        raise CellConverted("reference_value", bare[:60])
    exact = package["reference"]["canonical"] == "exact"  # may be a name: 't Hooft
    if _MARKED_TEXT.fullmatch(bare) or (bare[:1] in "'\u2018\u2019`" and bare and not exact):
        raise CellConverted("reference_marked", bare[:60])
    return text


def _number(cell: int | float, package: Package) -> str:
    text = cell_text(cell)
    if isinstance(cell, float) and not (isfinite(cell) and cell.is_integer()):
        raise CellConverted("reference_number", text)
    if abs(cell) >= 10**_EXACT_DIGITS:
        raise CellConverted("reference_long_number", text)
    if is_reference("0" + text, package):
        raise CellConverted("reference_number", text)
    return text


def parse_phones(cells: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """Return the phone numbers as written, and whether any part could not be parsed.

    Labels, notes and numbers labelled as fax are left out.
    """
    read = [read_phones(cell) for cell in cells]
    numbers = {number.e164: number.text for part in read for number in reversed(part.numbers)}
    ordered = dict.fromkeys(number.e164 for part in read for number in part.numbers)
    return tuple(numbers[e164] for e164 in ordered), any(part.unread for part in read)


def parse_emails(cells: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """Return the emails as written, and whether there is any other text."""
    read = [read_emails(cell) for cell in cells]
    parsed = {email.lower(): email for part in read for email in (*part.emails, *part.misspelt)}
    strange = any(
        not (part.emails or part.misspelt or is_placeholder(cell))
        for cell, part in zip(cells, read, strict=True)
    )
    return tuple(parsed.values()), strange


def parse_amount(cell: Any) -> Decimal | None:
    """Return an amount in English notation, or None: "£1,234.50", "(12.00)", "-3"."""
    if isinstance(cell, bool):
        return None
    if isinstance(cell, (int, float)):
        return _decimal(repr(cell)) if isfinite(cell) else None
    text = cell_text(cell).replace("£", "").replace("€", "").replace("$", "").replace(" ", "")
    if text.startswith("(") and text.endswith(")"):
        text = "-" + text[1:-1]
    return _decimal(text.replace(",", "")) if _MONEY.fullmatch(text) else None


def _decimal(text: str) -> Decimal | None:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if abs(amount) < 10**12 else None


def parse_count(cell: Any) -> int | None:
    """Return a whole number that is not negative, or None."""
    amount = parse_amount(cell)
    return int(amount) if amount is not None and amount >= 0 and amount == int(amount) else None


def parse_date(cell: Any, order: DateOrder | None) -> date | None:
    """Return a date, or None if the order of day and month is neither evident nor in `order`."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = cell_text(cell)
    try:
        if iso := _ISO_DATE.fullmatch(text):
            return date(*(int(part) for part in iso.groups()))
        if match_ := _NUMERIC_DATE.fullmatch(text):
            return _date_in_order(int(match_[1]), int(match_[2]), int(match_[3]), order)
    except ValueError:
        return None
    return None


def _date_in_order(first: int, second: int, year: int, order: DateOrder | None) -> date | None:
    if order == "mdy" or (order is None and second > 12):
        return date(year, first, second)
    if order == "dmy" or first > 12 or first == second:
        return date(year, second, first)
    return None


def parse_kind(cell: Any) -> Kind | None:
    """Return customer or supplier, or None."""
    text = _REMARK.sub(" ", cell_text(cell)).strip(" .:*-").lower()
    return _KIND_WORDS.get(text.removesuffix("s"))
