"""Other data in a name field: postcode, telephone number, address, mark of the kind.

Users put these into the name where a package demands different names for a customer and a supplier,
or keeps contacts that are no longer used.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from crmlink.kinds import Kind
from crmlink.values import postcodes
from crmlink.values.addresses import NO_ADDRESS, PostalAddress, read_address
from crmlink.values.emails import read_emails
from crmlink.values.phones import read_phones
from crmlink.values.placeholders import is_placeholder
from crmlink.values.remarks import without_remark
from crmlink.values.retired import without_mark

MAX_LENGTH = 500

_WORTH_READING = re.compile(
    r"\b(?:DELETED|INACTIVE|ARCHIVED|OBSOLETE|DUPLICATE|MOVED|CLOSED|OLD|GONE|VOID|DEAD|"
    r"CANCELLED)\b"
    r"|\b(?i:stop|dec'?d|deceased|account|acc|ac)\b"
    r"|[0-9@(\[{*<]|^[zZxX]{2}|\b[uU][sS][eE]\b|(?i:d\.?n\.?u\b)|[-\u2010-\u2015:/*]"
    r"|^\s*(?i:the |ex|pers|rep|est|trus)"
)
_EMAIL = re.compile(
    r"[(\[<]?\s*(?:e-?mail:?\s*)?@*+[^\s@]++@\S+\.[A-Za-z]{2,}\s*[)\]>]?", re.IGNORECASE
)
_PHONE = re.compile(
    r"[(\[]?\s*(?:\b(?:tel|telephone|phone|mob|mobile|t|m|ph)\b[.:]*\s*)?"
    r"(?:\+|\(?0|\b44)[0-9() .-]{8,18}[0-9]\b\s*[)\]]?",
    re.IGNORECASE,
)
_KINDS: tuple[tuple[Kind, str], ...] = (
    ("supplier", r"v|vend|vendors?|suppliers?|supp|suppl"),
    ("customer", r"c|customers?|cust|clients?"),
)
_KIND = {
    kind: re.compile(
        rf"\s*[(\[]\s*(?:{words})\s*[)\]]\s*$|\s+[-\u2010-\u2015:]\s*(?:{words})\s*$",
        re.IGNORECASE,
    )
    for kind, words in _KINDS
}
_COUNTER = re.compile(r"(?<=[A-Za-z.)])\s+(?:\(([2-9])\)|#\s?([2-9])|([2-9]))$")
_STREET = (
    r"road|rd|street|str|st|lane|ln|close|cl|avenue|ave|drive|dr|crescent|cres|court|ct|terrace|"
    r"place|pl|square|sq|gardens|gdns|grove|way|walk|row|hill|park|rise|view|mews|green|parade|"
    r"yard|wharf|quay|gate|mount|embankment|boulevard|villas|cottages?|house|heol|ffordd|stryd"
)
_ADDRESS = re.compile(
    rf"(?:(?:flat|apt|apartment|unit)\s+\w+,?\s+)?[0-9]+[A-Za-z]?\s+(?:[A-Za-z'.]+\s+){{0,4}}"
    rf"(?:{_STREET})\b.*",
    re.IGNORECASE,
)
_WHOLE_ADDRESS = re.compile(
    rf"[0-9]+[A-Za-z]?\s+(?:[A-Za-z'.]+\s+){{1,3}}(?:{_STREET})", re.IGNORECASE
)
_FLAT = re.compile(
    r"(?:flat|apt|apartment|unit)\.?\s+(?:no\.?\s*)?(?:[0-9]+[a-z]?|[a-z])", re.IGNORECASE
)
_FLAT_BEHIND = re.compile(rf"(?<=\w)\s+({_FLAT.pattern})$", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*[,;\n]\s*|\s+[-\u2010-\u2015|@]\s+|\s+at\s+(?=[0-9])")
# Words that a number belongs to: *Studio 2* was not entered twice.
_NUMBERED = frozenset(
    ("flat", "apt", "apartment", "unit", "room", "plot", "no", "block", "phase", "house", "floor",
     "suite", "studio", "level", "site", "lot", "number", "shop", "bay", "gate", "area", "zone",
     "branch", "depot", "store", "ward", "box", "route", "channel", "terminal", "pier", "property")
)  # fmt: skip
_IN_BRACKETS = re.compile(r"\s*[(\[]([^()\[\]]*)[)\]]")
_FOR_SOMEONE = re.compile(
    r"^\s*(?:the\s+)?(?:exors?\.?|executors?|executrix|personal\s+representatives?|representatives?|"
    r"estate|trustees)(?:\s*\(?s\)?)?\s+of\s+(?:the\s+(?:late\s+|estate\s+of\s+(?:the\s+late\s+)?))?|"
    r"^\s*(?:the\s+late)\s+",
    re.IGNORECASE,
)
_CARE_OF = re.compile(r"\bc\s*+/\s*+o\b[\s.:]*+.*$", re.IGNORECASE)
_AROUND = " \t,;:-\u2010\u2011\u2012\u2013\u2014\u2015|"


@dataclass(frozen=True, slots=True)
class ContactName:
    """Name as spoken, and the other data found in its field.

    `counter` is the number after a name that was entered twice (*John Smith 2*), as text.
    """

    name: str
    address: PostalAddress = NO_ADDRESS
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    kind: Kind | None = None
    retired: bool = False
    counter: str = ""


def read_name(text: str, *, person: bool = False) -> ContactName:
    """Return the parts of a name field; with `person`, *Main Contact* is no name.

    A text of more than `MAX_LENGTH` characters is a name as a whole; a mark at either end counts.
    """
    if len(text) > MAX_LENGTH:
        text = " ".join(text.split())
    if len(text) > MAX_LENGTH:
        ends = f"{text[:MAX_LENGTH]} a", f"a {text[-MAX_LENGTH:]}"  # a cut is no end
        return ContactName(text, retired=any(without_mark(end)[1] for end in ends))
    if is_placeholder(text, person=person):
        return ContactName("")
    return _read(text) if _WORTH_READING.search(text) else ContactName(text)


@lru_cache(maxsize=50_000)
def _read(text: str) -> ContactName:
    name, retired = without_mark(text)
    result = ContactName(without_remark(name), retired=retired)
    result = _take_phones(_take_emails(result))
    for step in (_take_kind, _take_counter, _take_address, _take_kind, _take_care_of, _take_role):
        shortened = step(result)
        result = shortened if shortened.name else result
    return result


def _take_emails(result: ContactName) -> ContactName:
    if "@" not in result.name:
        return result
    emails = read_emails(result.name).emails
    rest = _cut(result.name, _EMAIL) if emails else result.name
    return replace(result, name=rest, emails=emails)


def _take_phones(result: ContactName) -> ContactName:
    match = _PHONE.search(result.name)
    numbers = read_phones(match.group().strip(" ()[]")).numbers if match else ()
    if not numbers:
        return result
    phones = tuple(number.text for number in numbers)
    return replace(result, name=_cut(result.name, _PHONE), phones=phones)


def _take_kind(result: ContactName) -> ContactName:
    if result.kind:
        return result
    for kind, pattern in _KIND.items():
        if match := pattern.search(result.name):
            return replace(result, name=result.name[: match.start()].rstrip(_AROUND), kind=kind)
    return result


def _take_counter(result: ContactName) -> ContactName:
    match = _COUNTER.search(result.name)
    if not match or result.name[: match.start()].split()[-1].lower() in _NUMBERED:
        return result
    return replace(result, name=result.name[: match.start()], counter="".join(match.groups("")))


def _take_care_of(result: ContactName) -> ContactName:
    match = _CARE_OF.search(result.name)
    if not match:
        return result
    return replace(result, name=result.name[: match.start()].rstrip(_AROUND + "(\r\n"))


def _take_role(result: ContactName) -> ContactName:
    """Return the name without a role: *Exors of M Holloway* is M Holloway's account."""
    return replace(result, name=_FOR_SOMEONE.sub("", result.name, count=1))


def _take_address(result: ContactName) -> ContactName:
    """Return the name without a postcode and without whole parts that are address lines."""
    name = result.name
    if flat := _FLAT_BEHIND.search(name):
        return replace(result, name=name[: flat.start()], address=read_address([flat[1]]))
    if not any(sign.isdigit() for sign in name):
        return result
    if _starts_with_place(name):
        return _named_by_address(result)
    lines: list[str] = []

    def bracket(match: re.Match[str]) -> str:
        if not _is_place(match[1]):
            return match.group()
        lines.append(match[1])
        return " "

    name = _IN_BRACKETS.sub(bracket, name)
    first, *parts = _BETWEEN.split(name)
    if parts and any(_is_place(part) for part in parts):
        start = next(i for i, part in enumerate(parts) if _is_place(part))
        lines = [*parts[start:], *lines]
        name = _prefix_up_to(name, first, parts[:start])
    code = _only_code(name)
    if code:
        lines.append(code)
        name = " ".join(_BETWEEN.sub(", ", name.replace(code, " ")).split()).strip(_AROUND)
    if not lines:
        return result
    return replace(result, name=name.strip(_AROUND), address=read_address(lines))


def _starts_with_place(name: str) -> bool:
    first, *others = _BETWEEN.split(name)
    if _FLAT.fullmatch(first):
        return bool(others) and _is_place(others[0])
    return bool(_WHOLE_ADDRESS.fullmatch(first))


def _named_by_address(result: ContactName) -> ContactName:
    """Return the parts of *14 Orchard Close - Holloway*; an address alone stays the name too."""
    place, _, name = result.name.partition(" - ")
    address = read_address([part for part in re.split(r"\s*[,;\n]\s*", place) if part])
    return replace(result, name=name.strip(_AROUND) or result.name, address=address)


def _prefix_up_to(name: str, first: str, parts: list[str]) -> str:
    """Return the start of the name as written, up to the end of these parts."""
    end = 0
    for part in (first, *parts):
        end = name.index(part, end) + len(part)
    return name[:end]


def _is_place(text: str) -> bool:
    return bool(_ADDRESS.match(text.strip()) or _only_code(text))


def _only_code(text: str) -> str:
    codes = [match.group() for match in postcodes.find(text)]
    return codes[0] if len(codes) == 1 else ""


def _cut(text: str, pattern: re.Pattern[str]) -> str:
    """Return the text without the matches of the pattern, trimmed."""
    return " ".join(pattern.sub(" ", text).split()).strip(_AROUND)
