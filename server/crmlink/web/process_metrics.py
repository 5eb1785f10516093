"""Memory and processor time of each web process of a server that has several."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from prometheus_client import Metric, ProcessCollector
from prometheus_client.registry import Collector

PROC = Path("/proc")


class WebProcessesCollector(Collector):
    """prometheus_client's metrics of a process, for each process of one parent, by its id."""

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics, each with a sample for every process."""
        families: dict[str, Metric] = {}
        for pid in _siblings():
            for found in ProcessCollector(pid=partial(int, pid), registry=None).collect():
                family = families.setdefault(
                    found.name, Metric(found.name, found.documentation, found.type)
                )
                for sample in found.samples:
                    family.add_sample(sample.name, {"pid": str(pid)}, sample.value)
        yield from families.values()


def _siblings() -> list[int]:
    """Return the ids of the processes with this one's parent; of this one where that is unknown."""
    parent = os.getppid()
    try:
        children = (PROC / str(parent) / "task" / str(parent) / "children").read_text()
    except OSError:  # not Linux
        return [os.getpid()]
    return sorted({os.getpid(), *map(int, children.split())})
