"""What speaks for and against each candidate: one row of numbers per record.

Every feature is zero where either side says nothing, so that missing fields are neither for
nor against. A *weight* of a word is its rarity in the list at hand, the natural logarithm of
(records / records that hold it): agreeing on *Pargeter* says more than agreeing on *Smith*.
"""

import numpy as np

from crmlink.matching.columns import Floats, Ints
from crmlink.matching.features.addresses import place_features
from crmlink.matching.features.context import ComparisonContext
from crmlink.matching.features.identifiers import code_features
from crmlink.matching.features.names import name_features
from crmlink.matching.features.similarity import Table
from crmlink.matching.index import InvertedIndex
from crmlink.matching.normalised import NormalisedDetails

NAME_FEATURES = (
    "name_same",
    "name_exact",
    "name_near",
    "name_nick",
    "name_initial",
    "name_lacking",
    "name_lacking_aside",
    "name_elsewhere",
    "name_mailed",
    "name_surplus",
    "name_surplus_aside",
    "name_swap",
    "name_words_lacking",
    "name_words_surplus",
    "name_words_swapped",
    "bare_same",
    "name_number_swap",
    "name_covered",
    "name_record_covered",
    "name_both_covered",
    "name_cosine",
    "name_cosine_covered",
    "name_cosine_record",
    "name_spelling",
    "name_spelling_covered",
    "name_rest",
    "name_order",
    "name_best",
    "name_fit",
    "name_first_word",
    "name_one_word",
    "name_there",
    "bare",
)
OTHER_FEATURES = (
    "name_second",
    "name_behind",
    "address_exact",
    "address_near",
    "address_covered",
    "address_record_covered",
    "address_apart",
    "address_other",
    "house_number",
    "house_number_other",
    "town_exact",
    "town_fit",
    "town_other",
    "postcode_same",
    "postcode_near",
    "outward_same",
    "postcode_other",
    "email_same",
    "email_second",
    "email_near",
    "email_close",
    "email_other",
    "domain_same",
    "domain_other",
    "phone_same",
    "phone_second",
    "phone_named",
    "phone_near",
    "phone_other",
    "account_same",
    "account_other",
    "kind_other",
    "retired_record",
)
NAMES_FIT = 0.9  # of name_fit, from which two names are one
MOST_SHARING = 1.1  # records that may hold a value for it to be one's own


def rarity_alone(total: int) -> float:
    """The rarity of a value that one of so many records holds alone."""
    return float(np.log((total + 1.0) / MOST_SHARING))


# What they say of a record does not come from comparing a value of the contact's with its own.
NO_COMPARISON = ("kind_other", "domain_same", "domain_other", "retired_record")
FEATURES = tuple(
    [f"person:{name}" for name in NAME_FEATURES]
    + [f"firm:{name}" for name in NAME_FEATURES]
    + list(OTHER_FEATURES)
)


class FeatureVectors:
    """The features of one contact's candidates, by name in `columns`."""

    def __init__(self, index: InvertedIndex, asked: NormalisedDetails, rows: Ints) -> None:
        scene = ComparisonContext(index, asked, rows)
        self.total = scene.total
        self._zeros = np.zeros(len(rows))
        others = place_features(scene) | code_features(scene)
        self.columns: dict[str, Floats] = others | name_features(scene)
        compared = np.zeros(len(rows), np.bool_)
        for name, column in others.items():
            if name not in NO_COMPARISON:
                compared |= column != 0
        bare = self.columns.get("name_there", self._zeros) * ~compared
        self.columns["bare"] = bare  # nothing beside the names could be compared
        self.columns["bare_same"] = bare * self.columns.get("name_same", self._zeros)
        own_phone = self.columns.get("phone_same", self._zeros) >= rarity_alone(self.total)
        names_fit = self.columns.get("name_fit", self._zeros) >= NAMES_FIT
        self.columns["phone_named"] = (own_phone & names_fit).astype(np.float64)

    def features(self) -> Table:
        """All features in the order of FEATURES, shape (records, features)."""
        names = np.column_stack([self.columns.get(name, self._zeros) for name in NAME_FEATURES])
        others = np.column_stack([self.columns.get(name, self._zeros) for name in OTHER_FEATURES])
        persons = self.columns.get("persons", self._zeros)[:, None]
        return np.hstack([names * persons, names * (1 - persons), others])
