"""What addresses say: their postcodes, streets and towns.

A contact and a record may have several addresses each (where post goes, where the work is). All
pairs are compared, and the one that fits best speaks; so addresses differ only where all do.
"""

from dataclasses import dataclass

import numpy as np

from crmlink.matching.candidates import one_edit_variants
from crmlink.matching.columns import Floats
from crmlink.matching.features.context import ComparisonContext
from crmlink.matching.features.similarity import (
    EXACT,
    BoolArray,
    Table,
    WordTable,
    align,
    rarity_of,
    share,
    word_similarity,
    word_table,
)
from crmlink.matching.normalised import MOST_PLACES, PLACE_BIT, TOWN, Place

Features = dict[str, Floats]
APART = 0.7  # addresses with less in common speak against each other, the more the less it is
ONE_LETTER = 1.01  # how many letters may differ, with room for rounding
AGAINST = ("postcode_other", "address_apart", "address_other", "house_number_other", "town_other")


def place_features(scene: ComparisonContext) -> Features:
    """Features of addresses; a word of the street may stand in the record's town."""
    asked = scene.asked.places
    if not asked:
        return {}
    held = word_table(scene.place_table, scene.index.places, scene.total)
    owner = np.where(held.inside, held.flags >> PLACE_BIT, -1)
    numbers = range(MOST_PLACES)
    there = [(scene.postcodes[:, n] >= 0) | (owner == n).any(axis=1) for n in numbers]
    last = max((number for number in numbers if there[number].any()), default=0)
    pairs = [
        (_pair(scene, place, held, owner == number, number), there[number])
        for place in asked
        for number in range(last + 1)
    ]
    return pairs[0][0] if len(pairs) == 1 else _best(pairs)


def _best(compared: list[tuple[Features, BoolArray]]) -> Features:
    """For each record the features of the pair of addresses that fits best, of those it has."""
    pairs = [pair for pair, _ in compared]
    rows = len(compared[0][1])
    names = dict.fromkeys(name for pair in pairs for name in pair)
    zeros = np.zeros(rows)
    fits = [np.where(there, _fit(pair, zeros), -np.inf) for pair, there in compared]
    speaks = np.array(fits).argmax(axis=0)
    at = np.arange(rows)
    return {name: np.array([pair.get(name, zeros) for pair in pairs])[speaks, at] for name in names}


def _fit(pair: Features, zeros: Floats) -> Floats:
    """How well two addresses fit: above zero for agreement, below for difference."""

    def column(name: str) -> Floats:
        return pair.get(name, zeros)

    street = np.maximum(column("address_covered"), column("address_record_covered"))
    fit: Floats = (
        4.0 * (column("postcode_same") > 0)
        + 2.5 * (column("postcode_near") > 0)
        + 1.0 * (column("outward_same") > 0)
        + 3.0 * street
        + 1.0 * column("house_number")
        + 1.0 * column("town_fit")
        - 3.0 * column("postcode_other")
        - 2.0 * column("address_apart")
        - 1.0 * column("address_other")
        - 2.0 * column("house_number_other")
        - 1.0 * column("town_other")
    )
    return fit


def _pair(
    scene: ComparisonContext, place: Place, held: WordTable, mine: BoolArray, number: int
) -> Features:
    """The features of one address of the contact and the records' addresses of one number."""
    columns = _postcodes(scene, place, number)
    if place.words:
        columns |= _words(scene, place, held, mine)
    silent = scene.postal[:, number] | place.is_postal  # post goes there: nobody need live there
    for name in AGAINST:
        if name in columns:
            columns[name] = columns[name] * ~silent
    return columns


def _postcodes(scene: ComparisonContext, place: Place, number: int) -> Features:
    if not place.postcode:
        return {}
    held, outward = scene.postcodes[:, number], scene.outwards[:, number]
    (code,), (rarity,) = scene.codes("p", (place.postcode,))
    same = (held == code) & (code >= 0)
    alike = scene.alike_codes(place.postcode, held, (held >= 0) & ~same)
    close = (alike * len(place.postcode) >= len(place.postcode) - ONE_LETTER) & ~same
    part, part_rarity = np.zeros(len(held), np.bool_), 0.0
    if place.outward:
        (area,), (part_rarity,) = scene.codes("o", (place.outward,))
        part = (outward == area) & (area >= 0) & (part_rarity > 0) & ~same
    near_rarity = _near_rarity(scene, place.postcode) if close.any() else 0.0
    return {
        "postcode_same": same * rarity,
        "postcode_near": np.where(close, near_rarity, 0.0),
        "outward_same": part * part_rarity,
        "postcode_other": ((held >= 0) & ~same & ~close & ~part).astype(np.float64),
    }


def _near_rarity(scene: ComparisonContext, postcode: str) -> float:
    """How rare the postcodes one slip from this one are together: short ones are not."""
    codes = scene.index.codes
    numbers = [codes.lookup(f"p:{code}") for code in one_edit_variants(postcode)]
    near = np.array([number for number in numbers if number >= 0], np.int64)
    return float(rarity_of(np.array([codes.held(near).sum()]), scene.total)[0])


@dataclass(frozen=True, slots=True)
class _Street:
    """The words of the contact's street beside the records' words of one address."""

    words: list[str]
    alike: Table
    weights: Floats
    held: WordTable
    inside: BoolArray  # (records, most words): of this address
    street: BoolArray  # of these, those that are not of the town


def _words(scene: ComparisonContext, place: Place, held: WordTable, inside: BoolArray) -> Features:
    words = [word for word, _ in place.words]
    alike = word_similarity(words, held.distinct, names=False)
    weights = scene.rarities(scene.index.places, words)
    town = np.array([flag == TOWN for _, flag in place.words])
    their_town = (held.flags & TOWN) > 0
    street = [word for word, flag in place.words if flag != TOWN]
    columns: Features = {}
    if street:
        columns |= _address(
            _Street(street, alike[~town], weights[~town], held, inside, inside & ~their_town)
        )
    if town.any():
        columns |= _town(alike[town], weights[town], held, inside & their_town)
    return columns


def _address(own: _Street) -> Features:
    has = own.street.any(axis=1).astype(np.float64)
    aligned = align(own.alike, own.held, own.inside)
    column = own.weights[:, None]
    exact = (column * (aligned.asked == EXACT)).sum(axis=0)
    rarer = np.minimum(column, aligned.weights)
    near = (rarer * np.where(aligned.asked < EXACT, aligned.asked**2, 0)).sum(axis=0)
    covered = (column * aligned.asked).sum(axis=0) / max(float(column.sum()), 1e-9)
    theirs = np.where(own.street, own.held.weights, 0)
    record_covered = share((theirs * aligned.held).sum(axis=1), theirs.sum(axis=1))
    fits = np.maximum(covered, record_covered)
    agrees, both = _house_numbers(own, aligned.asked)
    return {
        "address_exact": exact * has,
        "address_near": np.minimum(near, 12.0) * has,
        "address_covered": covered * has,
        "address_record_covered": record_covered * has,
        "address_apart": has * np.maximum(1 - fits / APART, 0.0),
        "address_other": has * (fits < 0.25),
        "house_number": has * (agrees & both),
        "house_number_other": has * (~agrees & both),
    }


def _house_numbers(own: _Street, alike: Table) -> tuple[BoolArray, BoolArray]:
    """Whether a number of the address agrees, and whether both addresses have one."""
    numbers = np.array([word[0].isdigit() for word in own.words])
    digits = np.array([word[0].isdigit() for word in own.held.distinct] + [False])
    agrees = np.asarray((alike[numbers] == EXACT).any(axis=0))
    theirs = np.asarray((digits[own.held.at] & own.street).any(axis=1))
    return agrees, theirs & bool(numbers.any())


def _town(alike: Table, weights: Floats, held: WordTable, town: BoolArray) -> Features:
    has = town.any(axis=1).astype(np.float64)
    aligned = align(alike, held, town)
    column = weights[:, None]
    theirs = np.where(town, held.weights, 0.0)
    covered = (column * aligned.asked).sum(axis=0) / max(float(column.sum()), 1e-9)
    fits = np.maximum(covered, share((theirs * aligned.held).sum(axis=1), theirs.sum(axis=1)))
    return {
        "town_exact": (column * (aligned.asked == EXACT)).sum(axis=0) * has,
        "town_fit": fits * has,
        "town_other": has * (fits < 0.3),
    }
