"""Context of a comparison: one contact, its candidates, and tables about them."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from crmlink.matching.columns import FLAG_BITS, Floats, Ints, Vocabulary
from crmlink.matching.features.similarity import FLAGS, BoolArray, idf, safe_divide
from crmlink.matching.index import OUTWARDS, POSTCODES, TRIGRAM_COUNT, InvertedIndex, trigrams
from crmlink.matching.normalised import NormalisedDetails


class ComparisonContext:
    """The contact, the rows of its candidates, and tables about them, each computed once."""

    def __init__(self, index: InvertedIndex, contact: NormalisedDetails, rows: Ints) -> None:
        self.index, self.contact, self.rows = index, contact, rows
        self.total = len(index)
        self.log_total = float(np.log(self.total + 1.0))

    @cached_property
    def address_table(self) -> Ints:
        """Flagged words of address and town, shape (records, max words), -1 for none."""
        return self.index.address_lists.table(self.rows)

    @cached_property
    def identifier_table(self) -> Ints:
        """Numbers of each record's codes, shape (records, CODE_WIDTH), negative for none."""
        return self.index.identifier_table[self.rows]

    @cached_property
    def postcodes(self) -> Ints:
        """Postcode numbers of each record's addresses, shape (records, addresses), -1 for none."""
        return self.index.address_codes(self.rows, POSTCODES)

    @cached_property
    def outwards(self) -> Ints:
        """As `postcodes`, for the outward parts."""
        return self.index.address_codes(self.rows, OUTWARDS)

    @cached_property
    def postal(self) -> BoolArray:
        """Whether each address is for post alone, shape (records, addresses)."""
        return self.index.postal(self.rows)

    def codes(self, letter: str, values: Sequence[str]) -> tuple[NDArray[np.int64], Floats]:
        """Return the numbers of identifiers, -1 for unknown ones, and the idf of each."""
        find = self.index.codes.lookup
        numbers = np.array([find(f"{letter}:{value}") for value in values], np.int64)
        return numbers, idf(self.index.codes.document_frequency(numbers), self.total)

    @cached_property
    def _trigram_table(self) -> Ints:
        return self.index.trigram_lists.table(self.rows)

    @cached_property
    def email_texts(self) -> list[tuple[int, str]]:
        """Candidates with emails: position, and the emails' letters."""
        email_texts = self.index.email_texts
        return [
            (index, email_texts[row])
            for index, row in enumerate(self.rows.tolist())
            if email_texts[row]
        ]

    def idf_of_words(self, vocabulary: Vocabulary, words: list[str]) -> Floats:
        """Return the idf of each word among all records."""
        numbers = np.array([vocabulary.lookup(word) for word in words], np.int64)
        return idf(vocabulary.document_frequency(numbers), self.total)

    def trigram_cosine(self, text: str, flags: Ints | int, of: Ints | None = None) -> Floats:
        """Return the idf-weighted cosine of trigrams between the text and each record.

        Uses the record's trigrams with the flag; with `of`, for each candidate in it those with its
        own flag.
        """
        contact_trigrams = trigrams([text])[0]
        idf_of_trigram = self.index.trigram_idf
        is_shared = np.zeros(TRIGRAM_COUNT, np.bool_)
        is_shared[contact_trigrams] = True
        table = self._trigram_table if of is None else self._trigram_table[of]
        wanted_flags = np.reshape(flags, (-1, 1))
        record_trigrams = np.where(
            (table >= 0) & ((table & FLAGS) == wanted_flags), table >> FLAG_BITS, 0
        )
        record_idf = idf_of_trigram[record_trigrams]
        squares = record_idf**2
        product = (squares * is_shared[record_trigrams]).sum(axis=1)
        length = np.sqrt(squares.sum(axis=1)) * np.sqrt(
            (idf_of_trigram[contact_trigrams] ** 2).sum()
        )
        return safe_divide(product, length)

    def code_similarity(self, value: str, record_codes: Ints, of: BoolArray) -> Floats:
        """Return the similarity of a code to the records' codes where `of` is true, else 0."""
        similarity = np.zeros(len(record_codes))
        if of.any():
            words = self.index.codes.words
            texts = [words[number][2:] for number in record_codes[of].tolist()]
            similarity[of] = cdist([value], texts, scorer=OSA.normalized_similarity)[0]
        return similarity
