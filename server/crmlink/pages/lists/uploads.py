"""Uploaded files that are not imported yet: kept for at most a day.

They are in the data folder; where several machines share PostgreSQL they are in the database too,
and a machine's folder has copies of those that were asked for there.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from werkzeug.datastructures import FileStorage

from crmlink.pages.lists.shared_uploads import SharedUploads
from crmlink.store import Database

FOLDER = "uploads"
RETENTION_SECONDS = 24 * 3600
SHARED_WITHIN = 600.0  # seconds in which a file that arrived is in the database
TOKEN = re.compile(r"[0-9a-f]{32}")
MAX_NAME_LENGTH = 120


@dataclass(frozen=True, slots=True)
class UploadPlace:
    """Where a workspace's uploads are: this machine's folder, and the database if it is shared."""

    folder: Path
    shared: SharedUploads | None = None

    @classmethod
    def of(cls, folder: Path, database: Database, workspace_id: int) -> UploadPlace:
        """Return the place of a workspace with this folder."""
        shared = SharedUploads(database, workspace_id) if database.is_shared else None
        return cls(folder / FOLDER, shared)

    def local_tokens(self) -> list[str]:
        """Return the files that this machine's folder describes."""
        return [path.stem for path in self.folder.glob("*.json")] if self.folder.exists() else []

    def make(self) -> None:
        """Make the folder."""
        self.folder.mkdir(mode=0o700, exist_ok=True)


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """An uploaded file: its device's public id, its name, and the user's choices.

    ``records``: it is Commusoft's report, not a list of contacts; ``made_at`` is then when it was
    exported, as an ISO time, as far as it is known. ``erased``: it was deleted because it may
    have contained a person erased since. ``saved_as``: it was deleted because it is a list now.
    """

    token: str
    filename: str
    device: str
    place: UploadPlace
    choices: Mapping[str, Any] = field(default_factory=dict)
    erased: bool = False
    records: bool = False
    made_at: str = ""
    saved_as: str = ""

    @property
    def path(self) -> Path:
        """Path of the file."""
        return self.place.folder / self.token


def save_upload(place: UploadPlace, upload: FileStorage, device: str) -> UploadedFile:
    """Store an upload in the folder under an unguessable name; deletes expired ones."""
    place.make()
    delete_expired_uploads(place)
    sent = UploadedFile(secrets.token_hex(16), plain_name(upload.filename or ""), device, place)
    upload.save(sent.path)
    sent.path.chmod(0o600)
    _describe(sent)
    return sent


def share_upload(sent: UploadedFile) -> None:
    """Let other machines find a file that can be read."""
    if sent.place.shared:
        sent.place.shared.put(sent.token, _description(sent), sent.path)


def mark_as_records(sent: UploadedFile, made_at: str) -> UploadedFile:
    """Store that a file is Commusoft's report, and when it was exported."""
    marked = replace(sent, records=True, made_at=made_at)
    _describe(marked)
    return marked


def keep_choices(sent: UploadedFile, choices: Mapping[str, Any]) -> UploadedFile:
    """Store the user's choices for a file."""
    chosen = replace(sent, choices=choices)
    _describe(chosen)
    return chosen


def _description(sent: UploadedFile) -> dict[str, Any]:
    names = (each.name for each in fields(sent) if each.name != "place")
    return {name: getattr(sent, name) for name in names}


def _describe(sent: UploadedFile) -> None:
    if sent.place.shared:
        sent.place.shared.describe(sent.token, _description(sent))
    _describe_here(sent)


def _describe_here(sent: UploadedFile) -> None:
    new = sent.path.with_suffix(f".{secrets.token_hex(4)}")
    new.touch(mode=0o600)
    new.write_text(json.dumps(_description(sent)), encoding="utf-8")
    new.replace(sent.path.with_suffix(".json"))


def find_file(place: UploadPlace, token: str, device: str) -> UploadedFile | None:
    """Return the file uploaded by this device; None if it no longer exists."""
    sent = _described(place, token)
    return sent if sent and sent.device == device and _is_here(sent) else None


def deleted_file(place: UploadPlace, token: str, device: str) -> UploadedFile | None:
    """Return what is kept for a day of this device's file that was saved, or had to be deleted."""
    sent = _described(place, token)
    return sent if sent and sent.device == device and (sent.erased or sent.saved_as) else None


def kept_files(place: UploadPlace) -> list[UploadedFile]:
    """All files that are being looked at by those who sent them."""
    tokens = set(place.local_tokens())
    if place.shared:
        tokens |= set(place.shared.tokens())
    found = (_described(place, token) for token in sorted(tokens))
    return [sent for sent in found if sent and _is_here(sent)]


def delete_for_erased(sent: UploadedFile) -> None:
    """Remove a file and its name, which may be a person's; keep the reason for who sent it."""
    _delete_content(replace(sent, filename="", choices={}, erased=True))


def delete_as_saved(sent: UploadedFile, batch_id: str) -> None:
    """Delete a file that is a list now, which a page that is sent again is answered with."""
    _delete_content(replace(sent, filename="", choices={}, saved_as=batch_id))


def _delete_content(sent: UploadedFile) -> None:
    sent.path.unlink(missing_ok=True)
    if sent.place.shared:
        sent.place.shared.drop_content(sent.token)
    _describe(sent)


def _described(place: UploadPlace, token: str) -> UploadedFile | None:
    """Return what the database, or else the folder, says of a file."""
    if not TOKEN.fullmatch(token):
        return None
    try:
        if place.shared:
            known = place.shared.description(token)
        else:
            known = json.loads((place.folder / f"{token}.json").read_text(encoding="utf-8"))
        return UploadedFile(**known, place=place) if known else None
    except (OSError, ValueError, TypeError):
        return None


def _is_here(sent: UploadedFile) -> bool:
    """Return whether a file is in the folder, copied from the database if need be."""
    shared = sent.place.shared
    if shared is None:
        return sent.path.exists()
    if sent.path.exists():
        return shared.has_content(sent.token)  # another machine may have saved it
    sent.place.make()
    if not shared.fetch(sent.token, sent.path):
        return False
    _describe_here(sent)
    return True


def forget_file(sent: UploadedFile) -> None:
    """Delete a file."""
    sent.path.unlink(missing_ok=True)
    sent.path.with_suffix(".json").unlink(missing_ok=True)
    if sent.place.shared:
        sent.place.shared.forget(sent.token)


def plain_name(filename: str) -> str:
    """Return a file's name without the folders that some browsers send."""
    name = PureWindowsPath(PurePosixPath(filename).name).name
    return "".join(sign for sign in name if sign.isprintable())[-MAX_NAME_LENGTH:] or "contacts"


def delete_expired_uploads(place: UploadPlace) -> None:
    """Delete files that were neither imported nor discarded in time.

    Where several machines share them, also this one's copies of what is no longer there.
    """
    oldest = time.time() - RETENTION_SECONDS
    for path in place.folder.iterdir() if place.folder.exists() else ():
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
        except FileNotFoundError:  # another process was faster
            continue
    if place.shared:
        place.shared.forget_older(RETENTION_SECONDS)
        _delete_copies(place, place.shared)


def _delete_copies(place: UploadPlace, shared: SharedUploads) -> None:
    """Delete files in the folder whose content is no longer in the database."""
    there = set(shared.tokens())
    recent = time.time() - SHARED_WITHIN  # one that just arrived is not in the database yet
    for token in set(place.local_tokens()) - there:
        for path in (place.folder / token, place.folder / f"{token}.json"):
            try:
                if path.stat().st_mtime < recent:
                    path.unlink()
            except FileNotFoundError:
                continue
