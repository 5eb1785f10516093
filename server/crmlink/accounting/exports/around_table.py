"""Rows of a file that are no contacts: headings, names of sections, totals, ends of pages."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from crmlink.accounting.exports.cells import cell_text
from crmlink.accounting.exports.headings import normalise_heading
from crmlink.kinds import Kind

_COUNTED = (
    r"(?:customers?|clients?|suppliers?|vendors?|contacts?|accounts?|records?|rows?|lines?|items?|"
    r"results?)"
)
_FEW_COLUMNS = 2
_TOTAL = re.compile(
    r"(?:grand[ -]?|sub[ -]?)?(?:totals?\b\W*(?P<more>.*)|sum\b\W*|(?:record |row )?count\b\W*|"
    r"balance (?:c/?f|b/?f)\W*|(?:balance )?(?:carried|brought) forward\W*)",
    re.IGNORECASE | re.DOTALL,
)
_OF_WHAT = re.compile(
    rf"(?:(?:number of|no\. of|for|all)\s+)?(?:all )?(?:[0-9,]+\s+)?(?:{_COUNTED}|outstanding|"
    r"debts?|balances?|due|overdue|owed|owing)\W*[0-9,]*|\(?(?:GBP|EUR|USD|[£€$])\)?",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"[-(]?(?:[£$€]|GBP |EUR |USD )?(?:0|[1-9][0-9,.]*)(?:\.[0-9]+)?\)?%?(?: ?[CD]r\.?)?|-+|"
    rf"[0-9,]+ {_COUNTED}",
    re.IGNORECASE,
)
_FOOTER = re.compile(
    rf"page:? [0-9]+(?: ?(?:of|/) ?[0-9]+)?|"
    rf"\(?[0-9,]+ {_COUNTED}"
    r"(?: (?:affected|found|listed|printed|returned|exported|in total|shown))?\)?|"
    rf"(?:number|no\.?|count) of {_COUNTED}\W*[0-9,]*|"
    r"\W*end(?: of (?:the )?(?:report|list|file|export|page|data))\W*|eof|"
    r"(?:date |time )?(?:printed|produced|exported|generated|run|"
    r"report (?:run|date|printed|produced))\b"
    r".*(?:\b(?:19|20)[0-9]{2}\b|[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2}|[0-9]{1,2}:[0-9]{2}).*",
    re.IGNORECASE | re.DOTALL,
)
_TIME = re.compile(r"\b[0-9]{1,2}:[0-9]{2}\b")
_YEAR = re.compile(r"\b(?:19|20)[0-9]{2}\b")
_RETIRED = r"inactive|in-active|not active|archived?|closed|deleted|dormant|former|old|hidden|ex"
_PLURALS: Mapping[str, Kind | None] = {
    "customers": "customer", "clients": "customer", "debtors": "customer",
    "sales ledger": "customer", "customer list": "customer", "customer accounts": "customer",
    "suppliers": "supplier", "vendors": "supplier", "creditors": "supplier",
    "purchase ledger": "supplier", "supplier list": "supplier", "vendor list": "supplier",
    "supplier accounts": "supplier", "contacts": None, "accounts": None,
}  # fmt: skip
_SECTION = re.compile(
    rf"\W*+(?:(?P<retired>{_RETIRED})|all|active|current|live|open)?[\s-]*+"
    rf"(?P<whose>{'|'.join(_PLURALS)})?\W*+(?:[0-9]++\W*+)?",
    re.IGNORECASE,
)
_NAMING = ("reference", "name", "company", "person", "first_name", "last_name")


class AroundTable:
    """Which rows of a table are none of its contacts, and what a section says of those below it.

    `kind` and `retired` come from the last name of a section (*Suppliers*, *Inactive customers*).
    """

    def __init__(self, known_headings: Collection[str], *, has_header: bool) -> None:
        self._known = known_headings
        self._has_header = has_header
        self._keys: list[str] = []
        self._naming: tuple[int, ...] = ()
        self._is_below_others = False
        self.kind: Kind | None = None
        self.retired = False

    def begin(self, header: Sequence[str], positions: Mapping[str, Sequence[int]]) -> None:
        """Start a table with these headings."""
        self._keys = [normalise_heading(label) for label in header]
        self._naming = tuple(i for field in _NAMING for i in positions.get(field, ()))
        self._is_below_others = False

    def code_of(self, cells: Sequence[Any]) -> str:
        """Return why a row that is not empty is no contact; empty if it may be one."""
        filled = [(i, text) for i, cell in enumerate(cells) if (text := cell_text(cell))]
        if self._has_header and self._is_header(filled):
            self._is_below_others = False
            return "header_again"
        if self._is_another_header(filled):
            self._is_below_others = True
            return "other_headings"
        texts = [text for _, text in filled]
        if len(texts) == 1 and self._begins_section(texts[0]):
            return "section"
        if code := _end_of_table(texts):
            return code
        return "below_other_headings" if self._is_below_others else ""

    def _is_header(self, filled: Sequence[tuple[int, str]]) -> bool:
        same = sum(
            i < len(self._keys) and normalise_heading(text) == self._keys[i] for i, text in filled
        )
        return same > 1 and same == len(filled)

    def _is_another_header(self, filled: Sequence[tuple[int, str]]) -> bool:
        """Return whether a row has headings where the table has names and references."""
        known = {i for i, text in filled if normalise_heading(text) in self._known}
        naming = {i for i, _ in filled if i in self._naming}
        return len(known) > 1 and bool(naming) and naming <= known and 2 * len(known) >= len(filled)

    def _begins_section(self, text: str) -> bool:
        match = _SECTION.fullmatch(text) if len(self._keys) > _FEW_COLUMNS else None
        if match is None or not (match["whose"] or match["retired"]) or not match.group().strip():
            return False
        if match["whose"]:
            self.kind = _PLURALS[match["whose"].lower()] or self.kind
        elif match["retired"].lower() in ("old", "ex", "hidden", "former"):
            return False  # a name by itself
        self.retired = bool(match["retired"])
        return True


def _end_of_table(texts: Sequence[str]) -> str:
    start, rest = texts[0], texts[1:]
    numbers = all(_NUMBER.fullmatch(text) for text in rest)
    if numbers and (total := _TOTAL.fullmatch(start)):
        more = total["more"]
        if rest or more == "" or (more and _OF_WHAT.fullmatch(more)):
            return "total"
    if numbers and _FOOTER.fullmatch(start):
        return "footer"
    joined = ", ".join(texts)
    short = len(texts) <= 3 and len(joined) < 80
    dated = _TIME.search(start) or _YEAR.search(start) or start.lower().endswith("day")
    if dated and short and _TIME.search(joined) and _YEAR.search(joined):
        return "time_stamp"
    return ""
