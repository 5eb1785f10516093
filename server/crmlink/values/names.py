"""What stands in a name besides the name: a postcode, a number, an address, a mark of the kind.

Packages that demand different names for a customer and a supplier, or keep a contact that is not
used any more, leave their users no other place for it.
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
from crmlink.values.retired import without_mark

_WORTH_READING = re.compile(
    r"[0-9@(\[{*<]|^[zZxX]{2}|\b[uU][sS][eE]\b|(?i:dnu)|[-\u2010-\u2015:/*]"
    r"|^\s*(?i:the |ex|pers|rep|est|trus)"
)
_EMAIL = re.compile(r"[(\[<]?\s*(?:e-?mail:?\s*)?\S+@\S+\.[A-Za-z]{2,}\s*[)\]>]?", re.IGNORECASE)
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
_BETWEEN = re.compile(r"\s*[,;\n]\s*|\s+[-\u2010-\u2015|]\s+")
_IN_BRACKETS = re.compile(r"\s*[(\[]([^()\[\]]*)[)\]]")
_FOR_SOMEONE = re.compile(
    r"^\s*(?:the\s+)?(?:exors?\.?|executors?|executrix|personal\s+representatives?|representatives?|"
    r"estate|trustees)(?:\s*\(?s\)?)?\s+of\s+(?:the\s+(?:late\s+|estate\s+of\s+(?:the\s+late\s+)?))?|"
    r"^\s*(?:the\s+late)\s+",
    re.IGNORECASE,
)
_CARE_OF = re.compile(r"\s*[,(-]?\s*\bc\s*/\s*o\b[\s.:]*(.*)$", re.IGNORECASE)
_AROUND = " \t,;:-\u2010\u2011\u2012\u2013\u2014\u2015|"


@dataclass(frozen=True, slots=True)
class ContactName:
    """A name as a person would say it, and what its field holds besides.

    `counter` is the number behind a name that was given twice (*John Smith 2*), as a text.
    """

    name: str
    address: PostalAddress = NO_ADDRESS
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    kind: Kind | None = None
    retired: bool = False
    counter: str = ""


def read_name(text: str, *, person: bool = False) -> ContactName:
    """The parts of what stands in a name's field; with `person` *Main Contact* is no name."""
    if is_placeholder(text, person=person):
        return ContactName("")
    return _read(text) if _WORTH_READING.search(text) else ContactName(text)


@lru_cache(maxsize=50_000)
def _read(text: str) -> ContactName:
    name, retired = without_mark(text)
    found = ContactName(name, retired=retired)
    found = _take_phones(_take_emails(found))
    for step in (_take_kind, _take_counter, _take_address, _take_kind, _take_care_of, _take_office):
        left = step(found)
        found = left if left.name else found
    return found


def _take_emails(found: ContactName) -> ContactName:
    if "@" not in found.name:
        return found
    emails = read_emails(found.name).emails
    rest = _cut(found.name, _EMAIL) if emails else found.name
    return replace(found, name=rest, emails=emails)


def _take_phones(found: ContactName) -> ContactName:
    match = _PHONE.search(found.name)
    numbers = read_phones(match.group().strip(" ()[]")).numbers if match else ()
    if not numbers:
        return found
    phones = tuple(number.text for number in numbers)
    return replace(found, name=_cut(found.name, _PHONE), phones=phones)


def _take_kind(found: ContactName) -> ContactName:
    if found.kind:
        return found
    for kind, pattern in _KIND.items():
        if match := pattern.search(found.name):
            return replace(found, name=found.name[: match.start()].rstrip(_AROUND), kind=kind)
    return found


def _take_counter(found: ContactName) -> ContactName:
    match = _COUNTER.search(found.name)
    if not match:
        return found
    return replace(found, name=found.name[: match.start()], counter="".join(match.groups("")))


def _take_care_of(found: ContactName) -> ContactName:
    match = _CARE_OF.search(found.name)
    return replace(found, name=found.name[: match.start()].rstrip(_AROUND)) if match else found


def _take_office(found: ContactName) -> ContactName:
    """*Exors of M Holloway* is M Holloway's account."""
    return replace(found, name=_FOR_SOMEONE.sub("", found.name, count=1))


def _take_address(found: ContactName) -> ContactName:
    """A postcode, and whole parts of the name that are lines of an address."""
    name = found.name
    if not any(sign.isdigit() for sign in name):
        return found
    lines: list[str] = []

    def bracket(match: re.Match[str]) -> str:
        if not _is_place(match[1]):
            return match.group()
        lines.append(match[1])
        return " "

    name = _IN_BRACKETS.sub(bracket, name)
    first, *others = _BETWEEN.split(name)
    if others and any(_is_place(other) for other in others):
        place = next(at for at, other in enumerate(others) if _is_place(other))
        lines = [*others[place:], *lines]
        name = _kept(name, first, others[:place])
    code = _only_code(name)
    if code:
        lines.append(code)
        name = " ".join(_BETWEEN.sub(", ", name.replace(code, " ")).split()).strip(_AROUND)
    if not lines:
        return found
    return replace(found, name=name.strip(_AROUND), address=read_address(lines))


def _kept(name: str, first: str, others: list[str]) -> str:
    """The beginning of the name up to the end of these parts, as it was written."""
    end = 0
    for part in (first, *others):
        end = name.index(part, end) + len(part)
    return name[:end]


def _is_place(text: str) -> bool:
    return bool(_ADDRESS.match(text.strip()) or _only_code(text))


def _only_code(text: str) -> str:
    codes = [match.group() for match in postcodes.find(text)]
    return codes[0] if len(codes) == 1 else ""


def _cut(text: str, pattern: re.Pattern[str]) -> str:
    """The text without what the pattern finds, tidied."""
    return " ".join(pattern.sub(" ", text).split()).strip(_AROUND)
