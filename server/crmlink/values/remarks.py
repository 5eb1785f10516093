"""Remarks about an account, written into its name: *on stop*, *cash only*, *moved*.

Such an account is still in use; the remark is no part of the name.
"""

import re

_STOP = (
    r"(?:(?:(?:a/?c|account|credit|invoices?)\.? )?on (?:stop|hold)|(?:credit |account )?"
    r"(?:stop|stopped|hold)|no credit)"
)
_REMARKS = (
    rf"{_STOP}|cash(?: only| customer| account| sale| on delivery)?|c\.?o\.?d\.?|"
    r"pro[- ]?forma(?: only)?|payment up front|deceased|dec'?d\.?|r\.?i\.?p\.?|"
    r"(?:bad|slow|late|non)[- ]?(?:payer|debt|debtor)|v\.?i\.?p\.?|landlord|landlady|tenant|"
    r"new(?: tenant| owner| customer| client| account| a/?c)?|(?:home ?)?owner|letting agent|"
    r"mov(?:ed|ing)(?: (?:house|home|on|in|to [^()\[\]]*))?(?: (?:19|20)\d\d)?|"
    r"in (?:liquidation|administration|receivership)|"
    r"do not (?:invoice|supply|chase|call|ring|phone|contact|email|e-mail|visit|attend|work for)"
)
_BRACKETED = re.compile(rf"[(\[{{*<]++\s*(?:{_REMARKS})\W*[)\]}}*>]+", re.IGNORECASE)
_LOOSE = re.compile(
    rf"\s+[-\u2010-\u2015:/]+\s*(?:{_REMARKS})[\s!.]*$"
    rf"|^\W*(?:{_REMARKS})\s*[-\u2010-\u2015:/!]+\s+"
    r"|\s+(?:(?:a/?c|account) )?on stop$|\s+dec'd\.?$|\s+\(?deceased\)?$",
    re.IGNORECASE,
)
_SHOUTED = re.compile(
    r"^(?:(?:ACCOUNT |A/C )?ON (?:STOP|HOLD)|MOVED)\s+(?=[A-Z][a-z])|(?<=[a-z])\s+STOP$"
)
_QUICK = re.compile(r"[(\[{*<]|[-\u2010-\u2015:/!]\s|\bstop|\bdec|^ON |^MOVED ", re.IGNORECASE)


def without_remark(name: str) -> str:
    """Return the name without remarks; one that consists of nothing else is unchanged."""
    if not _QUICK.search(name):
        return name
    bare = _SHOUTED.sub("", _LOOSE.sub("", _BRACKETED.sub(" ", name)))
    if bare == name:
        return name
    return " ".join(bare.split()).strip(" -*_,;:!") or name
