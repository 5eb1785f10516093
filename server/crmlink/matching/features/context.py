"""One contact and its candidates: what every comparison of theirs looks at."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from crmlink.matching.columns import FLAG_BITS, Floats, Ints, Vocabulary
from crmlink.matching.features.similarity import FLAGS, BoolArray, rarity_of, share
from crmlink.matching.index import GRAMS, OUTWARDS, POSTCODES, InvertedIndex, grams
from crmlink.matching.normalised import NormalisedDetails


class ComparisonContext:
    """The contact, the rows of its candidates, and tables about them, each made once."""

    def __init__(self, index: InvertedIndex, asked: NormalisedDetails, rows: Ints) -> None:
        self.index, self.asked, self.rows = index, asked, rows
        self.total = len(index)
        self.log_total = float(np.log(self.total + 1.0))

    @cached_property
    def place_table(self) -> Ints:
        """Flagged words of address and town, shape (records, most words), -1 for none."""
        return self.index.place_bags.table(self.rows)

    @cached_property
    def postcodes(self) -> Ints:
        """Numbers of the postcodes of each record's places, shape (records, places), -1: none."""
        return self.index.place_codes(self.rows, POSTCODES)

    @cached_property
    def outwards(self) -> Ints:
        """As `postcodes`, for their outward parts."""
        return self.index.place_codes(self.rows, OUTWARDS)

    @cached_property
    def postal(self) -> BoolArray:
        """Which places of each record post alone goes to, shape (records, places)."""
        return self.index.postal(self.rows)

    def codes(self, letter: str, values: Sequence[str]) -> tuple[NDArray[np.int64], Floats]:
        """The numbers of codes, -1 for unknown ones, and how rare each is."""
        find = self.index.codes.lookup
        numbers = np.array([find(f"{letter}:{value}") for value in values], np.int64)
        return numbers, rarity_of(self.index.codes.held(numbers), self.total)

    @cached_property
    def _gram_table(self) -> Ints:
        return self.index.gram_bags.table(self.rows)

    @cached_property
    def mails(self) -> list[tuple[int, str]]:
        """The candidates that have emails, by place, and the letters of these."""
        mails = self.index.mails
        return [(at, mails[row]) for at, row in enumerate(self.rows.tolist()) if mails[row]]

    def rarities(self, vocabulary: Vocabulary, words: list[str]) -> Floats:
        """How rare each word is in the list at hand."""
        numbers = np.array([vocabulary.lookup(word) for word in words], np.int64)
        return rarity_of(vocabulary.held(numbers), self.total)

    def gram_cosine(self, text: str, flags: Ints | int, of: Ints | None = None) -> Floats:
        """Cosine of runs of three letters, each weighted by its rarity, with each record's.

        Looks at the runs with the flag, or for each candidate in `of` at those with its one.
        """
        mine = grams([text])[0]
        rarity = self.index.gram_rarity
        weight = np.zeros(GRAMS)
        weight[mine] = rarity[mine]
        table = self._gram_table if of is None else self._gram_table[of]
        wanted = np.reshape(flags, (-1, 1))
        held = np.where((table >= 0) & ((table & FLAGS) == wanted), table >> FLAG_BITS, 0)
        held_rarity = rarity[held]
        product = (weight[held] * held_rarity).sum(axis=1)
        length = np.sqrt((held_rarity**2).sum(axis=1)) * np.sqrt((rarity[mine] ** 2).sum())
        return share(product, length)

    def alike_codes(self, value: str, held: Ints, of: BoolArray) -> Floats:
        """How alike a code is to the records' ones where `of` is true, else 0."""
        alike = np.zeros(len(held))
        if of.any():
            words = self.index.codes.words
            texts = [words[number][2:] for number in held[of].tolist()]
            alike[of] = cdist([value], texts, scorer=OSA.normalized_similarity)[0]
        return alike
