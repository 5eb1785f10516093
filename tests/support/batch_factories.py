"""Whole lists for tests: made of the sandbox's own records, imported, matched, accepted."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from crmlink.accounting.exports.reader import (
    DetectedFormat,
    FormatHints,
    Source,
    detect_format,
)
from crmlink.batches import backoff, row_runs
from crmlink.batches.accept_sure import accept_sure, draw_sample
from crmlink.batches.control import start_writing
from crmlink.batches.file_import import ImportResult, ListFile, import_file
from crmlink.batches.match_job import match_waiting, start_matching
from crmlink.batches.progress import summary
from crmlink.batches.rows import ReviewRow, RowPage, list_rows
from crmlink.kinds import Kind
from crmlink.linking.context import WorkspaceContext
from crmlink.store import MirroredRecord

HEADER = (
    "A/C", "Name", "Address Line 1", "Address Line 2", "Address Line 3", "Address Line 4",
    "Address Line 5", "Contact Name", "Telephone",
)  # fmt: skip
BOUND = 0.998


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a Sage 50 export."""

    reference: str
    name: str
    address: str = ""
    town: str = ""
    postcode: str = ""
    person: str = ""
    phone: str = ""

    def cells(self) -> tuple[str, ...]:
        return (
            self.reference, self.name, self.address, self.town, "", self.postcode, "",
            self.person, self.phone,
        )  # fmt: skip


def line_of(record: MirroredRecord, reference: str) -> Line:
    """The contact that a record is in Sage 50."""
    return Line(
        reference, record.label, record.address, record.town, record.postcode, record.name,
        (record.phones or [""])[0],
    )  # fmt: skip


def records_of(ctx: WorkspaceContext, kind: Kind = "customer") -> list[MirroredRecord]:
    """The mirror's records that carry no reference, in Commusoft's order."""
    with ctx.database.reading() as session:
        rows = session.query(MirroredRecord).filter_by(kind=kind, deleted_at=None, reference=None)
        return rows.order_by(MirroredRecord.id).all()


def lines_of(ctx: WorkspaceContext, most: int | None = None) -> list[Line]:
    """A Sage 50 list of customers that are not linked, each with an A/C of its own."""
    found = records_of(ctx)[:most]
    return [line_of(record, f"AC{number:05}") for number, record in enumerate(found, 1)]


def sage_file(lines: Sequence[Line]) -> io.BytesIO:
    text = io.StringIO()
    csv.writer(text).writerows([HEADER, *(line.cells() for line in lines)])
    return io.BytesIO(text.getvalue().encode())


def detected(
    ctx: WorkspaceContext,
    file: Source,
    name: str,
    package: str | None = None,
    kind: Kind | None = None,
) -> DetectedFormat:
    """The format of a file of contacts."""
    found = detect_format(file, name, ctx.packages, FormatHints(package=package))
    return found.with_overrides(kind=kind)


def imported(
    ctx: WorkspaceContext, device_id: int, lines: Sequence[Line], kind: Kind = "customer"
) -> ImportResult:
    """A draft of a Sage 50 export."""
    file = sage_file(lines)
    found = detected(ctx, file, "Customers.csv", "sage_50", kind)
    return import_file(ctx, device_id, ListFile(file, "Customers.csv", found), agreed=len(lines))


def matched(ctx: WorkspaceContext, device_id: int, lines: Sequence[Line]) -> str:
    """A batch under review; its id."""
    batch_id = imported(ctx, device_id, lines).batch.id
    start_matching(ctx, device_id, batch_id, BOUND)
    assert match_waiting(ctx) == 1
    return batch_id


def accepted(ctx: WorkspaceContext, device_id: int, lines: Sequence[Line]) -> str:
    """A batch whose sure rows are accepted; its id."""
    batch_id = matched(ctx, device_id, lines)
    accept_sure(ctx, device_id, batch_id, draw_sample(ctx, batch_id).token)
    return batch_id


def asked_for(ctx: WorkspaceContext, device_id: int, lines: Sequence[Line]) -> str:
    """A batch that waits to be written; its id."""
    batch_id = accepted(ctx, device_id, lines)
    start_writing(ctx, device_id, batch_id, summary(ctx, batch_id).to_link)
    return batch_id


def rows_of(ctx: WorkspaceContext, batch_id: str) -> list[ReviewRow]:
    return list_rows(ctx, batch_id, page=RowPage(limit=500))


def wait_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the worker report, look and try again at once."""
    monkeypatch.setattr(row_runs, "HEARTBEAT_INTERVAL", 0.0)
    monkeypatch.setattr(row_runs, "POLL_INTERVAL", 0.02)
    monkeypatch.setattr(backoff, "INITIAL_BACKOFF", 0.01)
    monkeypatch.setattr(backoff, "MAX_BACKOFF", 0.02)
