"""Marks of contacts that are no longer in use: in the name, or in a column of their own."""

import re

_WORDS = (
    r"deleted?|inactive|in-active|archived?|closed|dormant|ceased|obsolete|disabled|retired|old|"
    r"old (?:account|a/?c|customer|supplier|vendor|record)|duplicated?|dupl?|dup\.?|"
    r"(?:a/?c|account) (?:closed|inactive|deleted)|merged?(?: (?:with|into|to|-|->)[^()\[\]]*)?|"
    r"not active|not in use|not used|unused|defunct|deactivated|superseded|dissolved|"
    r"ceased trading|(?:see|use|now|replaced by)(?: (?:a/?c|account))? (?=[a-z]*[0-9])[a-z0-9]{3,}"
    r"(?: instead)?|"
    r"moved (?:out|away|abroad)|gone(?: away)?|left|"
    r"(?:(?:house|property) )?sold|no longer (?:here|at this address|with us|(?:an? )?(?:customer|"
    r"client|supplier))|"
    r"(?:closed|dead|wrong) (?:account|a/?c|one)|dead|lapsed|expired|terminated|cancell?ed|"
    r"void(?:ed)?|hidden|redundant|struck off|not (?:current|trading|to be used)|n\.?l\.?a\.?|"
    r"(?:ex|former|previous|past)[- ](?:customer|client|supplier|owner|tenant|occupier)|"
    r"dup(?:l|licate)? of [^()\[\]]+|(?:superseded|replaced) by [^()\[\]]+|"
    r"use [^()\[\]]+ instead|deleted by [^()\[\]]+"
)
_SHOUTS = (
    r"(?:(?:A/C|ACCOUNT|ACC) )?(?:CLOSED|DELETED|INACTIVE|ARCHIVED|OBSOLETE|DUPLICATE|OLD)|"
    r"GONE AWAY|VOID|CANCELLED|DEAD"
)
_ACCOUNT = r"(?:a/?c|account|acct?)\.?"
_DO_NOT_USE = (
    r"\b(?:do[\s-]+not|don['\u2019]?t|never)[\s-]+use\b|\b(?:dnu|d\.n\.u\.?)(?=\W|$)|"
    r"\b(?:(?:a/?c|account)\s+)?no\s+longer\s+(?:used?|in\s+use|active|trading)\b|\bnot\s+in\s+use\b|\buse\s+other\b"
)
_NUMBER = (
    r"(?:\s*[-#]?\s*\d{1,3}|\s+(?:on |in |since )?"
    r"(?:\d{1,2}[/.-]\d{1,2}[/.-]|(?:[a-z]{3,9} )|\d{1,2}[/.-])?(?:19|20)?\d\d)?"
)
_BRACKETED = re.compile(
    rf"[(\[{{*<]++\s*(?:{_WORDS}){_NUMBER}\s*(?:[-,;:.\u2013]\s*[^()\[\]{{}}]*)?[)\]}}*>]+"
    rf"|[(\[{{*<]++[^()\[\]{{}}]*(?:{_DO_NOT_USE})[^()\[\]{{}}]*[)\]}}*>]+",
    re.IGNORECASE,
)
_LOOSE = re.compile(
    rf"[\s*_.:;,!-]*(?:{_DO_NOT_USE})[\s*_.:;,!-]*"
    rf"|\s+[-\u2010-\u2015:/*]+\s*(?:{_WORDS}){_NUMBER}\W*$"
    rf"|^\W*(?:{_WORDS})\s*[-\u2010-\u2015:/*]+\s+"
    r"|\s+[->\u2013\u2192=]+\s*(?:(?:see|use)\s+)?(?-i:[A-Z]{2,}[0-9]+)$",
    re.IGNORECASE,
)
_SHOUTED = re.compile(
    rf"^(?:{_SHOUTS})\s+(?=[A-Z][a-z])|(?<=[a-z])\s+(?:{_SHOUTS}|USE [A-Z]*[0-9][A-Z0-9]*)$"
    rf"|(?<=[a-z])[-/:]+(?:{_SHOUTS})$|(?<=[a-z]):deleted(?::[0-9]+)?$"
)
_OF_THE_ACCOUNT = re.compile(
    rf"\s+(?:old {_ACCOUNT}|{_ACCOUNT} (?:closed|deleted|inactive|archived)){_NUMBER}$",
    re.IGNORECASE,
)
_IN_FRONT = re.compile(
    r"^(?:[zZ]{2,}|[xX]{3,})(?:[\s_.:*/(-]+(?!Top\b)|(?=[A-Z][a-z])|(?=DO NOT USE|DNU))"
    r"|(?<=\w)[\s_.:*/-]+(?:[zZ]{2,}|[xX]{3,})$"
)
_QUICK = re.compile(
    r"[(\[{*<>]|\buse\b|\bd\.?n\.?u\b|^[zx]{2}|[zx]{2}$| [-:/*\u2010-\u2015\u2192]|"
    r"^\w+(?: \w+)? ?[-:/*]| a/?c|\bacc|[-/:]deleted",
    re.IGNORECASE,
)
_STATUS = re.compile(
    rf"(?:account )?(?:{_WORDS}|hidden|gdpr ?request|spam|blocked|non-?active|de-activated|former|"
    rf"past|previous|{_DO_NOT_USE}){_NUMBER}(?: \(.*\))?",
    re.IGNORECASE,
)
_IN_USE = re.compile(r"active|live|open|current|in use|enabled|ok|normal|yes", re.IGNORECASE)
_DAY = re.compile(
    r"\d{1,4}[/.-]\d{1,2}[/.-]\d{2,4}(?:[ T].*)?|\d{1,2} [a-z]{3,9} \d{4}", re.IGNORECASE
)
_TITLE_IN_USE = re.compile(
    r"(?:is|account|customer|supplier|still)?(?:active|enabled|live|current|inuse)(?:status)?"
)
_TITLE_RETIRED = re.compile(
    r"inactive|archived?|hidden|closed|deleted?|retired|dormant|ceased|obsolete|disabled|merged|"
    r"donotuse|dnu|notinuse|notused|lapsed|left|expired|terminated|cancelled|defunct"
)
_TRUE = frozenset(
    ("y", "yes", "true", "1", "t", "x", "-1", "\u2713", "\u2714", "checked", "ticked")
)
_FALSE = frozenset(("n", "no", "false", "0", "f", "", "-", "unchecked"))


def without_mark(name: str) -> tuple[str, bool]:
    """Return the name without its mark of retirement, and whether it had one.

    A name that consists of nothing but a mark is returned unchanged.
    """
    if not (_QUICK.search(name) or _SHOUTED.search(name)):
        return name, False
    bare = _bare(name)
    if bare == name:
        return name, False
    bare = " ".join(_bare(bare).split()).strip(" -*_,;:")
    if "(" not in bare:
        bare = bare.rstrip(" )")
    return (bare or name), True


def _bare(name: str) -> str:
    loose = _LOOSE.sub(" ", _BRACKETED.sub(" ", name))
    return _SHOUTED.sub("", _IN_FRONT.sub("", _OF_THE_ACCOUNT.sub("", loose)))


def is_retired_status(text: str, heading: str = "") -> bool | None:
    """Return whether a status column marks the contact as retired; None if it cannot be read.

    The heading gives the meaning of yes and no: *Hidden: Y* is retired, *Active: Y* is not.
    """
    value = " ".join(text.strip().lower().split())
    title = re.sub(r"[^a-z]", "", heading.lower())
    says_in_use = bool(_TITLE_IN_USE.fullmatch(title))
    says_retired = not says_in_use and bool(_TITLE_RETIRED.search(title))
    if not value:
        return None if says_in_use else False
    if value in _TRUE | _FALSE and (says_in_use or says_retired):
        return (value in _TRUE) is says_retired
    if re.match("(?:mergedinto|replacedby|supersededby)", title) and value not in _FALSE:
        return True
    if _STATUS.fullmatch(value) or (says_retired and _DAY.fullmatch(value)):
        return True
    return False if _IN_USE.fullmatch(value) or value in _FALSE else None
