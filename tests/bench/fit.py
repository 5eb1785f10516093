"""Fits the scorecard of crmlink/matching/model.json.

    PYTHONPATH=tests python -m bench.fit [--out FILE] [--all-but SET ...] [--keep-names]

Split: of every public set beside the checkout, the contacts whose id has an even CRC-32, and
made-up sets (uk.py, careless.py) of seeds of their own. Measured is on the rest, and with whole
sets left out (generalise.py), by which the penalty on points was chosen: between 0.3 and 2 it
makes little difference. Curves can only rise for agreement and only fall for differences, so
that no accident of a set can turn evidence around.

With `--keep-names` the curves of names stay as they are in model.json: what a name alone says is
fitted on lists of names, and refitting it beside addresses and emails makes it worse there.
"""

import argparse
import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_array

from bench.careless import organisations, worn_set
from bench.sets import MatchingSet, shared_sets
from bench.uk import made_set
from crmlink.matching.candidates import candidates
from crmlink.matching.features.vector import FEATURES, FeatureVectors
from crmlink.matching.index import InvertedIndex
from crmlink.matching.normalised import normalised_details

Table = NDArray[np.float64]
MODEL = Path(__file__).parents[2] / "server/crmlink/matching/model.json"
AGAINST = (
    "name_lacking",
    "name_lacking_aside",
    "name_surplus",
    "name_surplus_aside",
    "name_swap",
    "name_words_lacking",
    "name_words_surplus",
    "name_words_swapped",
    "name_number_swap",
    "address_apart",
    "address_other",
    "house_number_other",
    "town_other",
    "postcode_other",
    "email_other",
    "domain_other",
    "phone_other",
    "name_behind",
    "retired_record",
    "relative",
    "firm_elsewhere",
)
EITHER = ("name_there", "name_one_word", "name_elsewhere", "bare")
BY_HAND = {  # no public set has these: points set by judgement
    "account_same": {"at": [0, 12], "points": [0, 9.0]},
    "account_other": {"at": [0, 1], "points": [0, -2.0]},
    "email_second": {"at": [0, 1], "points": [0, 0.8]},
    "phone_second": {"at": [0, 1], "points": [0, 0.8]},
    "phone_named": {"at": [0, 1], "points": [0, 3.0]},
    "kind_other": {"at": [0, 1], "points": [0, -1.5]},
    "retired_record": {"at": [0, 1], "points": [0, -3.0]},
    "firm_elsewhere": {"at": [0, 1], "points": [0, -1.5]},
}
SHARES = [0.0, 0.3, 0.5, 0.65, 0.8, 0.9, 1.0]
MASSES = [0.0, 1.5, 3.0, 5.0, 7.0, 10.0, 14.0, 20.0, 30.0]
KEPT = 16
ROUNDS = 3


@dataclass
class Cases:
    """One set's contacts with the features of their candidates."""

    name: str
    truth: dict[str, set[str]]
    contacts: list[str]
    features: list[Table]
    rights: list[NDArray[np.bool_]]
    ids: list[list[str]]
    records: int

    def half(self, remainder: int) -> "Cases":
        """The contacts of one half: 0 is for fitting, 1 for measuring."""
        kept = [at for at, c in enumerate(self.contacts) if is_measured(c) == bool(remainder)]
        chosen = [self.contacts[at] for at in kept]
        return Cases(
            self.name,
            {c: self.truth[c] for c in chosen if c in self.truth},
            chosen,
            [self.features[at] for at in kept],
            [self.rights[at] for at in kept],
            [self.ids[at] for at in kept],
            self.records,
        )


def is_measured(contact_id: str) -> bool:
    """Whether a contact is of the half that is measured on and not fitted on."""
    return crc32(contact_id.encode()) % 2 == 1


def cases_of(matching_set: MatchingSet) -> Cases:
    """Asks the index for every contact of a set."""
    index = InvertedIndex()
    index.add(
        [
            (record_id, normalised_details(details, "GB"))
            for record_id, details in matching_set.records
        ]
    )
    index.refresh()
    cases = Cases(matching_set.name, matching_set.truth, [], [], [], [], len(index))
    for contact_id, details in matching_set.contacts:
        asked = normalised_details(details, "GB")
        rows = candidates(index, asked)
        features = (
            FeatureVectors(index, asked, rows).features()
            if len(rows)
            else np.zeros((0, len(FEATURES)))
        )
        ids = [index.ids[row] for row in rows]
        cases.contacts.append(contact_id)
        cases.features.append(features.astype(np.float32))
        cases.rights.append(np.array([i in cases.truth.get(contact_id, ()) for i in ids], np.bool_))
        cases.ids.append(ids)
    return cases


def training_sets() -> list[MatchingSet]:
    """The public sets and the made-up ones for fitting."""
    return [
        *shared_sets(),
        made_set(2_000, 1_500, 12, 0.4),
        worn_set(1_000, 1_500, 14),
        worn_set(4_000, 1_500, 15, emails=False),
        worn_set(300, 700, 16),
        organisations(600, 600, 18),
        organisations(3_000, 1_200, 19),
        made_set(20_000, 3_000, 11),
        made_set(100_000, 2_000, 13),
        made_set(100_000, 1_500, 17, partial=True),
    ]


def plain(feature: str) -> str:
    return feature.removeprefix("person:").removeprefix("firm:")


def knots(feature: str, values: NDArray[Any]) -> list[float]:
    """Where a feature's curve may bend."""
    most = float(values.max(initial=0))
    if most <= 0:
        return []
    if most <= 5.0 and np.array_equal(values[:5000], np.round(values[:5000])):
        return [float(at) for at in range(int(most) + 1)]
    grid = SHARES if most <= 1.0001 else MASSES
    kept = [at for at in grid if at < most]
    return [*kept, next((at for at in grid if at >= most), round(most, 1) + 0.1)]


class Fit:
    """Points by maximum likelihood of the right answer among the candidates and *none*."""

    def __init__(
        self, several: list[Cases], penalty: float, kept: dict[str, Any] | None = None
    ) -> None:
        self.penalty = penalty
        self.kept = kept
        self._stack(several)
        self.at = {
            feature: self._knots(feature, column)
            for column, feature in enumerate(FEATURES)
            if feature not in BY_HAND
        }
        self._expand()

    def _knots(self, feature: str, column: int) -> list[float]:
        if self._is_kept(feature):
            at: list[float] = self._kept_curve(feature)["at"]
            return at
        return knots(feature, self.raw[:, column])

    def _is_kept(self, feature: str) -> bool:
        return self.kept is not None and feature.startswith(("person:", "firm:"))

    def _kept_curve(self, feature: str) -> dict[str, Any]:
        curve: dict[str, Any] = (self.kept or {})["curves"].get(feature, {"at": [], "points": []})
        return curve

    def _stack(self, several: list[Cases]) -> None:
        rows, rights, sizes, weights, sets = [], [], [], [], []
        for number, cases in enumerate(several):
            for features, right in zip(cases.features, cases.rights, strict=True):
                kept = _closest(features, right)
                rows.append(features[kept])
                rights.append(right[kept])
                sizes.append(len(kept))
                weights.append(1 / max(1.0, len(cases.contacts)) ** 0.5)
                sets.append(number)
        self.raw = np.vstack(rows)
        self.rights = np.concatenate(rights)
        self.sizes = np.array(sizes)
        self.weights = np.array(weights) / np.mean(weights)
        self.sets = np.array(sets)
        self.log_records = np.log([cases.records for cases in several])
        having = np.array([len(c.truth) / max(1, len(c.contacts)) for c in several])
        self.share = np.clip(having, 0.02, 0.98)
        self.share_known = having < 0.98
        self.of = np.repeat(np.arange(len(sizes)), sizes)
        self.starts = np.cumsum(self.sizes) - self.sizes
        self.some = np.flatnonzero(self.sizes > 0)

    def _expand(self) -> None:
        pieces, self.bounds, self.owner = [], [], []
        for column, feature in enumerate(FEATURES):
            at = self.at.get(feature, [])
            kept = np.diff(self._kept_curve(feature)["points"]) if self._is_kept(feature) else None
            for step, (low, high) in enumerate(pairwise(at)):
                piece = np.clip((self.raw[:, column] - low) / (high - low), 0, 1)
                pieces.append(piece.astype(np.float32))
                free = _bound(plain(feature))
                self.bounds.append(free if kept is None else (kept[step], kept[step]))
                self.owner.append(feature)
        pieces.append(np.ones(len(self.raw), np.float32))
        base = (self.kept or {}).get("base")
        self.bounds.append((base, base))
        self.pieces = csr_array(np.column_stack(pieces))

    def _summed(self, values: Table) -> Table:
        total = np.zeros(len(self.sizes))
        total[self.some] = np.add.reduceat(values, self.starts[self.some])
        return total

    def _odds(self, points: Table) -> tuple[Table, Table, Table]:
        offset = (np.log(self.share / (1 - self.share)) - self.log_records)[self.sets]
        logits = (self.pieces @ points.astype(np.float32)).astype(float) + offset[self.of]
        top = np.zeros(len(self.sizes))
        top[self.some] = np.maximum(0, np.maximum.reduceat(logits, self.starts[self.some]))
        odds = np.exp(logits - top[self.of])
        none = np.exp(-top)
        return odds, none, none + self._summed(odds)

    def _loss(self, points: Table) -> tuple[float, Table]:
        odds, none, whole = self._odds(points)
        right = self._summed(odds * self.rights)
        good = np.maximum(np.where(self.having, right, none), 1e-300)
        pulled = np.where(self.rights, odds / good[self.of], 0) * self.having[self.of]
        pulled = (pulled - odds / whole[self.of]) * self.weights[self.of]
        slope = (self.pieces.T @ pulled.astype(np.float32)).astype(float)
        kept = np.append(points[:-1], 0.0)
        loss = -float(((np.log(good) - np.log(whole)) * self.weights).sum())
        return loss + self.penalty * float(kept @ kept), -slope + 2 * self.penalty * kept

    def run(self) -> dict[str, Any]:
        """The model document.

        In use the share of contacts that have a record is estimated, so that points are fitted
        for estimated shares, in turn with them. At first the true share is taken, but for lists
        where all have one by construction and many cannot be found by spelling.
        """
        self.having = self._summed(self.rights.astype(float)) > 0
        points = np.zeros(self.pieces.shape[1])
        for round_ in range(ROUNDS):
            found = minimize(
                self._loss,
                points,
                jac=True,
                method="L-BFGS-B",
                bounds=self.bounds,
                options={"maxiter": 100, "maxfun": 130},
            )
            points = found.x
            before, known = self.share, self.share_known & (round_ == 0)
            estimated = self._estimated_shares(points)
            self.share = np.where(known, before, estimated)
            if round_:  # half a step, or it swings from one side to the other
                self.share = (self.share + before) / 2
        return self._document(points)

    def _estimated_shares(self, points: Table) -> Table:
        kept: Table = self.share
        for _ in range(30):
            _, none, whole = self._odds(points)
            found = 1 - none / whole
            means = [found[self.sets == number].mean() for number in range(len(self.share))]
            self.share = np.clip(means, 0.02, 0.98)
        estimated: Table = self.share
        self.share = kept
        return estimated

    def _document(self, points: Table) -> dict[str, Any]:
        curves: dict[str, Any] = {}
        place = 0
        for feature in FEATURES:
            at = self.at.get(feature, [])
            gained = np.concatenate([[0.0], np.cumsum(points[place : place + max(0, len(at) - 1)])])
            place += max(0, len(at) - 1)
            if np.abs(gained).max() > 0.005:
                curves[feature] = {"at": at, "points": [round(float(p), 3) for p in gained]}
        curves |= BY_HAND
        return {
            "about": "Points for and against; see docs/matching.md. Written by tests/bench/fit.py.",
            "base": round(float(points[-1]), 3),
            "usual_share": 0.75,
            "curves": curves,
        }


def _bound(feature: str) -> tuple[float | None, float | None]:
    if feature in EITHER:
        return None, None
    return (None, 0) if feature in AGAINST else (0, None)


def _closest(features: Table, right: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The candidates that are hard to tell from the right one; the rest teach nothing."""
    if len(features) <= KEPT:
        return np.arange(len(features))
    column = FEATURES.index
    rough = sum(
        features[:, column(name)] * weight
        for name, weight in (
            ("person:name_best", 1),
            ("firm:name_best", 1),
            ("person:name_covered", 1),
            ("firm:name_covered", 1),
            ("address_exact", 0.1),
            ("postcode_same", 0.5),
            ("email_near", 1),
            ("email_same", 0.5),
            ("phone_same", 0.5),
        )
    )
    best = np.argsort(-np.asarray(rough), kind="stable")[:KEPT]
    return np.union1d(best, np.flatnonzero(right))


def fit(
    several: Iterable[Cases], penalty: float = 0.5, kept: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The model document fitted on the fitting half of each; names' curves as in `kept`."""
    return Fit([cases.half(0) for cases in several], penalty, kept).run()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=MODEL)
    parser.add_argument("--all-but", nargs="*", default=[], metavar="SET")
    parser.add_argument("--keep-names", action="store_true")
    arguments = parser.parse_args()
    kept = json.loads(MODEL.read_text("utf-8")) if arguments.keep_names else None
    sets = [s for s in training_sets() if not s.name.startswith(tuple(arguments.all_but or ["-"]))]
    document = fit([cases_of(matching_set) for matching_set in sets], kept=kept)
    arguments.out.write_text(written(document), "utf-8")
    print(f"{arguments.out.name}: {len(document['curves'])} curves from {len(sets)} sets")


def written(document: dict[str, Any]) -> str:
    """The document as JSON with one curve a line."""
    head = {key: value for key, value in document.items() if key != "curves"}
    lines = [f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in document["curves"].items()]
    text = json.dumps(head, indent=2).removesuffix("\n}")
    return text + ',\n  "curves": {\n' + ",\n".join(lines) + "\n  }\n}\n"


if __name__ == "__main__":
    main()
