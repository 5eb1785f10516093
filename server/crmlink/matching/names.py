"""What the names say: each candidate's name beside the contact's.

A contact and a record may both have two names, a company and a person; the two names that fit
best speak. Words in brackets or behind a comma count half.
"""

from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from crmlink.matching import normalise
from crmlink.matching.columns import FLAG_BITS, Floats
from crmlink.matching.likeness import (
    EXACT,
    INITIAL,
    NICK,
    Alignment,
    Bag,
    Marks,
    Table,
    align,
    bag,
    likeness,
    plainness,
    share,
)
from crmlink.matching.scene import Scene
from crmlink.matching.terms import ASIDE, OTHER, Words

Features = dict[str, Floats]
SECOND_FITS = 0.75


@dataclass(frozen=True, slots=True)
class Pair:
    """One name of the contact beside one name of every candidate."""

    own: Words
    weights: Floats  # of own, by rarity
    aside: Marks  # of own
    held: Bag
    mask: Marks  # which of held belong to the records' name
    alike: Table
    own_is_person: bool
    only_person_behind: bool  # a company's contact person, and the contact is only a person
    persons: Floats  # 1 where both names are persons'


def name_features(scene: Scene) -> Features:
    """Features of names, and `persons`: 1 where the names that speak are both persons'."""
    asked = scene.asked
    words = [word for word, _ in (*asked.label, *asked.other)]
    if not words:
        return {}
    held = bag(scene.index.name_bags.table(scene.rows), scene.index.names, scene.total, True)
    alike = likeness(words, held.distinct, names=True)
    weights = scene.rarities(scene.index.names, words) * plainness(words)
    found = []
    cut = len(asked.label)
    for own, part in ((asked.label, slice(0, cut)), (asked.other, slice(cut, None))):
        for flag in (0, OTHER):
            mask = held.inside & ((held.flags & OTHER) == flag)
            if own and (flag == 0 or bool(mask.any())):
                pair = _pair(scene, own, weights[part], alike[part], held, mask, flag)
                found.append((_compared(scene, pair, flag), mask.any(axis=1)))
    return _best(found)


def _pair(
    scene: Scene, own: Words, weights: Floats, alike: Table, held: Bag, mask: Marks, flag: int
) -> Pair:
    aside = np.array([(flags & ASIDE) > 0 for _, flags in own])
    person = own is scene.asked.other or not scene.asked.firm
    theirs = (flag == OTHER) | ~scene.index.firms[scene.rows]
    return Pair(
        own,
        np.where(aside, weights / 2, weights),
        aside,
        held,
        mask,
        alike,
        person,
        flag == OTHER and own is not scene.asked.other,
        (theirs & person).astype(np.float64),
    )


def _best(found: list[tuple[Features, Marks]]) -> Features:
    """Of several pairs of names the one that fits best speaks; a second one that fits, too."""
    if len(found) == 1:
        return found[0][0]
    fits = np.stack([np.where(there, features["name_fit"], -1.0) for features, there in found])
    best = fits.argmax(axis=0)
    columns = dict(found[0][0])
    for place in np.unique(best[best > 0]).tolist():
        these = best == place
        for name, column in found[place][0].items():
            columns[name] = np.where(these, column, columns[name])
    columns["name_second"] = (np.sort(fits, axis=0)[-2] > SECOND_FITS).astype(np.float64)
    return columns


def _compared(scene: Scene, pair: Pair, flag: int) -> Features:
    aligned = align(pair.alike, pair.held, pair.mask)
    there = np.asarray(pair.mask.any(axis=1))
    elsewhere = _in_place(scene, [word for word, _ in pair.own])
    cosine = scene.gram_cosine(" ".join(word for word, _ in pair.own), flag)
    straight, swapped = _spelling(pair)
    columns = _masses(pair, aligned, elsewhere) | _counts(pair, aligned, elsewhere)
    covered, theirs = columns["name_covered"], columns["name_record_covered"]
    best = np.maximum(np.maximum(swapped, straight), cosine)
    all_equal = (aligned.asked == EXACT).all(axis=0)
    all_equal &= ((aligned.held == EXACT) | ~pair.mask).all(axis=1)
    columns |= {
        "name_same": (all_equal | (straight == 1.0)).astype(np.float64),
        "name_fit": best * 0.5 + 0.25 * (covered + theirs),
        "name_both_covered": covered * theirs,
        "name_cosine": cosine,
        "name_cosine_covered": cosine * covered,
        "name_cosine_record": cosine * theirs,
        "name_spelling": straight,
        "name_spelling_covered": straight * covered,
        "name_order": np.maximum(swapped - straight, 0.0),
        "name_best": best,
        "name_number_swap": _numbers_differ(pair, aligned).astype(np.float64),
        "name_one_word": np.full(len(there), float(len(pair.own) == 1)),
        "name_there": np.ones(len(there)),
        "name_behind": np.full(len(there), float(pair.only_person_behind)),
    }
    return {name: column * there for name, column in columns.items()} | {"persons": pair.persons}


def _masses(pair: Pair, aligned: Alignment, elsewhere: Marks) -> Features:
    """Sums of rarities: of words that agree, nearly agree, are lacking, are too many."""
    column = pair.weights[:, None]
    aside = pair.aside[:, None]
    theirs = np.where(pair.mask, pair.held.weights, 0.0)
    their_aside = (pair.held.flags & ASIDE) > 0
    theirs = np.where(their_aside, theirs / 2, theirs)
    misspelt = (aligned.asked < NICK) & (aligned.asked > INITIAL)
    exact = (column * (aligned.asked == EXACT)).sum(axis=0)
    rarer = np.minimum(column, aligned.weights)
    near = (rarer * np.where(misspelt, aligned.asked, 0)).sum(axis=0)
    lacking = column * (1 - aligned.asked)
    lacking_main = (lacking * ~aside * ~elsewhere).sum(axis=0)
    surplus = theirs * (1 - aligned.held)
    surplus_main = (surplus * ~their_aside).sum(axis=1)
    return {
        "name_exact": exact,
        "name_near": np.minimum(near, 12.0),
        "name_lacking": np.minimum(lacking_main, 15.0),
        "name_lacking_aside": (lacking * aside * ~elsewhere).sum(axis=0),
        "name_elsewhere": (lacking * elsewhere).sum(axis=0),
        "name_surplus": np.minimum(surplus_main, 15.0),
        "name_surplus_aside": (surplus * their_aside).sum(axis=1),
        "name_swap": np.minimum(np.minimum(lacking_main, surplus_main), 10.0),
        "name_rest": share(exact + near, exact + near + lacking_main + surplus_main),
        "name_covered": (column * aligned.asked).sum(axis=0) / max(float(column.sum()), 1e-9),
        "name_record_covered": share((theirs * aligned.held).sum(axis=1), theirs.sum(axis=1)),
    }


def _counts(pair: Pair, aligned: Alignment, elsewhere: Marks) -> Features:
    """Numbers of words without a partner, of short forms and of initials."""
    their_aside = (pair.held.flags & ASIDE) > 0
    lacking = ((aligned.asked < 0.5) & ~pair.aside[:, None] & ~elsewhere).sum(axis=0)
    surplus = ((aligned.held < 0.5) & pair.mask & ~their_aside).sum(axis=1)
    return {
        "name_nick": (aligned.asked == NICK).sum(axis=0).astype(np.float64),
        "name_initial": (aligned.asked == INITIAL).sum(axis=0).astype(np.float64),
        "name_words_lacking": np.minimum(lacking, 3.0),
        "name_words_surplus": np.minimum(surplus, 3.0),
        "name_words_swapped": np.minimum(np.minimum(lacking, surplus), 3.0),
        "name_first_word": (aligned.asked[0] >= INITIAL).astype(np.float64),
    }


def _numbers_differ(pair: Pair, aligned: Alignment) -> Marks:
    """Whether both names have a number that the other lacks."""
    mine = np.array([word[:1].isdigit() for word, _ in pair.own])
    if not mine.any():
        return np.zeros(len(pair.mask), np.bool_)
    digits = np.array([word[:1].isdigit() for word in pair.held.distinct] + [False])
    theirs = (digits[pair.held.at] & pair.mask & (aligned.held < 0.5)).any(axis=1)
    differ: Marks = theirs & ((aligned.asked < 0.5) & mine[:, None]).any(axis=0)
    return differ


def _in_place(scene: Scene, words: list[str]) -> Marks:
    """Which of the words the record has in its address or town, shape (words, records)."""
    numbers = np.array([scene.index.places.find(normalise.address(word)) for word in words])
    held = scene.place_table >> FLAG_BITS
    known = numbers >= 0
    found: Marks = (held[None] == numbers[:, None, None]).any(axis=2) & known[:, None]
    return found


def _spelling(pair: Pair) -> tuple[Floats, Floats]:
    """How alike the names are letter by letter: as they stand, and with sorted words."""
    words = [word for word, flag in pair.own if not flag & ASIDE]
    words = words or [word for word, _ in pair.own]
    distinct = [*pair.held.distinct, ""]
    main = pair.mask & ((pair.held.flags & ASIDE) == 0)
    main |= pair.mask & ~main.any(axis=1)[:, None]
    lists = [[distinct[at] for at in row] for row in np.where(main, pair.held.at, -1).tolist()]
    straight = ["".join(each) for each in lists]
    ordered = ["".join(sorted(each)) for each in lists]
    as_is = cdist(["".join(words)], straight, scorer=OSA.normalized_similarity)[0]
    swapped = cdist(["".join(sorted(words))], ordered, scorer=OSA.normalized_similarity)[0]
    there = pair.mask.any(axis=1)
    return as_is.astype(np.float64) * there, swapped.astype(np.float64) * there
