"""Telephone numbers in a text field: several, with labels, notes and extensions around them.

`phonenumbers` (Google's libphonenumber) decides which digits form a valid number where the plain
British form does not. Source of the common form: ITU-T E.164.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from anyascii import anyascii

from crmlink.values.placeholders import is_placeholder

MAX_PHONES = 10
MAX_LENGTH = 60
MIN_DIGITS = 7
MAX_DIGITS = 15  # of E.164
NEIGHBOURS = {"GB": ("IE",), "IE": ("GB",)}

_PLAIN = re.compile(r"0[12378][0-9]{9}")  # nearly all British numbers
_ALONE = re.compile(r"(?:(?:\+44|0044)0?|0)([12378][0-9]{9})")  # the same without punctuation
_SIGNS = str.maketrans("", "", " ().-")
_CLOCK = r"\d{1,2}(?!\d)(?:[:.]\d\d)?"
_HALF = r"(?:\s?[ap]\.?m\b\.?)"
_TOKEN = re.compile(
    rf"""
    (?P<email>\S+@\S+)
  | (?P<extension>(?:\bext?(?:n|ension)?\b|\bx(?=[ .:]?\d)|\#)[ .:]*
      (?!0\d{{3,4}}\s?\d{{5,6}})\d{{1,6}}\b)
  | (?P<excel>\b\d(?:[.,]\d+)?E\+?\d{{1,2}}\b)
  | (?P<time>\b(?:after|before|until|till?|from|between|by)\s+{_CLOCK}{_HALF}?
      (?:\s*(?:-|to|and|&)\s*{_CLOCK}{_HALF}?)?
    | \b{_CLOCK}{_HALF}?\s*(?:-|to)\s*{_CLOCK}{_HALF}
    | \b{_CLOCK}{_HALF}
    | \b\d{{1,2}}(?P<dash>[/.-])\d{{1,2}}(?P=dash)(?:19|20)\d\d\b
    | \b\d{{1,2}}(?:st|nd|rd|th)\b)
  | (?P<listed>(?<![\d+])[1-9][).:]\s(?=\s*[+(]?\d))
  | (?P<number>[+(]*\d(?:[\d\s().\u2010-\u2015-]*[\d)])?)
  | (?P<between>[/,;|\\&\n\r]|\b(?:or|and)\b)
  | (?P<label>\b(?:a|b|o|h)/(?:h|w|o)\b\.?|[a-z][a-z/'.]*)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_FAX = re.compile(r"(?:tele)?fax(?:es|no|number)?|facsimile|fx|f", re.IGNORECASE)
_LETTER_O = re.compile(r"(?<![a-z])o(?=[o ]*\d[\do ]{2})|(?<=[\do])o(?=[o ]*\d)", re.IGNORECASE)
_LETTER_L = re.compile(r"(?<=\d)[lI](?=[ .-]?\d|(?![\w/]))")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3}){2,4}(?:\.0+)?")  # a number that Excel formatted
_BOTH = re.compile(
    r"\b(tel(?:ephone)?|phone|t|fax|f)\b\.?\s*(?:&|\+|and)\s*(tel(?:ephone)?|phone|t|fax|f)\b",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"(?<![\d.+/-])(?:0?[1-9]|[12]\d|3[01])([/.-])(?:0?[1-9]|1[0-2])\1(?:(?:19|20)\d\d|\d\d)"
    r"(?![\d.]|[/-]\d)"
)
_TRUNK_IN_BRACKETS = re.compile(r"(?<=\d)\s*\(\s*0\s*\)")
_GROUP = re.compile(r"\+?\d+")
_CLOSE = ("/", "&", "or", "and", "\\")  # a short piece after one of these is an alternative ending


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """One number: as written, and in E.164 (`+441632960114`)."""

    text: str
    e164: str


@dataclass(frozen=True, slots=True)
class Phones:
    """Numbers of a field, without those for fax.

    `unread` holds the pieces that were meant as numbers but cannot be compared.
    """

    numbers: tuple[PhoneNumber, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Piece:
    """A number, label or separator in the field, in order."""

    kind: str
    text: str


def read_phones(text: str, country: str = "GB") -> Phones:
    """Return the telephone numbers in a text.

    `country` is the ISO code for numbers without a country code; a number that is invalid there but
    valid in a neighbouring country belongs to the neighbour.
    """
    if len(text) > MAX_LENGTH:
        text = " ".join(text.split())
    if not text or is_placeholder(text):
        return Phones()
    if len(text) > MAX_PHONES * MAX_LENGTH:
        return Phones(unread=(text[:MAX_LENGTH],))
    return _read(text, country)


@lru_cache(maxsize=20_000)
def _read(text: str, country: str) -> Phones:
    plain = text if text.isascii() else anyascii(text)
    plain = plain.strip()
    if country == "GB" and (alone := _ALONE.fullmatch(plain.translate(_SIGNS))):
        return Phones((PhoneNumber(plain, "+44" + alone[1]),))
    if _THOUSANDS.fullmatch(plain):
        plain = plain.partition(".")[0].replace(",", "")
    plain = _LETTER_L.sub("1", _LETTER_O.sub("0", _DATE.sub(" , ", plain)))
    plain = _BOTH.sub(r"\1/\2", _TRUNK_IN_BRACKETS.sub(" ", plain))
    pieces = [_Piece(_kind(match), match.group().strip()) for match in _TOKEN.finditer(plain)]
    if not any(piece.kind in ("number", "excel", "email") for piece in pieces):
        return Phones(unread=(plain[:MAX_LENGTH],))
    return _Reader(country).read(_without_fax(pieces))


def _kind(match: re.Match[str]) -> str:
    return next(name for name, text in match.groupdict().items() if text is not None)


def _without_fax(pieces: Sequence[_Piece]) -> list[_Piece]:
    """Return the pieces without the numbers that a label marks as fax.

    A label precedes its number, unless the field starts with a number and ends with a label.
    """
    labelled = [piece for piece in pieces if piece.kind in ("number", "label")]
    behind = bool(labelled) and labelled[0].kind == "number" and labelled[-1].kind == "label"
    result: list[_Piece] = []
    label = ""
    for piece in reversed(pieces) if behind else pieces:
        if piece.kind == "label":
            label = piece.text if not label or _is_fax(piece.text) else label
        elif piece.kind in ("number", "excel"):
            if not _is_fax(label):
                result.append(piece)
            label = ""
        else:
            result.append(piece)
    return result[::-1] if behind else result


def _is_fax(label: str) -> bool:
    return bool(_FAX.fullmatch(label.strip(".").replace(".", "")))


class _Reader:
    """Builder of numbers from pieces."""

    def __init__(self, country: str) -> None:
        self._country = country
        self._found: dict[str, PhoneNumber] = {}
        self._unread: list[str] = []
        self._last: PhoneNumber | None = None
        self._area = ""  # a short piece that may be the area code of the next number
        self._between = ""
        self._follows = False  # whether the previous piece gave a number

    def read(self, pieces: Sequence[_Piece]) -> Phones:
        """Return the numbers of all pieces."""
        for piece in pieces:
            if piece.kind == "number":
                self._number(piece.text)
            elif piece.kind == "excel":
                self._excel(piece.text)
            elif piece.kind == "between":
                self._between = piece.text.lower() if self._follows else ""
                continue
            elif piece.kind in ("label", "time"):
                self._follows = False
            self._between = ""
        self._give_up(self._area)
        if not (self._found or self._unread) and (
            texts := [p.text for p in pieces if _digits(p.text)]
        ):
            self._unread.append(" ".join(texts)[:MAX_LENGTH])
        numbers = list(self._found.values())
        return Phones(tuple(numbers[:MAX_PHONES]), tuple(self._unread[:MAX_PHONES]))

    def _number(self, text: str) -> None:
        area, self._area, self._follows = self._area, "", False
        numbers = split_numbers(text, self._country)
        if area and not text.startswith(("0", "+", "(")):
            joined = split_numbers(f"{area} {text}", self._country)
            if len(joined) == 1:
                numbers, area = joined, ""
        self._give_up(area)
        if numbers:
            for number in numbers:
                self._keep(number)
        elif not self._other_ending(text):
            digits = _digits(text)
            if 2 < len(digits) < 6:
                self._area = text
            else:
                self._give_up(text)

    def _other_ending(self, text: str) -> bool:
        """Return whether the piece is an alternative ending of the last number: 960501 / 2."""
        digits = _digits(text)
        last = self._last
        if last is None or not self._between or (len(digits) > 4 and text.startswith(("0", "+"))):
            return False
        min_digits = 1 if self._between in _CLOSE else 5
        if not min_digits <= len(digits) <= 8 or len(digits) >= len(_digits(last.text)):
            return False
        characters = list(last.text)
        positions = [i for i, sign in enumerate(characters) if sign.isdigit()][-len(digits) :]
        for i, digit in zip(positions, digits, strict=True):
            characters[i] = digit
        self._keep(PhoneNumber("".join(characters), last.e164[: -len(digits)] + digits))
        return True

    def _excel(self, text: str) -> None:
        """Parse scientific notation: 7.700900123E+09 has all its digits, 7.7009E+09 lost some."""
        mantissa, _, power = text.upper().replace(",", ".").partition("E")
        units, _, decimals = mantissa.partition(".")
        if len(decimals) == int(power.lstrip("+")) and len(decimals) >= MIN_DIGITS:
            self._number(units + decimals)
        else:
            self._unread.append(text)

    def _keep(self, number: PhoneNumber) -> None:
        self._found.setdefault(number.e164, number)
        self._last, self._follows = number, True

    def _give_up(self, text: str) -> None:
        if len(_digits(text)) >= 5:
            self._unread.append(text[:MAX_LENGTH])


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def split_numbers(text: str, country: str) -> list[PhoneNumber]:
    """Return the numbers in a run of digits and spaces.

    Of all ways to split the run between groups of digits, the one with the highest score is used:
    every part must be a number, likelier and longer ones score more.
    """
    groups = [match.span() for match in _GROUP.finditer(text)]
    if not groups:
        return []
    if len(groups) == 1 and groups[0][1] - groups[0][0] > MAX_DIGITS:
        groups = _cut(text, *groups[0])
    best: list[tuple[float, list[PhoneNumber]]] = [(0.0, [])]
    for end in range(1, len(groups) + 1):
        size = groups[end - 1][1] - groups[end - 1][0]
        options = [(best[end - 1][0] - (1.0 if size < 5 else 3.0), best[end - 1][1])]
        for start in range(max(0, end - 7), end):
            low, high = groups[start][0], groups[end - 1][1]
            if low and text[low - 1] == "(":
                low -= 1
            likelihood, number = _one(text[low:high], country)
            if number:
                score, numbers = best[start]
                options.append((score + likelihood, [*numbers, number]))
        best.append(max(options, key=lambda option: (option[0], -len(option[1]))))
    return best[-1][1]


def _cut(text: str, low: int, high: int) -> list[tuple[int, int]]:
    """Return a run without spaces in two halves where both are plain British numbers."""
    for i in range(low + 9, high - 8):
        if _PLAIN.fullmatch(text[low:i]) and _PLAIN.fullmatch(text[i:high]):
            return [(low, i), (i, high)]
    return [(low, high)]


@lru_cache(maxsize=20_000)
def _one(text: str, country: str) -> tuple[float, PhoneNumber | None]:
    """Return how likely a text is one number (0 to 3), and the number if it can be one."""
    digits = _digits(text)
    if not MIN_DIGITS <= len(digits) <= MAX_DIGITS + 3 or len(set(digits)) < 3:
        return 0.0, None
    written = " ".join(text.strip(" .-").split())[:MAX_LENGTH]
    for likelihood, e164 in _readings(text, digits, country):
        if e164:
            return likelihood, PhoneNumber(written, e164)
    return 0.0, None


def _readings(text: str, digits: str, country: str) -> list[tuple[float, str]]:
    has_plus = text.lstrip("( ").startswith("+") and not digits.startswith("0")
    if has_plus or digits.startswith("00"):
        with_plus = "+" + _without_trunk(digits.removeprefix("00"))
        return [(_national_number(with_plus, None)[0], _checked(with_plus))]
    if country == "GB" and _PLAIN.fullmatch(digits):
        return [(3.0, "+44" + digits[1:])]
    code = _calling_code(country)
    readings = _with_a_neighbours_code(digits, country)
    if code and digits.startswith(code) and len(digits) >= len(code) + 9:
        likelihood, e164 = _national_number("+" + _without_trunk(digits), None)
        if likelihood:
            readings.append((likelihood, e164))
    likelihood, e164 = _national_number(digits, country)
    if likelihood:
        readings.append((likelihood, e164))
    for region in NEIGHBOURS.get(country, ()) if digits.startswith("0") else ():
        likelihood, e164 = _national_number(digits, region)
        if likelihood >= 3:
            readings.append((likelihood - 0.5, e164))
    readings.sort(key=lambda reading: -reading[0])
    if not readings and len(digits) >= 9:  # of an unnamed country
        readings.append((1.0, _checked("+" + code + digits.removeprefix("0")) if code else ""))
    return readings


def _with_a_neighbours_code(digits: str, country: str) -> list[tuple[float, str]]:
    """Return the reading as a neighbouring country's code without its plus: 353 1 496 0101."""
    for neighbour in NEIGHBOURS.get(country, ()):
        if digits.startswith(_calling_code(neighbour)):
            likelihood, e164 = _national_number("+" + _without_trunk(digits), None)
            return [(likelihood, e164)] if likelihood >= 3 else []
    return []


def _without_trunk(digits: str) -> str:
    """Return digits without the trunk zero after a country code: +44 (0)1632."""
    for code in ("44", "353"):
        if digits.startswith(code + "0"):
            return code + digits[len(code) + 1 :]
    return digits


def _checked(e164: str) -> str:
    return e164 if MIN_DIGITS < len(e164) <= MAX_DIGITS + 1 and e164[1] != "0" else ""


@lru_cache(maxsize=20_000)
def _national_number(text: str, region: str | None) -> tuple[float, str]:
    """Return how likely the text is a number of the region, and the number in E.164.

    3: a network can have assigned it; 2: its length is possible; else 0. Without a region the text
    starts with +.
    """
    import phonenumbers  # slow to import, and plain numbers do not need it

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return 0.0, ""
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    e164 = "+" + _without_trunk(e164[1:])  # kept by the library in very short numbers
    if phonenumbers.is_valid_number(number):
        return 3.0, e164
    length = phonenumbers.is_possible_number_with_reason(number)
    if length != phonenumbers.ValidationResult.IS_POSSIBLE:
        return 0.0, ""
    return 2.0, e164


@lru_cache(maxsize=300)
def _calling_code(country: str) -> str:
    import phonenumbers

    code = phonenumbers.country_code_for_region(country.upper())
    return str(code) if code else ""
