"""What addresses and towns say."""

import numpy as np

from crmlink.matching.columns import Floats
from crmlink.matching.features.context import Scene
from crmlink.matching.features.similarity import (
    EXACT,
    Bag,
    Marks,
    Table,
    align,
    bag,
    likeness,
    share,
)
from crmlink.matching.normalised import TOWN

Features = dict[str, Floats]
APART = 0.7  # addresses with less in common speak against each other, the more the less it is


def place_features(scene: Scene) -> Features:
    """Features of address and town; a word of the address may stand in the record's town."""
    own = scene.asked.place
    if not own:
        return {}
    held = bag(scene.place_table, scene.index.places, scene.total)
    words = [word for word, _ in own]
    alike = likeness(words, held.distinct, names=False)
    weights = scene.rarities(scene.index.places, words)
    town = np.array([flag == TOWN for _, flag in own])
    their_town = (held.flags & TOWN) > 0
    street = [word for word, flag in own if flag != TOWN]
    columns: Features = {}
    if street:
        columns |= _address(street, alike[~town], weights[~town], held, held.inside & ~their_town)
    if town.any():
        columns |= _town(alike[town], weights[town], held, held.inside & their_town)
    return columns


def _address(words: list[str], alike: Table, weights: Floats, held: Bag, street: Marks) -> Features:
    has = street.any(axis=1).astype(np.float64)
    aligned = align(alike, held, held.inside)
    column = weights[:, None]
    exact = (column * (aligned.asked == EXACT)).sum(axis=0)
    rarer = np.minimum(column, aligned.weights)
    near = (rarer * np.where(aligned.asked < EXACT, aligned.asked**2, 0)).sum(axis=0)
    covered = (column * aligned.asked).sum(axis=0) / max(float(column.sum()), 1e-9)
    theirs = np.where(street, held.weights, 0)
    record_covered = share((theirs * aligned.held).sum(axis=1), theirs.sum(axis=1))
    fits = np.maximum(covered, record_covered)
    agrees, both = _house_numbers(words, aligned.asked, held, street)
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


def _house_numbers(words: list[str], alike: Table, held: Bag, street: Marks) -> tuple[Marks, Marks]:
    """Whether a number of the address agrees, and whether both addresses have one."""
    numbers = np.array([word[0].isdigit() for word in words])
    digits = np.array([word[0].isdigit() for word in held.distinct] + [False])
    agrees = np.asarray((alike[numbers] == EXACT).any(axis=0))
    theirs = np.asarray((digits[held.at] & street).any(axis=1))
    return agrees, theirs & bool(numbers.any())


def _town(alike: Table, weights: Floats, held: Bag, town: Marks) -> Features:
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
