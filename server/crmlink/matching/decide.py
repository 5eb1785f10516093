"""From evidence to suggestions: probabilities, and when a match is *sure*.

*Sure* is a promise, right at least 999 times in 1,000: the probability has to be high, no
other record may come near, the names have to agree, something beside the name that is not
widely shared has to agree, nothing may disagree, and both must be in use.
"""

from dataclasses import dataclass

import numpy as np

from crmlink.matching.columns import Floats, Ints
from crmlink.matching.features.vector import FeatureVectors, rarity_alone
from crmlink.matching.index import InvertedIndex
from crmlink.matching.normalised import NormalisedDetails
from crmlink.matching.scorecard import Scorecard

SURE = 0.998  # least probability
MAX_RUNNER_UP = 0.001  # most probability of the next record
NEAR_TIE_RATIO = 0.05  # a record this likely beside the first, as a share of it, is a near-tie
DISAGREEMENTS = (
    "name_words_swapped",
    "name_number_swap",
    "address_other",
    "house_number_other",
    "town_other",
    "postcode_other",
    "email_other",
    "phone_other",
    "account_other",
    "kind_other",
)
LAST_VISIBLE_RANK = 5


@dataclass(frozen=True)
class Ranking:
    """Candidates in order, the likeliest first but for a firm's last place shown."""

    rows: Ints
    probabilities: Floats
    none: float
    sure: bool
    near: int  # how many of the first are near-ties of each other, 0 where there are none
    namesakes: int  # how many records beside the first have nearly its name


@dataclass(frozen=True)
class ScoredCandidates:
    """Candidates with their evidence and scores, before the share of contacts comes in."""

    rows: Ints
    evidence: FeatureVectors | None
    scores: Floats
    firm: bool = False
    retired: bool = False


def score(
    index: InvertedIndex, asked: NormalisedDetails, rows: Ints, model: Scorecard
) -> ScoredCandidates:
    if not len(rows):
        return ScoredCandidates(rows, None, np.zeros(0))
    evidence = FeatureVectors(index, asked, rows)
    scores = model.scores(evidence.features(), len(index))
    return ScoredCandidates(rows, evidence, scores, asked.firm, asked.retired)


def rank(index: InvertedIndex, scored: ScoredCandidates, model: Scorecard, share: float) -> Ranking:
    """Orders the candidates; equal ones stand in the order of their ids."""
    probabilities, none = model.probabilities(scored.scores, share)
    ids, scores = index.ids, scored.scores.round(9).tolist()
    rows = scored.rows.tolist()
    order = sorted(range(len(rows)), key=lambda at: (-scores[at], ids[rows[at]]))
    if scored.firm and scored.evidence is not None:
        _promote_best_spelling(order, scored.evidence)
    ordered = probabilities[order]
    near = int((ordered > NEAR_TIE_RATIO * ordered[0]).sum()) if len(ordered) else 0
    sure, namesakes = False, 0
    if scored.evidence is not None:
        first = order[0]
        rival = float(ordered[1]) if len(ordered) > 1 else 0.0
        likely = float(ordered[0]) >= SURE and rival <= MAX_RUNNER_UP
        in_use = not scored.retired and not index.retired(scored.rows[first : first + 1])[0]
        sure = (
            likely and near == 1 and in_use and _has_independent_agreement(scored.evidence, first)
        )
        namesakes = _namesakes(scored.evidence, first)
    return Ranking(scored.rows[order], ordered, none, sure, near if near > 1 else 0, namesakes)


def _promote_best_spelling(order: list[int], evidence: FeatureVectors) -> None:
    """Firms change their names: the last place shown is for the name most alike by its letters."""
    cosine = evidence.columns.get("name_cosine")
    if cosine is not None and len(order) > LAST_VISIBLE_RANK:
        best = max(range(LAST_VISIBLE_RANK - 1, len(order)), key=lambda at: cosine[order[at]])
        order.insert(LAST_VISIBLE_RANK - 1, order.pop(best))


def _namesakes(evidence: FeatureVectors, first: int) -> int:
    fits = evidence.columns.get("name_fit")
    if fits is None or fits[first] < 0.9:
        return 0
    return int((fits >= 0.93).sum()) - int(fits[first] >= 0.93)


def _has_independent_agreement(evidence: FeatureVectors, first: int) -> bool:
    def value(name: str) -> float:
        column = evidence.columns.get(name)
        return 0.0 if column is None else float(column[first])

    if any(value(name) > 0 for name in DISAGREEMENTS):
        return False
    if value("name_covered") < 0.7 or value("name_record_covered") < 0.6:
        return False
    alone = rarity_alone(evidence.total)
    personal = max(value("email_same"), value("account_same")) >= alone
    if personal or value("name_initial") > 0:  # a house and its phone have several of an initial
        return personal
    unique = value("phone_same") >= alone
    where = value("postcode_same") > 0 or (
        value("house_number") > 0 and value("address_covered") > 0.8
    )
    return unique or where
