"""What names alone say: pairs of names with a verdict, beside measures of spelling.

    PYTHONPATH=tests python -m bench.pairs

The pairs (nk_names) are never fitted on. A figure is the share of (matching, not matching) pairs
in which the matching one scores higher: 0.5 is chance, 1 is perfect.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz
from rapidfuzz.distance import JaroWinkler

from bench.peers import text
from bench.sets import SHARED
from bench.uk import records
from crmlink.matching.features.vector import FeatureVectors
from crmlink.matching.index import InvertedIndex
from crmlink.matching.normalised import normalised_details
from crmlink.matching.scorecard import Scorecard, load_model
from crmlink.values.contact_details import ContactDetails

PEERS: dict[str, Callable[[str, str], float]] = {
    "token_set_ratio": fuzz.token_set_ratio,
    "token_sort_ratio": fuzz.token_sort_ratio,
    "WRatio": fuzz.WRatio,
    "Jaro-Winkler": JaroWinkler.normalized_similarity,
}
SCHEMAS = {"Person": "person", "Company": "company", "Organization": "company"}


@dataclass(frozen=True)
class Pair:
    """Two names and whether they are one person's or one firm's."""

    one: ContactDetails
    other: ContactDetails
    match: bool


def pairs() -> list[Pair]:
    """The pairs of persons and firms; none where they are not beside the checkout."""
    path = SHARED / "nk_names" / "cases.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        return [
            Pair(_details(row, "name1"), _details(row, "name2"), row["is_match"] == "true")
            for row in csv.DictReader(lines)
            if row["schema"] in SCHEMAS
        ]


def _details(row: dict[str, str], side: str) -> ContactDetails:
    said = {SCHEMAS[row["schema"]]: row[side]}
    return ContactDetails(**said)  # type: ignore[arg-type]  # name or company


def ranked_right(scores: list[float], of: list[Pair]) -> float:
    """The figure above; equal scores count half."""
    matching = np.array([s for s, pair in zip(scores, of, strict=True) if pair.match])
    others = np.array([s for s, pair in zip(scores, of, strict=True) if not pair.match])
    higher = (matching[:, None] > others).mean() + (matching[:, None] == others).mean() / 2
    return float(higher)


def ours(model: Scorecard, of: list[Pair]) -> float:
    """The scorecard's figure, the second names being records among made-up ones."""
    index = InvertedIndex()
    index.add(
        [
            (record_id, normalised_details(details, "GB"))
            for record_id, details in records(5_000, 91)
        ]
    )
    rows: dict[ContactDetails, int] = {}
    for pair in of:
        if pair.other not in rows:
            rows[pair.other] = len(index.ids)
            index.add([(f"n{len(rows)}", normalised_details(pair.other, "GB"))])
    index.refresh()
    scores = []
    for pair in of:
        row = np.array([rows[pair.other]], np.int32)
        features = FeatureVectors(index, normalised_details(pair.one, "GB"), row).features()
        scores.append(float(model.scores(features, len(index))[0]))
    return ranked_right(scores, of)


def peers(of: list[Pair]) -> dict[str, float]:
    """The figures of measures of spelling."""
    return {
        name: ranked_right([scorer(text(pair.one), text(pair.other)) for pair in of], of)
        for name, scorer in PEERS.items()
    }


def main() -> None:
    of = pairs()
    if not of:
        print("There is no ../shared/bench/nk_names beside this checkout.")
        return
    for field in ("person", "company"):
        some = [pair for pair in of if getattr(pair.one, field)]
        shown = {"crmlink": ours(load_model(), some)} | peers(some)
        kind = "persons" if field == "person" else "firms"
        print(
            f"{len(some)} pairs of {kind}: " + ", ".join(f"{n} {v:.3f}" for n, v in shown.items())
        )


if __name__ == "__main__":
    main()
