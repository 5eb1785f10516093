"""Sandboxes whose records are made up once: most tests start one, with the same few dozen."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from crmlink.commusoft.sandbox import record_store
from crmlink.commusoft.sandbox.generator import copy_of, population
from crmlink.commusoft.sandbox.records import SandboxRecord
from crmlink.kinds import Kind


def make_sandboxes_quickly() -> None:
    """Let all sandboxes of this process begin with copies of the records that were made first."""
    record_store.population = _copies  # type: ignore[attr-defined]


def _copies(kind: Kind, count: int, seed: int) -> Iterator[SandboxRecord]:
    return map(copy_of, _population(kind, count, seed))


@functools.lru_cache(maxsize=8)
def _population(kind: Kind, count: int, seed: int) -> tuple[SandboxRecord, ...]:
    return tuple(population(kind, count, seed))
