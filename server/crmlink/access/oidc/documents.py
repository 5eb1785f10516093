"""Cache of a single sign-on provider's documents.

Anonymous users can trigger these requests: documents are cached for an hour, failures for some
seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crmlink.access.errors import AccessError

MAX_AGE_SECONDS = 3600.0
FAILED_SECONDS = 15.0
MIN_REFETCH_SECONDS = 30.0  # after which keys are fetched again when a signature does not fit them

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Kept:
    """A cached document or failure."""

    since: float
    document: Document | None = None
    failure: type[AccessError] | None = None


class Documents:
    """Documents of one provider by address, or their failure."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    def get(self, address: str, fetch: Callable[[str], Document]) -> Document:
        """Return a document, cached or fetched. Raises the errors of fetching, also cached ones."""
        kept = self._kept.get(address)
        age = self._clock() - kept.since if kept else 0.0
        if kept and kept.document is not None and age < MAX_AGE_SECONDS:
            return kept.document
        if kept and kept.failure and age < FAILED_SECONDS:
            raise kept.failure
        try:
            document = fetch(address)
        except AccessError as failure:
            self._kept[address] = _Kept(self._clock(), failure=type(failure))
            raise
        self._kept[address] = _Kept(self._clock(), document)
        return document

    def forget_if_old(self, address: str) -> bool:
        """Make a document be fetched again unless it is new; returns whether it will be."""
        kept = self._kept.get(address)
        if kept is None or self._clock() - kept.since < MIN_REFETCH_SECONDS:
            return False
        self._kept.pop(address, None)
        return True
