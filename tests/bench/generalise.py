"""Does the scorecard carry over to lists of other origin? Leaves out one origin at a time.

PYTHONPATH=tests python -m bench.generalise
"""

import numpy as np

from bench.fit import Cases, cases_of, fit, training_sets
from bench.sets import Quality, measure
from crmlink.matching.scorecard import Scorecard, read_model

MADE = ("made", "worn", "organisations")


def origin(name: str) -> str:
    """Lists of one origin are left out together."""
    return name if name.startswith("af_") else name.partition("_")[0].rstrip("3")


def measured(model: Scorecard, cases: Cases) -> Quality:
    """Quality of a model on a list, its share of matched contacts estimated."""
    scores = [model.scores(table.astype(float), cases.records) for table in cases.features]
    share = model.estimated_match_rate(scores)
    ranked = {}
    for contact_id, scored, ids in zip(cases.contacts, scores, cases.ids, strict=True):
        likely, _ = model.probabilities(scored, share)
        best = np.argsort(-likely, kind="stable")[:5]
        ranked[contact_id] = [(ids[at], float(likely[at])) for at in best]
    return measure(ranked, cases.truth)


def main() -> None:
    several = [cases_of(matching_set) for matching_set in training_sets()]
    origins = {origin(cases.name) for cases in several if not cases.name.startswith(MADE)}
    for left_out in sorted(origins):
        model = read_model(fit([c for c in several if origin(c.name) != left_out]))
        for cases in several:
            if origin(cases.name) == left_out:
                found = measured(model, cases)
                print(
                    f"{cases.name:22s} {found.recall1:.3f} / {found.recall5:.3f} / "
                    f"{found.f1:.3f} / {found.recall_at_p99:.3f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
