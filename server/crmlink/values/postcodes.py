"""British postcodes and Irish Eircodes: found in a text, distinguished, and corrected.

Sources of the forms: Royal Mail's Programmer's Guide to the PAF (postcodes and their areas), An
Post's Eircode specification (routing keys, letters of unique identifiers).
"""

import re
from collections.abc import Iterator
from typing import Literal

Country = Literal["GB", "IE"]

_AREAS = (
    "AB AL B BA BB BD BF BH BL BN BR BS BT BX CA CB CF CH CM CO "
    "CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH EN EX FK FY "
    "G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW "
    "KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW "
    "OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO "
    "SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF "
    "WN WR WS WV YO ZE"
)
AREAS = frozenset(_AREAS.split(" "))
_ROUTING_KEY = r"(?:D6W|[AC-FHKNPRTV-Y][0-9]{2})"
_UNIQUE = r"[0-9AC-FHKNPRTV-Y]{4}"
UK = re.compile(r"([A-Z]{1,2}[0-9][0-9A-HJKMNPR-Y]?)([0-9][A-Z]{2})")
_UK_OUTWARD = re.compile(r"[A-Z]{1,2}[0-9][0-9A-HJKMNPR-Y]?")
EIRCODE = re.compile(rf"({_ROUTING_KEY})({_UNIQUE})")
_KEY = re.compile(_ROUTING_KEY)
_IN_TEXT = re.compile(
    r"(?<![A-Z0-9])(?:(?P<uk>(?P<area>[A-Z]{1,2})[0-9][0-9A-HJKMNPR-Y]?\s{0,2}"
    r"[0-9][ABD-HJLNP-UW-Z]{2})"
    rf"|(?P<ie>{_ROUTING_KEY}\s?{_UNIQUE}))(?![A-Z0-9])",
    re.IGNORECASE,
)
_TO_DIGIT = str.maketrans("OILSZ", "01152")
_TO_LAST_DIGIT = str.maketrans("OIL", "011")  # some do end in S or Z
_TO_LETTER = str.maketrans("015", "OIS")
_EIRCODE_DIGIT = str.maketrans("OILQSZB", "0110528")  # letters that no Eircode contains
_NOT_IN_EIRCODE = re.compile(r"[BGIJLMOQSUZ]")


def canonical(bare: str) -> str:
    """Return a code in capitals without spaces with common typing errors corrected.

    O for 0 and I for 1 in British codes, and letters that no Eircode contains in Irish ones. Other
    codes are returned unchanged.
    """
    if EIRCODE.fullmatch(bare) or _is_british(bare) or not 5 <= len(bare) <= 7 or bare.isdigit():
        return bare
    british, irish = _as_british(bare), _as_eircode(bare)
    if irish and not _is_british(british):
        return irish
    return bare if UK.fullmatch(bare) and not _is_british(british) else british or bare


def _is_british(bare: str) -> bool:
    match = UK.fullmatch(bare)
    return match is not None and re.sub(r"[0-9].*", "", match[1]) in AREAS


def _as_british(bare: str) -> str:
    inward = bare[-3].translate(_TO_DIGIT) + bare[-2:].translate(_TO_LETTER)
    outward_part = bare[:-3]
    for letters in (2, 1):
        if len(outward_part) > letters:
            tried = (
                outward_part[:letters].translate(_TO_LETTER)
                + outward_part[letters].translate(_TO_DIGIT)
                + outward_part[letters + 1 :].translate(_TO_LAST_DIGIT)
            )
            if UK.fullmatch(tried + inward):
                return tried + inward
    return ""


def _as_eircode(bare: str) -> str:
    if len(bare) != 7 or bare.startswith("D6W"):
        return ""
    tried = bare[0] + bare[1:3].translate(_EIRCODE_DIGIT)
    tried += _NOT_IN_EIRCODE.sub(lambda found: found[0].translate(_EIRCODE_DIGIT), bare[3:])
    return tried if EIRCODE.fullmatch(tried) else ""


def outward(code: str) -> str:
    """Return the outward part of a canonical British postcode or the routing key of an Eircode.

    A code that is only such a part is returned itself; codes of other countries give an empty text.
    """
    match = UK.fullmatch(code) or EIRCODE.fullmatch(code)
    if match:
        return match.group(1)
    return code if _UK_OUTWARD.fullmatch(code) or _KEY.fullmatch(code) else ""


def country_of(code: str) -> Country | None:
    """Return the country of a canonical code, where its form shows it."""
    if EIRCODE.fullmatch(code):
        return "IE"
    return "GB" if UK.fullmatch(code) else None


def spaced(code: str) -> str:
    """Return a canonical code in its written form: GL50 2TR, D06 X2K5."""
    if UK.fullmatch(code):
        return f"{code[:-3]} {code[-3:]}"
    return f"{code[:3]} {code[3:]}" if EIRCODE.fullmatch(code) else code


def find(text: str, *, irish: bool = False) -> Iterator[re.Match[str]]:
    """Yield the codes in a text, as matches.

    British codes have an existing area. An Eircode without a space, or without a letter in its
    second part, counts only where the text is `irish`.
    """
    for match in _IN_TEXT.finditer(text):
        if match["uk"]:
            if match["area"].upper() in AREAS:
                yield match
        elif irish or (match["ie"][3].isspace() and not match["ie"][4:].isdigit()):
            yield match
