"""How alike words are, and how the words of two texts pair up."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cdist

from crmlink.matching import normalise
from crmlink.matching.columns import FLAG_BITS, Floats, Ints, Vocabulary

FLAGS = (1 << FLAG_BITS) - 1
EXACT, NICK, FUZZY, INITIAL = 1.0, 0.97, 0.95, 0.55
TRADE_WORD_WEIGHT = 0.5
Table = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class WordTable:
    """The candidates' words of one field as tables of shape (records, most words)."""

    at: NDArray[np.int64]  # place of the word among `distinct`, the last one for no word
    flags: Ints
    inside: BoolArray
    weights: Floats
    distinct: list[str]


def generic_word_weights(words: list[str]) -> Floats:
    """What part of its rarity each word of a name counts with: half for words of trade."""
    return np.array([TRADE_WORD_WEIGHT if word in normalise.TRADE_WORDS else 1.0 for word in words])


def word_table(table: Ints, vocabulary: Vocabulary, total: int, names: bool = False) -> WordTable:
    """The words of a table; those of names count as `generic_word_weights` says."""
    inside = table >= 0
    numbers, at = np.unique(table >> FLAG_BITS, return_inverse=True)
    if len(numbers) and numbers[0] < 0:  # the place of -1 moves to the end
        numbers, at = numbers[1:], np.where(inside, at.reshape(table.shape) - 1, len(numbers) - 1)
    rarity = np.append(rarity_of(vocabulary.held(numbers), total), 0.0)
    at = at.reshape(table.shape)
    distinct = [vocabulary.words[number] for number in numbers]
    if names:
        rarity[:-1] *= generic_word_weights(distinct)
    return WordTable(at, table & FLAGS, inside, rarity[at], distinct)


def rarity_of(held: Floats, total: int) -> Floats:
    return np.log((total + 1.0) / np.maximum(held, 0.5))


def word_similarity(words: list[str], distinct: list[str], names: bool) -> Table:
    """How alike words are, shape (words, distinct + 1); the last column is for no word."""
    alike = np.zeros((len(words), len(distinct) + 1))
    if not words or not distinct:
        return alike
    spelling = cdist(words, distinct, scorer=OSA.normalized_similarity, dtype=np.float32)
    sound = cdist(words, distinct, scorer=JaroWinkler.normalized_similarity, dtype=np.float32)
    mean = (spelling + sound) / 2
    near = np.clip((mean - 0.55) / 0.45, 0, FUZZY)
    near[near < 0.25] = 0
    for row, word in enumerate(words):
        if word.isdigit() or (not names and word[0].isdigit()):  # 34a is another flat than 34b
            near[row] = 0
    near[spelling == 1] = EXACT
    alike[:, :-1] = near
    if names:
        _short_forms(words, distinct, alike)
    return alike


def _short_forms(words: list[str], distinct: list[str], alike: Table) -> None:
    """Marks short forms and initials."""
    places = {word: place for place, word in enumerate(distinct)}
    letters = [place for place, word in enumerate(distinct) if len(word) == 1]
    for row, word in enumerate(words):
        for other in normalise.NICKNAMES.get(word, ()):
            if other in places:
                alike[row, places[other]] = NICK
        if word[0].isdigit():
            continue
        if len(word) == 1:
            longer = [at for at, other in enumerate(distinct) if other[0] == word and other != word]
            alike[row, longer] = INITIAL
        else:
            alike[row, [at for at in letters if distinct[at] == word[0]]] = INITIAL


@dataclass(frozen=True, slots=True)
class Alignment:
    """Best partner of each of the contact's words and of each of the record's, 0 for none."""

    asked: Table  # (words, records)
    held: Table  # (records, most words)
    weights: Table  # (words, records): how rare the partner is


def align(alike: Table, bag: WordTable, mask: BoolArray) -> Alignment:
    """Pairs the words. One that has its equal on the other side is no misspelling of another."""
    paired = np.where(mask, alike[:, bag.at], 0.0)
    equal = paired == EXACT
    spent = equal.any(axis=0)[None] | equal.any(axis=2)[:, :, None]
    paired[spent & ~equal] = 0.0
    partner = paired.argmax(axis=2)
    weights = bag.weights[np.arange(len(bag.at)), partner]
    return Alignment(paired.max(axis=2, initial=0), paired.max(axis=0, initial=0), weights)


def share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
