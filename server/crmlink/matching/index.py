"""All records in memory: columns of words and codes, and who holds which.

New rows are gathered at the end; before the next question they become a segment of their
own, and small segments are merged, so that an update costs little and a question meets few
segments. A record that changes gets a new row; rows given up are cleared out when a quarter
of all is such.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmlink.kinds import KINDS
from crmlink.matching.columns import (
    FLAG_BITS,
    Floats,
    GrowableArray,
    Ints,
    Postings,
    TokenLists,
    Vocabulary,
)
from crmlink.matching.normalised import (
    EMAIL,
    MOST_EMAILS,
    MOST_PHONES,
    MOST_PLACES,
    PLACE_BIT,
    SECONDARY,
    NormalisedDetails,
)

# Columns of the table of codes. A place that has the code of an earlier one has its column's
# number below ALREADY, so that a record counts as one holder of it.
POSTCODES = slice(0, MOST_PLACES)
OUTWARDS = slice(POSTCODES.stop, POSTCODES.stop + MOST_PLACES)
EMAILS = slice(OUTWARDS.stop, OUTWARDS.stop + MOST_EMAILS)
DOMAINS = slice(EMAILS.stop, EMAILS.stop + MOST_EMAILS)
ACCOUNT = slice(DOMAINS.stop, DOMAINS.stop + 1)
PHONES = slice(ACCOUNT.stop, ACCOUNT.stop + MOST_PHONES)
CODE_WIDTH = PHONES.stop
ALREADY = -2
RETIRED = 1 << MOST_PLACES  # bit of a record's marks; those before say which places are postal
GRAM_BASE = 37
GRAMS = GRAM_BASE**3
_GRAM_LETTERS = np.zeros(256, np.int32)
for _at, _letter in enumerate(b"abcdefghijklmnopqrstuvwxyz0123456789", 1):
    _GRAM_LETTERS[_letter] = _at


def grams(texts: Sequence[str]) -> tuple[Ints, Ints]:
    """The distinct runs of three letters in each text: their numbers, and the text of each."""
    padded = [f" {text} " for text in texts]
    letters = _GRAM_LETTERS[np.frombuffer("".join(padded).encode("ascii", "replace"), np.uint8)]
    if len(letters) < 3:
        return np.empty(0, np.int32), np.empty(0, np.int32)
    text_of = np.repeat(np.arange(len(texts)), [len(text) for text in padded])
    runs = (letters[:-2] * GRAM_BASE + letters[1:-1]) * GRAM_BASE + letters[2:]
    whole = text_of[:-2] == text_of[2:]
    distinct = np.unique(text_of[:-2][whole] * GRAMS + runs[whole])
    return (distinct % GRAMS).astype(np.int32), (distinct // GRAMS).astype(np.int32)


@dataclass(frozen=True, slots=True)
class Segment:
    """The postings of a stretch of rows."""

    low: int
    high: int
    names: Postings
    places: Postings
    codes: Postings
    grams: Postings


class InvertedIndex:
    """Rows of records; not thread-safe by itself."""

    def __init__(self) -> None:
        self.names, self.places, self.codes = Vocabulary(), Vocabulary(), Vocabulary()
        self.name_bags, self.place_bags, self.gram_bags = TokenLists(), TokenLists(), TokenLists()
        self._codes = GrowableArray(np.int32, -1)
        self._kinds = GrowableArray(np.int8)
        self._firms = GrowableArray(np.bool_)
        self._marks = GrowableArray(np.int8)
        self._alive = GrowableArray(np.bool_)
        self.gram_held = np.zeros(GRAMS)
        self._gram_rarity: Floats | None = None
        self.ids: list[str] = []
        self.mails: list[str] = []  # for each row the letters of its emails
        self._rows: dict[str, int] = {}
        self.segments: list[Segment] = []

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def alive(self) -> NDArray[np.bool_]:
        return self._alive.view

    @property
    def kinds(self) -> NDArray[np.int8]:
        """For each row 0 where the kind is not known, else its place in KINDS plus 1."""
        return self._kinds.view

    @property
    def firms(self) -> NDArray[np.bool_]:
        """For each row whether its label is a company's."""
        return self._firms.view

    @property
    def code_table(self) -> Ints:
        """For each row the numbers of its codes, shape (rows, CODE_WIDTH), negative for none."""
        return self._codes.view.reshape(-1, CODE_WIDTH)

    def place_codes(self, rows: Ints, part: slice) -> Ints:
        """The numbers of POSTCODES or OUTWARDS of each place, shape (rows, places), -1 for none."""
        table: Ints = self.code_table[rows, part]
        repeated = table <= ALREADY
        if repeated.any():
            earlier = np.where(repeated, ALREADY - table, 0)
            table = np.where(repeated, np.take_along_axis(table, earlier, axis=1), table)
        return table

    def postal(self, rows: Ints) -> NDArray[np.bool_]:
        """Which places post alone goes to, shape (rows, places)."""
        bits = np.arange(MOST_PLACES)
        marked: NDArray[np.bool_] = (self._marks.view[rows][:, None] >> bits & 1) > 0
        return marked

    def retired(self, rows: Ints) -> NDArray[np.bool_]:
        """Whether each record is kept but not used any more."""
        marked: NDArray[np.bool_] = (self._marks.view[rows] & RETIRED) > 0
        return marked

    def put(self, records: Sequence[tuple[str, NormalisedDetails]]) -> None:
        """Add records, or replace those with the same id."""
        records = list({record_id: (record_id, terms) for record_id, terms in records}.values())
        self.drop(record_id for record_id, _ in records)
        first = len(self.ids)
        for record_id, terms in records:
            self._rows[record_id] = len(self.ids)
            self.ids.append(record_id)
            words = (*terms.label, *terms.other)
            self.name_bags.append([self.names.number(w) << FLAG_BITS | flag for w, flag in words])
            self.place_bags.append(
                [
                    self.places.number(word) << FLAG_BITS | at << PLACE_BIT | flag
                    for at, place in enumerate(terms.places)
                    for word, flag in place.words
                ]
            )
            self._codes.extend(self._coded(terms))
        self._kinds.extend([KINDS.index(t.kind) + 1 if t.kind else 0 for _, t in records])
        self._firms.extend(np.array([t.firm for _, t in records], np.bool_))
        self._marks.extend([_marks(terms) for _, terms in records])
        self._alive.extend(np.ones(len(records), np.bool_))
        mails = [" ".join(terms.mail_texts) for _, terms in records]
        self.mails.extend(mails)
        self._put_grams([terms for _, terms in records], mails)
        self._count(first, len(self.ids), 1)

    def _coded(self, terms: NormalisedDetails) -> list[int]:
        return [
            *self._numbered("p", [place.postcode for place in terms.places], MOST_PLACES),
            *self._numbered("o", [place.outward for place in terms.places], MOST_PLACES),
            *self._numbered("e", terms.emails, MOST_EMAILS),
            *self._numbered("d", terms.domains, MOST_EMAILS),
            *self._numbered("a", [terms.account], 1),
            *self._numbered("+", terms.phones, MOST_PHONES),
        ]

    def _numbered(self, letter: str, values: Sequence[str], width: int) -> list[int]:
        numbers = [self.codes.number(f"{letter}:{value}") if value else -1 for value in values]
        for at in range(1, len(numbers)):
            if numbers[at] >= 0 and (first := numbers.index(numbers[at])) < at:
                numbers[at] = ALREADY - first
        return numbers + [-1] * (width - len(numbers))

    def _put_grams(self, several: Sequence[NormalisedDetails], mails: list[str]) -> None:
        labels = [" ".join(word for word, _ in terms.label) for terms in several]
        others = [" ".join(word for word, _ in terms.other) for terms in several]
        numbers, texts = grams(labels + others + mails)
        flags = np.array([0, SECONDARY, EMAIL])[texts // max(1, len(several))]
        rows = texts % max(1, len(several))
        order = np.argsort(rows, kind="stable")
        sizes = np.bincount(rows[order], minlength=len(several))
        if sizes.max(initial=0) > 250:
            order = order[_within(rows[order], sizes, 250)]
            sizes = np.minimum(sizes, 250)
        bagged = (numbers[order] << FLAG_BITS | flags[order]).astype(np.int32)
        self.gram_bags.extend(bagged, sizes.astype(np.int32))

    def _count(self, low: int, high: int, by: int) -> None:
        self.names.count(self.name_bags.between(low, high)[0] >> FLAG_BITS, by)
        self.places.count(_place_words(self.place_bags, low, high)[0], by)
        codes = self.code_table[low:high]
        self.codes.count(codes[codes >= 0], by)
        np.add.at(self.gram_held, self.gram_bags.between(low, high)[0] >> FLAG_BITS, by)
        self._gram_rarity = None

    @property
    def gram_rarity(self) -> Floats:
        """The rarity of each run of three letters; 0 for none."""
        if self._gram_rarity is None:
            self._gram_rarity = np.log1p((len(self) + 1.0) / (self.gram_held + 1.0))
            self._gram_rarity[0] = 0.0
        return self._gram_rarity

    def drop(self, record_ids: Iterable[str]) -> None:
        """Forget records; unknown ids are no error."""
        for record_id in record_ids:
            row = self._rows.pop(record_id, None)
            if row is not None:
                self._count(row, row + 1, -1)
                self._alive.view[row] = False

    def refresh(self) -> None:
        """Make what was put since the last time findable; call before asking."""
        if len(self.ids) - len(self._rows) > max(1000, len(self.ids) // 4):
            self._clear_out()
        done = self.segments[-1].high if self.segments else 0
        if done == len(self.ids):
            return
        low = done
        while self.segments and len(self.ids) - low >= (low - self.segments[-1].low) // 4:
            low = self.segments.pop().low
        self.segments.append(self._segment(low, len(self.ids)))

    def _segment(self, low: int, high: int) -> Segment:
        codes = self.code_table[low:high]
        rows, places = np.nonzero(codes >= 0)
        return Segment(
            low,
            high,
            _postings(self.name_bags, low, high),
            Postings.of(*_place_words(self.place_bags, low, high)),
            Postings.of(codes[rows, places], (rows + low).astype(np.int32)),
            _postings(self.gram_bags, low, high, GRAMS),
        )

    def _clear_out(self) -> None:
        rows = np.flatnonzero(self.alive).astype(np.int32)
        self.name_bags = self.name_bags.only(rows)
        self.place_bags = self.place_bags.only(rows)
        self.gram_bags = self.gram_bags.only(rows)
        codes, kinds, firms = (
            GrowableArray(np.int32, -1),
            GrowableArray(np.int8),
            GrowableArray(np.bool_),
        )
        marks = GrowableArray(np.int8)
        codes.extend(self.code_table[rows].ravel())
        kinds.extend(self.kinds[rows])
        firms.extend(self.firms[rows])
        marks.extend(self._marks.view[rows])
        self._codes, self._kinds, self._firms, self._marks = codes, kinds, firms, marks
        self._alive = GrowableArray(np.bool_)
        self._alive.extend(np.ones(len(rows), np.bool_))
        self.ids = [self.ids[row] for row in rows]
        self.mails = [self.mails[row] for row in rows]
        self._rows = {record_id: row for row, record_id in enumerate(self.ids)}
        self.segments = []

    def rows_with_any(self, field: str, numbers: Ints) -> list[Ints]:
        """Rows that hold one of the numbers in `names`, `places` or `codes`, given up ones too."""
        return [
            rows for segment in self.segments for rows in getattr(segment, field).find_all(numbers)
        ]

    def table(self, field: str, rows: Ints) -> Ints:
        """The numbers that rows hold in `names`, `places` or `codes`, -1 for none."""
        if field == "codes":
            return self.code_table[rows]
        bags = self.name_bags if field == "names" else self.place_bags
        return bags.table(rows) >> FLAG_BITS


def _marks(terms: NormalisedDetails) -> int:
    postal = sum(1 << at for at, place in enumerate(terms.places) if place.is_postal)
    return postal | (RETIRED if terms.retired else 0)


def _place_words(bags: TokenLists, low: int, high: int) -> tuple[Ints, Ints]:
    """The words of all places of the rows, and the row of each; one of several places once."""
    values, rows = bags.between(low, high)
    words = values >> FLAG_BITS
    several = ((values >> PLACE_BIT) & (MOST_PLACES - 1)) > 0
    if several.any():
        keys = rows.astype(np.int64) << 32 | words
        first = np.sort(np.unique(keys, return_index=True)[1])
        words, rows = words[first], rows[first]
    return words, rows


def _postings(bags: TokenLists, low: int, high: int, range_: int = 0) -> Postings:
    values, rows = bags.between(low, high)
    return Postings.of(values >> FLAG_BITS, rows, range_)


def _within(groups: Ints, sizes: NDArray[np.int64], most: int) -> NDArray[np.bool_]:
    starts = np.cumsum(sizes) - sizes
    kept: NDArray[np.bool_] = np.arange(len(groups)) - starts[groups] < most
    return kept
