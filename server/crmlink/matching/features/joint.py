"""Features of several fields together, which say more or less than the sum of their points.

A relative has the house and the phone but another forename, a branch the name and the domain but
another town; one and the same person agrees in fields that have nothing to do with each other.
"""

import numpy as np

from crmlink.matching.columns import Floats
from crmlink.matching.features.similarity import BoolArray

Features = dict[str, Floats]
MIN_NAME_FIT = 0.9  # name_fit from which two names count as equal
MIN_ADDRESS_FIT = 0.6  # share of a street's weight from which two streets count as one
GENERIC = 2.3  # idf below that of a unique value from which a value is no one's own: ten share it
IDENTIFIERS = ("phone_same", "email_same", "account_same", "domain_same")
OF_ONE_SITE = ("phone_same", "email_same", "account_same")  # branches share their domain


def joint_features(columns: Features, zeros: Floats, unique_idf: float) -> Features:
    """Return the features of several fields; `columns` are those of single ones.

    `unique_idf` is the idf of a value that only one record has.
    """

    def column(name: str) -> Floats:
        return columns.get(name, zeros)

    fits = column("name_fit") >= MIN_NAME_FIT
    person = column("persons") > 0
    swapped = column("name_words_swapped") > 0
    place = same_place(columns, zeros)
    phone = column("phone_same") > 0
    rare = unique_idf - GENERIC
    own = sum(column(name) > 0 for name in OF_ONE_SITE) > 0
    agreed = place + sum(column(name) >= max(rare, 1e-9) for name in IDENTIFIERS)
    return {
        "fields_agreed": np.asarray(agreed, np.float64),
        "person_and_place": _number((column("name_same") > 0) & person & place),
        "firm_and_place": _number(fits & ~person & place),
        "firm_elsewhere": _number((column("town_other") > 0) & ~(person | place | own)),
        "name_and_email": _number(fits & (column("email_same") > 0)),
        "phone_named": _number((column("phone_same") >= unique_idf) & fits),
        "relative": _number(person & swapped & (place | phone)),
    }


def same_place(columns: Features, zeros: Floats) -> BoolArray:
    """Return which records are at the contact's postcode, or at its house and street."""
    street = np.maximum(
        columns.get("address_covered", zeros), columns.get("address_record_covered", zeros)
    )
    at_house = (columns.get("house_number", zeros) > 0) & (street > MIN_ADDRESS_FIT)
    place: BoolArray = (columns.get("postcode_same", zeros) > 0) | at_house
    return place


def _number(flags: BoolArray) -> Floats:
    return flags.astype(np.float64)
