"""The encoding of a batch row's suggestions.

A stored suggestion is [record id, probability, sure, [[reason code, agrees, args], ...]].
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from crmlink.matching import Reason, Suggestion
from crmlink.matching.details import Suggestions
from crmlink.store import BatchRow, Verdict

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


def offered_suggestions(row: BatchRow) -> tuple[Suggestion, ...]:
    """Return a row's suggestions, best first; of one that the whole list made sure the reason."""
    offered = load_suggestions(row.suggestions)
    if row.verdict is not Verdict.SURE:
        return offered
    return tuple(
        _sure_by_list(item, row) if item.record_id == row.best and not item.sure else item
        for item in offered
    )


def _sure_by_list(item: Suggestion, row: BatchRow) -> Suggestion:
    probability = item.probability if row.probability is None else row.probability
    reasons = (*item.reasons, Reason("only_contact", {}, True))
    return replace(item, sure=True, probability=probability, reasons=reasons)


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
