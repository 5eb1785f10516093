"""A record as the index remembers it, put together again from its columns."""

from dataclasses import dataclass

import numpy as np

from crmlink.kinds import KINDS, Kind
from crmlink.matching.columns import FLAG_BITS
from crmlink.matching.index import CODES, PHONES, Index
from crmlink.matching.normalised import OTHER, TOWN


@dataclass(frozen=True, slots=True)
class Held:
    """Normalised words and codes of one record; `counts` says how many records hold a code."""

    kind: Kind | None
    label: list[str]
    other: list[str]
    street: list[str]
    town: list[str]
    codes: dict[str, str]
    phones: list[str]
    counts: dict[str, int]


def held(index: Index, row: int) -> Held:
    """The record of a row."""
    flags = (1 << FLAG_BITS) - 1
    name_bag, place_bag = index.name_bags.of(row).tolist(), index.place_bags.of(row).tolist()
    names = [(index.names.words[v >> FLAG_BITS], v & flags) for v in name_bag]
    places = [(index.places.words[v >> FLAG_BITS], v & flags) for v in place_bag]
    numbers = index.code_table[row].astype(np.int64)
    counts = index.codes.held(numbers).astype(int).tolist()
    words = [index.codes.words[n][2:] if n >= 0 else "" for n in numbers.tolist()]
    kind = int(index.kinds[row])
    return Held(
        KINDS[kind - 1] if kind else None,
        [word for word, flag in names if not flag & OTHER],
        [word for word, flag in names if flag & OTHER],
        [word for word, flag in places if not flag & TOWN],
        [word for word, flag in places if flag & TOWN],
        dict(zip(CODES, words, strict=False)),
        [phone for phone in words[PHONES] if phone],
        dict(zip(words, counts, strict=True)),
    )
