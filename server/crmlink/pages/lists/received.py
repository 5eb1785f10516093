"""Uploads of the signed-in user: received from a form, found again, with their choices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from flask import request

from crmlink.accounting.exports.errors import ExportError
from crmlink.pages.lists.choices import Choices
from crmlink.pages.lists.uploads import (
    UploadedFile,
    UploadPlace,
    find_file,
    forget_file,
    save_upload,
    share_upload,
)
from crmlink.web.auth import current_actor, current_open_workspace
from crmlink.web.body_limits import UPLOAD_BYTES, UPLOAD_MB


class UploadRefused(Exception):
    """The form has no file, or one that cannot be read; its text says why."""


def receive_file(detect: Callable[[Path, str], object]) -> UploadedFile:
    """Store the form's file if its format is detected. Raises UploadRefused."""
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        raise UploadRefused("Choose a file.")
    sent = save_upload(upload_place(), upload, current_actor().device.public_id)
    try:
        if sent.path.stat().st_size > UPLOAD_BYTES:
            raise ExportError("too_large", most=UPLOAD_MB)
        detect(sent.path, sent.filename)
    except ExportError as error:
        forget_file(sent)
        raise UploadRefused(str(error)) from error
    share_upload(sent)
    return sent


def upload_place() -> UploadPlace:
    """Return where the uploads of the user's workspace are."""
    workspace = current_open_workspace()
    return UploadPlace.of(workspace.folder, workspace.access.database, workspace.id)


def find_upload(token: str, *, records: bool) -> UploadedFile | None:
    """Return the user's list of contacts, or with ``records`` their report, if it is still here."""
    sent = find_file(upload_place(), token, current_actor().device.public_id)
    return sent if sent and sent.records == records else None


def choices_for(sent: UploadedFile) -> Choices:
    """Return the choices stored for a file; those of another version may be unreadable."""
    try:
        return Choices.from_dict(sent.choices)
    except (TypeError, KeyError):
        return Choices()


def missing_columns_text(fields: Iterable[str], labels: Mapping[str, str]) -> list[str]:
    """Return the advice for fields whose chosen column is not in the table; empty for none."""
    names = ", ".join(labels[name] for name in fields)
    if not names:
        return []
    return [f"The columns you chose for {names} are not in this table. Choose them again below."]
