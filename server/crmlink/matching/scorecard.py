"""The scorecard: points for each piece of evidence, and probabilities that add up to one.

The score of a record is the logarithm of how much likelier the evidence is when the record is
the contact's than when it is not (Fellegi and Sunter 1969), taken from a readable file: for
each feature a curve, straight between the values it lists. Every record starts out equally
likely, and *none of these* has its own place beside them.
"""

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crmlink.matching.columns import Floats
from crmlink.matching.features.vector import FEATURES

Table = NDArray[np.float64]
LEAST_SHARE, MOST_SHARE = 0.02, 0.98
PRIOR_WEIGHT = 6.0  # contacts' worth of belief in the usual share, against what a short list says


@dataclass(frozen=True)
class Scorecard:
    """Curves in pieces: piece i gives `points[i]` for feature `columns[i]` from low to high."""

    columns: NDArray[np.int64]
    lows: Floats
    widths: Floats
    points: Floats
    base: float
    usual_share: float

    def scores(self, features: Table, records: int) -> Floats:
        """Log odds of each candidate against *none*, were it even whether there is a record."""
        pieces = (features[:, self.columns] - self.lows) / self.widths
        gained: Floats = np.minimum(np.maximum(pieces, 0.0), 1.0) @ self.points
        scores: Floats = gained + (self.base - float(np.log(max(records, 1))))
        return scores

    def probabilities(self, scores: Floats, share: float) -> tuple[Floats, float]:
        """The probability of each candidate and that of none, adding up to 1.

        `share` is the share of contacts that have a record.
        """
        logits = scores + np.log(share / (1.0 - share))
        top = max(0.0, float(logits.max(initial=0.0)))
        odds = np.exp(logits - top)
        none = float(np.exp(-top))
        whole = float(odds.sum()) + none
        return odds / whole, none / whole

    def estimated_share(self, scores: list[Floats]) -> float:
        """The share of contacts that have a record, from the contacts' scores by EM."""
        if not scores:
            return self.usual_share
        odds = np.array([np.exp(np.minimum(s, 300.0)).sum() for s in scores])
        share = self.usual_share
        for _ in range(200):
            ratio = share / (1.0 - share)
            having = odds * ratio / (1.0 + odds * ratio)
            fresh = (having.sum() + PRIOR_WEIGHT * self.usual_share) / (len(odds) + PRIOR_WEIGHT)
            fresh = min(max(float(fresh), LEAST_SHARE), MOST_SHARE)
            if abs(fresh - share) < 1e-5:
                break
            share = fresh
        return share


def load_model(path: Path | None = None) -> Scorecard:
    """The model from its file, the package's own by default.

    Raises ValueError where a feature is unknown or a curve has no slope to follow.
    """
    source = path or resources.files("crmlink.matching").joinpath("model.json")
    return read_model(json.loads(source.read_text("utf-8")))


def read_model(document: dict[str, Any]) -> Scorecard:
    """See load_model()."""
    columns, lows, widths, points = [], [], [], []
    for feature, curve in document["curves"].items():
        if feature not in FEATURES:
            raise ValueError(f"The model has a curve for {feature}, which is no feature.")
        at, gained = curve["at"], curve["points"]
        if len(at) != len(gained) or at != sorted(set(at)):
            raise ValueError(f"The curve of {feature} is not a list of rising values and points.")
        for step in range(1, len(at)):
            columns.append(FEATURES.index(feature))
            lows.append(at[step - 1])
            widths.append(at[step] - at[step - 1])
            points.append(gained[step] - gained[step - 1])
    return Scorecard(
        np.array(columns, np.int64),
        np.array(lows),
        np.array(widths),
        np.array(points),
        document["base"],
        document["usual_share"],
    )
