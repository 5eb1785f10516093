"""Blocking: candidate records that share the rarest values with a contact, within a budget."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from crmlink.matching import normalise
from crmlink.matching.columns import Floats, Ints, Vocabulary
from crmlink.matching.index import TRIGRAM_BASE, InvertedIndex, trigrams
from crmlink.matching.normalised import NormalisedDetails, local_part_words
from crmlink.matching.postings import Postings

MAX_CANDIDATES = 64
MAX_POSTINGS = 60_000  # postings read for one contact, unless the rarest value has more
TRIGRAM_WEIGHT = 0.35  # relative to a whole word of the same frequency
ADDRESS_WEIGHT = 0.6
HINT_WEIGHT = 0.4
TRIGRAM_DELAY = 3  # factor on a trigram's frequency in the reading order
MANY_ROWS = 8  # from one in so many on it is quicker to look at every row than at those read
_KEYS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BlockingKey = tuple[float, str, int, float]  # document frequency, field, number, weight in part


def candidates(index: InvertedIndex, contact: NormalisedDetails) -> Ints:
    """Return the rows that share most with the contact, at most MAX_CANDIDATES, ascending."""
    if not len(index):
        return np.empty(0, np.int32)
    rows, weights = _collect_postings(index, contact)
    if not len(rows):
        return np.empty(0, np.int32)
    total: Floats = np.bincount(rows, weights=weights).astype(np.float64, copy=False)
    touched = _top_rows(total, rows, index.alive)
    if len(touched) > MAX_CANDIDATES:
        best = total[touched]
        threshold = np.partition(best, -MAX_CANDIDATES)[-MAX_CANDIDATES]
        above, level = touched[best > threshold], touched[best == threshold]
        touched = np.concatenate([above, level[: MAX_CANDIDATES - len(above)]])
        touched.sort()
    return touched


def _top_rows(total: Floats, rows: Ints, alive: NDArray[np.bool_]) -> Ints:
    """Return distinct current rows including the heaviest, ascending, without sorting all others.

    `total` is the weight of every row of the index; that of `rows` is not 0.
    """
    few = len(rows) < len(total) // MANY_ROWS
    weights = total[rows] if few else total
    top = float(weights.max())
    for part in (0.6, 0.35, 0.15, 0.0):
        heavy = weights > part * top
        found = np.unique(rows[heavy]) if few else np.flatnonzero(heavy)
        some: Ints = found.astype(np.int32, copy=False)
        some = some[alive[some]]
        if len(some) >= MAX_CANDIDATES:
            break
    return some


def _collect_postings(index: InvertedIndex, contact: NormalisedDetails) -> tuple[Ints, Floats]:
    postings_rows: list[Ints] = []
    weights: list[float] = []
    sizes: list[int] = []
    read = 0
    keys = sorted(_blocking_keys(index, contact), key=_read_order)
    idf = np.log(1 + len(index) / np.array([frequency for frequency, *_ in keys]))
    for (frequency, field, number, share), rarity in zip(keys, idf.tolist(), strict=True):
        if read + frequency > MAX_POSTINGS and read:
            break
        for segment in index.segments:
            postings: Postings = getattr(segment, field)
            rows = postings.find(number)
            if len(rows):
                postings_rows.append(rows)
                weights.append(share * rarity)
                sizes.append(len(rows))
                read += len(rows)
    if not postings_rows:
        return np.empty(0, np.int32), np.empty(0)
    return np.concatenate(postings_rows), np.repeat(weights, sizes)


def _read_order(key: BlockingKey) -> tuple[float, str, int]:
    """Return the sort key for reading: rare values first, whole ones before trigrams."""
    frequency, field, number, _ = key
    return frequency * (TRIGRAM_DELAY if field == "trigrams" else 1), field, number


def _blocking_keys(index: InvertedIndex, contact: NormalisedDetails) -> Iterator[BlockingKey]:
    """Yield each value of the contact that records share, with how much its idf counts."""
    names = [word for word, _ in (*contact.primary_name, *contact.secondary_name)]
    yield from _word_keys(index.names, "names", names, 1.0)
    words = dict.fromkeys(word for address in contact.addresses for word, _ in address.words)
    yield from _word_keys(index.addresses, "addresses", words, ADDRESS_WEIGHT)
    yield from _word_keys(index.codes, "codes", _codes(contact), 1.0)
    for code in dict.fromkeys(address.postcode for address in contact.addresses):
        if code and index.codes.lookup(f"p:{code}") < 0:
            near = [f"p:{slip}" for slip in one_edit_variants(code)]
            yield from _word_keys(index.codes, "codes", near, ADDRESS_WEIGHT)
    known_as = {other for name in names for other in normalise.NICKNAMES.get(name, ())}
    yield from _word_keys(index.names, "names", sorted(known_as - set(names)), HINT_WEIGHT)
    if contact.emails:
        hints = [word for word in local_part_words(contact.emails) if word not in names]
        yield from _word_keys(index.names, "names", hints, HINT_WEIGHT)
    yield from _trigram_keys(index, contact)


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
    vocabulary: Vocabulary, field: str, words: Iterable[str], share: float
) -> Iterator[BlockingKey]:
    for word in words:
        number = vocabulary.lookup(word)
        if number >= 0 and (frequency := vocabulary.holders(number)):
            yield frequency, field, number, share


def _trigram_keys(index: InvertedIndex, contact: NormalisedDetails) -> Iterator[BlockingKey]:
    texts = [
        " ".join(word for word, _ in words)
        for words in (contact.primary_name, contact.secondary_name)
    ]
    texts += contact.email_texts
    numbers = np.unique(trigrams([text for text in texts if text])[0])
    numbers = numbers[numbers % TRIGRAM_BASE + numbers // TRIGRAM_BASE > 0]
    frequencies = index.trigram_df[numbers].tolist()
    for number, frequency in zip(numbers.tolist(), frequencies, strict=True):
        if frequency > 0:
            yield frequency, "trigrams", number, TRIGRAM_WEIGHT
