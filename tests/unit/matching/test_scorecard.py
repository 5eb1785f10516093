"""The model file, and what is made of it."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bench.fit import AGAINST, EITHER, MODEL, plain
from crmlink.matching.features.vector import FEATURES
from crmlink.matching.scorecard import load_model, read_model

DOCUMENT = json.loads(MODEL.read_text("utf-8"))


@pytest.mark.parametrize("feature", sorted(DOCUMENT["curves"]))
def test_agreement_only_gains_points_and_difference_only_loses_them(feature: str) -> None:
    points = DOCUMENT["curves"][feature]["points"]
    if plain(feature) in EITHER:
        return
    falls = plain(feature) in (*AGAINST, "account_other", "kind_other")
    for before, after in pairwise(points):
        assert after <= before if falls else after >= before
    assert points[0] == 0


def test_probabilities_and_none_add_up_to_one_even_for_extreme_scores() -> None:
    model = load_model()
    for scores in ([], [0.0], [900.0, -900.0], [-50.0, -60.0]):
        likely, none = model.probabilities(np.array(scores), 0.7)
        assert likely.sum() + none == pytest.approx(1.0)
        assert np.isfinite(likely).all()


def test_the_share_of_contacts_with_a_record_is_read_from_their_scores() -> None:
    model = load_model()
    found, lacking = np.array([12.0]), np.array([-12.0])
    assert model.estimated_match_rate([found] * 300 + [lacking] * 700) == pytest.approx(
        0.3, abs=0.01
    )
    assert model.estimated_match_rate([]) == model.default_match_rate
    assert 0 < model.estimated_match_rate([lacking] * 1000) < 0.05


def test_the_same_score_is_less_likely_right_where_few_contacts_have_a_record() -> None:
    model = load_model()
    often, _ = model.probabilities(np.array([2.0]), 0.9)
    seldom, _ = model.probabilities(np.array([2.0]), 0.1)
    assert seldom[0] < often[0] - 0.3


@pytest.mark.parametrize(
    "curves",
    [
        {"name_of_nothing": {"at": [0, 1], "points": [0, 1]}},
        {FEATURES[0]: {"at": [1, 0], "points": [0, 1]}},
        {FEATURES[0]: {"at": [0, 1], "points": [0]}},
    ],
)
def test_a_model_file_that_makes_no_sense_is_refused(curves: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="curve"):
        read_model({"base": 0.0, "usual_share": 0.7, "curves": curves})


def test_a_model_may_come_from_another_file(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text(json.dumps(DOCUMENT), "utf-8")
    assert load_model(path).base == load_model().base
