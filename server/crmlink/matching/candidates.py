"""Which records are worth a closer look: the rarest shared values first, within a budget."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmlink.matching import normalise
from crmlink.matching.columns import Floats, Ints, Postings, Vocabulary
from crmlink.matching.index import GRAM_BASE, InvertedIndex, grams
from crmlink.matching.normalised import NormalisedDetails, local_part_words

MOST_CANDIDATES = 64
MAX_POSTINGS = 60_000  # postings read for one contact, where the rarest values do not need more
TRIGRAM = 0.35  # what a run of three letters says beside a whole word as rare
ADDRESS = 0.6
HINT_WEIGHT = 0.4
TRIGRAM_DELAY = 3  # a run of letters is read as late as a whole value that so many times more hold
_KEYS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class BlockingKey:
    """A value of the contact's that records may share."""

    field: str
    number: int
    held: float
    weight: float


def candidates(index: InvertedIndex, asked: NormalisedDetails) -> Ints:
    """Rows of records that share most with the contact, at most MOST_CANDIDATES, ascending."""
    if not len(index):
        return np.empty(0, np.int32)
    rows, weights = _collect_postings(index, asked)
    if not len(rows):
        return np.empty(0, np.int32)
    total: Floats = np.bincount(rows, weights=weights).astype(np.float64)
    touched = _top_rows(total[rows], rows, index.alive)
    if len(touched) > MOST_CANDIDATES:
        best = total[touched]
        least = np.partition(best, -MOST_CANDIDATES)[-MOST_CANDIDATES]
        above, level = touched[best > least], touched[best == least]
        touched = np.concatenate([above, level[: MOST_CANDIDATES - len(above)]])
        touched.sort()
    return touched.astype(np.int32)


def _top_rows(weights: Floats, rows: Ints, alive: NDArray[np.bool_]) -> Ints:
    """Distinct living rows, those of most weight among them, without sorting all the others."""
    top = float(weights.max())
    for part in (0.6, 0.35, 0.15, 0.0):
        some: Ints = np.unique(rows[weights > part * top])
        some = some[alive[some]]
        if len(some) >= MOST_CANDIDATES:
            break
    return some


def _collect_postings(index: InvertedIndex, asked: NormalisedDetails) -> tuple[Ints, Floats]:
    found: list[Ints] = []
    weights: list[float] = []
    sizes: list[int] = []
    read = 0

    for clue in sorted(_blocking_keys(index, asked), key=_read_order):
        if read + clue.held > MAX_POSTINGS and read:
            break
        for segment in index.segments:
            postings: Postings = getattr(segment, clue.field)
            rows = postings.find(clue.number)
            if len(rows):
                found.append(rows)
                weights.append(clue.weight)
                sizes.append(len(rows))
                read += len(rows)
    if not found:
        return np.empty(0, np.int32), np.empty(0)
    return np.concatenate(found), np.repeat(weights, sizes)


def _read_order(clue: BlockingKey) -> tuple[float, str, int]:
    """When a clue is read: rare values first, and whole ones before runs of letters as rare."""
    return clue.held * (TRIGRAM_DELAY if clue.field == "grams" else 1), clue.field, clue.number


def _blocking_keys(index: InvertedIndex, asked: NormalisedDetails) -> Iterator[BlockingKey]:
    total = len(index)
    names = [word for word, _ in (*asked.label, *asked.other)]
    yield from _of(index.names, "names", names, total, 1.0)
    place = dict.fromkeys(word for place in asked.places for word, _ in place.words)
    yield from _of(index.places, "places", list(place), total, ADDRESS)
    yield from _of(index.codes, "codes", _codes(asked), total, 1.0)
    for code in dict.fromkeys(place.postcode for place in asked.places):
        if code and index.codes.lookup(f"p:{code}") < 0:
            near = [f"p:{slip}" for slip in one_edit_variants(code)]
            yield from _of(index.codes, "codes", near, total, ADDRESS)
    known_as = {other for name in names for other in normalise.NICKNAMES.get(name, ())}
    yield from _of(index.names, "names", sorted(known_as - set(names)), total, HINT_WEIGHT)
    if asked.emails:
        hints = [word for word in local_part_words(asked.emails) if word not in names]
        yield from _of(index.names, "names", hints, total, HINT_WEIGHT)
    yield from _of_grams(index, asked, total)


def _codes(asked: NormalisedDetails) -> list[str]:
    codes = [f"p:{place.postcode}" for place in asked.places if place.postcode]
    codes += [f"o:{place.outward}" for place in asked.places if place.outward]
    codes += [f"e:{email}" for email in asked.emails]
    codes += [f"d:{domain}" for domain in asked.domains]
    codes += [f"a:{asked.account}"] if asked.account else []
    codes += [f"+:{phone}" for phone in asked.phones]
    return list(dict.fromkeys(codes))


def one_edit_variants(code: str) -> list[str]:
    """What somebody meant who typed a code with one slip."""
    meant: set[str] = set()
    for at in range(len(code) + 1):
        before, after = code[:at], code[at:]
        meant.update(before + letter + after for letter in _KEYS)
        meant.update(before + letter + after[1:] for letter in _KEYS)
        meant.add(before + after[1:])
        meant.add(before + after[1:2] + after[:1] + after[2:])
    return sorted(meant - {code})


def _of(
    vocabulary: Vocabulary, field: str, words: list[str], total: int, share: float
) -> Iterator[BlockingKey]:
    numbers = [vocabulary.lookup(word) for word in words]
    known = np.array([number for number in numbers if number >= 0], np.int64)
    yield from _as_clues(field, known, vocabulary.held(known), total, share)


def _of_grams(index: InvertedIndex, asked: NormalisedDetails, total: int) -> Iterator[BlockingKey]:
    texts = [" ".join(word for word, _ in words) for words in (asked.label, asked.other)]
    texts += asked.mail_texts
    numbers = np.unique(grams([text for text in texts if text])[0])
    numbers = numbers[numbers % GRAM_BASE + numbers // GRAM_BASE > 0]
    yield from _as_clues("grams", numbers, index.gram_held[numbers], total, TRIGRAM)


def _as_clues(
    field: str, numbers: NDArray[np.integer], held: Floats, total: int, share: float
) -> Iterator[BlockingKey]:
    """A clue for each number that a record holds."""
    numbers, held = numbers[held > 0], held[held > 0]
    weights = share * np.log(1 + total / held)
    for number, count, weight in zip(
        numbers.tolist(), held.tolist(), weights.tolist(), strict=True
    ):
        yield BlockingKey(field, number, count, weight)
