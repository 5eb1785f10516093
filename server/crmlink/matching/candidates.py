"""Blocking: candidate records that share the rarest values with a contact, within a budget."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmlink.matching import normalise
from crmlink.matching.columns import Floats, Ints, Postings, Vocabulary
from crmlink.matching.index import TRIGRAM_BASE, InvertedIndex, trigrams
from crmlink.matching.normalised import NormalisedDetails, local_part_words

MAX_CANDIDATES = 64
MAX_POSTINGS = 60_000  # postings read for one contact, unless the rarest value has more
TRIGRAM_WEIGHT = 0.35  # relative to a whole word of the same frequency
ADDRESS_WEIGHT = 0.6
HINT_WEIGHT = 0.4
TRIGRAM_DELAY = 3  # factor on a trigram's frequency in the reading order
_KEYS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class BlockingKey:
    """A value of the contact that records may share."""

    field: str
    number: int
    document_frequency: float
    weight: float


def candidates(index: InvertedIndex, contact: NormalisedDetails) -> Ints:
    """Return the rows that share most with the contact, at most MAX_CANDIDATES, ascending."""
    if not len(index):
        return np.empty(0, np.int32)
    rows, weights = _collect_postings(index, contact)
    if not len(rows):
        return np.empty(0, np.int32)
    total: Floats = np.bincount(rows, weights=weights).astype(np.float64)
    touched = _top_rows(total[rows], rows, index.alive)
    if len(touched) > MAX_CANDIDATES:
        best = total[touched]
        threshold = np.partition(best, -MAX_CANDIDATES)[-MAX_CANDIDATES]
        above, level = touched[best > threshold], touched[best == threshold]
        touched = np.concatenate([above, level[: MAX_CANDIDATES - len(above)]])
        touched.sort()
    return touched.astype(np.int32)


def _top_rows(weights: Floats, rows: Ints, alive: NDArray[np.bool_]) -> Ints:
    """Return distinct current rows including the heaviest, without sorting all others."""
    top = float(weights.max())
    for part in (0.6, 0.35, 0.15, 0.0):
        some: Ints = np.unique(rows[weights > part * top])
        some = some[alive[some]]
        if len(some) >= MAX_CANDIDATES:
            break
    return some


def _collect_postings(index: InvertedIndex, contact: NormalisedDetails) -> tuple[Ints, Floats]:
    postings_rows: list[Ints] = []
    weights: list[float] = []
    sizes: list[int] = []
    read = 0

    for key in sorted(_blocking_keys(index, contact), key=_read_order):
        if read + key.document_frequency > MAX_POSTINGS and read:
            break
        for segment in index.segments:
            postings: Postings = getattr(segment, key.field)
            rows = postings.find(key.number)
            if len(rows):
                postings_rows.append(rows)
                weights.append(key.weight)
                sizes.append(len(rows))
                read += len(rows)
    if not postings_rows:
        return np.empty(0, np.int32), np.empty(0)
    return np.concatenate(postings_rows), np.repeat(weights, sizes)


def _read_order(key: BlockingKey) -> tuple[float, str, int]:
    """Return the sort key for reading: rare values first, whole ones before trigrams."""
    return (
        key.document_frequency * (TRIGRAM_DELAY if key.field == "trigrams" else 1),
        key.field,
        key.number,
    )


def _blocking_keys(index: InvertedIndex, contact: NormalisedDetails) -> Iterator[BlockingKey]:
    total = len(index)
    names = [word for word, _ in (*contact.primary_name, *contact.secondary_name)]
    yield from _word_keys(index.names, "names", names, total, 1.0)
    words = dict.fromkeys(word for address in contact.addresses for word, _ in address.words)
    yield from _word_keys(index.addresses, "addresses", list(words), total, ADDRESS_WEIGHT)
    yield from _word_keys(index.codes, "codes", _codes(contact), total, 1.0)
    for code in dict.fromkeys(address.postcode for address in contact.addresses):
        if code and index.codes.lookup(f"p:{code}") < 0:
            near = [f"p:{slip}" for slip in one_edit_variants(code)]
            yield from _word_keys(index.codes, "codes", near, total, ADDRESS_WEIGHT)
    known_as = {other for name in names for other in normalise.NICKNAMES.get(name, ())}
    yield from _word_keys(index.names, "names", sorted(known_as - set(names)), total, HINT_WEIGHT)
    if contact.emails:
        hints = [word for word in local_part_words(contact.emails) if word not in names]
        yield from _word_keys(index.names, "names", hints, total, HINT_WEIGHT)
    yield from _trigram_keys(index, contact, total)


def _codes(contact: NormalisedDetails) -> list[str]:
    codes = [f"p:{address.postcode}" for address in contact.addresses if address.postcode]
    codes += [f"o:{address.outward}" for address in contact.addresses if address.outward]
    codes += [f"e:{email}" for email in contact.emails]
    codes += [f"d:{domain}" for domain in contact.domains]
    codes += [f"a:{contact.account}"] if contact.account else []
    codes += [f"+:{phone}" for phone in contact.phones]
    return list(dict.fromkeys(codes))


def one_edit_variants(code: str) -> list[str]:
    """Return all codes one typing error away from this one, sorted."""
    variants: set[str] = set()
    for i in range(len(code) + 1):
        before, after = code[:i], code[i:]
        variants.update(before + letter + after for letter in _KEYS)
        variants.update(before + letter + after[1:] for letter in _KEYS)
        variants.add(before + after[1:])
        variants.add(before + after[1:2] + after[:1] + after[2:])
    return sorted(variants - {code})


def _word_keys(
    vocabulary: Vocabulary, field: str, words: list[str], total: int, share: float
) -> Iterator[BlockingKey]:
    numbers = [vocabulary.lookup(word) for word in words]
    known_numbers = np.array([number for number in numbers if number >= 0], np.int64)
    yield from _as_blocking_keys(
        field, known_numbers, vocabulary.document_frequency(known_numbers), total, share
    )


def _trigram_keys(
    index: InvertedIndex, contact: NormalisedDetails, total: int
) -> Iterator[BlockingKey]:
    texts = [
        " ".join(word for word, _ in words)
        for words in (contact.primary_name, contact.secondary_name)
    ]
    texts += contact.email_texts
    numbers = np.unique(trigrams([text for text in texts if text])[0])
    numbers = numbers[numbers % TRIGRAM_BASE + numbers // TRIGRAM_BASE > 0]
    yield from _as_blocking_keys(
        "trigrams", numbers, index.trigram_df[numbers], total, TRIGRAM_WEIGHT
    )


def _as_blocking_keys(
    field: str, numbers: NDArray[np.integer], document_frequency: Floats, total: int, share: float
) -> Iterator[BlockingKey]:
    """Yield a blocking key for each number that occurs in a record."""
    numbers, document_frequency = (
        numbers[document_frequency > 0],
        document_frequency[document_frequency > 0],
    )
    weights = share * np.log(1 + total / document_frequency)
    for number, count, weight in zip(
        numbers.tolist(), document_frequency.tolist(), weights.tolist(), strict=True
    ):
        yield BlockingKey(field, number, count, weight)
