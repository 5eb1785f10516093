"""Typed headings, mapped by similarity to known ones: *Tel.*, *Addr 1*, *P/Code*.

A result is a proposal. A contact's field may be read by it, since a wrong one only costs
suggestions; a reference is proposed to the user and never read by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice

from rapidfuzz.distance import OSA

from crmlink.accounting.exports.model import MULTI_COLUMN_FIELDS

MAX_COLUMNS = 256  # of a table that are compared
MIN_LIKENESS = 0.66
MIN_SPELLING = 0.8  # similarity of a misspelt word

_JOINED = (
    (
        re.compile(
            r"\bp(?:ost)?\s*[/.-]?\s*code\b|\bpcode\b|\bpost\s*cd\b|\bzip(?:\s*code)?\b"
            r"|\beir\s*code\b|\bp\s*[/.]\s*c\b"
        ),
        "postcode",
    ),
    (re.compile(r"\b(?:first|second|third|1st|2nd|3rd)\s+line\b"), "address"),
    (re.compile(r"\b(?:house|building|flat)\s+(?:name|no|num|number)\b"), "address"),
    (re.compile(r"\bcontact\s+(?:nos?|nr|num|numbers?)\b"), "phone"),
    (re.compile(r"\ba\s*/\s*c\b|\bacc?t?\b"), "account"),
    (re.compile(r"\be\s*-?\s*mails?\b"), "email"),
    (re.compile(r"\bpost\s*town\b"), "town"),
    (re.compile(r"\bt\s*/\s*a\b"), "trading"),
)
_WORDS = {
    "tel": "phone", "telephone": "phone", "telephones": "phone", "phones": "phone", "ph": "phone",
    "mob": "phone", "mobile": "phone", "cell": "phone", "landline": "phone", "phone": "phone",
    "road": "address", "landlord": "customer", "addr": "address", "add": "address",
    "adr": "address", "street": "address",
    "addresses": "address", "mail": "email", "ref": "reference", "code": "reference",
    "cust": "customer", "customers": "customer", "client": "customer", "clients": "customer",
    "supp": "supplier", "suppliers": "supplier", "vendors": "supplier", "vendor": "supplier",
    "co": "company", "business": "company", "organisation": "company", "organization": "company",
    "firm": "company", "forename": "first", "christian": "first", "given": "first",
    "surname": "last", "family": "last", "city": "town", "ad1": "address", "add1": "address",
    "addr1": "address", "bal": "balance", "o/s": "balance", "outstanding": "balance",
}  # fmt: skip
_SILENT = frozenset(
    (
        "no", "number", "num", "nr", "line", "main", "primary", "principal", "home", "work",
        "office", "day", "daytime", "evening", "eve", "night", "billing", "bill", "invoice",
        "postal", "full", "the", "of", "and", "or", "our", "your", "a", "details", "detail",
    )
)  # fmt: skip
_ELSEWHERE = frozenset(("delivery", "site", "ship", "shipping", "works", "job", "property"))
_SECOND = _ELSEWHERE | {"trading", "work"}  # of two addresses the one where people are
_OWNERS = frozenset(("customer", "supplier", "trading"))
_OF_AN_OWNER = frozenset(
    ("email", "phone", "address", "town", "postcode", "county", "country", "contact")
)
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "name": ("name", "customer", "supplier", "customer name", "supplier name", "trading name",
             "trading", "trading as",
             "account name", "contact display name"),
    "company": ("company", "company name"),
    "person": ("contact", "contact name", "contact person", "attention", "attn"),
    "first_name": ("first name", "first"),
    "last_name": ("last name", "last"),
    "email": ("email", "email address"),
    "phones": ("phone", "contact phone"),
    "address": ("address",),
    "town": ("town",),
    "postcode": ("postcode",),
    "county": ("county", "state", "region"),
    "country": ("country",),
    "status": ("status", "inactive", "archived", "hidden"),
    "reference": ("reference", "account reference", "customer reference", "supplier reference",
                  "account"),
}  # fmt: skip
_TURNS = frozenset(("first", "last"))
_EVENTS = frozenset(("invoice", "bill", "work"))
_NAMED = _OWNERS | {"name", "names", "contact", "company", "person", "initial"}
# Words that mark a heading as none of the fields.
_OTHER = frozenset(
    (
        "fax", "balance", "limit", "credit", "terms", "vat", "date", "created", "type",
        "category", "group", "currency", "bank", "sort", "iban", "website", "web", "url", "notes",
        "note", "comments", "comment", "invoices", "orders", "payment", "due", "discount", "rep",
        "manager", "id", "uuid", "nominal", "tax", "dept", "department", "analysis", "price",
    )
)  # fmt: skip


def likely_columns(
    headings: Sequence[str], labels: Sequence[str], taken: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Return fields and the labels of the columns that may contain them, by headings alone.

    Columns in `taken` are omitted; a field in it gets no more columns unless it may have several.
    Only the first `MAX_COLUMNS` are compared.
    """
    used = {label for several in taken.values() for label in several}
    scored_columns: dict[str, list[tuple[float, str]]] = {}
    for heading, label in islice(zip(headings, labels, strict=True), MAX_COLUMNS):
        if label not in used and (best := _best_field(heading)):
            scored_columns.setdefault(best[0], []).append((best[1], label))
    proposed: dict[str, tuple[str, ...]] = {}
    for name, scored in scored_columns.items():
        if name in MULTI_COLUMN_FIELDS:
            proposed[name] = tuple(
                dict.fromkeys([*taken.get(name, ()), *(label_ for _, label_ in scored)])
            )
        elif name not in taken:
            proposed[name] = (max(scored, key=lambda pair: pair[0])[1],)
    return proposed


@lru_cache(maxsize=10_000)  # each line of a file may be its header, with several delimiters
def _best_field(heading: str) -> tuple[str, float] | None:
    """Return the most similar field and the similarity; None for a heading of another kind."""
    words = list(_plain(heading))
    elsewhere = not _SECOND.isdisjoint(re.findall("[a-z]+", heading.casefold()))
    words = [word for word in words if word not in _ELSEWHERE]
    if not _OF_AN_OWNER.isdisjoint(words):
        words = [word for word in words if word not in _OWNERS]
    if not words or not _OTHER.isdisjoint(words) or _is_of_time(heading):
        return None
    scored = [
        (_similarity(words, known.split()), name)
        for name, several in _FIELDS.items()
        for known in several
    ]
    score, name = max(scored, key=lambda pair: pair[0])
    if elsewhere and name in ("address", "town", "postcode", "county", "country"):
        name = f"other_{name}"
    return (name, score) if score >= MIN_LIKENESS else None


def _is_of_time(heading: str) -> bool:
    """Return whether *first* or *last* say when, as in *Last job*, and not which name."""
    words = {word for word in _plain(heading) if len(word) > 1}
    words |= _EVENTS & set(re.findall("[a-z]+", heading.casefold()))
    return not words.isdisjoint(_TURNS) and not words <= _TURNS | _NAMED


def _plain(heading: str) -> Iterator[str]:
    text = heading.casefold()
    for pattern, word in _JOINED:
        text = pattern.sub(word, text)
    words = re.findall(r"[a-z]+(?:/[a-z]+)?|[a-z]+(?=[0-9])", text)
    parts = [part for word in words for part in ([word] if word in _WORDS else word.split("/"))]
    meant = [_WORDS.get(part) or _misspelt(part) or part for part in parts]
    telling = [word for word in meant if word not in _SILENT]
    yield from dict.fromkeys(telling or meant)


def _misspelt(word: str) -> str:
    """Return the meaning of a long unknown word one edit from a known one, else an empty text."""
    if len(word) < 6 or word in _SILENT | _OTHER | _ELSEWHERE:
        return ""
    return next((meant for known, meant in _WORDS.items() if OSA.distance(word, known) == 1), "")


def _similarity(words: Sequence[str], known: Sequence[str]) -> float:
    """Return the share of common words of two headings (Dice), misspelt ones a little less."""
    common = 0.0
    for word in known:
        common += max((_same(word, other) for other in words), default=0.0)
    return 2 * common / (len(words) + len(known))


def _same(word: str, other: str) -> float:
    if word == other:
        return 1.0
    spelling = float(OSA.normalized_similarity(word, other))
    return spelling * 0.95 if spelling >= MIN_SPELLING and min(len(word), len(other)) > 3 else 0.0
