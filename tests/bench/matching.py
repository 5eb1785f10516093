"""Measures matching beside its peers.

    PYTHONPATH=tests python -m bench.matching [quality] [sure] [kinds] [latency] [typed] [bulk]
        [--sizes N ...] [--plot FILE]

Peers need the extra `bench` of pyproject.toml. Writes tables to standard output and, with
`--plot FILE`, a reliability plot. Ends with exit code 1 where a goal is missed.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass, field
from pathlib import Path

import numpy as np

from bench import lists, speed, typed
from bench.careless import organisations, worn_set
from bench.fit import is_measured
from bench.kinds import kinds as more_kinds
from bench.peers import NEED_FIELDS, PEERS, Ranked, fields_enough
from bench.sets import MatchingSet, Quality, measure, shared_sets
from bench.uk import made_set
from crmlink.matching import Matcher

MAX_ERROR = 0.02  # of calibration
KINDS_SEEDS = (3, 4, 5)  # 1 and 2 were for tuning


@dataclass
class Claims:
    """What was said about first suggestions, and whether it was right."""

    likely: list[float] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    sure: list[bool] = field(default_factory=list)

    def calibration_error(self, bins: int = 15) -> float:
        """Mean distance between what was said and what was right, over bins of equal width."""
        likely, right = np.array(self.likely), np.array(self.right, float)
        places = np.minimum((likely * bins).astype(int), bins - 1)
        return sum(
            float(
                abs(likely[places == b].mean() - right[places == b].mean()) * (places == b).mean()
            )
            for b in range(bins)
            if (places == b).any()
        )

    def promise_kept(self) -> bool:
        """Says how many were called *sure*; whether at most one in a thousand was wrong."""
        sure, right = np.array(self.sure), np.array(self.right)
        count, wrong = int(sure.sum()), int((sure & ~right).sum())
        precision = 1 - wrong / max(1, count)
        print(f"sure: {count} of {len(sure)}, wrong {wrong}, precision {precision:.5f}")
        return wrong <= count / 1000


def ours(matching_set: MatchingSet, claims: Claims) -> Ranked:
    """Our answers, as `crmlink match` gives them; adds to the claims."""
    matcher = Matcher()
    matcher.update(matching_set.records)
    matcher.match_rate = matcher.estimate_match_rate(
        [details for _, details in matching_set.contacts]
    )
    ranked: Ranked = {}
    for contact_id, details in matching_set.contacts:
        items = matcher.suggest(details).items
        ranked[contact_id] = [(item.record_id, item.probability) for item in items]
        if items:
            claims.likely.append(items[0].probability)
            claims.right.append(items[0].record_id in matching_set.truth.get(contact_id, ()))
            claims.sure.append(items[0].sure)
    return ranked


def held_out(matching_set: MatchingSet) -> MatchingSet:
    """The set with the contacts alone that the model was not fitted on."""
    contacts = [pair for pair in matching_set.contacts if is_measured(pair[0])]
    kept = {contact_id for contact_id, _ in contacts}
    truth = {c: records for c, records in matching_set.truth.items() if c in kept}
    return MatchingSet(matching_set.name, contacts, matching_set.records, truth)


def quality(plot: Path | None) -> bool:
    """Prints quality per set beside the peers; whether every goal is met."""
    sets = shared_sets()
    if not sets:
        print("There is no ../shared/bench beside this checkout: made-up sets only.")
    claims, met = Claims(), True
    print("recall@1 / recall@5 / F1 / R@P99; contacts that the model was not fitted on in ()")
    for matching_set in sets:
        met &= _set_quality(matching_set, claims)
    for matching_set in _made_up():
        found = measure(ours(matching_set, claims), matching_set.truth)
        print(f"{matching_set.name:22s} crmlink            {_shown(found)}", flush=True)
    kept, error = claims.promise_kept(), claims.calibration_error()
    print(f"expected calibration error: {error:.4f}")
    if plot:
        _plot(claims, plot)
    return met and kept and error <= MAX_ERROR


def _made_up() -> Iterator[MatchingSet]:
    """Made-up sets of seeds that nothing was fitted on."""
    for size, seed, share in ((5_000, 71, 0.75), (20_000, 72, 0.5), (50_000, 73, 0.2)):
        yield made_set(size, 4_000, seed, share)
    yield worn_set(1_000, 2_000, 74)
    yield worn_set(4_000, 2_000, 75, emails=False)
    yield organisations(3_000, 1_500, 76)


def sure() -> bool:
    """Counts *sure* on made-up sets that neither the scorecard nor its bounds have seen."""
    claims, firsts = Claims(), 0
    for seed in range(501, 506):
        for matching_set in (
            made_set(10_000, 2_000, seed, 0.75),
            made_set(10_000, 2_000, seed + 100, 0.1),
            worn_set(1_500, 1_500, seed),
            worn_set(3_000, 1_500, seed, emails=False),
        ):
            ours(matching_set, claims)
            firsts += len(matching_set.truth)
    print(f"made-up sets of five more seeds, {firsts} contacts with a record")
    kept, error = claims.promise_kept(), claims.calibration_error()
    print(f"expected calibration error: {error:.4f}")
    return kept and error <= MAX_ERROR


def kinds() -> bool:
    """Measures lists of kinds that nothing was fitted on, of seeds that nothing was tuned on."""
    claims = Claims()
    print("recall@1 / recall@5 / F1 / R@P99; share of true pairs that is sure, wrong ones")
    for seed in KINDS_SEEDS:
        for matching_set in more_kinds(seed):
            own = Claims()
            found = measure(ours(matching_set, own), matching_set.truth)
            right = sum(a and b for a, b in zip(own.sure, own.right, strict=True))
            print(
                f"{matching_set.name:22s} {_shown(found)}; {right / len(matching_set.truth):.3f}, "
                f"{sum(own.sure) - right} wrong; calibration error {own.calibration_error():.3f}",
                flush=True,
            )
            claims.likely += own.likely
            claims.right += own.right
            claims.sure += own.sure
    kept, error = claims.promise_kept(), claims.calibration_error()
    print(f"expected calibration error: {error:.4f}")
    return kept and error <= MAX_ERROR


def _set_quality(matching_set: MatchingSet, claims: Claims) -> bool:
    part = held_out(matching_set)
    own = measure(ours(matching_set, claims), matching_set.truth)
    fresh = measure(ours(part, Claims()), part.truth)
    print(f"{matching_set.name:22s} crmlink            {_shown(own)} ({_shown(fresh)})", flush=True)
    best = [0.0] * 4
    for name, peer in PEERS.items():
        if name in NEED_FIELDS and not fields_enough(matching_set):
            continue
        started = time.perf_counter()
        try:
            ranked = peer(matching_set)
        except ImportError as missing:
            print(f"{'':22s} {name:18s} not installed ({missing.name})")
            continue
        found = measure(ranked, matching_set.truth)
        best = [max(pair) for pair in zip(best, astuple(found), strict=True)]
        print(
            f"{'':22s} {name:18s} {_shown(found)} {time.perf_counter() - started:.1f} s", flush=True
        )
    names = ("recall@1", "recall@5", "F1", "R@P99")
    behind = [
        name
        for name, mine, theirs in zip(names, astuple(own), best, strict=True)
        if mine <= theirs and not mine == theirs == 1.0
    ]
    if behind:
        print(f"{'':22s} not above the best peer in {', '.join(behind)}")
    return not behind


def _shown(found: Quality) -> str:
    return "/".join(f"{value:.3f}" for value in astuple(found))


def _plot(claims: Claims, path: Path) -> None:
    from matplotlib import pyplot  # type: ignore[import-not-found,unused-ignore]

    likely, right = np.array(claims.likely), np.array(claims.right, float)
    edges = np.linspace(0, 1, 16)
    places = np.clip(np.digitize(likely, edges) - 1, 0, 14)
    some = [b for b in range(15) if (places == b).any()]
    figure, axes = pyplot.subplots(figsize=(5, 5))
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    said = [likely[places == b].mean() for b in some]
    was = [right[places == b].mean() for b in some]
    sizes = [10 + 200 * (places == b).mean() for b in some]
    axes.scatter(said, was, s=sizes)
    axes.set_xlabel("probability said of the first suggestion")
    axes.set_ylabel("share that was right")
    figure.savefig(path, dpi=120, bbox_inches="tight")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parts = ["quality", "sure", "kinds", "latency", "typed", "bulk"]
    parser.add_argument("parts", nargs="*", default=parts)
    parser.add_argument("--sizes", nargs="+", type=int, default=[1_000, 100_000, 1_000_000])
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    met = True
    if "quality" in arguments.parts:
        met &= quality(arguments.plot)
    if "sure" in arguments.parts:
        met &= sure()
    if "kinds" in arguments.parts:
        met &= kinds()
    if "latency" in arguments.parts:
        for size in arguments.sizes:
            met &= speed.latency(size)
    if "typed" in arguments.parts:
        met &= typed.all_within_goals()
    if "bulk" in arguments.parts:
        met &= lists.all_within_goals()
    print("all goals met" if met else "some goals missed")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
