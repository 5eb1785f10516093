"""Serializers of batches and their rows."""

from __future__ import annotations

from typing import Any

from crmlink.api.serializers.contacts import contact_shape
from crmlink.batches.progress import Overview
from crmlink.batches.rows import ReviewRow, RowSuggestion
from crmlink.store import Batch
from crmlink.web.problems import TYPE, problem_kept, trouble
from crmlink.web.serializers import reason_shapes, record_shape


def batch_shape(batch: Batch, contacts: int) -> dict[str, Any]:
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
    return batch_shape(batch, counts.rows) | {
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
            "trouble": _trouble_shape(progress.problem),
        },
        "sure_bound": batch.sure_bound,
        "matched_at": batch.matched_at,
        "started_at": batch.started_at,
        "finished_at": batch.finished_at,
    }


def row_shape(found: ReviewRow) -> dict[str, Any]:
    """Return a batch row as JSON."""
    row = found.row
    conflict = row.conflict and {
        "code": row.conflict["code"],
        "records": [record_shape(record) for record in found.referenced_records],
        "rows": row.conflict.get("rows", []),
        "current_reference": row.conflict.get("current_reference"),
    }
    return {
        **contact_shape(row),
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
        "record": record_shape(found.chosen) if found.chosen else None,
        "decided_by": found.decided_by,
        "looked_at_by": found.claimed_by,
        "state": row.state.value,
        "failure": failure_shape(row.failure),
        "link": row.link_id,
    }  # fmt: skip


def failure_shape(failure: dict[str, Any] | None) -> dict[str, str] | None:
    """Return a row's failure as JSON."""
    if not failure:
        return None
    found = problem_kept(failure)
    return {"type": TYPE + found.code, "detail": found.detail}


def _trouble_shape(code: str | None) -> dict[str, str] | None:
    if code is None:
        return None
    found = trouble(code)
    return {"type": TYPE + found.code, "detail": found.detail}


def _offer(item: RowSuggestion) -> dict[str, Any]:
    return {
        "record": record_shape(item.record),
        "probability": round(item.suggestion.probability, 4) if item.suggestion else None,
        "reasons": reason_shapes(item.suggestion) if item.suggestion else [],
        "held_by_row": item.holder,
    }


def _counts_by_state(counts: Any) -> dict[str, int]:
    return {word.value: number for word, number in counts.items() if number}
