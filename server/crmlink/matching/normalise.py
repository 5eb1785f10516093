"""Normalisation of names, addresses and other values: pure functions of one value each.

Every function accepts any text, never raises, is idempotent, and never returns more letters than
the text has in ASCII.
"""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from typing import Any

from anyascii import anyascii

from crmlink.values import postcodes
from crmlink.values.double_encoding import without_double_encoding

WORDS: dict[str, Any] = json.loads(
    resources.files("crmlink.matching").joinpath("words.json").read_text("utf-8")
)
TITLES = frozenset(WORDS["titles"])
SUFFIXES = frozenset(WORDS["suffixes"])
LEGAL_FORMS = frozenset(WORDS["legal_forms"])
TRAILING_FORMS = frozenset(WORDS["trailing_forms"])
LONG_FORMS: list[list[str]] = [form.split() for form in WORDS["long_forms"]]  # except *limited*
COMPANY_WORDS: dict[str, str] = WORDS["company_words"]
ADDRESS_WORDS: dict[str, str] = WORDS["address_words"]
TRADE_WORDS = frozenset(WORDS["trade_words"])  # they name the trade, not the company
FLAT = ADDRESS_WORDS["flat"]
IN_ENGLISH: dict[str, str] = WORDS["places_in_english"]  # from Welsh and Gaelic
FREE_MAIL = frozenset(WORDS["free_mail"])
SURNAME_PARTICLES = frozenset(WORDS["surname_particles"])

GENERIC_MAILBOXES = frozenset(WORDS["generic_mailboxes"])
NICKNAMES: dict[str, frozenset[str]] = {}
for _group in WORDS["nicknames"]:
    for _name in _group:
        _others = {_group[0], *_group} if _name == _group[0] else {_group[0]}
        NICKNAMES[_name] = (NICKNAMES.get(_name, frozenset()) | _others) - {_name}
_FORENAMES: dict[str, frozenset[str]] = {name: frozenset({name}) for name in WORDS["forenames"]}
for _group in (*WORDS["nicknames"], *WORDS["spellings"]):
    for _name in _group:
        _FORENAMES[_name] = _FORENAMES.get(_name, frozenset()) | {_group[0]}

_DOTTED = re.compile(r"(?<![a-z0-9])((?:[a-z]\.){2,}[a-z]?)(?![a-z])")
_APOSTROPHES = re.compile(r"['`]\s?")
_BETWEEN_WORDS = re.compile(r"[^a-z0-9]+")
_BRACKETS = re.compile(r"[(\[{]([^()\[\]{}]*)[)\]}]?")
_TRADING_AS = re.compile(r"\b(?:t\s*/\s*as?|trading\s+(?:as|under))\b", re.IGNORECASE)


def is_forename(word: str) -> bool:
    """Return whether a word is known as a forename."""
    return word in _FORENAMES


def are_other_forenames(one: str, other: str) -> bool:
    """Return whether two words are forenames of two people: no spellings or short forms of one."""
    names, others = _FORENAMES.get(one), _FORENAMES.get(other)
    return bool(names and others and names.isdisjoint(others))


def ascii_text(text: str) -> str:
    """Return the text in lower-case ASCII: mis-decoded UTF-8 repaired, scripts transliterated."""
    if not text.isascii():
        text = anyascii(without_double_encoding(text))
    return text.lower()


def fold(text: str) -> str:
    """Return lower-case words and numbers separated by single spaces.

    Apostrophes vanish (O'Connor: oconnor), dotted capitals are joined (p.l.c.: plc), every other
    character separates words.
    """
    return " ".join(_words(ascii_text(text)))


def _words(text: str) -> list[str]:
    if "." in text:
        text = _DOTTED.sub(lambda words: words.group(1).replace(".", "") + " ", text)
    if "'" in text or "`" in text:
        text = re.sub(r"(?<=\w)['`]s\b", "s", text)
        text = _APOSTROPHES.sub("", text)
    return _BETWEEN_WORDS.sub(" ", text).split()


_BILINGUAL = frozenset(place.split()[0] for place in IN_ENGLISH)
_PLACES = re.compile(rf"\b(?:{'|'.join(sorted(IN_ENGLISH, key=len, reverse=True))})\b")


def _in_english(words: list[str]) -> list[str]:
    """Return the words with Welsh and Gaelic place names translated into English."""
    if _BILINGUAL.isdisjoint(words):
        return words
    return _PLACES.sub(lambda result: IN_ENGLISH[result.group()], " ".join(words)).split()


@lru_cache(maxsize=50_000)
def person(text: str) -> str:
    """Return a person's name without title and honours, forenames first; Mc, Mac and O joined."""
    plain = ascii_text(text)
    family, comma, rest = plain.partition(",")
    words = _words(plain)
    if comma and rest.strip():
        forenames = _words(rest)
        if forenames and not all(word in SUFFIXES or word in TITLES for word in forenames):
            words = forenames + _words(family)
    words_left = [word for word in words if word not in TITLES and word not in SUFFIXES] or words
    return " ".join(_closed_up(words_left))


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
    """Return a company's name without legal form, *and* and leading *the*.

    Of `A t/a B` all words are kept.
    """
    words = _in_english(_words(_TRADING_AS.sub(" ", ascii_text(text))))
    words_left = [word for word in words if word != "and" and word not in LEGAL_FORMS]
    while cut := _form_behind(words_left):
        del words_left[-cut:]
    while len(words_left) > 1 and words_left[0] == "the":
        words_left.pop(0)
    return " ".join(COMPANY_WORDS.get(word, word) for word in words_left or words)


def _form_behind(words: list[str]) -> int:
    """Return the number of words at the end that are a legal form; 0 if no word would be left."""
    for form in LONG_FORMS:
        if len(words) > len(form) and words[-len(form) :] == form:
            return len(form)
    return int(len(words) > 1 and words[-1] in TRAILING_FORMS)


def name(text: str, as_company: bool) -> str:
    """Return the words of a name, read as a person or a company by the words themselves."""
    normal = _named(text, as_company)
    while (shorter := _named(normal, as_company)) != normal:  # each pass has fewer words
        normal = shorter
    return normal


_PERSONS_TITLES = frozenset(("mr", "mrs", "miss", "ms", "mx"))  # also behind a name


def _named(text: str, as_company: bool) -> str:
    plain = ascii_text(text)
    words = _words(plain)
    if not words:
        return ""
    if _PERSONS_TITLES & set(words[1:]) and LEGAL_FORMS.isdisjoint(words):
        return person(text)
    is_company = as_company or _TRADING_AS.search(plain) or not LEGAL_FORMS.isdisjoint(words)
    return person(text) if words[0] in TITLES or not is_company else company(text)


def aside(text: str) -> frozenset[str]:
    """Return the words in brackets: a branch, a town, a remark."""
    if "(" not in text and "[" not in text:
        return frozenset()
    return frozenset(word for part in _BRACKETS.findall(ascii_text(text)) for word in _words(part))


@lru_cache(maxsize=20_000)
def address(text: str) -> str:
    """Return an address or town as words, usual ones in their short form (Road, rd.: rd)."""
    return " ".join(word for word, _ in address_words(text))


@lru_cache(maxsize=20_000)
def address_words(text: str) -> tuple[tuple[str, str], ...]:
    """Return the words of `address`, each with the words it was written as.

    A house number and the letter of its flat are one word: *34A*, *34 A*, *Flat A, 34*.
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
        elif len(short) > 1 and short[0] in _NUMBER_WORDS and short[1][0].isdigit():
            at += 1
        elif len(short) > 1 and short[0].isdigit() and _is_letter(short[1], but="nsew"):
            yield short[0] + short[1], short[0] + short[1]
            at += 2
        else:
            yield words[at]
            at += 1


_NUMBER_WORDS = frozenset(("no", "nr", "number"))


def _is_letter(word: str, but: str = "") -> bool:
    return len(word) == 1 and word.isalpha() and word not in but


def postcode(text: str) -> str:
    """Return a postcode in capitals without spaces, with common typing errors corrected.

    See `values.postcodes.canonical`.
    """
    return postcodes.canonical(re.sub(r"[^A-Z0-9]", "", ascii_text(text).upper())[:12])


def outward(code: str) -> str:
    """Return the outward part of a postcode or the routing key of an Eircode.

    A code that is only such a part is returned itself; codes of other countries give an empty text.
    """
    return postcodes.outward(code)


_IN_ANGLES = re.compile(r"<([^<>]*@[^<>]*)>")


def email(text: str) -> str:
    """Return an email in lower case without `mailto:` and plus tag; without @ as written.

    Of `Jo Bloggs <jo@acme.example>` the part in angle brackets is used.
    """
    plain = ascii_text(text)
    between = _IN_ANGLES.search(plain)
    text_ = (
        (between.group(1) if between else plain).strip().removeprefix("mailto:").strip("<>;, \t")
    )
    text_ = re.sub(r"\s+", "", text_)
    local, separator, domain = text_.rpartition("@")
    if not separator:
        return text_
    tagless = local.split("+", 1)[0] or local
    return f"{tagless}@{domain}"


def company_domain(address_: str) -> str:
    """Return the domain of an email, empty for free-mail providers."""
    domain = email(address_).rpartition("@")[2]
    return "" if domain in FREE_MAIL or "." not in domain else domain


_EXTENSION = re.compile(r"(?:\bext?(?:ension)?\b|\bx|#)\.?:?\s*\d{1,6}\s*$", re.IGNORECASE)
_CALLING_CODES = {"GB": ("44", "0"), "IE": ("353", "0"), "US": ("1", "1"), "CA": ("1", "1")}


@lru_cache(maxsize=20_000)
def phone(text: str, country: str = "GB") -> str:
    """Return a phone number in E.164 (`+441632960114`), or an empty text if there is none.

    `country` is the ISO code for numbers without a country code. Extensions are dropped. Source of
    the form: ITU-T E.164.
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
    import phonenumbers  # slow to import and rarely needed

    metadata = phonenumbers.PhoneMetadata.metadata_for_region(country.upper(), None)
    if metadata is None:
        return "", ""
    return str(metadata.country_code), metadata.national_prefix or ""
