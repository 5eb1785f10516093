"""Why a backup or a restore ended; ``code`` is put into words by ``texts``."""

from __future__ import annotations


class UpkeepFailure(Exception):
    """Nothing was changed; ``facts`` are for the sentence."""

    def __init__(self, code: str, **facts: str) -> None:
        super().__init__(code)
        self.code, self.facts = code, facts
