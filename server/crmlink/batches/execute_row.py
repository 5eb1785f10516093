"""Execution of one row of a batch by the path of single links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import structlog
from sqlalchemy import ColumnElement, String, bindparam, cast, literal, select
from sqlalchemy.orm import lazyload

from crmlink.accounting.errors import InvalidReference, UnknownPackage
from crmlink.commusoft.errors import CommusoftError, RecordNotFound
from crmlink.kinds import KINDS, Kind
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import Decision, UndoDecision, confirm, undo
from crmlink.linking.errors import IdempotencyKeyReused, LinkingError, ReferenceErased
from crmlink.linking.intents import Guard
from crmlink.linking.listed_details import kind_of
from crmlink.linking.overrides import Overrides
from crmlink.store import Batch, BatchRow, BatchState, Link, LinkMethod, LinkState, RowState
from crmlink.store.erased import pseudonyms_of

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """Outcome of a row: its new state, the reason if it failed, and its link.

    With ``problem`` nothing was decided: Commusoft gave no usable response, and the row will be
    tried again. ``gives_up`` is the state once it is not; None while its link is in progress, whose
    end is awaited. ``stopped``: it was not begun because its batch was stopped. ``waits_for`` is
    the link that waits on Commusoft's page, the row's or its undo. ``awaits_check``: its undo is
    written, and no read has shown it yet.
    """

    state: RowState
    failure: dict[str, Any] | None = None
    link_id: str | None = None
    problem: str | None = None
    gives_up: RowState | None = RowState.FAILED
    stopped: bool = False
    waits_for: str | None = None
    awaits_check: bool = False


_ROW = (
    select(BatchRow, Batch)
    .join(Batch, Batch.id == BatchRow.batch_id)
    .where(BatchRow.id == bindparam("row_id"))
    .options(lazyload(Batch.device), lazyload(Batch.started_by))
)  # built once


class BatchStopped(Exception):
    """The batch must no longer be processed in this way, though the lease is still held."""


def carry_out(
    ctx: WorkspaceContext, row_id: int, state: BatchState, device_id: int, guard: Guard
) -> RowOutcome:
    """Link a row, or undo its link.

    Raises only errors of the database, and LeaseLost from ``guard``.
    """
    with ctx.database.reading() as session:
        row, batch = session.execute(_ROW, {"row_id": row_id}).one()
    undoing = state is BatchState.UNDOING
    back = RowState.SUCCESSFUL if undoing else RowState.FAILED
    try:
        if undoing:
            link = undo(
                ctx, UndoDecision(row.link_id or ""), idempotency_key(row), device_id, guard
            )
        else:
            link = _link(ctx, batch, row, device_id, guard)
    except BatchStopped:
        return RowOutcome(row.state, stopped=True)
    except (IdempotencyKeyReused, ReferenceErased) as failure:
        return _previous_outcome(ctx, row) or RowOutcome(back, {"code": failure.code})
    except LinkingError as failure:
        known = _undone_otherwise(ctx, row) if undoing else None
        return known or RowOutcome(back, {"code": failure.code, **dump_params(failure.facts)})
    except InvalidReference as failure:
        return RowOutcome(back, {"code": "reference-malformed", "sentence": str(failure)})
    except UnknownPackage:
        return RowOutcome(back, {"code": "package-unknown"})
    except RecordNotFound:
        return RowOutcome(back, {"code": "record-gone"})
    except CommusoftError as failure:
        return RowOutcome(state=back, problem=failure.code, gives_up=back)
    return outcome_of(link)


def _previous_outcome(ctx: WorkspaceContext, row: BatchRow) -> RowOutcome | None:
    """Return the outcome of an earlier run of this row and attempt.

    Its row may have changed since: an erased contact has no name, but its link remains.
    """
    with ctx.database.reading() as session:
        link = session.scalar(
            select(Link).filter_by(
                connection_id=ctx.connection_id, idempotency_key=idempotency_key(row)
            )
        )
        same = link and pseudonyms_of(session).same(link.reference, row.reference)
    return outcome_of(link) if link and same and link.record_id == row.record_id else None


def _undone_otherwise(ctx: WorkspaceContext, row: BatchRow) -> RowOutcome | None:
    """Return the outcome of another undo of the row's link, by a user or by this list."""
    with ctx.database.reading() as session:
        link = session.get(Link, row.link_id or "")
        if link is not None and link.state is LinkState.UNDONE:
            return RowOutcome(RowState.UNDONE)
        on_its_way = session.scalar(
            select(Link).filter_by(undoes_id=row.link_id, state=LinkState.INTENDED)
        )
    return outcome_of(on_its_way) if on_its_way else None


def outcome_of(link: Link) -> RowOutcome:
    """Return the row's outcome for a link's state."""
    undoing = link.undoes_id is not None
    match link.state:
        case LinkState.LINKED if undoing:
            return RowOutcome(RowState.UNDONE)
        case LinkState.LINKED:
            return RowOutcome(RowState.SUCCESSFUL, link_id=link.id)
        case LinkState.UNDONE:
            return RowOutcome(RowState.UNDONE, link_id=link.id)
        case LinkState.INTENDED if link.method is LinkMethod.PAGES:
            own = None if undoing else link.id
            return RowOutcome(RowState.FILLING, link_id=own, waits_for=link.id)
        case LinkState.INTENDED if undoing:
            # Its row waits in the queue: the same key finds the same undo again.
            written = link.is_to_be_checked
            code = None if written else (link.failure or {}).get("code", "commusoft-slow")
            return RowOutcome(RowState.UNDOING, problem=code, gives_up=None, awaits_check=written)
        case LinkState.INTENDED:
            state = RowState.WRITTEN if link.is_to_be_checked else RowState.PROCESSING
            return RowOutcome(state, link_id=link.id)
    failure = dict(link.failure or {"code": "internal-error"})
    if undoing:
        return RowOutcome(RowState.SUCCESSFUL, failure)
    return RowOutcome(RowState.FAILED, failure, link.id)


def idempotency_key(row: BatchRow) -> str:
    """Return the key of a row and attempt, so that nothing is done twice."""
    return f"{idempotency_prefix(row.batch_id)}{row.id}-{row.attempt}"


def idempotency_prefix(batch_id: str) -> str:
    """How the keys of all rows of a batch begin."""
    return f"batch-{batch_id}-"


def idempotency_key_column() -> ColumnElement[str]:
    """Return ``idempotency_key`` as an SQL expression over BatchRow."""
    return (
        literal("batch-") + BatchRow.batch_id + "-" + cast(BatchRow.id, String)
        + "-" + cast(BatchRow.attempt, String)
    )  # fmt: skip


def _link(ctx: WorkspaceContext, batch: Batch, row: BatchRow, device_id: int, guard: Guard) -> Link:
    record_id = row.record_id or ""
    decision = Decision(
        package=batch.package,
        kind=kind_of(row) or _kind(record_id),
        reference=row.reference,
        record_id=record_id,
        organisation=batch.organisation,
        contact_name=row.label,
        overrides=Overrides.from_dict(row.agreed),
        differences=tuple((row.agreed or {}).get("differences", ())),
    )
    return confirm(ctx, decision, idempotency_key(row), device_id, guard)


def _kind(record_id: str) -> Kind:
    """Return the record's kind, for a row whose list does not give one."""
    return next(kind for kind in KINDS if record_id.startswith(f"{kind}-"))


def dump_params(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return storable parameters of a failure: records by label, times as text."""
    kept: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, datetime):
            kept[name] = value.isoformat()
        elif isinstance(value, list):
            kept[name] = [getattr(item, "label", item) for item in value]
        elif hasattr(value, "label"):
            kept[name] = value.label
        else:
            kept[name] = value
    return kept


def load_params(failure: Mapping[str, Any]) -> dict[str, Any]:
    """Return stored parameters, which include the code, for `problems`."""
    facts = dict(failure)
    if isinstance(facts.get("since"), str):
        facts["since"] = datetime.fromisoformat(facts["since"])
    if isinstance(facts.get("record"), str):
        facts["record"] = SimpleNamespace(label=facts["record"])
    if isinstance(facts.get("holders"), list):
        facts["holders"] = [SimpleNamespace(label=holder) for holder in facts["holders"]]
    return facts
