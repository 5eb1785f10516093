"""How people and companies are written, made comparable: pure functions, one value each.

Every function takes any text, never raises, gives the same again when applied to its own
result, and never gives more letters than the text has once transliterated to ASCII.
"""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from typing import Any

from anyascii import anyascii

from crmlink.values import postcodes

WORDS: dict[str, Any] = json.loads(
    resources.files("crmlink.matching").joinpath("words.json").read_text("utf-8")
)
TITLES = frozenset(WORDS["titles"])
SUFFIXES = frozenset(WORDS["suffixes"])
LEGAL_FORMS = frozenset(WORDS["legal_forms"])
TRAILING_FORMS = frozenset(WORDS["trailing_forms"])
LONG_FORMS: list[list[str]] = [form.split() for form in WORDS["long_forms"]]  # without *limited*
COMPANY_WORDS: dict[str, str] = WORDS["company_words"]
ADDRESS_WORDS: dict[str, str] = WORDS["address_words"]
TRADE_WORDS = frozenset(WORDS["trade_words"])  # they say what a firm does, not which it is
FLAT = ADDRESS_WORDS["flat"]
IN_ENGLISH: dict[str, str] = WORDS["places_in_english"]  # from Welsh and Gaelic
FREE_MAIL = frozenset(WORDS["free_mail"])

GENERIC_MAILBOXES = frozenset(WORDS["generic_mailboxes"])
NICKNAMES: dict[str, frozenset[str]] = {}
for _group in WORDS["nicknames"]:
    for _name in _group:
        _others = {_group[0], *_group} if _name == _group[0] else {_group[0]}
        NICKNAMES[_name] = (NICKNAMES.get(_name, frozenset()) | _others) - {_name}

_GARBLED = re.compile("[\u00c2\u00c3\u00c5\u00e2][\u0080-\u00bf\u0152-\u2122]")
_DOTTED = re.compile(r"(?<![a-z0-9])((?:[a-z]\.){2,}[a-z]?)(?![a-z])")
_APOSTROPHES = re.compile(r"['`]\s?")
_BETWEEN_WORDS = re.compile(r"[^a-z0-9]+")
_BRACKETS = re.compile(r"[(\[{]([^()\[\]{}]*)[)\]}]?")
_TRADING_AS = re.compile(r"\b(?:t\s*/\s*as?|trading\s+(?:as|under))\b", re.IGNORECASE)


def ascii_text(text: str) -> str:
    """The text in lower-case ASCII, wrongly decoded UTF-8 repaired, other scripts spelt out."""
    if not text.isascii():
        text = anyascii(_repaired(text))
    return text.lower()


def _repaired(text: str) -> str:
    if _GARBLED.search(text):
        for codec in ("cp1252", "latin-1"):
            try:
                return text.encode(codec).decode("utf-8")
            except UnicodeError:
                continue
    return text


def fold(text: str) -> str:
    """Lower-case words and numbers with one space between them.

    Apostrophes vanish (O'Connor: oconnor), dotted capitals close up (p.l.c.: plc),
    everything else that is no letter or digit parts words.
    """
    return " ".join(_words(ascii_text(text)))


def _words(text: str) -> list[str]:
    if "." in text:
        text = _DOTTED.sub(lambda found: found.group(1).replace(".", "") + " ", text)
    if "'" in text or "`" in text:
        text = re.sub(r"(?<=\w)['`]s\b", "s", text)
        text = _APOSTROPHES.sub("", text)
    return _BETWEEN_WORDS.sub(" ", text).split()


_BILINGUAL = frozenset(place.split()[0] for place in IN_ENGLISH)
_PLACES = re.compile(rf"\b(?:{'|'.join(sorted(IN_ENGLISH, key=len, reverse=True))})\b")


def _in_english(words: list[str]) -> list[str]:
    """The words with the Welsh or Gaelic names of places among them put into English."""
    if _BILINGUAL.isdisjoint(words):
        return words
    return _PLACES.sub(lambda found: IN_ENGLISH[found.group()], " ".join(words)).split()


@lru_cache(maxsize=50_000)
def person(text: str) -> str:
    """A person's name without title and honours, forenames first; Mc, Mac and O closed up."""
    plain = ascii_text(text)
    family, comma, rest = plain.partition(",")
    words = _words(plain)
    if comma and rest.strip():
        given = _words(rest)
        if given and not all(word in SUFFIXES or word in TITLES for word in given):
            words = given + _words(family)
    kept = [word for word in words if word not in TITLES and word not in SUFFIXES] or words
    return " ".join(_closed_up(kept))


def _closed_up(words: list[str]) -> list[str]:
    closed: list[str] = []
    for word in words:
        after = closed and closed[-1] in ("mc", "mac")
        if after and len(word) > 2 and word.isalpha() and not word.startswith(("mc", "mac")):
            closed[-1] += word
        else:
            closed.append(word)
    return closed


@lru_cache(maxsize=50_000)
def company(text: str) -> str:
    """A company's name without legal form, *and* and a leading *the*; of `A t/a B` all words."""
    words = _in_english(_words(_TRADING_AS.sub(" ", ascii_text(text))))
    kept = [word for word in words if word != "and" and word not in LEGAL_FORMS]
    while cut := _form_behind(kept):
        del kept[-cut:]
    while len(kept) > 1 and kept[0] == "the":
        kept.pop(0)
    return " ".join(COMPANY_WORDS.get(word, word) for word in kept or words)


def _form_behind(words: list[str]) -> int:
    """How many words at the end are a legal form; 0 where nothing would be left."""
    for form in LONG_FORMS:
        if len(words) > len(form) and words[-len(form) :] == form:
            return len(form)
    return int(len(words) > 1 and words[-1] in TRAILING_FORMS)


def name(text: str, as_company: bool) -> str:
    """A name in the field for persons or companies, read as what its words say that it is."""
    normal = _named(text, as_company)
    while (again := _named(normal, as_company)) != normal:  # each time it has fewer words
        normal = again
    return normal


def _named(text: str, as_company: bool) -> str:
    plain = ascii_text(text)
    words = _words(plain)
    if not words:
        return ""
    is_company = as_company or _TRADING_AS.search(plain) or not LEGAL_FORMS.isdisjoint(words)
    return person(text) if words[0] in TITLES or not is_company else company(text)


def aside(text: str) -> frozenset[str]:
    """The words that stand in brackets: a branch, a town, a remark."""
    if "(" not in text and "[" not in text:
        return frozenset()
    return frozenset(word for part in _BRACKETS.findall(ascii_text(text)) for word in _words(part))


@lru_cache(maxsize=20_000)
def address(text: str) -> str:
    """An address or town in words, the usual ones in their short form (Road, rd.: rd)."""
    return " ".join(word for word, _ in address_words(text))


@lru_cache(maxsize=20_000)
def address_words(text: str) -> tuple[tuple[str, str], ...]:
    """The words of `address`, each with the words that it stands for as they were written.

    A house's number and the letter of a flat in it are one word: *34A*, *34 A*, *Flat A, 34*.
    """
    words = _in_english(_words(ascii_text(text)))
    plain = [(ADDRESS_WORDS.get(word, word), word) for word in words]
    return tuple(_with_flats(plain))


def _with_flats(words: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(words):
        short = [word for word, _ in words[at : at + 3]]
        written = [word for _, word in words[at : at + 3]]
        if len(short) == 3 and short[0] == FLAT and _is_letter(short[1]) and short[2].isdigit():
            yield short[2] + short[1], f"{written[0]} {written[1]}, {written[2]}"
            at += 3
        elif len(short) == 3 and short[0].isdigit() and short[1] == FLAT and _is_letter(short[2]):
            yield short[0] + short[2], f"{written[0]}, {written[1]} {written[2]}"
            at += 3
        elif len(short) == 3 and short[0].isdigit() and _is_letter(short[1], but="nsew"):
            yield short[0] + short[1], short[0] + short[1]
            at += 2
        else:
            yield words[at]
            at += 1


def _is_letter(word: str, but: str = "") -> bool:
    return len(word) == 1 and word.isalpha() and word not in but


def postcode(text: str) -> str:
    """A postcode in capitals without spaces; O for 0 and I for 1 put right in British ones, and
    letters that no Eircode has in Irish ones."""
    return postcodes.canonical(re.sub(r"[^A-Z0-9]", "", ascii_text(text).upper())[:12])


def outward(code: str) -> str:
    """The outward part of a normalised British postcode or the routing key of an Eircode, or the
    code itself if it is only that; empty for other countries' codes."""
    return postcodes.outward(code)


_IN_ANGLES = re.compile(r"<([^<>]*@[^<>]*)>")


def email(text: str) -> str:
    """An address in lower case without `mailto:` and plus tag; without @ it stays as written.

    Of `Jo Bloggs <jo@acme.example>` it is what stands between the angles.
    """
    plain = ascii_text(text)
    between = _IN_ANGLES.search(plain)
    bare = (between.group(1) if between else plain).strip().removeprefix("mailto:").strip("<>;, \t")
    bare = re.sub(r"\s+", "", bare)
    local, at, domain = bare.rpartition("@")
    if not at:
        return bare
    tagless = local.split("+", 1)[0] or local
    return f"{tagless}@{domain}"


def company_domain(address_: str) -> str:
    """The domain of an email, empty for free-mail providers."""
    domain = email(address_).rpartition("@")[2]
    return "" if domain in FREE_MAIL or "." not in domain else domain


_EXTENSION = re.compile(r"(?:\bext?(?:ension)?\b|\bx|#)\.?:?\s*\d{1,6}\s*$", re.IGNORECASE)
_CALLING_CODES = {"GB": ("44", "0"), "IE": ("353", "0"), "US": ("1", "1"), "CA": ("1", "1")}


@lru_cache(maxsize=20_000)
def phone(text: str, country: str = "GB") -> str:
    """A phone number in E.164 (`+441632960114`), or empty when there is none in the text.

    `country` is the ISO code that numbers without a country code belong to. An extension is
    left out. Source of the form: ITU-T E.164.
    """
    plain = _EXTENSION.sub("", ascii_text(text))
    digits = re.sub(r"\D", "", plain.replace("(0)", "") if "+" in plain else plain)
    if plain.lstrip(" (").startswith("+"):
        return _international(digits)
    if digits.startswith("00"):
        return _international(digits[2:])
    if len(digits) < 5:
        return ""
    code, trunk = _CALLING_CODES.get(country) or _looked_up(country)
    national = digits[len(trunk) :] if trunk and digits.startswith(trunk) else digits
    if digits.startswith(code) and not digits.startswith(trunk) and len(digits) > 10:
        return _international(digits)
    return _international(code + national)


def _international(digits: str) -> str:
    if digits.startswith("440"):
        digits = "44" + digits[3:]
    return "+" + digits[:15] if len(digits) >= 5 else ""


@lru_cache(maxsize=300)
def _looked_up(country: str) -> tuple[str, str]:
    import phonenumbers  # slow to import, and only rare countries need it

    metadata = phonenumbers.PhoneMetadata.metadata_for_region(country.upper(), None)
    if metadata is None:
        return "", ""
    return str(metadata.country_code), metadata.national_prefix or ""
