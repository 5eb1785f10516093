"""What a whole list says of a record that only one of its contacts is like.

A contact that has no record may look like another's. If the list has most of the mirror's records,
then it has that other contact as well, which claims the record. So an unclaimed record is evidence,
the more the larger the part of the records that the list's contacts claim. By Bayes' theorem the
odds of the only claimant rise by 1 / (1 - that part).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from crmlink.matching.decide import MAX_RUNNER_UP, SURE
from crmlink.matching.details import Suggestions

MAX_FACTOR = 10.0  # bound on what a list may add to the odds


@dataclass(frozen=True)
class ListEvidence:
    """How likely each record is each row's, and how much of the mirror the list's rows claim."""

    factors: Mapping[str, float]  # on the odds of an only claimant, by kind of record
    claims: Mapping[str, Mapping[int, float]]  # probabilities by record id and row id

    def probability(self, row_id: int, suggestions: Suggestions) -> float | None:
        """Return the probability of the first suggestion in view of the list if that makes it sure.

        Only one that matching vouches for, so none by name alone and none of several alike. None
        if another row may be the record's, or another record the row's.
        """
        first = suggestions.items[0] if suggestions.items else None
        if first is None or not first.vouched:
            return None
        others = self.claims.get(first.record_id, {})
        if any(chance > MAX_RUNNER_UP for row, chance in others.items() if row != row_id):
            return None
        factor = self.factors.get(_kind(first.record_id), 1.0)
        total = factor * (1.0 - suggestions.none) + suggestions.none
        chances = [factor * item.probability / total for item in suggestions.items]
        certain = chances[0] >= SURE and max(chances[1:], default=0.0) <= MAX_RUNNER_UP
        return chances[0] if certain else None


def list_evidence(
    rows: Iterable[tuple[int, Suggestions]], claimed: Collection[str], records: Mapping[str, int]
) -> ListEvidence:
    """Return the evidence of a list.

    `claimed` are the records that a row likely is or has been given, `records` the number of all by
    kind; without a number a list of that kind says nothing.
    """
    claims: defaultdict[str, dict[int, float]] = defaultdict(dict)
    for row_id, suggestions in rows:
        for item in suggestions.items:
            claims[item.record_id][row_id] = item.probability
    counted = Counter(map(_kind, set(claimed)))
    return ListEvidence(
        {kind: _factor(counted[kind], total) for kind, total in records.items()}, dict(claims)
    )


def _factor(claimed: int, records: int) -> float:
    """Return the factor on the odds of a record's only claimant, which is among the `claimed`."""
    part = max(claimed - 1, 0) / (records + 1)
    return min(1.0 / max(1.0 - part, 1.0 / MAX_FACTOR), MAX_FACTOR)


def _kind(record_id: str) -> str:
    return record_id.partition("-")[0]
