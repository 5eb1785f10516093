"""The encoding of a batch row's suggestions.

A stored suggestion is [record id, probability, sure, [[reason code, agrees, args], ...]].
"""

from __future__ import annotations

from typing import Any

from crmlink.matching import Reason, Suggestion
from crmlink.matching.details import Suggestions

DIGITS = 6  # of a probability


def dump_suggestions(suggestions: Suggestions, least: float) -> list[Any]:
    """Return suggestions in their stored form, without those less likely than ``least``."""
    return [
        [
            item.record_id,
            round(item.probability, DIGITS),
            item.sure,
            [_packed(reason) for reason in item.reasons],
        ]
        for item in suggestions.items
        if item.probability >= least
    ]


def load_suggestions(packed: list[Any]) -> tuple[Suggestion, ...]:
    """Return suggestions from their stored form, best first."""
    return tuple(
        Suggestion(record_id, probability, sure, tuple(map(_unpacked, reasons)))
        for record_id, probability, sure, reasons in packed
    )


def _packed(reason: Reason) -> list[Any]:
    bare = [reason.code, reason.agrees]
    return [*bare, dict(reason.args)] if reason.args else bare


def _unpacked(packed: list[Any]) -> Reason:
    return Reason(packed[0], packed[2] if len(packed) > 2 else {}, packed[1])
