"""A record as the index remembers it, put together again from its columns."""

from dataclasses import dataclass

import numpy as np

from crmlink.kinds import KINDS, Kind
from crmlink.matching.columns import FLAG_BITS
from crmlink.matching.index import (
    ACCOUNT,
    DOMAINS,
    EMAILS,
    OUTWARDS,
    PHONES,
    POSTCODES,
    InvertedIndex,
)
from crmlink.matching.normalised import MOST_PLACES, PLACE_BIT, SECONDARY, TOWN


@dataclass(frozen=True, slots=True)
class HeldPlace:
    """One address of a record."""

    street: list[str]
    town: list[str]
    postcode: str
    outward: str
    is_postal: bool


@dataclass(frozen=True, slots=True)
class IndexedRecord:
    """Normalised words and codes of one record; `counts` says how many records hold a code."""

    kind: Kind | None
    label: list[str]
    other: list[str]
    places: list[HeldPlace]
    emails: list[str]
    domains: list[str]
    account: str
    phones: list[str]
    counts: dict[str, int]
    retired: bool


def held(index: InvertedIndex, row: int) -> IndexedRecord:
    """The record of a row."""
    flags = (1 << FLAG_BITS) - 1
    names = [
        (index.names.words[v >> FLAG_BITS], v & flags) for v in index.name_bags.of(row).tolist()
    ]
    numbers = index.code_table[row].astype(np.int64)
    counts = index.codes.held(numbers).astype(int).tolist()
    words = [index.codes.words[n][2:] if n >= 0 else "" for n in numbers.tolist()]
    kind = int(index.kinds[row])
    return IndexedRecord(
        kind=KINDS[kind - 1] if kind else None,
        label=[word for word, flag in names if not flag & SECONDARY],
        other=[word for word, flag in names if flag & SECONDARY],
        places=_places(index, row),
        emails=[email for email in words[EMAILS] if email],
        domains=[domain for domain in words[DOMAINS] if domain],
        account=words[ACCOUNT][0],
        phones=[phone for phone in words[PHONES] if phone],
        counts=dict(zip(words, counts, strict=True)),
        retired=bool(index.retired(np.array([row], np.int32))[0]),
    )


def _places(index: InvertedIndex, row: int) -> list[HeldPlace]:
    rows = np.array([row], np.int32)
    postal = index.postal(rows)[0].tolist()
    codes = [
        [index.codes.words[n][2:] if n >= 0 else "" for n in index.place_codes(rows, part)[0]]
        for part in (POSTCODES, OUTWARDS)
    ]
    found = [
        HeldPlace([], [], postcode, outward, is_postal)
        for postcode, outward, is_postal in zip(*codes, postal, strict=True)
    ]
    for value in index.place_bags.of(row).tolist():
        place = found[value >> PLACE_BIT & (MOST_PLACES - 1)]
        words = place.town if value & TOWN else place.street
        words.append(index.places.words[value >> FLAG_BITS])
    return [place for place in found if place.street or place.town or place.postcode]
