"""Which records are worth a closer look: the rarest shared values first, within a budget."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmlink.matching import normalise
from crmlink.matching.columns import Floats, Ints, Postings, Vocabulary
from crmlink.matching.index import GRAM_BASE, Index, grams
from crmlink.matching.normalised import Terms, mailbox_words

MOST_CANDIDATES = 64
BUDGET = 60_000  # postings read for one contact, where the rarest values do not need more
GRAM_SHARE = 0.35  # what a run of three letters says beside a whole word as rare
PLACE_SHARE = 0.6
HINT_SHARE = 0.4
GRAMS_WAIT = 3  # a run of letters is read as late as a whole value that so many times more hold
_KEYS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Clue:
    """A value of the contact's that records may share."""

    field: str
    number: int
    held: float
    weight: float


def candidates(index: Index, asked: Terms) -> Ints:
    """Rows of records that share most with the contact, at most MOST_CANDIDATES, ascending."""
    if not len(index):
        return np.empty(0, np.int32)
    rows, weights = _gathered(index, asked)
    if not len(rows):
        return np.empty(0, np.int32)
    total: Floats = np.bincount(rows, weights=weights).astype(np.float64)
    touched = _heaviest(total[rows], rows, index.alive)
    if len(touched) > MOST_CANDIDATES:
        best = total[touched]
        least = np.partition(best, -MOST_CANDIDATES)[-MOST_CANDIDATES]
        above, level = touched[best > least], touched[best == least]
        touched = np.concatenate([above, level[: MOST_CANDIDATES - len(above)]])
        touched.sort()
    return touched.astype(np.int32)


def _heaviest(weights: Floats, rows: Ints, alive: NDArray[np.bool_]) -> Ints:
    """Distinct living rows, those of most weight among them, without sorting all the others."""
    top = float(weights.max())
    for part in (0.6, 0.35, 0.15, 0.0):
        some: Ints = np.unique(rows[weights > part * top])
        some = some[alive[some]]
        if len(some) >= MOST_CANDIDATES:
            break
    return some


def _gathered(index: Index, asked: Terms) -> tuple[Ints, Floats]:
    found: list[Ints] = []
    weights: list[float] = []
    sizes: list[int] = []
    read = 0

    for clue in sorted(_clues(index, asked), key=_turn):
        if read + clue.held > BUDGET and read:
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


def _turn(clue: Clue) -> tuple[float, str, int]:
    """When a clue is read: rare values first, and whole ones before runs of letters as rare."""
    return clue.held * (GRAMS_WAIT if clue.field == "grams" else 1), clue.field, clue.number


def _clues(index: Index, asked: Terms) -> Iterator[Clue]:
    total = len(index)
    names = [word for word, _ in (*asked.label, *asked.other)]
    yield from _of(index.names, "names", names, total, 1.0)
    place = dict.fromkeys(word for place in asked.places for word, _ in place.words)
    yield from _of(index.places, "places", list(place), total, PLACE_SHARE)
    yield from _of(index.codes, "codes", _codes(asked), total, 1.0)
    for code in dict.fromkeys(place.postcode for place in asked.places):
        if code and index.codes.find(f"p:{code}") < 0:
            near = [f"p:{slip}" for slip in slips(code)]
            yield from _of(index.codes, "codes", near, total, PLACE_SHARE)
    known_as = {other for name in names for other in normalise.NICKNAMES.get(name, ())}
    yield from _of(index.names, "names", sorted(known_as - set(names)), total, HINT_SHARE)
    if asked.emails:
        hints = [word for word in mailbox_words(asked.emails) if word not in names]
        yield from _of(index.names, "names", hints, total, HINT_SHARE)
    yield from _of_grams(index, asked, total)


def _codes(asked: Terms) -> list[str]:
    codes = [f"p:{place.postcode}" for place in asked.places if place.postcode]
    codes += [f"o:{place.outward}" for place in asked.places if place.outward]
    codes += [f"e:{email}" for email in asked.emails]
    codes += [f"d:{domain}" for domain in asked.domains]
    codes += [f"a:{asked.account}"] if asked.account else []
    codes += [f"+:{phone}" for phone in asked.phones]
    return list(dict.fromkeys(codes))


def slips(code: str) -> list[str]:
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
) -> Iterator[Clue]:
    numbers = [vocabulary.find(word) for word in words]
    known = np.array([number for number in numbers if number >= 0], np.int64)
    yield from _as_clues(field, known, vocabulary.held(known), total, share)


def _of_grams(index: Index, asked: Terms, total: int) -> Iterator[Clue]:
    texts = [" ".join(word for word, _ in words) for words in (asked.label, asked.other)]
    texts += asked.mail_texts
    numbers = np.unique(grams([text for text in texts if text])[0])
    numbers = numbers[numbers % GRAM_BASE + numbers // GRAM_BASE > 0]
    yield from _as_clues("grams", numbers, index.gram_held[numbers], total, GRAM_SHARE)


def _as_clues(
    field: str, numbers: NDArray[np.integer], held: Floats, total: int, share: float
) -> Iterator[Clue]:
    """A clue for each number that a record holds."""
    numbers, held = numbers[held > 0], held[held > 0]
    weights = share * np.log(1 + total / held)
    for number, count, weight in zip(
        numbers.tolist(), held.tolist(), weights.tolist(), strict=True
    ):
        yield Clue(field, number, count, weight)
