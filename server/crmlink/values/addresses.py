"""Postal addresses: lines of any making, with what is not the place itself told apart.

A postcode or country that stands among the lines, *c/o* and a PO Box are not words of the street.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from crmlink.values import postcodes
from crmlink.values.placeholders import is_placeholder

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
    r"(?:^|\b)(?:c\s*/\s*o|c\s*\\\s*o|care\s+of)\b[\s.:]*([^,;\n]*)", re.IGNORECASE
)
_PO_BOX = re.compile(
    r"\b(?:p\.?\s?o\.?|post\s+office)\s*box\s*(?:no\.?\s*)?[a-z0-9-]*", re.IGNORECASE
)
_MAY_BE_POSTAL = re.compile(r"[/\\]|box|care", re.IGNORECASE)
_LAST_WORD = re.compile(r"[^\s,;]+(?=[\s,;]*$)")
_COUNTRY_ENDS = frozenset(
    ("uk", "u.k", "gb", "g.b", "gbr", "britain", "kingdom", "england", "scotland", "wales", "cymru",
     "ireland", "ie", "i.e", "irl", "roi", "r.o.i", "eire", "\u00e9ire", "republic", "us", "u.s",
     "usa", "u.s.a", "states", "america")
)  # fmt: skip
_BREAK = re.compile(r"[\r\n]+")
_AROUND = " ,;.-\t"


@dataclass(frozen=True, slots=True)
class Address:
    """An address in three texts; `address` are its lines without town and postcode."""

    address: str = ""
    town: str = ""
    postcode: str = ""

    def __bool__(self) -> bool:
        return bool(self.address or self.town or self.postcode)


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """One address. `lines` are as they were written, without postcode and country; `country` is
    an ISO code where it tells, else empty. `care_of` is who receives the post there. `is_postal`
    says that post goes there (*c/o*, PO Box): it need not be where the contact lives or works."""

    lines: tuple[str, ...] = ()
    town: str = ""
    postcode: str = ""
    country: str = ""
    care_of: str = ""
    is_postal: bool = False

    @property
    def text(self) -> str:
        """The lines on one line."""
        return ", ".join(self.lines)

    def __bool__(self) -> bool:
        return bool(self.lines or self.town or self.postcode)


NO_ADDRESS = PostalAddress()


def read_address(
    lines: Sequence[str], town: str = "", postcode: str = "", country: str = ""
) -> PostalAddress:
    """An address from what its fields hold, in order; a value that stands for nothing is empty.

    A postcode among the lines counts where the field has none; the same one is not kept twice.
    """
    parts = [part.strip() for line in lines for part in _BREAK.split(line)]
    parts = [part for part in parts if part and not is_placeholder(part)]
    town, postcode, country = (
        "" if is_placeholder(value) else " ".join(value.split())
        for value in (town, postcode, country)
    )
    code = _country_code(country)
    parts, code = _without_country(parts, code)
    if not code and _is_irish([*parts, town], postcode):
        code = "IE"
    parts, found = _without_postcode(parts, postcode, irish=code == "IE")
    if town:
        town, more = _without_one(town, postcode or found, irish=code == "IE")
        found = found or more
    parts, again = _without_country(parts, code)
    if parts and town and parts[-1].casefold() == town.casefold():
        parts = parts[:-1]
    whole = "\n".join(parts)
    care_of = _CARE_OF.search(whole) if _MAY_BE_POSTAL.search(whole) else None
    return PostalAddress(
        lines=tuple(parts),
        town=town,
        postcode=postcode or found,
        country=code or again or _country_by_postcode(postcode or found),
        care_of=care_of[1].strip() if care_of else "",
        is_postal=bool(care_of or (_MAY_BE_POSTAL.search(whole) and _PO_BOX.search(whole))),
    )


def street_text(address: PostalAddress) -> str:
    """The lines as words to compare: without who receives the post, and without the box."""
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
    """The lines without a country at their very end, and its code."""
    kept = list(parts)
    if not kept:
        return kept, code
    last = kept[-1]
    end = _LAST_WORD.search(last)
    if end is None or end[0].strip("().").lower() not in _COUNTRY_ENDS:
        return kept, code
    for each, pattern in _COUNTRY.items():
        found = pattern.search(last)
        if found is None or (found.start() and not _is_set_off(last, found)):
            continue
        rest = last[: found.start()].rstrip(_AROUND)
        kept = [*kept[:-1], rest] if rest else kept[:-1]
        return kept, code or each
    return kept, code


def _is_set_off(line: str, found: re.Match[str]) -> bool:
    """Whether a country is written apart from the words before it: behind a comma or a postcode,
    or in capitals."""
    before = line[: found.start()].rstrip(" .")
    apart = found.group().lstrip()[:1] in ",;-" or before.endswith((",", ";"))
    ends_in_code = any(match.end() == len(before) for match in postcodes.find(before))
    return apart or ends_in_code or found.group().strip(_AROUND).isupper()


def _without_postcode(parts: Sequence[str], postcode: str, *, irish: bool) -> tuple[list[str], str]:
    kept = list(parts)
    codes = {
        re.sub(r"\s", "", match.group()).upper(): match.group()
        for line in kept
        for match in postcodes.find(line, irish=irish)
    }
    own = _canonical(postcode)
    if postcode and own not in codes:
        return kept, ""
    if not postcode and len(codes) != 1:
        return kept, ""
    wanted = own or next(iter(codes))
    cleaned = [_without_one(line, wanted, irish=irish)[0] for line in kept]
    return [line for line in cleaned if line], codes[wanted].upper()


def _without_one(line: str, postcode: str, *, irish: bool) -> tuple[str, str]:
    """The line without this postcode, or without the only one where none is given."""
    wanted = re.sub(r"[^A-Za-z0-9]", "", postcode).upper()
    for match in postcodes.find(line, irish=irish):
        bare = re.sub(r"\s", "", match.group()).upper()
        if wanted in ("", bare):
            rest = f"{line[: match.start()].rstrip(_AROUND)} {line[match.end() :].lstrip(_AROUND)}"
            return rest.strip(_AROUND), match.group().upper()
    return line, ""


def _is_irish(parts: Sequence[str], postcode: str) -> bool:
    code = _canonical(postcode)
    return postcodes.country_of(code) == "IE" or any(_IRISH_COUNTY.search(part) for part in parts)


def _country_by_postcode(postcode: str) -> str:
    code = _canonical(postcode)
    return postcodes.country_of(code) or ""
