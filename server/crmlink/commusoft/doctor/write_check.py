"""Write check: writes a record's own reference back by each known method until one works.

Writing the same value shows that a method is accepted and does no harm. It does not show that the
method would change the reference: only a trial value that is written and removed proves that, and a
changed time stamp at least shows a write. The three are reported separately.
"""

import contextlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.dialect import Dialect, WriteMethod, candidate_write_methods
from crmlink.commusoft.doctor.field_changes import changed_fields, is_stamp
from crmlink.commusoft.doctor.field_stats import leaves
from crmlink.commusoft.doctor.form_check import (
    FormProof,
    Outcome,
    WriteJournal,
    prove_form,
    proven_form,
)
from crmlink.commusoft.doctor.results import CheckResult, failure_args
from crmlink.commusoft.errors import CommusoftError, WriteWithdrawn
from crmlink.commusoft.records import Record
from crmlink.kinds import KINDS, Kind

_MAX_READS = 3


class RecordBusy(Exception):
    """A decision about the record is in progress: nothing is written to it now."""


@dataclass(frozen=True)
class WriteCheck:
    """The record that the admin named, and a trial value if they agreed to one."""

    kind: Kind
    number: str
    trial: str | None = None

    @property
    def record_id(self) -> str:
        """The record's id, as the admin wrote it."""
        return f"{self.kind}-{self.number}"


def run_write_test(
    client: CommusoftClient, test: WriteCheck, reference_place: str | None, journal: WriteJournal
) -> Generator[CheckResult, None, Dialect | None]:
    """Yield a result for each method tried; returns the dialect with one that worked.

    `reference_place` is where references were found: each method is then tried with it. Raises
    CommusoftError if the record is missing or Commusoft stops answering, and RecordBusy.
    """
    before = client.record(test.kind, test.number)
    shown = {"has_reference": before.reference is not None, "shown": before.reference_shown}
    yield CheckResult("write-record", "fine", {"record": test.record_id} | shown)
    if not journal.begin(before, test.trial):
        raise RecordBusy
    try:
        return (yield from _try_all(client, test, before, reference_place, journal))
    finally:
        journal.end()


def _try_all(
    client: CommusoftClient,
    test: WriteCheck,
    before: Record,
    reference_place: str | None,
    journal: WriteJournal,
) -> Generator[CheckResult, None, Dialect | None]:
    for writing in _ways(client.dialect, test.kind, reference_place):
        if writing.creates and not before.uuid:
            # Only a record's own UUID prevents Commusoft from creating it again.
            yield CheckResult("write-skipped", "note", {"way": writing.name})
            continue
        dialect = client.dialect.with_writing(test.kind, writing)
        outcome = yield from _try(client.with_dialect(dialect), test, before, writing, journal)
        if outcome == "kept":
            writing = replace(proven_form(writing, before), proved=True)
            dialect = dialect.with_writing(test.kind, writing)
            return _for_both_kinds(dialect, test.kind, writing)
        if outcome == "stop":
            return None
    return None


def _ways(dialect: Dialect, kind: Kind, place: str | None) -> Iterator[WriteMethod]:
    seen = set()
    for way in candidate_write_methods(kind, dialect):
        placed = replace(way, reference=place or way.reference)
        # Methods that differ only in the reference's path are equal once that is known.
        same = replace(placed, name="", seen=True, proved=False)
        if same not in seen:
            seen.add(same)
            yield placed


def _for_both_kinds(dialect: Dialect, kind: Kind, writing: WriteMethod) -> Dialect:
    """Return the dialect with this method for both kinds, which most likely share it."""
    for other in KINDS:
        if other != kind:
            alike = (
                one for one in candidate_write_methods(other, dialect) if one.name == writing.name
            )
            way = next(alike, None)
            if way is not None:
                way = replace(way, reference=writing.reference, seen=False, proved=False)
                dialect = dialect.with_writing(other, way)
    return dialect


def _try(
    client: CommusoftClient,
    test: WriteCheck,
    before: Record,
    writing: WriteMethod,
    journal: WriteJournal,
) -> Generator[CheckResult, None, Outcome]:
    args = {"record": test.record_id, "way": writing.name, "place": writing.reference}
    if writing.sent:
        return (
            yield from prove_form(FormProof(client, before, writing, test.trial, journal, args))
        )
    count = _count(client, test) if writing.creates else 0
    error = _write(client, test, before, before.reference, journal)
    if writing.creates and _count(client, test) != count:
        yield CheckResult("write-created", "failed", args)
        return "stop"
    after = _read(client, test)
    if changed := changed_fields(before.raw, after.raw):
        yield CheckResult("write-spoiled", "failed", args | {"fields": changed})
        return "stop"
    if error is not None:
        yield CheckResult("write-tried", "note", args | failure_args(error))
        return "not-this-way"
    if test.trial is not None:
        return (yield from _try_value(client, test, before, args, journal))
    moved = _stamp_moved(before, after)
    proof = {"proof": "stamp" if moved else "none"}
    yield CheckResult("write-kept", "fine" if moved else "note", args | proof)
    return "kept"


def _try_value(
    client: CommusoftClient,
    test: WriteCheck,
    before: Record,
    args: dict[str, str],
    journal: WriteJournal,
) -> Generator[CheckResult, None, Outcome]:
    """Write the trial value, read the record, and restore its own reference in any case."""
    error = _write(client, test, before, test.trial, journal)
    left: dict[str, Any] = {"fields": [], "reference": before.reference or ""}
    try:
        shown = _read(client, test)
        if not changed_fields(before.raw, shown.raw):
            found = failure_args(error) if error else {"failure": "ignored", "cause": ""}
            yield CheckResult("write-tried", "note", args | found)
            return "not-this-way"
        left["fields"] = changed_fields(before.raw, _restored(client, test, before, journal).raw)
    except CommusoftError as trouble:
        yield CheckResult("write-not-restored", "failed", args | left | failure_args(trouble))
        return "stop"
    if left["fields"]:
        yield CheckResult("write-not-restored", "failed", args | left)
        return "stop"
    yield CheckResult("write-kept", "fine", args | {"proof": "trial"})
    return "kept"


def _write(
    client: CommusoftClient,
    test: WriteCheck,
    before: Record,
    reference: str | None,
    journal: WriteJournal,
) -> CommusoftError | None:
    """Write to the current record; returns the error, if any.

    Does nothing if the reference has been changed by someone else: the comparison that follows
    reports it.
    """
    record = client.record(test.kind, test.number)
    if record.reference != before.reference:
        return None
    try:
        journal.put(client, record, reference)
    except WriteWithdrawn:
        raise
    except CommusoftError as error:
        return error
    return None


def _restored(
    client: CommusoftClient, test: WriteCheck, before: Record, journal: WriteJournal
) -> Record:
    """Restore the own reference, reading after each attempt; returns the record.

    Only over the trial value: any other value is someone's decision.
    """
    for _ in range(_MAX_READS):
        shown = _read(client, test)
        if shown.reference != test.trial:
            return shown
        with contextlib.suppress(CommusoftError):
            journal.put(client, shown, before.reference)
    return _read(client, test)


def _read(client: CommusoftClient, test: WriteCheck) -> Record:
    """Return the current record; repeated if Commusoft does not answer."""
    for _ in range(_MAX_READS - 1):
        with contextlib.suppress(CommusoftError):
            return client.record(test.kind, test.number)
    return client.record(test.kind, test.number)


def _count(client: CommusoftClient, test: WriteCheck) -> int:
    return sum(1 for _ in client.records(test.kind))


def _stamp_moved(before: Record, after: Record) -> bool:
    old, new = dict[str, Any](leaves(before.raw)), dict[str, Any](leaves(after.raw))
    return any(is_stamp(path, new[path]) and new[path] != old.get(path) for path in new)
