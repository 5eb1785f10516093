"""Feature vectors: agreement and disagreement of a contact with each candidate.

Every feature is zero where either side has no value, so missing fields count neither way. A word's
*weight* is its idf, the natural logarithm of (records / records that contain it): agreeing on
*Pargeter* counts more than agreeing on *Smith*.
"""

import numpy as np

from crmlink.matching.columns import Floats, Ints
from crmlink.matching.features.addresses import address_features
from crmlink.matching.features.context import ComparisonContext
from crmlink.matching.features.identifiers import identifier_features
from crmlink.matching.features.joint import joint_features
from crmlink.matching.features.names import name_features
from crmlink.matching.features.similarity import Table, idf_of_unique_value
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
    "phone_near",
    "phone_other",
    "account_same",
    "account_other",
    "kind_other",
    "retired_record",
    "phone_named",
    "fields_agreed",
    "person_and_place",
    "firm_and_place",
    "firm_elsewhere",
    "name_and_email",
    "relative",
)


# Features that do not compare a value of the contact with the record's own value.
NO_COMPARISON = ("kind_other", "domain_same", "domain_other", "retired_record")
FEATURES = tuple(
    [f"person:{name}" for name in NAME_FEATURES]
    + [f"firm:{name}" for name in NAME_FEATURES]
    + list(OTHER_FEATURES)
)


class FeatureVectors:
    """Features of the candidates of `contact`, by name in `columns`."""

    def __init__(self, index: InvertedIndex, contact: NormalisedDetails, rows: Ints) -> None:
        context = ComparisonContext(index, contact, rows)
        self.contact, self.total = contact, context.total
        self._zeros = np.zeros(len(rows))
        other_columns = address_features(context) | identifier_features(context)
        self.columns: dict[str, Floats] = other_columns | name_features(context)
        compared = np.zeros(len(rows), np.bool_)
        for name, column in other_columns.items():
            if name not in NO_COMPARISON:
                compared |= column != 0
        name_only = self.columns.get("name_there", self._zeros) * ~compared
        self.columns["bare"] = name_only  # only the names could be compared
        self.columns["bare_same"] = name_only * self.columns.get("name_same", self._zeros)
        unique_idf = idf_of_unique_value(self.total)
        self.columns |= joint_features(self.columns, self._zeros, unique_idf)

    def features(self) -> Table:
        """Return all features in the order of FEATURES, shape (records, features)."""
        persons = self.columns.get("persons", self._zeros)[:, None]
        names, cut = self._table(NAME_FEATURES), len(NAME_FEATURES)
        table = np.empty((len(self._zeros), len(FEATURES)))
        np.multiply(names, persons, out=table[:, :cut])
        np.multiply(names, 1 - persons, out=table[:, cut : 2 * cut])
        table[:, 2 * cut :] = self._table(OTHER_FEATURES)
        return table

    def _table(self, names: tuple[str, ...]) -> Table:
        return np.array([self.columns.get(name, self._zeros) for name in names]).T
