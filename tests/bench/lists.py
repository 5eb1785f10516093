"""Whole lists by the clock and in memory, beside TF-IDF in the same run.

    PYTHONPATH=tests python -m bench.lists

Each measurement has a process of its own, with all processes that it starts; memory is what
they hold together at most, pages that they share counted once (Linux alone tells it). The
seeded made-up records and contacts are made before the clock starts and count as memory.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.peers import text
from bench.uk import contacts, records
from crmlink.matching import Matcher
from crmlink.matching.assignment import assign_one_to_one_streaming, suggest_many
from crmlink.values.contact_details import ContactDetails

Rows = list[tuple[str, ContactDetails]]
RECORDS = 100_000
GOALS = {10_000: (60.0, 1_000.0), 100_000: (240.0, 1_000.0)}  # seconds, MB
SAMPLED_EVERY = 0.5  # seconds
FEW = 5


def alone(held: Rows, asked: Rows) -> Iterator[tuple[str, str]]:
    """The first record for each contact, as the command line finds them."""
    matcher = Matcher()
    matcher.update(held)
    matcher.match_rate = matcher.estimate_match_rate([details for _, details in asked])
    for contact_id, suggestions in suggest_many(matcher, asked):
        if suggestions.items:
            yield contact_id, suggestions.items[0].record_id


def single(held: Rows, asked: Rows) -> Iterator[tuple[str, str]]:
    """The same with a record for one contact only."""
    matcher = Matcher()
    matcher.update(held)
    matcher.match_rate = matcher.estimate_match_rate([details for _, details in asked])
    for contact_id, suggestions in assign_one_to_one_streaming(suggest_many(matcher, asked)):
        if suggestions.items:
            yield contact_id, suggestions.items[0].record_id


def in_a_thread(held: Rows, asked: Rows) -> Iterator[tuple[str, str]]:
    """The same as `alone` from a thread beside others, as in a server."""
    found: list[tuple[str, str]] = []
    worker = threading.Thread(target=lambda: found.extend(alone(held, asked)))
    worker.start()
    worker.join()
    yield from found


def tfidf(held: Rows, asked: Rows) -> Iterator[tuple[str, str]]:
    """Cosine of character trigrams weighted by TF-IDF, sparse, the first of each row (one core)."""
    from sklearn.feature_extraction.text import (  # type: ignore[import-untyped,import-not-found,unused-ignore]
        TfidfVectorizer,
    )

    texts = [text(details) for _, details in held]
    vectors = TfidfVectorizer(analyzer="char", ngram_range=(3, 3), dtype=np.float32).fit(texts)
    known = vectors.transform(texts).T.tocsr()
    for start in range(0, len(asked), 200):
        some = asked[start : start + 200]
        block = (vectors.transform([text(details) for _, details in some]) @ known).tocsr()
        for (contact_id, _), low, high in zip(some, block.indptr, block.indptr[1:], strict=False):
            if high > low:
                best = block.indices[low + block.data[low:high].argmax()]
                yield contact_id, held[best][0]


WAYS = {"alone": alone, "single": single, "thread": in_a_thread, "tfidf": tfidf}


def _measure(way: str, count: int) -> None:
    """Prints seconds, seconds of a core and recall@1 as JSON."""
    held = records(RECORDS, 15)
    asked, truth = contacts(held, count, 16, once=True)
    started, busy = time.perf_counter(), sum(os.times()[:4])
    right = sum(
        record in truth.get(contact_id, ()) for contact_id, record in WAYS[way](held, asked)
    )
    took = time.perf_counter() - started
    found = {"seconds": took, "core": sum(os.times()[:4]) - busy, "recall": right / len(truth)}
    print(json.dumps(found))


def measured(way: str, count: int) -> dict[str, Any]:
    """What one way takes, in a process of its own; `memory` in MB, 0 where it is not told."""
    command = [sys.executable, "-m", "bench.lists", "--way", way, "--contacts", str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        most = 0.0
        while process.poll() is None:
            most = max(most, sum(map(_held_by, _family(process.pid))))
            time.sleep(SAMPLED_EVERY)
        output = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise RuntimeError(f"Measuring {way} ended with exit code {process.returncode}.")
    found: dict[str, Any] = json.loads(output)
    return found | {"memory": most}


def _family(process: int) -> Iterator[int]:
    """A process and all below it."""
    yield process
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            listed = children.read_text("ascii").split()
        except OSError:
            continue
        for child in listed:
            yield from _family(int(child))


def _held_by(process: int) -> float:
    """What a process holds in MB, its part of what it shares with others."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text("ascii").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def all_within_goals() -> bool:
    """Prints a line for each way; whether ours are within the goals."""
    theirs = measured("tfidf", 10_000)
    _print("TF-IDF char-3, sparse", 10_000, theirs)
    met = True
    for count, ways in ((10_000, ("alone", "thread", "single")), (100_000, ("alone", "single"))):
        for way in ways:
            ours = measured(way, count)
            _print(f"crmlink, {way}", count, ours)
            ratio = (ours["core"] / count) / (theirs["core"] / 10_000)
            print(f"   {ratio:.2f} times what TF-IDF takes of a core for a contact", flush=True)
            seconds, megabytes = GOALS[count]
            met &= ours["seconds"] <= seconds and ours["memory"] <= megabytes
    return met


def _print(name: str, count: int, found: dict[str, Any]) -> None:
    print(
        f"{name:22s} {count} contacts against {RECORDS} records: {found['seconds']:.0f} s "
        f"({found['core']:.0f} s of a core), {found['memory']:.0f} MB in all; "
        f"recall@1 {found['recall']:.3f}",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--contacts", type=int, default=10_000)
    arguments = parser.parse_args()
    if arguments.way:
        _measure(arguments.way, arguments.contacts)
        return 0
    return 0 if all_within_goals() else 1


if __name__ == "__main__":
    sys.exit(main())
