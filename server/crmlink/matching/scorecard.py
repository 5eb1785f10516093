"""Scorecard: points for each comparison feature, and probabilities that add up to one.

A record's score is the logarithm of the likelihood ratio of its features for a match and for a
non-match (Fellegi and Sunter 1969). model.json lists for each feature a piecewise linear curve. All
records have the same prior, and *none of these* has its own.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmlink.matching.columns import Floats
from crmlink.matching.features.vector import FEATURES

Table = NDArray[np.float64]
MIN_MATCH_RATE, MAX_MATCH_RATE = 0.02, 0.98
PRIOR_WEIGHT = 6.0  # weight of the default match rate in the estimate, as a number of contacts


@dataclass(frozen=True)
class Scorecard:
    """Piecewise linear curves: piece i adds up to `points[i]` for feature `columns[i]`.

    The piece rises from `lows[i]` over `widths[i]`.
    """

    columns: NDArray[np.int64]
    lows: Floats
    widths: Floats
    points: Floats
    base: float
    default_match_rate: float

    def scores(self, features: Table, records: int) -> Floats:
        """Return each candidate's log odds against *none*, at a match rate of one half."""
        pieces = features[:, self.columns]
        pieces -= self.lows
        pieces /= self.widths
        np.minimum(np.maximum(pieces, 0.0, out=pieces), 1.0, out=pieces)
        gained: Floats = pieces @ self.points
        scores: Floats = gained + (self.base - float(np.log(max(records, 1))))
        return scores

    def probabilities(self, scores: Floats, match_rate: float) -> tuple[Floats, float]:
        """Return the probability of each candidate and that of none, adding up to 1.

        `match_rate` is the fraction of contacts that have a record.
        """
        logits = scores + np.log(match_rate / (1.0 - match_rate))
        top = max(0.0, float(logits.max(initial=0.0)))
        odds = np.exp(logits - top)
        none = float(np.exp(-top))
        total = float(odds.sum()) + none
        return odds / total, none / total

    def estimated_match_rate(self, scores: list[Floats]) -> float:
        """Return the match rate estimated from the contacts' scores by EM."""
        if not scores:
            return self.default_match_rate
        odds = np.array([np.exp(np.minimum(s, 300.0)).sum() for s in scores])
        match_rate = self.default_match_rate
        for _ in range(200):
            ratio = match_rate / (1.0 - match_rate)
            has_record = odds * ratio / (1.0 + odds * ratio)
            updated = (has_record.sum() + PRIOR_WEIGHT * self.default_match_rate) / (
                len(odds) + PRIOR_WEIGHT
            )
            updated = min(max(float(updated), MIN_MATCH_RATE), MAX_MATCH_RATE)
            if abs(updated - match_rate) < 1e-5:
                break
            match_rate = updated
        return match_rate


def load_model(path: Path | None = None) -> Scorecard:
    """Return the scorecard of a file, the package's own by default.

    Raises ValueError for an unknown feature or a curve whose values do not rise.
    """
    return _own_model() if path is None else read_model(json.loads(path.read_text("utf-8")))


@cache
def _own_model() -> Scorecard:
    """Return the package's scorecard, which all matchers of a process share."""
    source = resources.files("crmlink.matching").joinpath("model.json")
    return read_model(json.loads(source.read_text("utf-8")))


def read_model(document: dict[str, Any]) -> Scorecard:
    """Return the scorecard of a parsed file; see load_model()."""
    columns, lows, widths, points = [], [], [], []
    for feature, curve in document["curves"].items():
        if feature not in FEATURES:
            raise ValueError(f"The model has a curve for {feature}, which is no feature.")
        values, points_at = curve["at"], curve["points"]
        if len(values) != len(points_at) or values != sorted(set(values)):
            raise ValueError(f"The curve of {feature} is not a list of rising values and points.")
        for step in range(1, len(values)):
            columns.append(FEATURES.index(feature))
            lows.append(values[step - 1])
            widths.append(values[step] - values[step - 1])
            points.append(points_at[step] - points_at[step - 1])
    return Scorecard(
        np.array(columns, np.int64),
        np.array(lows),
        np.array(widths),
        np.array(points),
        document["base"],
        document["usual_share"],
    )
