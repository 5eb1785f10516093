"""Search as you type: records that have every typed word, or one that begins with it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmlink.kinds import KINDS, Kind
from crmlink.matching import normalise
from crmlink.matching.columns import Ints, Vocabulary
from crmlink.matching.index import InvertedIndex
from crmlink.values.phones import NEIGHBOURS

MOST_WORDS = 400  # words of the vocabulary that one typed beginning may stand for
MOST_ROWS = 30_000  # rows looked at for the rarest word
STOPWORDS = normalise.TITLES | normalise.LEGAL_FORMS | {"and", "the"}  # in names of records
_PHONE = re.compile(r"[+(]?[\d\s()./-]{4,}")
_PART_OF_POSTCODE = re.compile(r"[a-z]{1,2}\d[a-z\d]?\d[a-z]{0,2}")


def search(
    index: InvertedIndex, text: str, country: str, kind: Kind | None, limit: int
) -> list[str]:
    """Ids of at most `limit` records of the kind, best first."""
    account = normalise.fold(text).replace(" ", "")
    whole = _found(index, [[("codes", f"a:{account}", 3.0)]] if account else [], kind, limit)
    parts = _found(index, list(_parse_query(text, country)), kind, limit)
    return list(dict.fromkeys([*whole, *parts]))[:limit]


def _found(
    index: InvertedIndex, words: list[list["Option"]], kind: Kind | None, limit: int
) -> list[str]:
    """Ids of records that fit each of the words."""
    typed = [_match_term(index, options) for options in words]
    if not typed:
        return []
    typed.sort(key=lambda meant: meant.held)
    found = _candidate_rows(index, typed[0])
    found = found[index.alive[found]]
    if kind is not None:
        found = found[index.kinds[found] == KINDS.index(kind) + 1]
    worth = np.zeros(len(found))
    for meant in typed:
        gained = _row_scores(index, meant, found)
        found, worth = found[gained > 0], (worth + gained)[gained > 0]
    if len(found) > limit:
        best = np.argsort(-worth, kind="stable")[: 2 * limit]
        found, worth = found[best], worth[best]
    pairs = zip(found.tolist(), worth.tolist(), strict=True)
    ranked = sorted((-value, index.ids[row]) for row, value in pairs)
    return [record_id for _, record_id in ranked[:limit]]


Option = tuple[str, str, float]  # field, beginning of a word in it, what finding it is worth


def _parse_query(text: str, country: str) -> Iterator[list[Option]]:
    """For each typed word where it may stand."""
    if _PHONE.fullmatch(text.strip()):
        yield [*_as_phone(text, country), *_as_number(text)]
        return
    if "@" in text:
        yield [("codes", f"e:{normalise.email(text)}", 3.0)]
        return
    words = normalise.fold(text).split()
    words = [word for word in words if word not in STOPWORDS] or words
    while words:
        word = words.pop(0)
        if words and _PART_OF_POSTCODE.fullmatch(word + words[0]):
            word += words.pop(0)
        short = normalise.address(word)
        yield [
            ("names", word, 4.0),
            ("names", normalise.COMPANY_WORDS.get(word, word), 4.0),
            ("codes", f"p:{word.upper()}", 3.0),
            ("codes", f"a:{word}", 3.0),
            ("codes", f"e:{word}", 1.5),
            ("places", word, 1.0),
            ("places", short, 1.0),
        ]


def _as_phone(text: str, country: str) -> Iterator[Option]:
    for each in (country, *NEIGHBOURS.get(country, ())):
        number = normalise.phone(text, each)
        if number:
            yield "codes", f"+:{number}", 3.0


def _as_number(text: str) -> Iterator[Option]:
    digits = re.sub(r"\D", "", text)
    yield "codes", f"a:{digits}", 3.0
    yield "places", digits, 1.0


@dataclass(frozen=True)
class TermMatches:
    """What a typed word may stand for: numbers with their worth, a field at a time."""

    fields: list[tuple[str, Ints, NDArray[np.float64]]]
    held: float


def _match_term(index: InvertedIndex, options: list[Option]) -> TermMatches:
    fields = []
    held = 0.0
    for field, beginning, value in dict.fromkeys(options):
        vocabulary: Vocabulary = getattr(index, field)
        numbers = vocabulary.with_prefix(beginning, MOST_WORDS)
        if len(numbers):
            whole = numbers == vocabulary.lookup(beginning)
            fields.append((field, numbers, np.where(whole, 2 * value, value)))
            held += float(vocabulary.held(numbers).sum())
    return TermMatches(fields, held)


def _candidate_rows(index: InvertedIndex, meant: TermMatches) -> Ints:
    """Rows that hold one of the words, as far as they are not too many."""
    found: list[Ints] = []
    read = 0
    for field, numbers, _ in meant.fields:
        sums = getattr(index, field).held(numbers).cumsum()
        some = numbers[: int(np.searchsorted(sums, MOST_ROWS - read)) + 1]
        if read < MOST_ROWS:
            found += index.rows_with_any(field, some)
            read = sum(map(len, found))
    if not found:
        return np.empty(0, np.int32)
    rows: Ints = np.unique(np.concatenate(found))
    return rows


def _row_scores(index: InvertedIndex, meant: TermMatches, rows: Ints) -> NDArray[np.float64]:
    """For each row what the best of the words that it holds is worth, 0 for none."""
    best = np.zeros(len(rows))
    for field, numbers, values in meant.fields:
        worth = np.zeros(len(getattr(index, field)) + 1)
        worth[numbers] = values
        held = worth[index.table(field, rows)]
        best = np.maximum(best, held.max(axis=1, initial=0))
    return best
