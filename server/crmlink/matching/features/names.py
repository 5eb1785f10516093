"""What the names say: each candidate's name beside the contact's.

A contact and a record may both have two names, a company and a person; the two names that fit
best speak. Words in brackets or behind a comma count half.
"""

from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from crmlink.matching import normalise
from crmlink.matching.columns import FLAG_BITS, Floats, Ints
from crmlink.matching.features.context import ComparisonContext
from crmlink.matching.features.similarity import (
    EXACT,
    INITIAL,
    NICK,
    Alignment,
    BoolArray,
    Table,
    WordTable,
    align,
    generic_word_weights,
    share,
    word_similarity,
    word_table,
)
from crmlink.matching.normalised import PARENTHETICAL, SECONDARY, FlaggedWords

Features = dict[str, Floats]
SECOND_FITS = 0.75
LEAST_IN_MAIL = 3  # letters of a word that is looked for in an email


@dataclass(frozen=True, slots=True)
class RecordNames:
    """All names of all candidates, one a row: first their labels, then the people behind some."""

    of: Ints  # the candidate of each row
    behind: BoolArray  # whether the row is a person behind a company
    held: WordTable
    there: BoolArray  # whether the row has a word

    @classmethod
    def of_scene(cls, scene: ComparisonContext) -> "RecordNames":
        table = scene.index.name_bags.table(scene.rows)
        second = (table >= 0) & ((table & SECONDARY) > 0)
        behind = np.flatnonzero(second.any(axis=1))
        both = np.concatenate(
            [np.where(second, -1, table), np.where(second[behind], table[behind], -1)]
        )
        held = word_table(both, scene.index.names, scene.total, True)
        rows = len(table)
        return cls(
            np.concatenate([np.arange(rows), behind]).astype(np.int32),
            np.arange(rows + len(behind)) >= rows,
            held,
            np.asarray(held.inside.any(axis=1)),
        )


@dataclass(frozen=True, slots=True)
class NameComparison:
    """One name of the contact beside every name of every candidate."""

    own: FlaggedWords
    weights: Floats  # of own, by rarity
    aside: BoolArray  # of own
    theirs: RecordNames
    alike: Table
    is_person: bool  # own
    is_behind: bool  # own is the person behind a company


def name_features(scene: ComparisonContext) -> Features:
    """Features of names, and `persons`: 1 where the names that speak are both persons'."""
    asked = scene.asked
    words = [word for word, _ in (*asked.label, *asked.other)]
    if not words:
        return {}
    theirs = RecordNames.of_scene(scene)
    alike = word_similarity(words, theirs.held.distinct, names=True)
    weights = scene.rarities(scene.index.names, words) * generic_word_weights(words)
    cut = len(asked.label)
    found = []
    for own, part in ((asked.label, slice(0, cut)), (asked.other, slice(cut, None))):
        if own:
            aside = np.array([(flags & PARENTHETICAL) > 0 for _, flags in own])
            rarities = np.where(aside, weights[part] / 2, weights[part])
            behind = own is asked.other
            person = behind or not asked.firm
            pair = NameComparison(own, rarities, aside, theirs, alike[part], person, behind)
            found.append(_compare(scene, pair))
    return _best(found, theirs, len(scene.rows))


def _best(found: list[Features], theirs: RecordNames, rows: int) -> Features:
    """Of several pairs of names the one that fits best speaks; a second one that fits, too."""
    if len(found) == 1 and len(theirs.of) == rows:
        return found[0]
    places = np.full((2 * len(found), rows), -1)
    for at in range(len(found)):
        places[2 * at] = np.arange(rows) + at * len(theirs.of)
        places[2 * at + 1, theirs.of[rows:]] = np.arange(rows, len(theirs.of)) + at * len(theirs.of)
    there = np.append(np.tile(theirs.there, len(found)), False)
    fits = np.append(np.concatenate([columns["name_fit"] for columns in found]), -1.0)
    ranked = np.where(there[places], fits[places], -1.0)
    speaks = places[ranked.argmax(axis=0), np.arange(rows)]
    columns = {
        name: np.concatenate([columns[name] for columns in found])[speaks] for name in found[0]
    }
    columns["name_second"] = (np.sort(ranked, axis=0)[-2] > SECOND_FITS).astype(np.float64)
    return columns


def _compare(scene: ComparisonContext, pair: NameComparison) -> Features:
    theirs = pair.theirs
    aligned = align(pair.alike, theirs.held, theirs.held.inside)
    there = theirs.there
    words = [word for word, _ in pair.own]
    mailed = _contact_words_in_record_email(scene, words)[:, theirs.of]
    mails = _record_words_in_contact_email(scene, theirs.held)
    elsewhere = WordsInOtherFields(_in_place(scene, words)[:, theirs.of] | mailed, mailed, mails)
    flags = np.where(theirs.behind, SECONDARY, 0)
    cosine = scene.gram_cosine(" ".join(words), flags, theirs.of)
    straight, swapped = _spelling(pair)
    _ignore_spacing(pair, aligned, straight == 1.0)
    columns = _idf_sums(pair, aligned, elsewhere) | _counts(pair, aligned, elsewhere)
    covered, record_covered = columns["name_covered"], columns["name_record_covered"]
    best = np.maximum(np.maximum(swapped, straight), cosine)
    same = (aligned.asked == EXACT).all(axis=0)
    same &= ((aligned.held == EXACT) | ~theirs.held.inside).all(axis=1)
    columns |= {
        "name_same": same.astype(np.float64),
        "name_fit": best * 0.5 + 0.25 * (covered + record_covered),
        "name_both_covered": covered * record_covered,
        "name_cosine": cosine,
        "name_cosine_covered": cosine * covered,
        "name_cosine_record": cosine * record_covered,
        "name_spelling": straight,
        "name_spelling_covered": straight * covered,
        "name_order": np.maximum(swapped - straight, 0.0),
        "name_best": best,
        "name_number_swap": _numbers_differ(pair, aligned).astype(np.float64),
        "name_one_word": np.full(len(there), float(len(pair.own) == 1)),
        "name_there": np.ones(len(there)),
        "name_behind": (theirs.behind & (not pair.is_behind)).astype(np.float64),
    }
    persons = (theirs.behind | ~scene.index.firms[scene.rows[theirs.of]]) & pair.is_person
    columns = {name: column * there for name, column in columns.items()}
    return columns | {"persons": persons.astype(np.float64)}


@dataclass(frozen=True, slots=True)
class WordsInOtherFields:
    """Words that the other side has not in its name but in another place."""

    own: BoolArray  # (words, records): in the record's address, town or email
    mailed: BoolArray  # (words, records): in the record's email
    theirs: BoolArray  # (records, most words): in the contact's email


def _idf_sums(pair: NameComparison, aligned: Alignment, elsewhere: WordsInOtherFields) -> Features:
    """Sums of rarities: of words that agree, nearly agree, are lacking, are too many."""
    column = pair.weights[:, None]
    aside = pair.aside[:, None]
    held = pair.theirs.held
    theirs = np.where(held.inside, held.weights, 0.0)
    their_aside = (held.flags & PARENTHETICAL) > 0
    theirs = np.where(their_aside, theirs / 2, theirs)
    misspelt = (aligned.asked < NICK) & (aligned.asked > INITIAL)
    exact = (column * (aligned.asked == EXACT)).sum(axis=0)
    rarer = np.minimum(column, aligned.weights)
    near = (rarer * np.where(misspelt, aligned.asked, 0)).sum(axis=0)
    lacking = column * (1 - aligned.asked)
    lacking_main = (lacking * ~aside * ~elsewhere.own).sum(axis=0)
    surplus = theirs * (1 - aligned.held)
    surplus_main = (surplus * ~their_aside * ~elsewhere.theirs).sum(axis=1)
    mailed = (lacking * elsewhere.mailed).sum(axis=0) + (surplus * elsewhere.theirs).sum(axis=1)
    return {
        "name_exact": exact,
        "name_near": np.minimum(near, 12.0),
        "name_lacking": np.minimum(lacking_main, 15.0),
        "name_lacking_aside": (lacking * aside * ~elsewhere.own).sum(axis=0),
        "name_elsewhere": (lacking * elsewhere.own * ~elsewhere.mailed).sum(axis=0),
        "name_mailed": np.minimum(mailed, 12.0),
        "name_surplus": np.minimum(surplus_main, 15.0),
        "name_surplus_aside": (surplus * their_aside).sum(axis=1),
        "name_swap": np.minimum(np.minimum(lacking_main, surplus_main), 10.0),
        "name_rest": share(exact + near, exact + near + lacking_main + surplus_main),
        "name_covered": (column * aligned.asked).sum(axis=0) / max(float(column.sum()), 1e-9),
        "name_record_covered": share((theirs * aligned.held).sum(axis=1), theirs.sum(axis=1)),
    }


def _counts(pair: NameComparison, aligned: Alignment, elsewhere: WordsInOtherFields) -> Features:
    """Numbers of words without a partner, of short forms and of initials."""
    held = pair.theirs.held
    their_aside = (held.flags & PARENTHETICAL) > 0
    lacking = ((aligned.asked < 0.5) & ~pair.aside[:, None] & ~elsewhere.own).sum(axis=0)
    surplus = (aligned.held < 0.5) & held.inside & ~their_aside & ~elsewhere.theirs
    surplus = surplus.sum(axis=1)
    return {
        "name_nick": (aligned.asked == NICK).sum(axis=0).astype(np.float64),
        "name_initial": (aligned.asked == INITIAL).sum(axis=0).astype(np.float64),
        "name_words_lacking": np.minimum(lacking, 3.0),
        "name_words_surplus": np.minimum(surplus, 3.0),
        "name_words_swapped": np.minimum(np.minimum(lacking, surplus), 3.0),
        "name_first_word": (aligned.asked[0] >= INITIAL).astype(np.float64),
    }


def _numbers_differ(pair: NameComparison, aligned: Alignment) -> BoolArray:
    """Whether both names have a number that the other lacks."""
    held = pair.theirs.held
    mine = np.array([word[:1].isdigit() for word, _ in pair.own])
    if not mine.any():
        return np.zeros(len(held.inside), np.bool_)
    digits = np.array([word[:1].isdigit() for word in held.distinct] + [False])
    theirs = (digits[held.at] & held.inside & (aligned.held < 0.5)).any(axis=1)
    differ: BoolArray = theirs & ((aligned.asked < 0.5) & mine[:, None]).any(axis=0)
    return differ


def _in_place(scene: ComparisonContext, words: list[str]) -> BoolArray:
    """Which of the words the record has in its address or town, shape (words, records)."""
    numbers = np.array([scene.index.places.lookup(normalise.address(word)) for word in words])
    held = scene.place_table >> FLAG_BITS
    known = numbers >= 0
    found: BoolArray = (held[None] == numbers[:, None, None]).any(axis=2) & known[:, None]
    return found


def _contact_words_in_record_email(scene: ComparisonContext, words: list[str]) -> BoolArray:
    """Which of the words stand in the record's email, shape (words, records)."""
    found = np.zeros((len(words), len(scene.rows)), np.bool_)
    for row, word in enumerate(words):
        if len(word) >= LEAST_IN_MAIL:
            found[row, [at for at, mail in scene.mails if word in mail]] = True
    return found


def _record_words_in_contact_email(scene: ComparisonContext, held: WordTable) -> BoolArray:
    """Which of the records' words stand in the contact's emails, shape (records, most words)."""
    mail = " ".join(scene.asked.mail_texts)
    if not mail:
        return np.zeros(held.inside.shape, np.bool_)
    found = [len(word) >= LEAST_IN_MAIL and word in mail for word in held.distinct]
    return np.array([*found, False])[held.at] & held.inside


def _ignore_spacing(pair: NameComparison, aligned: Alignment, together: BoolArray) -> None:
    """Goodwill is Good Will: pairs all words outside brackets where spaces alone differ."""
    held = pair.theirs.held
    aligned.asked[np.ix_(~pair.aside, together)] = EXACT
    main = held.inside & ((held.flags & PARENTHETICAL) == 0) & together[:, None]
    aligned.held[main] = EXACT


def _spelling(pair: NameComparison) -> tuple[Floats, Floats]:
    """How alike the names are letter by letter: as they stand, and with sorted words."""
    words = [word for word, flag in pair.own if not flag & PARENTHETICAL]
    words = words or [word for word, _ in pair.own]
    held, there = pair.theirs.held, pair.theirs.there
    distinct = [*held.distinct, ""]
    main = held.inside & ((held.flags & PARENTHETICAL) == 0)
    main |= held.inside & ~main.any(axis=1)[:, None]
    lists = [[distinct[at] for at in row] for row in np.where(main, held.at, -1).tolist()]
    straight = ["".join(each) for each in lists]
    ordered = ["".join(sorted(each)) for each in lists]
    as_is = cdist(["".join(words)], straight, scorer=OSA.normalized_similarity)[0]
    swapped = cdist(["".join(sorted(words))], ordered, scorer=OSA.normalized_similarity)[0]
    return as_is.astype(np.float64) * there, swapped.astype(np.float64) * there
