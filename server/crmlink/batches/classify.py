"""Classification of a matched list's rows: sure, check, none, linked, conflict.

Pure functions without a database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from crmlink.matching.assignment import assign_one_to_one
from crmlink.matching.details import Suggestion, Suggestions
from crmlink.store import Verdict

CLAIM_PROBABILITY = 0.5  # minimum probability of a claim to a record
CHECK_PROBABILITY = 0.05  # minimum probability of a best suggestion
MAX_NAMED = 5  # rows named in a conflict


@dataclass(frozen=True, slots=True)
class MatchedRow:
    """A row with its match result.

    ``holders`` are records that already have its reference; ``retired``: the package no longer uses
    the contact.
    """

    row_id: int
    position: int
    reference: str
    suggestions: Suggestions
    holders: tuple[str, ...] = ()
    retired: bool = False

    @property
    def first(self) -> Suggestion | None:
        """The best suggestion, if any."""
        return self.suggestions.items[0] if self.suggestions.items else None


@dataclass(frozen=True, slots=True)
class Classification:
    """Verdict on a row; ``conflict`` has a code and parameters, ``best`` is a record id."""

    verdict: Verdict
    best: str | None = None
    probability: float | None = None
    conflict: dict[str, Any] | None = None


@dataclass(frozen=True)
class ExistingLinks:
    """References on records by record id, and the records chosen for rows of this list."""

    references: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, int] = field(default_factory=dict)


def classify_rows(
    rows: Sequence[MatchedRow], standing: ExistingLinks, sure_bound: float
) -> dict[int, Classification]:
    """Return a classification for each row, by its id.

    Each record is the best of at most one row, preferably one in use. A row is *sure* if matching
    says so, no other row in use claims its record, and its probability reaches the bound.
    """
    judged: dict[int, Classification] = {}
    others: list[MatchedRow] = []
    taken = set(standing.given)
    for row in rows:
        verdict = _held(row, standing)
        if verdict is None:
            others.append(row)
            continue
        judged[row.row_id] = verdict
        if verdict.verdict is Verdict.LINKED and verdict.best:
            taken.add(verdict.best)
    in_use = _contested_records([row for row in others if not row.retired], standing)
    claims = _several(in_use | _claims_of_retired(others, in_use))
    used = taken
    for retired in (False, True):
        some = [row for row in others if row.retired is retired]
        answers = assign_one_to_one(
            [(str(row.row_id), _without(row.suggestions, used)) for row in some]
        )
        used = used | {left.items[0].record_id for _, left in answers if left.items}
        for row, (_, left) in zip(some, answers, strict=True):
            judged[row.row_id] = (
                _on_another(row, standing)
                or _replaced(row, in_use)
                or _contested(row, claims)
                or _by_probability(row, left, standing, sure_bound, used)
            )
    return judged


def _held(row: MatchedRow, standing: ExistingLinks) -> Classification | None:
    """Return the classification of a row whose reference is already on a record.

    It is linked, or in conflict. A difference in case is a conflict: Commusoft may distinguish
    them.
    """
    if not row.holders:
        return None
    if len(row.holders) > 1:
        found = {"code": "reference-twice", "records": list(row.holders[:MAX_NAMED])}
        return Classification(Verdict.CONFLICT, row.holders[0], None, found)
    holder, first = row.holders[0], row.first
    if first and first.sure and first.record_id != holder:
        found = {"code": "reference-elsewhere", "records": [holder]}
        return Classification(Verdict.CONFLICT, first.record_id, first.probability, found)
    if (present := standing.references.get(holder, row.reference)) != row.reference:
        return Classification(
            Verdict.CONFLICT, holder, _probability(row, holder), _other(holder, present)
        )
    return Classification(Verdict.LINKED, holder, _probability(row, holder))


def _contested_records(rows: Sequence[MatchedRow], standing: ExistingLinks) -> dict[str, list[int]]:
    """Return the positions of the rows that likely are each record, chosen ones first."""
    claims: defaultdict[str, list[int]] = defaultdict(list)
    for record_id, position in standing.given.items():
        claims[record_id].append(position)
    for row in rows:
        if row.first and row.first.probability >= CLAIM_PROBABILITY:
            claims[row.first.record_id].append(row.position)
    return dict(claims)


def _claims_of_retired(
    rows: Sequence[MatchedRow], in_use: Mapping[str, list[int]]
) -> dict[str, list[int]]:
    """Return the claims among retired contacts; none for a record claimed by one in use."""
    claims = _contested_records([row for row in rows if row.retired], ExistingLinks())
    return {record_id: rows_ for record_id, rows_ in claims.items() if record_id not in in_use}


def _several(claims: Mapping[str, list[int]]) -> dict[str, list[int]]:
    return {record_id: positions for record_id, positions in claims.items() if len(positions) > 1}


def _replaced(row: MatchedRow, in_use: Mapping[str, list[int]]) -> Classification | None:
    """Return the conflict of a retired contact whose record is that of one in use."""
    first = row.first
    if not row.retired or first is None or first.record_id not in in_use:
        return None
    twins = in_use[first.record_id]
    found = {"code": "retired-twin", "record": first.record_id, "rows": twins[:MAX_NAMED]}
    return Classification(Verdict.CONFLICT, first.record_id, first.probability, found)


def _on_another(row: MatchedRow, standing: ExistingLinks) -> Classification | None:
    """Return the conflict of a row whose likely record has another reference."""
    first = row.first
    if first is None or first.probability < CLAIM_PROBABILITY or not row.reference:
        return None
    present = standing.references.get(first.record_id)
    if present is None:
        return None
    return Classification(
        Verdict.CONFLICT, first.record_id, first.probability, _other(first.record_id, present)
    )


def _other(record_id: str, present: str) -> dict[str, Any]:
    return {"code": "record-has-reference", "record": record_id, "current_reference": present}


def _contested(row: MatchedRow, claims: Mapping[str, list[int]]) -> Classification | None:
    first = row.first
    if first is None or first.probability < CLAIM_PROBABILITY or first.record_id not in claims:
        return None
    rivals = [position for position in claims[first.record_id] if position != row.position]
    found = {"code": "contact-twice", "record": first.record_id, "rows": rivals[:MAX_NAMED]}
    return Classification(Verdict.CONFLICT, first.record_id, first.probability, found)


def _by_probability(
    row: MatchedRow, left: Suggestions, standing: ExistingLinks, sure_bound: float, used: set[str]
) -> Classification:
    best = left.items[0] if left.items else _still_free(row, used)
    if best is None:
        return Classification(Verdict.NONE)
    if best.probability < CHECK_PROBABILITY:
        return Classification(Verdict.NONE, best.record_id, best.probability)
    free = best.record_id not in standing.references
    sure = best.sure and best.probability >= sure_bound and free
    return Classification(Verdict.SURE if sure else Verdict.CHECK, best.record_id, best.probability)


def _still_free(row: MatchedRow, used: set[str]) -> Suggestion | None:
    """Return a suggestion that no row was assigned; never sure."""
    free = next((item for item in row.suggestions.items if item.record_id not in used), None)
    return replace(free, sure=False) if free else None


def _without(suggestions: Suggestions, taken: set[str]) -> Suggestions:
    """Return the suggestions of unassigned records; only the first one can be sure."""
    items = suggestions.items
    if not any(item.record_id in taken for item in items):
        return suggestions
    return replace(suggestions, items=tuple(item for item in items if item.record_id not in taken))


def _probability(row: MatchedRow, record_id: str) -> float | None:
    return next(
        (item.probability for item in row.suggestions.items if item.record_id == record_id), None
    )
