"""Similarity of words, and alignment of the words of two texts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cdist

from crmlink.matching import normalise
from crmlink.matching.columns import FLAG_BITS, Floats, Ints, Vocabulary

FLAGS = (1 << FLAG_BITS) - 1
EXACT, NICK, FUZZY, INITIAL = 1.0, 0.97, 0.95, 0.55
JUMBLED = 0.6  # similarity of words of the same letters, if they look less alike than that
MIN_SAME_LETTERS = 0.84  # share of letters in common from which a word is another jumbled
MIN_JUMBLED_LENGTH = 5  # shorter words have the letters of others by chance
TRADE_WORD_WEIGHT = 0.5
MAX_SHARING_RECORDS = 1.1  # records that may share a value for it to count as unique
Table = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class WordTable:
    """The candidates' words of one field as tables of shape (records, max words)."""

    index: NDArray[np.int64]  # index of the word in `distinct`, len(distinct) for no word
    flags: Ints
    inside: BoolArray
    weights: Floats
    distinct: list[str]


def generic_word_weights(words: list[str]) -> Floats:
    """Return the factor on each word's idf: half for words of trade."""
    return np.array([TRADE_WORD_WEIGHT if word in normalise.TRADE_WORDS else 1.0 for word in words])


def word_table(table: Ints, vocabulary: Vocabulary, total: int, names: bool = False) -> WordTable:
    """Return the words of a table; those of names are weighted by `generic_word_weights`."""
    inside = table >= 0
    numbers, index = np.unique(table >> FLAG_BITS, return_inverse=True)
    if len(numbers) and numbers[0] < 0:  # move the index of -1 to the end
        numbers, index = (
            numbers[1:],
            np.where(inside, index.reshape(table.shape) - 1, len(numbers) - 1),
        )
    rarity = np.append(idf(vocabulary.document_frequency(numbers), total), 0.0)
    index = index.reshape(table.shape)
    distinct = [vocabulary.words[number] for number in numbers.tolist()]
    if names:
        rarity[:-1] *= generic_word_weights(distinct)
    return WordTable(index, table & FLAGS, inside, rarity[index], distinct)


def idf(document_frequency: Floats, total: int) -> Floats:
    """Return the inverse document frequency of values, from their document frequencies."""
    return np.log((total + 1.0) / np.maximum(document_frequency, 0.5))


def idf_of_unique_value(total: int) -> float:
    """Return the idf of a value that only one of `total` records contains."""
    return float(np.log((total + 1.0) / MAX_SHARING_RECORDS))


def word_similarity(
    words: list[str], distinct: list[str], names: bool, persons: slice = slice(0)
) -> Table:
    """Return the similarity of words, shape (words, distinct + 1); the last column is 0.

    Those in `persons` are of a person's name.
    """
    alike = np.zeros((len(words), len(distinct) + 1))
    if not words or not distinct:
        return alike
    spelling = cdist(words, distinct, scorer=OSA.normalized_similarity, dtype=np.float32)
    sound = cdist(words, distinct, scorer=JaroWinkler.normalized_similarity, dtype=np.float32)
    mean = (spelling + sound) / 2
    near = np.clip((mean - 0.55) / 0.45, 0, FUZZY)
    near[near < 0.25] = 0
    near[persons] = np.maximum(near[persons], JUMBLED * _jumbled(words[persons], distinct))
    for row, word in enumerate(words):
        if word.isdigit() or (not names and word[0].isdigit()):  # 34a and 34b are different flats
            near[row] = 0
    near[spelling == 1] = EXACT
    alike[:, :-1] = near
    if names:
        _short_forms(words, distinct, alike)
    return alike


def has_letters_of(word: str, other: str) -> bool:
    """Return whether two words are long and have nearly the same letters in another order."""
    return bool(_jumbled([word], [other])[0, 0])


def _jumbled(words: list[str], distinct: list[str]) -> BoolArray:
    """Return which words have nearly the same letters in another order, as in hasty typing.

    A firm's name is of common words, and many of those have the letters of others.
    """
    if not words:
        return np.zeros((0, len(distinct)), np.bool_)
    same = np.zeros((len(words), len(distinct)), np.bool_)
    rows, columns = (
        [at for at, word in enumerate(each) if len(word) >= MIN_JUMBLED_LENGTH]
        for each in (words, distinct)
    )
    if rows and columns:
        letters = ["".join(sorted(words[at])) for at in rows]
        others = ["".join(sorted(distinct[at])) for at in columns]
        alike = cdist(letters, others, scorer=OSA.normalized_similarity)
        same[np.ix_(rows, columns)] = alike >= MIN_SAME_LETTERS
    return same


def _short_forms(words: list[str], distinct: list[str], alike: Table) -> None:
    """Write the similarity of short forms, initials and other forenames (none) into the table."""
    positions = {word: position for position, word in enumerate(distinct)}
    letters = [position for position, word in enumerate(distinct) if len(word) == 1]
    forenames = [i for i, word in enumerate(distinct) if normalise.is_forename(word)]
    for row, word in enumerate(words):
        for form in normalise.NICKNAMES.get(word, ()):
            if form in positions:
                alike[row, positions[form]] = NICK
        if word[0].isdigit():
            continue
        if normalise.is_forename(word):
            others = [i for i in forenames if normalise.are_other_forenames(word, distinct[i])]
            alike[row, others] = 0.0
        if len(word) == 1:
            longer = [i for i, form in enumerate(distinct) if form[0] == word and form != word]
            alike[row, longer] = INITIAL
        else:
            alike[row, [i for i in letters if distinct[i] == word[0]]] = INITIAL


@dataclass(frozen=True, slots=True)
class Alignment:
    """Similarity of the best partner of each contact word and each record word, 0 for none."""

    contact: Table  # (words, records)
    record: Table  # (records, max words)
    weights: Table  # (words, records): idf of the partner


def align(alike: Table, words: WordTable, mask: BoolArray) -> Alignment:
    """Return the best partners; a word with an equal partner is not a misspelling of another."""
    paired = np.where(mask, alike[:, words.index], 0.0)
    equal = paired == EXACT
    spent = equal.any(axis=0)[None] | equal.any(axis=2)[:, :, None]
    paired[spent & ~equal] = 0.0
    partner = paired.argmax(axis=2)
    weights = words.weights[np.arange(len(words.index)), partner]
    return Alignment(paired.max(axis=2, initial=0), paired.max(axis=0, initial=0), weights)


def safe_divide(part: Floats, whole: Floats) -> Floats:
    """Return part / whole, 0 where whole is 0."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
