"""Postal addresses: lines in any layout, split into street lines, town, postcode and country.

A postcode or country among the lines, *c/o* and a PO Box are not part of the street.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from crmlink.values import postcodes
from crmlink.values.placeholders import is_placeholder

MAX_LENGTH = 1_000

_COUNTRIES = {
    "GB": r"u\.?k\.?|g\.?b\.?|gbr|great britain|united kingdom(?: of great britain.*)?|england|"
    r"scotland|wales|cymru|northern ireland|n\.? ?ireland|britain",
    "IE": r"i\.?e\.?|irl|r\.?o\.?i\.?|eire|\u00e9ire|ireland|(?:the )?republic of ireland|"
    r"rep\.? of ireland|southern ireland|ireland \(republic of\)|irish republic",
    "US": r"u\.?s\.?a?\.?|united states(?: of america)?",
}
_COUNTRY = {
    code: re.compile(rf"(?:^|[\s,;.-]+)(?:{names})[\s,;.]*$", re.IGNORECASE)
    for code, names in _COUNTRIES.items()
}
_IRISH_COUNTY = re.compile(
    r"\bco(?:\.|unty)?\s+(?:carlow|cavan|clare|cork|donegal|dublin|galway|kerry|kildare|kilkenny|"
    r"laois|leitrim|limerick|longford|louth|mayo|meath|monaghan|offaly|roscommon|sligo|tipperary|"
    r"waterford|westmeath|wexford|wicklow)\b|\bdublin\s+(?:[1-9]|1[0-9]|2[0-4]|6w)\b",
    re.IGNORECASE,
)
_CARE_OF = re.compile(
    r"(?:^|\b)(?:c\s*[/\\]\s*o\b|c\s*/\s*-|c\.\s?o\.|care\s+of\b)[\s.:]*([^,;\n]*)", re.IGNORECASE
)
_PO_BOX = re.compile(
    r"\b(?:p\.?\s?o\.?|post\s+office)\s*box\s*(?:no\.?\s*)?[a-z0-9-]*", re.IGNORECASE
)
_MAY_BE_POSTAL = re.compile(r"[/\\]|box|care|\bc\.\s?o\.", re.IGNORECASE)
_MISTYPED_CODE = re.compile(r"(?:^|(?<=[\s,;]))[A-Z0-9]{2,4}\s?[A-Z0-9]{3,4}[\s,.;]*$")
_COUNTRY_ENDS = frozenset(
    ("uk", "u.k", "gb", "g.b", "gbr", "britain", "kingdom", "england", "scotland", "wales", "cymru",
     "ireland", "ie", "i.e", "irl", "roi", "r.o.i", "eire", "\u00e9ire", "republic", "us", "u.s",
     "usa", "u.s.a", "states", "america")
)  # fmt: skip
_BREAK = re.compile(r"[\r\n]+")
_AROUND = " ,;.-\t"


@dataclass(frozen=True, slots=True)
class Address:
    """Address as three texts; `address` holds the lines without town and postcode."""

    address: str = ""
    town: str = ""
    postcode: str = ""

    def __bool__(self) -> bool:
        return bool(self.address or self.town or self.postcode)


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """One parsed address.

    `lines` are as written, without postcode and country; `country` is an ISO code or empty;
    `care_of` is the recipient. `is_postal` marks a place that only receives post (*c/o*, PO Box):
    the contact need not live or work there.
    """

    lines: tuple[str, ...] = ()
    town: str = ""
    postcode: str = ""
    country: str = ""
    care_of: str = ""
    is_postal: bool = False

    @property
    def text(self) -> str:
        """The lines joined into one, separated by commas."""
        return ", ".join(self.lines)

    def __bool__(self) -> bool:
        return bool(self.lines or self.town or self.postcode)


NO_ADDRESS = PostalAddress()


def read_address(
    lines: Sequence[str], town: str = "", postcode: str = "", country: str = ""
) -> PostalAddress:
    """Return the address in the given fields; placeholders count as empty.

    A postcode among the lines is used where `postcode` is empty; a repeated one is dropped. An
    address of more than `MAX_LENGTH` characters stays in its fields.
    """
    parts = [part.strip() for line in lines for part in _BREAK.split(line)]
    parts = [part for part in parts if part and not is_placeholder(part)]
    town, postcode, country = (
        "" if is_placeholder(value) else " ".join(value.split())
        for value in (town, postcode, country)
    )
    if sum(map(len, (*parts, town, postcode, country))) > MAX_LENGTH:
        return PostalAddress(tuple(parts), town, postcode)
    code = _country_code(country) if country else ""
    town, postcode, code = _in_their_fields(town, postcode, code)
    parts, code = _without_country(parts, code)
    if not code and _is_irish([*parts, town], postcode):
        code = "IE"
    parts, line_code = _without_postcode(parts, postcode, irish=code == "IE")
    if town:
        town, town_code = _without_one(town, postcode or line_code, irish=code == "IE")
        line_code = line_code or town_code
    parts, line_country = _without_country(parts, code)
    if parts and town and parts[-1].casefold() == town.casefold():
        parts = parts[:-1]
    joined = "\n".join(parts)
    may_be_postal = _MAY_BE_POSTAL.search(joined)
    care_of = _CARE_OF.search(joined) if may_be_postal else None
    return PostalAddress(
        lines=tuple(parts),
        town=town,
        postcode=postcode or line_code,
        country=code or line_country or _country_by_postcode(postcode or line_code),
        care_of=care_of[1].strip() if care_of else "",
        is_postal=bool(care_of or (may_be_postal and _PO_BOX.search(joined))),
    )


def street_text(address: PostalAddress) -> str:
    """Return the lines as text to compare, without recipient and PO Box."""
    if not address.is_postal:
        return address.text
    lines = [_PO_BOX.sub(" ", _CARE_OF.sub(" ", line)) for line in address.lines]
    return ", ".join(line for line in (line.strip(_AROUND) for line in lines) if line)


@lru_cache(maxsize=20_000)
def _canonical(postcode: str) -> str:
    return postcodes.canonical(re.sub(r"[^A-Za-z0-9]", "", postcode).upper())


def _country_code(country: str) -> str:
    for code, pattern in _COUNTRY.items():
        if pattern.fullmatch(country):
            return code
    return "" if len(country) > 2 else country.upper()


def _without_country(parts: Sequence[str], code: str) -> tuple[list[str], str]:
    """Return the lines without a trailing country, and its ISO code."""
    lines = list(parts)
    if not lines:
        return lines, code
    last = lines[-1]
    words = last.replace(",", " ").replace(";", " ").split()
    if not words or words[-1].strip("().").lower() not in _COUNTRY_ENDS:
        return lines, code
    for country_code, pattern in _COUNTRY.items():
        match = pattern.search(last)
        if match is None or (match.start() and not _is_set_off(last, match)):
            continue
        rest = last[: match.start()].rstrip(_AROUND)
        lines = [*lines[:-1], rest] if rest else lines[:-1]
        return lines, code or country_code
    return lines, code


def _is_set_off(line: str, country: re.Match[str]) -> bool:
    """Return whether a country is separated from the words before it.

    A comma, a postcode or capital letters separate it.
    """
    before = line[: country.start()].rstrip(" .")
    apart = country.group().lstrip()[:1] in ",;-" or before.endswith((",", ";"))
    ends_in_code = any(code.end() == len(before) for code in postcodes.find(before))
    return apart or ends_in_code or country.group().strip(_AROUND).isupper()


def _without_postcode(parts: Sequence[str], postcode: str, *, irish: bool) -> tuple[list[str], str]:
    lines = list(parts)
    codes = {
        re.sub(r"\s", "", match.group()).upper(): match.group()
        for line in lines
        for match in postcodes.find(line, irish=irish)
    }
    field_code = _canonical(postcode)
    if postcode and field_code not in codes:
        return lines, ""
    if not postcode and not codes:
        return _without_mistyped(lines)
    if not postcode and len(codes) != 1:
        return lines, ""
    code = field_code or next(iter(codes))
    cleaned = [_without_one(line, code, irish=irish)[0] for line in lines]
    return [line for line in cleaned if line], codes[code].upper()


def _without_mistyped(lines: list[str]) -> tuple[list[str], str]:
    """Return the lines without a code with common typing errors at their end, and that code."""
    match = _MISTYPED_CODE.search(lines[-1]) if lines else None
    if match is None or sum(sign.isdigit() for sign in match.group()) < 2:
        return lines, ""
    code = _canonical(match.group())
    if not postcodes.country_of(code) or code == re.sub(r"\W", "", match.group()).upper():
        return lines, ""  # no code at all, or one that is known to be no postcode here
    rest = lines[-1][: match.start()].rstrip(_AROUND)
    return [*lines[:-1], *([rest] if rest else [])], match.group().strip(_AROUND)


def _in_their_fields(town: str, postcode: str, code: str) -> tuple[str, str, str]:
    """Return town, postcode and country, where they share a field or have changed places."""
    if not postcode or postcodes.country_of(_canonical(postcode)):
        return town, postcode, code
    lines, code = _without_country([postcode], code)
    rest, found = _without_one("".join(lines), "", irish=code == "IE")
    if found:
        return town or rest, found, code
    if postcodes.country_of(_canonical(town)) and not any(sign.isdigit() for sign in postcode):
        return postcode, town, code
    return town, postcode, code


def _without_one(line: str, postcode: str, *, irish: bool) -> tuple[str, str]:
    """Return the line without this postcode, or without its only one where none is given."""
    compact = re.sub(r"[^A-Za-z0-9]", "", postcode).upper()
    for match in postcodes.find(line, irish=irish):
        candidate = re.sub(r"\s", "", match.group()).upper()
        if compact in ("", candidate):
            remainder = (
                f"{line[: match.start()].rstrip(_AROUND)} {line[match.end() :].lstrip(_AROUND)}"
            )
            return remainder.strip(_AROUND), match.group().upper()
    return line, ""


def _is_irish(parts: Sequence[str], postcode: str) -> bool:
    code = _canonical(postcode)
    return postcodes.country_of(code) == "IE" or any(_IRISH_COUNTY.search(part) for part in parts)


def _country_by_postcode(postcode: str) -> str:
    code = _canonical(postcode)
    return postcodes.country_of(code) or ""
