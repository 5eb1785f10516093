"""Deletion of uploaded files that contain an erased person.

A file is read as it would be imported, with the choices so far. An unreadable one, or a report with
a line that is no record, may contain anyone and is deleted too: its sender still has it, and is
asked to send it again.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import func, select

from crmlink.accounting.errors import UnknownPackage
from crmlink.accounting.exports.errors import ExportError
from crmlink.accounting.exports.reader import RejectedRow, detect_format, read_contacts
from crmlink.batches.file_import import without_erased
from crmlink.commusoft.mirror import is_erased_person
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.records.files import read_record_file
from crmlink.pages.lists.choices import Choices, resolved
from crmlink.pages.lists.reports import recognised_report
from crmlink.pages.lists.uploads import (
    UploadedFile,
    UploadPlace,
    delete_for_erased,
    kept_files,
)
from crmlink.store import Database, ErasedKey
from crmlink.store.erased import ErasedPeople, erased_people
from crmlink.store.workspaces import active_workspaces


def delete_uploads_of_erased(folder: Path, ctx: WorkspaceContext) -> int:
    """Delete uploads that contain erased people; returns how many.

    ``folder`` is the workspace's on this machine.
    """
    files = kept_files(UploadPlace.of(folder, ctx.database, ctx.workspace_id))
    if not files:
        return 0
    with ctx.database.reading() as session:
        erased = erased_people(session, ctx.workspace_id)
    holding = [sent for sent in files if erased.keys and _holds(ctx, sent, erased)]
    for sent in holding:
        delete_for_erased(sent)
    return len(holding)


def newest_erasures(database: Database) -> dict[int, int]:
    """Return a number that changes with every erasure, of each active workspace that had one."""
    query = select(ErasedKey.workspace_id, func.max(ErasedKey.id)).group_by(ErasedKey.workspace_id)
    with database.reading() as session:
        found = dict(session.execute(query).all())
    return {each: found[each] for each in active_workspaces(database) if each in found}


def _holds(ctx: WorkspaceContext, sent: UploadedFile, erased: ErasedPeople) -> bool:
    try:
        choices = Choices.from_dict(sent.choices)
        if sent.records:
            return _report_holds(sent, choices, erased)
        recognised = detect_format(sent.path, sent.filename, ctx.packages, choices.hints)
        found = recognised.with_overrides(
            kind=choices.contact_kind,
            columns=resolved(choices, recognised)[0],
            dates=choices.date_order,
        )
        rows = read_contacts(sent.path, found, ctx.packages)
        return any(
            isinstance(row, RejectedRow) and row.code == "erased"
            for row in without_erased(erased, found.package or "", "", rows)
        )
    except FileNotFoundError:  # its sender was faster
        return False
    except (ExportError, UnknownPackage, TypeError, KeyError):
        return True


def _report_holds(sent: UploadedFile, choices: Choices, erased: ErasedPeople) -> bool:
    report = read_record_file(sent.path, recognised_report(sent, choices)[0])
    return bool(report.left_out) or any(
        is_erased_person(record, erased, is_new=True) for record in report.records
    )
