"""How fast single questions are and what they take, beside brute force in the same run.

They are timed by what they take of one core, so that busy neighbours do not count.
"""

import os
import random
import resource
import sys
import time
from dataclasses import replace

import numpy as np
from rapidfuzz import fuzz
from rapidfuzz.process import extract

from bench.peers import text
from bench.uk import contacts, records
from crmlink.matching import Matcher
from crmlink.values.contact_details import ContactDetails

GOALS = {100_000: (8.0, 400.0), 1_000_000: (25.0, 2_500.0)}  # p95 ms, MB
Rows = list[tuple[str, ContactDetails]]


def memory() -> float:
    """What this process holds now, in MB; the most that it ever held where that is not told."""
    try:
        with open("/proc/self/statm", encoding="ascii") as report:  # noqa: PTH123 - no path, a report
            return int(report.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / (2**20 if sys.platform == "darwin" else 2**10)


def _percentiles(seconds: list[float]) -> tuple[float, float]:
    p50, p95 = np.percentile(np.array(seconds) * 1000, [50, 95])
    return float(p50), float(p95)


def latency(size: int) -> bool:
    """Prints times of single questions at a size; whether the goals for it are met."""
    held = records(size, 5)
    asked, truth = contacts(held, 2_000, 6)
    partial, partial_truth = contacts(held, 1_000, 7, 1.0, partial=True)
    before = memory()
    matcher = Matcher()
    started = time.thread_time()
    matcher.update(held)
    matcher.suggest(asked[0][1])
    ready = time.thread_time() - started
    took: list[float] = []
    for _, details in asked:
        started = time.thread_time()
        matcher.suggest(details)
        took.append(time.thread_time() - started)
    p50, p95 = _percentiles(took)
    grown = memory() - before
    print(
        f"{size} records: ready after {ready:.1f} s, {grown:.0f} MB; p50 {p50:.2f} p95 {p95:.2f} ms"
    )
    first, part = _first(matcher, asked, truth), _first(matcher, partial, partial_truth)
    print(f"   right first {first:.3f}, of partial contacts with an address or postcode {part:.3f}")
    _updates(matcher, held)
    _searches(matcher, held)
    _brute_force(held, asked, p95)
    most_ms, most_mb = GOALS.get(size, (float("inf"), float("inf")))
    return p95 <= most_ms and grown <= most_mb


def _first(matcher: Matcher, asked: Rows, truth: dict[str, set[str]]) -> float:
    rights = 0
    for contact_id, details in asked:
        if contact_id in truth:
            items = matcher.suggest(details, 1).items
            rights += bool(items) and items[0].record_id in truth[contact_id]
    return rights / len(truth)


def _updates(matcher: Matcher, held: Rows) -> None:
    """The cost of one changed record and the question after it."""
    draw = random.Random(1)
    took = []
    for _ in range(20):
        record_id, details = held[draw.randrange(len(held))]
        started = time.thread_time()
        matcher.update([(record_id, replace(details, town="Ambridge"))])
        matcher.suggest(details)
        took.append(time.thread_time() - started)
    print("   update and question: p50 {:.1f} p95 {:.1f} ms".format(*_percentiles(took)))


def _searches(matcher: Matcher, held: Rows) -> None:
    """Search as you type: every beginning of some texts."""
    draw = random.Random(2)
    matcher.search("a")
    took = []
    for _ in range(40):
        _, details = held[draw.randrange(len(held))]
        typed = draw.choice([details.person, details.company, details.postcode, details.address])
        for end in range(1, min(len(typed), 14) + 1):
            started = time.thread_time()
            matcher.search(typed[:end])
            took.append(time.thread_time() - started)
    print("   search: p50 {:.1f} p95 {:.1f} ms".format(*_percentiles(took)))


def _brute_force(held: Rows, asked: Rows, p95: float) -> None:
    texts = [text(details) for _, details in held]
    took = []
    for _, details in asked[:20]:
        started = time.thread_time()
        extract(text(details), texts, scorer=fuzz.token_set_ratio, limit=5)
        took.append(time.thread_time() - started)
    theirs = _percentiles(took)[1]
    print(f"   token_set_ratio, brute force: p95 {theirs:.0f} ms, {theirs / p95:.0f} times ours")
