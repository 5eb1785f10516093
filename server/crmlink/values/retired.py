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
    r"(?:(?:house|property) )?sold|no longer (?:here|at this address|a customer|a client)"
)
_SHOUTS = (
    r"(?:(?:A/C|ACCOUNT|ACC) )?(?:CLOSED|DELETED|INACTIVE|ARCHIVED|OBSOLETE|DUPLICATE|OLD)|"
    r"GONE AWAY"
)
_ACCOUNT = r"(?:a/?c|account|acct?)\.?"
_DO_NOT_USE = (
    r"\b(?:do\s+not|don'?t|dont|never)\s+use\b|\bd\.?n\.?u\.?(?=\W|$)(?<=[dD][nN][uU.])|"
    r"\bno\s+longer\s+(?:used?|in\s+use|active|trading)\b|\bnot\s+in\s+use\b|\buse\s+other\b"
)
_NUMBER = (
    r"(?:\s*[-#]?\s*\d{1,3}|\s+(?:on |in |since )?"
    r"(?:\d{1,2}[/.-]\d{1,2}[/.-]|(?:[a-z]{3,9} )|\d{1,2}[/.-])?(?:19|20)?\d\d)?"
)
_BRACKETED = re.compile(
    rf"[(\[{{*<]+\s*(?:{_WORDS}){_NUMBER}\s*[)\]}}*>]+"
    rf"|[(\[{{*<]+[^()\[\]{{}}]*(?:{_DO_NOT_USE})[^()\[\]{{}}]*[)\]}}*>]+",
    re.IGNORECASE,
)
_LOOSE = re.compile(
    rf"[\s*_.:;,!-]*(?:{_DO_NOT_USE})[\s*_.:;,!-]*"
    rf"|\s+[-\u2010-\u2015:/*]+\s*(?:{_WORDS}){_NUMBER}\W*$"
    rf"|^\W*(?:{_WORDS})\s*[-\u2010-\u2015:/*]+\s+",
    re.IGNORECASE,
)
_SHOUTED = re.compile(
    rf"^(?:{_SHOUTS})\s+(?=[A-Z][a-z])|(?<=[a-z])\s+(?:{_SHOUTS}|USE [A-Z]*[0-9][A-Z0-9]*)$"
)
_OF_THE_ACCOUNT = re.compile(
    rf"\s+(?:old {_ACCOUNT}|{_ACCOUNT} (?:closed|deleted|inactive|archived)){_NUMBER}$",
    re.IGNORECASE,
)
_IN_FRONT = re.compile(r"^(?:[zZ]{2,}|[xX]{3,})(?:[\s_.:*/-]+|(?=[A-Z][a-z]))")
_QUICK = re.compile(
    r"[(\[{*<]|\buse\b|\bdnu\b|^[zx]{2}| [-:/*\u2010-\u2015]|^\w+(?: \w+)? ?[-:/*]| a/?c|\bacc",
    re.IGNORECASE,
)
_STATUS = re.compile(rf"(?:{_WORDS}|hidden|gdprrequest|gdpr request|spam|blocked)", re.IGNORECASE)
_TRUE = frozenset(("y", "yes", "true", "1", "t", "x", "-1"))
_FALSE = frozenset(("n", "no", "false", "0", "f", ""))


def without_mark(name: str) -> tuple[str, bool]:
    """Return the name without its mark of retirement, and whether it had one.

    A name that consists of nothing but a mark is returned unchanged.
    """
    if not (_QUICK.search(name) or _SHOUTED.search(name)):
        return name, False
    bare = _BRACKETED.sub(" ", name)
    bare = _OF_THE_ACCOUNT.sub("", _LOOSE.sub(" ", bare))
    bare = _SHOUTED.sub("", _IN_FRONT.sub("", bare))
    if bare == name:
        return name, False
    bare = " ".join(bare.split()).strip(" -*_,;:")
    return (bare or name), True


def is_retired_status(text: str, heading: str = "") -> bool | None:
    """Return whether a status column marks the contact as retired; None if it cannot be read.

    The heading gives the meaning of yes and no: *Hidden: Y* is retired, *Active: Y* is not.
    """
    value = " ".join(text.strip().lower().split())
    title = re.sub(r"[^a-z]", "", heading.lower())
    positive = title in ("active", "isactive", "enabled", "live", "inuse")
    if value in _TRUE:
        return not positive
    if value in _FALSE:
        return positive if value else (False if not positive else None)
    if _STATUS.fullmatch(value):
        return True
    return False if re.fullmatch(r"active|live|open|current|in use|enabled|ok", value) else None
