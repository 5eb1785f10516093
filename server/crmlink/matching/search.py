"""Search as you type: records that have every typed word, or a word that starts with it."""

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

MAX_WORDS = 400  # vocabulary words that one typed prefix may match
MAX_ROWS = 30_000  # rows read for the rarest word
STOPWORDS = normalise.TITLES | normalise.LEGAL_FORMS | {"and", "the"}  # in names of records
_PHONE = re.compile(r"[+(]?[\d\s()./-]{4,}")
_PART_OF_POSTCODE = re.compile(r"[a-z]{1,2}\d[a-z\d]?\d[a-z]{0,2}")


def search(
    index: InvertedIndex, text: str, country: str, kind: Kind | None, limit: int
) -> list[str]:
    """Return ids of at most `limit` records of the kind, best first."""
    account = normalise.fold(text).replace(" ", "")
    by_account = _found(index, [[("codes", f"a:{account}", 3.0)]] if account else [], kind, limit)
    by_words = _found(index, list(_parse_query(text, country)), kind, limit)
    return list(dict.fromkeys([*by_account, *by_words]))[:limit]


def _found(
    index: InvertedIndex, words: list[list["Option"]], kind: Kind | None, limit: int
) -> list[str]:
    """Return ids of records that match each of the words."""
    typed = [_match_term(index, options) for options in words]
    if not typed:
        return []
    typed.sort(key=lambda term: term.document_frequency)
    rows = _candidate_rows(index, typed[0])
    rows = rows[index.alive[rows]]
    if kind is not None:
        rows = rows[index.kinds[rows] == KINDS.index(kind) + 1]
    scores = np.zeros(len(rows))
    for term in typed:
        gained = _row_scores(index, term, rows)
        rows, scores = rows[gained > 0], (scores + gained)[gained > 0]
    if len(rows) > limit:
        best = np.argsort(-scores, kind="stable")[: 2 * limit]
        rows, scores = rows[best], scores[best]
    pairs = zip(rows.tolist(), scores.tolist(), strict=True)
    ranked = sorted((-value, index.ids[row]) for row, value in pairs)
    return [record_id for _, record_id in ranked[:limit]]


Option = tuple[str, str, float]  # field, prefix of a word in it, score of a match


def _parse_query(text: str, country: str) -> Iterator[list[Option]]:
    """Yield for each typed word the fields and prefixes it may match."""
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
            ("addresses", word, 1.0),
            ("addresses", short, 1.0),
        ]


def _as_phone(text: str, country: str) -> Iterator[Option]:
    for region in (country, *NEIGHBOURS.get(country, ())):
        number = normalise.phone(text, region)
        if number:
            yield "codes", f"+:{number}", 3.0


def _as_number(text: str) -> Iterator[Option]:
    digits = re.sub(r"\D", "", text)
    yield "codes", f"a:{digits}", 3.0
    yield "addresses", digits, 1.0


@dataclass(frozen=True)
class TermMatches:
    """Vocabulary numbers that a typed word may match, with their scores, by field."""

    fields: list[tuple[str, Ints, NDArray[np.float64]]]
    document_frequency: float


def _match_term(index: InvertedIndex, options: list[Option]) -> TermMatches:
    fields = []
    document_frequency = 0.0
    for field, prefix, value in dict.fromkeys(options):
        vocabulary: Vocabulary = getattr(index, field)
        numbers = vocabulary.with_prefix(prefix, MAX_WORDS)
        if len(numbers):
            is_exact = numbers == vocabulary.lookup(prefix)
            fields.append((field, numbers, np.where(is_exact, 2 * value, value)))
            document_frequency += float(vocabulary.document_frequency(numbers).sum())
    return TermMatches(fields, document_frequency)


def _candidate_rows(index: InvertedIndex, term: TermMatches) -> Ints:
    """Return rows that match the term, limited to the most frequent words."""
    row_lists: list[Ints] = []
    read = 0
    for field, numbers, _ in term.fields:
        sums = getattr(index, field).document_frequency(numbers).cumsum()
        some = numbers[: int(np.searchsorted(sums, MAX_ROWS - read)) + 1]
        if read < MAX_ROWS:
            row_lists += index.rows_with_any(field, some)
            read = sum(map(len, row_lists))
    if not row_lists:
        return np.empty(0, np.int32)
    rows: Ints = np.unique(np.concatenate(row_lists))
    return rows


def _row_scores(index: InvertedIndex, term: TermMatches, rows: Ints) -> NDArray[np.float64]:
    """Return each row's score for its best match of the term, 0 for none."""
    best = np.zeros(len(rows))
    for field, numbers, values in term.fields:
        score_of = np.zeros(len(getattr(index, field)) + 1)
        score_of[numbers] = values
        row_scores = score_of[index.table(field, rows)]
        best = np.maximum(best, row_scores.max(axis=1, initial=0))
    return best
