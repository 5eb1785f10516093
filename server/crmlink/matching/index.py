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
from crmlink.matching.columns import FLAG_BITS, Bags, Floats, Growing, Ints, Postings, Vocabulary
from crmlink.matching.normalised import MAIL, OTHER, Terms, mail_text

CODES = ("postcode", "outward", "email", "domain", "account")
CODE_WIDTH = len(CODES) + 4  # four phones
PHONES = slice(len(CODES), CODE_WIDTH)
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


class Index:
    """Rows of records; not thread-safe by itself."""

    def __init__(self) -> None:
        self.names, self.places, self.codes = Vocabulary(), Vocabulary(), Vocabulary()
        self.name_bags, self.place_bags, self.gram_bags = Bags(), Bags(), Bags()
        self._codes = Growing(np.int32, -1)
        self._kinds = Growing(np.int8)
        self._firms = Growing(np.bool_)
        self._alive = Growing(np.bool_)
        self.gram_held = np.zeros(GRAMS)
        self._gram_rarity: Floats | None = None
        self.ids: list[str] = []
        self.mails: list[str] = []  # for each row the letters of its email
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
        """For each row the numbers of its codes, shape (rows, CODE_WIDTH), -1 for none."""
        return self._codes.view.reshape(-1, CODE_WIDTH)

    def put(self, records: Sequence[tuple[str, Terms]]) -> None:
        """Add records, or replace those with the same id."""
        records = list({record_id: (record_id, terms) for record_id, terms in records}.values())
        self.drop(record_id for record_id, _ in records)
        first = len(self.ids)
        for record_id, terms in records:
            self._rows[record_id] = len(self.ids)
            self.ids.append(record_id)
            words = (*terms.label, *terms.other)
            self.name_bags.append([self.names.number(w) << FLAG_BITS | flag for w, flag in words])
            place = [self.places.number(w) << FLAG_BITS | flag for w, flag in terms.place]
            self.place_bags.append(place)
            self._codes.extend(self._coded(terms))
        self._kinds.extend([KINDS.index(t.kind) + 1 if t.kind else 0 for _, t in records])
        self._firms.extend(np.array([t.firm for _, t in records], np.bool_))
        self._alive.extend(np.ones(len(records), np.bool_))
        mails = [mail_text(terms.email) for _, terms in records]
        self.mails.extend(mails)
        self._put_grams([terms for _, terms in records], mails)
        self._count(first, len(self.ids), 1)

    def _coded(self, terms: Terms) -> list[int]:
        values = [getattr(terms, field) for field in CODES]
        numbers = [
            self.codes.number(f"{field[0]}:{value}") if value else -1
            for field, value in zip(CODES, values, strict=True)
        ]
        phones = [self.codes.number(f"+:{phone}") for phone in terms.phones]
        return numbers + phones + [-1] * (4 - len(phones))

    def _put_grams(self, several: Sequence[Terms], mails: list[str]) -> None:
        labels = [" ".join(word for word, _ in terms.label) for terms in several]
        others = [" ".join(word for word, _ in terms.other) for terms in several]
        numbers, texts = grams(labels + others + mails)
        flags = np.array([0, OTHER, MAIL])[texts // max(1, len(several))]
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
        self.places.count(self.place_bags.between(low, high)[0] >> FLAG_BITS, by)
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
            _postings(self.place_bags, low, high),
            Postings.of(codes[rows, places], (rows + low).astype(np.int32)),
            _postings(self.gram_bags, low, high, GRAMS),
        )

    def _clear_out(self) -> None:
        rows = np.flatnonzero(self.alive).astype(np.int32)
        self.name_bags = self.name_bags.only(rows)
        self.place_bags = self.place_bags.only(rows)
        self.gram_bags = self.gram_bags.only(rows)
        codes, kinds, firms = Growing(np.int32, -1), Growing(np.int8), Growing(np.bool_)
        codes.extend(self.code_table[rows].ravel())
        kinds.extend(self.kinds[rows])
        firms.extend(self.firms[rows])
        self._codes, self._kinds, self._firms = codes, kinds, firms
        self._alive = Growing(np.bool_)
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


def _postings(bags: Bags, low: int, high: int, range_: int = 0) -> Postings:
    values, rows = bags.between(low, high)
    return Postings.of(values >> FLAG_BITS, rows, range_)


def _within(groups: Ints, sizes: NDArray[np.int64], most: int) -> NDArray[np.bool_]:
    starts = np.cumsum(sizes) - sizes
    kept: NDArray[np.bool_] = np.arange(len(groups)) - starts[groups] < most
    return kept
