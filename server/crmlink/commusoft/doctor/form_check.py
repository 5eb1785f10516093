"""Proof of a form of its own names: whether all fields keep their values, sent or not.

Such a form may empty what is not sent. So one field that can be sent again is left out on purpose,
on a record that shows nothing else of the form that cannot be sent. Every field is compared after
each write. If any has changed, all are put back and the way is refused.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.dialect import Dialect, WriteMethod
from crmlink.commusoft.doctor.field_changes import (
    changed_fields,
    form_damage,
    put_back,
    unrestored_fields,
)
from crmlink.commusoft.doctor.results import CheckResult, failure_args
from crmlink.commusoft.errors import CommusoftError, WriteWithdrawn
from crmlink.commusoft.parsing import has_path, reference_path, value_at
from crmlink.commusoft.records import Record
from crmlink.commusoft.request_body import sendable
from crmlink.kinds import Kind

# The least harmful to lose for a moment comes first; never what a form may require.
_LEFT_OUT = ("addressline3", "county", "addressline2", "mobile", "town")


Outcome = Literal["kept", "not-this-way", "stop"]
_MAX_READS = 3


class WriteJournal(Protocol):
    """Journal of what a write check must restore, however it ends."""

    def begin(self, record: Record, trial: str | None) -> bool:
        """Store the record's own reference; returns False if a decision is in progress."""

    def keep(self, record: Record) -> None:
        """Store every field of the record, before the first write that may change one."""

    def put(self, client: CommusoftClient, record: Record, reference: str | None) -> None:
        """Send one PUT. Raises CommusoftError, and WriteWithdrawn if it may not be sent."""

    def end(self) -> None:
        """End the check: no further PUT follows; what is still to be restored is handled."""


@dataclass(frozen=True)
class FormProof:
    """The record that the admin named, with its every field before, and the form to prove on it."""

    client: CommusoftClient
    before: Record
    writing: WriteMethod
    trial: str | None
    journal: WriteJournal
    args: dict[str, Any]

    def write(self, reference: str | None, left_out: str) -> CommusoftError | None:
        """Send the current record without one field; returns the error, if any.

        Does nothing if someone else has changed the reference: the comparison finds it.
        """
        record = self.client.record(self.before.kind, self.before.number, self.before.uuid)
        if record.reference != self.before.reference:
            return None
        return self._put(record, reference, left_out)

    def read(self) -> Record:
        """Return the current record; repeated if Commusoft does not answer."""
        for _ in range(_MAX_READS - 1):
            with contextlib.suppress(CommusoftError):
                return self.client.record(self.before.kind, self.before.number, self.before.uuid)
        return self.client.record(self.before.kind, self.before.number, self.before.uuid)

    def changed(self, shown: Record, reference: str | None) -> list[str]:
        """Return the fields that differ, without the reference if it is an expected one."""
        found = changed_fields(self.before.raw, shown.raw)
        if shown.reference in (self.before.reference, reference):
            place = reference_path(shown.raw, self.writing.reference)
            found = [path for path in found if path != place]
        return found

    def restore(self) -> list[str]:
        """Put every field back, reading after each write; returns those that are not.

        Raises CommusoftError.
        """
        for _ in range(_MAX_READS):
            shown = self.read()
            if not unrestored_fields(self.before.raw, shown.raw):
                return []
            self._put(*self._put_back(shown), "")
        return unrestored_fields(self.before.raw, self.read().raw)

    def left(self, fields: list[str]) -> dict[str, Any]:
        """Return which of these fields were empty, and whether the journal keeps the others."""
        references = (self.before.reference, self.trial)
        damage = form_damage(self.before.raw, self.read(), self.writing, *references)
        return {
            "empty": [path for path in fields if not filled(self.before.raw, path)],
            "kept": bool(damage),
        }

    def _put_back(self, shown: Record) -> tuple[Record, str | None]:
        return put_back(self.before.raw, shown, self.writing, self.before.reference, self.trial)

    def _put(self, record: Record, reference: str | None, left_out: str) -> CommusoftError | None:
        writing = replace(self.writing, left_out=left_out)
        client = self.client.with_dialect(self.client.dialect.with_writing(record.kind, writing))
        try:
            self.journal.put(client, record, reference)
        except WriteWithdrawn:
            raise
        except CommusoftError as error:
            return error
        return None


def field_to_leave_out(writing: WriteMethod, record: Record) -> str | None:
    """Return the name to leave out; None if this record cannot prove the form."""
    if any(filled(record.raw, path) for path in writing.unsent):
        return None
    values = sendable(writing, record)
    return next((name for name in _LEFT_OUT if values.get(name)), None)


def filled(raw: Mapping[str, Any], path: str) -> bool:
    """Return whether there is a value at the path."""
    return has_path(raw, path) and bool(value_at(raw, path))


def proven_form(writing: WriteMethod, record: Record) -> WriteMethod:
    """Return the form with no other names than those whose values were seen to stay."""
    values = sendable(writing, record)
    return replace(writing, sent=tuple(each for each in writing.sent if values.get(each[0])))


def whole_form(dialect: Dialect, kind: Kind) -> Dialect:
    """Return the dialect with nothing left out, to put a record back."""
    return dialect.with_writing(kind, replace(dialect.ways(kind).writing, left_out=""))


def prove_form(proof: FormProof) -> Generator[CheckResult, None, Outcome]:
    """Yield the results of a form's proof; returns the outcome, as for other ways."""
    if proof.trial is None or proof.trial == proof.before.reference:
        yield CheckResult("write-needs-trial", "note", proof.args)
        return "not-this-way"
    left_out = field_to_leave_out(proof.writing, proof.before)
    if left_out is None:
        yield CheckResult("write-unsuited", "note", proof.args)
        return "not-this-way"
    proof.journal.keep(proof.before)
    try:
        return (yield from _prove(proof, left_out))
    except CommusoftError as error:
        yield CheckResult("write-unread", "failed", proof.args | failure_args(error))
        return "stop"


def _prove(proof: FormProof, left_out: str) -> Generator[CheckResult, None, Outcome]:
    for value in (proof.before.reference, proof.trial):
        error = proof.write(value, left_out)
        shown = proof.read()
        wrong = proof.changed(shown, value)
        if not wrong and error is None and shown.reference == value:
            continue
        if left := proof.restore():
            yield _not_restored(proof, left)
            return "stop"
        if wrong:
            yield CheckResult("write-put-back", "note", proof.args | {"fields": wrong})
            return "not-this-way"
        found = failure_args(error) if error else {"failure": "ignored", "cause": ""}
        yield CheckResult("write-tried", "note", proof.args | found)
        return "not-this-way"
    if left := proof.restore():
        yield _not_restored(proof, left)
        return "stop"
    yield CheckResult("write-kept", "fine", proof.args | {"proof": "form"})
    return "kept"


def _not_restored(proof: FormProof, fields: list[str]) -> CheckResult:
    left = {"fields": fields, "reference": proof.before.reference or "", **proof.left(fields)}
    return CheckResult("write-not-restored", "failed", {**proof.args, **left})
