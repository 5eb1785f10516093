"""Features of addresses: postcodes, streets and towns.

A contact and a record may have several addresses each (for post, for work). All pairs are compared
and the best pair counts, so addresses differ only if all pairs differ.
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
    idf,
    idf_of_unique_value,
    safe_divide,
    word_similarity,
    word_table,
)
from crmlink.matching.normalised import ADDRESS_BIT, TOWN_FLAG, NormalisedAddress

Features = dict[str, Floats]
MIN_SIMILARITY = 0.7  # below this similarity addresses count as different, gradually
MIN_TOWN_SIMILARITY = 0.5  # below this similarity a town is no misspelling of another
MAX_EDIT = 1.01  # number of letters that may differ, with room for rounding
DISAGREEMENTS = (
    "postcode_other",
    "address_apart",
    "address_other",
    "house_number_other",
    "town_other",
)


def address_features(context: ComparisonContext) -> Features:
    """Return features of addresses; street words may match the record's town."""
    contact = context.contact.addresses
    if not contact:
        return {}
    record_words = word_table(context.address_table, context.index.addresses, context.total)
    owner = np.where(record_words.inside, record_words.flags >> ADDRESS_BIT, -1)
    coded = context.postcodes >= 0
    last = max(int(owner.max(initial=0)), *np.flatnonzero(coded.any(axis=0)).tolist(), 0)
    held = [owner == number for number in range(last + 1)]
    there = [coded[:, number] | inside.any(axis=1) for number, inside in enumerate(held)]
    pairs = [
        (_pair(context, address, record_words, inside, number), there[number])
        for address in contact
        for number, inside in enumerate(held)
    ]
    return pairs[0][0] if len(pairs) == 1 else _best(pairs)


def _best(compared: list[tuple[Features, BoolArray]]) -> Features:
    """Return for each record the features of its best pair of addresses."""
    pairs = [pair for pair, _ in compared]
    rows = len(compared[0][1])
    names = dict.fromkeys(name for pair in pairs for name in pair)
    zeros = np.zeros(rows)
    fits = [np.where(there, _fit(pair, zeros), -np.inf) for pair, there in compared]
    speaks = np.array(fits).argmax(axis=0)
    index = np.arange(rows)
    return {
        name: np.array([pair.get(name, zeros) for pair in pairs])[speaks, index] for name in names
    }


def _fit(pair: Features, zeros: Floats) -> Floats:
    """Return the agreement of two addresses: above zero if they agree, below if they differ."""

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
    context: ComparisonContext,
    address: NormalisedAddress,
    record_words: WordTable,
    inside: BoolArray,
    number: int,
) -> Features:
    """Return features of one contact address and the records' addresses of one number."""
    columns = _postcodes(context, address, number)
    if address.words:
        columns |= _words(context, address, record_words, inside)
    is_postal = (
        context.postal[:, number] | address.is_postal
    )  # an address for post alone proves no difference
    for name in DISAGREEMENTS:
        if name in columns:
            columns[name] = columns[name] * ~is_postal
    return columns


def _postcodes(context: ComparisonContext, address: NormalisedAddress, number: int) -> Features:
    if not address.postcode:
        return {}
    record_codes, outward = context.postcodes[:, number], context.outwards[:, number]
    (code,), (rarity,) = context.codes("p", (address.postcode,))
    same = (record_codes == code) & (code >= 0)
    alike = context.code_similarity(address.postcode, record_codes, (record_codes >= 0) & ~same)
    close = (alike * len(address.postcode) >= len(address.postcode) - MAX_EDIT) & ~same
    part, part_rarity = np.zeros(len(record_codes), np.bool_), 0.0
    if address.outward:
        (area,), (part_rarity,) = context.codes("o", (address.outward,))
        part = (outward == area) & (area >= 0) & (part_rarity > 0) & ~same
    near_rarity = _near_postcode_idf(context, address.postcode) if close.any() else 0.0
    return {
        "postcode_same": same * rarity,
        "postcode_near": np.where(close, near_rarity, 0.0),
        "outward_same": part * part_rarity,
        "postcode_other": ((record_codes >= 0) & ~same & ~close & ~part).astype(np.float64),
    }


def _near_postcode_idf(context: ComparisonContext, postcode: str) -> float:
    """Return the joint idf of the postcodes one edit from this one; low for short ones."""
    codes = context.index.codes
    numbers = [codes.lookup(f"p:{code}") for code in one_edit_variants(postcode)]
    near = np.array([number for number in numbers if number >= 0], np.int64)
    return float(idf(np.array([codes.document_frequency(near).sum()]), context.total)[0])


@dataclass(frozen=True, slots=True)
class _Street:
    """Words of the contact's street, and the records' words of one address."""

    words: list[str]
    alike: Table
    weights: Floats
    held: WordTable
    inside: BoolArray  # (records, max words): of this address
    street: BoolArray  # of these, those outside the town


def _words(
    context: ComparisonContext,
    address: NormalisedAddress,
    record_words: WordTable,
    inside: BoolArray,
) -> Features:
    words = [word for word, _ in address.words]
    alike = word_similarity(words, record_words.distinct, names=False)
    weights = context.idf_of_words(context.index.addresses, words)
    town = np.array([flag == TOWN_FLAG for _, flag in address.words])
    their_town = (record_words.flags & TOWN_FLAG) > 0
    street = [word for word, flag in address.words if flag != TOWN_FLAG]
    columns: Features = {}
    if street:
        columns |= _address(
            _Street(
                street, alike[~town], weights[~town], record_words, inside, inside & ~their_town
            )
        )
    if town.any():
        rare = idf_of_unique_value(context.total)
        columns |= _town(alike[town], weights[town], record_words, inside & their_town, rare)
    return columns


def _address(street: _Street) -> Features:
    has = street.street.any(axis=1).astype(np.float64)
    aligned = align(street.alike, street.held, street.inside)
    column = street.weights[:, None]
    exact = (column * (aligned.contact == EXACT)).sum(axis=0)
    rarer = np.minimum(column, aligned.weights)
    near = (rarer * np.where(aligned.contact < EXACT, aligned.contact**2, 0)).sum(axis=0)
    covered = (column * aligned.contact).sum(axis=0) / max(float(column.sum()), 1e-9)
    record_weights = np.where(street.street, street.held.weights, 0)
    record_covered = safe_divide(
        (record_weights * aligned.record).sum(axis=1), record_weights.sum(axis=1)
    )
    fits = np.maximum(covered, record_covered)
    agrees, both = _house_numbers(street, aligned.contact)
    return {
        "address_exact": exact * has,
        "address_near": np.minimum(near, 12.0) * has,
        "address_covered": covered * has,
        "address_record_covered": record_covered * has,
        "address_apart": has * np.maximum(1 - fits / MIN_SIMILARITY, 0.0),
        "address_other": has * (fits < 0.25),
        "house_number": has * (agrees & both),
        "house_number_other": has * (~agrees & both),
    }


def _house_numbers(street: _Street, alike: Table) -> tuple[BoolArray, BoolArray]:
    """Return whether a number of the address agrees, and whether both addresses have one."""
    numbers = np.array([word[0].isdigit() for word in street.words])
    digits = np.array([word[0].isdigit() for word in street.held.distinct] + [False])
    agrees = np.asarray((alike[numbers] == EXACT).any(axis=0))
    record_has_number = np.asarray((digits[street.held.index] & street.street).any(axis=1))
    return agrees, record_has_number & bool(numbers.any())


def _town(
    alike: Table, weights: Floats, record_words: WordTable, town: BoolArray, rare: float
) -> Features:
    """Return features of towns; `rare` is the idf of a word that only one record has.

    A word is a slip only where one side's spelling is rare: Chester is no slip of Colchester.
    """
    has = town.any(axis=1).astype(np.float64)
    aligned = align(alike, record_words, town)
    column = weights[:, None]
    record_weights = np.where(town, record_words.weights, 0.0)
    covered = (column * aligned.contact).sum(axis=0) / max(float(column.sum()), 1e-9)
    fits = np.maximum(
        covered,
        safe_divide((record_weights * aligned.record).sum(axis=1), record_weights.sum(axis=1)),
    )
    slip = (aligned.contact < EXACT) & (aligned.contact >= MIN_TOWN_SIMILARITY)
    slip &= (column >= rare) | (aligned.weights >= rare)
    near = np.where(slip, aligned.contact**2, 0)
    return {
        "town_near": (np.minimum(column, aligned.weights) * near).sum(axis=0) * has,
        "town_exact": (column * (aligned.contact == EXACT)).sum(axis=0) * has,
        "town_fit": fits * has,
        "town_other": has * (fits < 0.3),
    }
