"""What people would use otherwise, on the same sets: rank the records for each contact.

Untuned, in the plainest way that each one's documentation shows. Texts are lower-cased, with
punctuation removed and all fields joined with a space.
"""

# mypy: disable-error-code="import-untyped,import-not-found,no-any-return"

import re
import warnings
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.sets import MatchingSet
from crmlink.values.contact_details import ContactDetails

Ranked = dict[str, list[tuple[str, float]]]
FIELDS = ("person", "company", "address", "town", "postcode", "email", "phone")
FEW = 5


def text(details: ContactDetails) -> str:
    """All fields as one plain text."""
    values = [getattr(details, field) for field in FIELDS[:-1]] + list(details.phones)
    return " ".join(re.sub(r"[^\w\s]", "", value.lower()) for value in values if value)


def tfidf(matching_set: MatchingSet) -> Ranked:
    """Cosine of character trigrams weighted by TF-IDF (scikit-learn)."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    records = [text(details) for _, details in matching_set.records]
    asked = [text(details) for _, details in matching_set.contacts]
    vectors = TfidfVectorizer(analyzer="char", ngram_range=(3, 3)).fit(records + asked)
    known = vectors.transform(records).T.tocsr()
    ranked: Ranked = {}
    for start in range(0, len(asked), 500):
        block = (vectors.transform(asked[start : start + 500]) @ known).toarray()
        for row, (contact_id, _) in zip(
            block, matching_set.contacts[start : start + 500], strict=True
        ):
            ranked[contact_id] = _first(row, matching_set)
    return ranked


def _first(scores: Any, matching_set: MatchingSet) -> list[tuple[str, float]]:
    best = np.argsort(-scores, kind="stable")[:FEW]
    return [(matching_set.records[at][0], float(scores[at])) for at in best if scores[at] > 0]


def _brute(matching_set: MatchingSet, scorer: Callable[..., float]) -> Ranked:
    from rapidfuzz.process import cdist

    records = [text(details) for _, details in matching_set.records]
    ranked: Ranked = {}
    for contact_id, details in matching_set.contacts:
        scores = cdist([text(details)], records, scorer=scorer)[0]
        ranked[contact_id] = _first(scores, matching_set)
    return ranked


def token_set_ratio(matching_set: MatchingSet) -> Ranked:
    """rapidfuzz.fuzz.token_set_ratio of every pair."""
    from rapidfuzz import fuzz

    return _brute(matching_set, fuzz.token_set_ratio)


def w_ratio(matching_set: MatchingSet) -> Ranked:
    """rapidfuzz.fuzz.WRatio of every pair."""
    from rapidfuzz import fuzz

    return _brute(matching_set, fuzz.WRatio)


def _frame(rows: list[tuple[str, ContactDetails]]) -> Any:
    import pandas as pd

    return pd.DataFrame(
        [
            {"unique_id": row_id}
            | {field: getattr(details, field).lower() or None for field in FIELDS[:-1]}
            | {"phone": re.sub(r"\D", "", "".join(details.phones)) or None}
            for row_id, details in rows
        ]
    )


def _used(matching_set: MatchingSet) -> list[str]:
    """Fields that both sides have at all."""
    sides = (_frame(matching_set.contacts), _frame(matching_set.records))
    return [field for field in FIELDS if all(side[field].notna().any() for side in sides)]


def fields_enough(matching_set: MatchingSet) -> bool:
    """Whether there are two fields to compare: below that, models of agreement learn nothing."""
    return len(_used(matching_set)) > 1


def splink(matching_set: MatchingSet) -> Ranked:
    """Splink on DuckDB: Jaro-Winkler levels, EM as in its tutorial, blocks on single fields."""
    import splink.comparison_library as compare
    from splink import Linker, SettingsCreator, block_on
    from splink.backends.duckdb import DuckDBAPI

    used = _used(matching_set)
    blocks = [block_on(field) for field in used] + [block_on(f"substr({used[0]}, 1, 3)")]
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[compare.JaroWinklerAtThresholds(field, [0.92, 0.8, 0.7]) for field in used],
        blocking_rules_to_generate_predictions=blocks,
    )
    database = DuckDBAPI()
    sides = [_frame(matching_set.contacts), _frame(matching_set.records)]
    linker = Linker([database.register(side) for side in sides], settings, log_level="ERROR")
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for field in used[:3]:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(field))
    pairs = linker.inference.predict().as_pandas_dataframe()
    contacts = {contact_id for contact_id, _ in matching_set.contacts}
    triples = [
        (left, right, weight) if left in contacts else (right, left, weight)
        for left, right, weight in zip(
            pairs["unique_id_l"], pairs["unique_id_r"], pairs["match_weight"], strict=True
        )
    ]
    return _ranked(triples, matching_set)


def _ranked(triples: list[tuple[str, str, float]], matching_set: MatchingSet) -> Ranked:
    found: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
    for contact_id, record_id, score in triples:
        found[contact_id].append((record_id, float(score)))
    return {
        contact_id: sorted(found[contact_id], key=lambda pair: -pair[1])[:FEW]
        for contact_id, _ in matching_set.contacts
    }


def recordlinkage_ecm(matching_set: MatchingSet) -> Ranked:
    """recordlinkage: blocks on single fields and on the name's beginning, Jaro-Winkler, ECM."""
    import recordlinkage

    used = _used(matching_set)
    left = _frame(matching_set.contacts).set_index("unique_id").fillna("")
    right = _frame(matching_set.records).set_index("unique_id").fillna("")
    for side in (left, right):
        side["beginning"] = side[used[0]].str[:3]
    indexer = recordlinkage.Index()
    for field in [*used, "beginning"]:
        indexer.block(field)
    pairs = indexer.index(left, right)
    comparison = recordlinkage.Compare()
    for field in used:
        comparison.string(field, field, method="jarowinkler", threshold=0.85)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        vectors = comparison.compute(pairs, left, right)
        model = recordlinkage.ECMClassifier()
        model.fit(vectors)
        chances = model.prob(vectors)
    triples = [(c, r, chance) for (c, r), chance in chances.items()]
    return _ranked(triples, matching_set)


PEERS: dict[str, Callable[[MatchingSet], Ranked]] = {
    "TF-IDF char-3": tfidf,
    "token_set_ratio": token_set_ratio,
    "WRatio": w_ratio,
    "recordlinkage ECM": recordlinkage_ecm,
    "Splink": splink,
}
NEED_FIELDS = ("recordlinkage ECM", "Splink")
