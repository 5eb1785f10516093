"""Serializers of batches and their rows."""

from __future__ import annotations

from typing import Any

from crmlink.api.serializers.contacts import serialize_contact
from crmlink.batches.progress import Overview
from crmlink.batches.rows import ReviewRow, RowSuggestion
from crmlink.store import Batch
from crmlink.web.problems import TYPE_PREFIX, problem_from_stored, trouble
from crmlink.web.serializers import serialize_reasons, serialize_record


def serialize_batch(batch: Batch, contacts: int) -> dict[str, Any]:
    """Return a batch as JSON."""
    return {
        "id": batch.id,
        "name": batch.name,
        "source": batch.source.value,
        "state": batch.state.value,
        "package": batch.package,
        "organisation": batch.organisation or None,
        "kind": batch.kind,
        "contacts": contacts,
        "version": batch.version,
        "created_at": batch.created_at,
        "by": batch.device.actor_name,
    }


def serialize_batch_detail(found: Overview) -> dict[str, Any]:
    """Return a batch with counts and progress as JSON."""
    batch, counts, progress = found.batch, found.counts, found.progress
    return serialize_batch(batch, counts.rows) | {
        "counts": {
            "verdicts": _counts_by_state(counts.verdicts),
            "choices": _counts_by_state(counts.choices),
            "states": _counts_by_state(counts.states),
            "undecided": _counts_by_state(counts.undecided),
            "without_reference": counts.without_reference,
            "bad_rows": counts.bad_rows,
        },
        "progress": {
            "done": progress.done,
            "of": progress.of,
            "rate": progress.rate,
            "seconds_left": progress.seconds_left,
            "trouble": _serialize_last_error(progress.problem),
        },
        "sure_bound": batch.sure_bound,
        "matched_at": batch.matched_at,
        "started_at": batch.started_at,
        "finished_at": batch.finished_at,
    }


def serialize_row(found: ReviewRow) -> dict[str, Any]:
    """Return a batch row as JSON."""
    row = found.row
    conflict = row.conflict and {
        "code": row.conflict["code"],
        "records": [serialize_record(record) for record in found.referenced_records],
        "rows": row.conflict.get("rows", []),
        "current_reference": row.conflict.get("current_reference"),
    }
    return {
        **serialize_contact(row),
        "position": row.position,
        "line": row.line,
        "version": row.version,
        "decided_at": row.decided_at,
        "verdict": row.verdict.value,
        "conflict": conflict,
        "live_twin": {
            "position": found.twin.position,
            "label": found.twin.label,
            "reference": found.twin.reference,
        } if found.twin else None,
        "offers": [_offer(item) for item in found.offers],
        "none": row.none_probability,
        "choice": row.choice.value,
        "record": serialize_record(found.chosen) if found.chosen else None,
        "decided_by": found.decided_by,
        "looked_at_by": found.claimed_by,
        "state": row.state.value,
        "failure": serialize_failure(row.failure),
        "link": row.link_id,
    }  # fmt: skip


def serialize_failure(failure: dict[str, Any] | None) -> dict[str, str] | None:
    """Return a row's failure as JSON."""
    if not failure:
        return None
    found = problem_from_stored(failure)
    return {"type": TYPE_PREFIX + found.code, "detail": found.detail}


def _serialize_last_error(code: str | None) -> dict[str, str] | None:
    if code is None:
        return None
    found = trouble(code)
    return {"type": TYPE_PREFIX + found.code, "detail": found.detail}


def _offer(item: RowSuggestion) -> dict[str, Any]:
    return {
        "record": serialize_record(item.record),
        "probability": round(item.suggestion.probability, 4) if item.suggestion else None,
        "reasons": serialize_reasons(item.suggestion) if item.suggestion else [],
        "held_by_row": item.holder,
    }


def _counts_by_state(counts: Any) -> dict[str, int]:
    return {word.value: number for word, number in counts.items() if number}
