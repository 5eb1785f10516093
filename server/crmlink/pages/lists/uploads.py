"""Uploaded files that are not imported yet: stored beside the database for at most a day."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from werkzeug.datastructures import FileStorage

FOLDER = "uploads"
KEPT_SECONDS = 24 * 3600
TOKEN = re.compile(r"[0-9a-f]{32}")
LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """An uploaded file: its device's public id, its name, and the user's choices.

    ``records``: it is Commusoft's report, not a list of contacts; ``made_at`` is then when it was
    exported, as an ISO time, as far as it can be told. ``erased``: it was deleted because it may
    have contained a person erased since. ``saved_as``: it was deleted because it is a list now.
    """

    token: str
    filename: str
    device: str
    folder: Path
    choices: Mapping[str, Any] = field(default_factory=dict)
    erased: bool = False
    records: bool = False
    made_at: str = ""
    saved_as: str = ""

    @property
    def path(self) -> Path:
        """Path of the file."""
        return self.folder / self.token


def save_upload(data_dir: Path, upload: FileStorage, device: str) -> UploadedFile:
    """Store an upload under an unguessable name; deletes expired ones."""
    folder = data_dir / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    delete_expired_uploads(data_dir)
    sent = UploadedFile(secrets.token_hex(16), plain_name(upload.filename or ""), device, folder)
    upload.save(sent.path)
    sent.path.chmod(0o600)
    _describe(sent)
    return sent


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


def _describe(sent: UploadedFile) -> None:
    described = {name: value for name, value in asdict(sent).items() if name != "folder"}
    new = sent.path.with_suffix(f".{secrets.token_hex(4)}")
    new.touch(mode=0o600)
    new.write_text(json.dumps(described), encoding="utf-8")
    new.replace(sent.path.with_suffix(".json"))


def find_file(data_dir: Path, token: str, device: str) -> UploadedFile | None:
    """Return the file uploaded by this device; None if it no longer exists."""
    if not TOKEN.fullmatch(token):
        return None
    sent = _described(data_dir / FOLDER, token)
    return sent if sent and sent.device == device and sent.path.exists() else None


def deleted_file(data_dir: Path, token: str, device: str) -> UploadedFile | None:
    """Return what is kept for a day of this device's file that was saved, or had to be deleted."""
    sent = _described(data_dir / FOLDER, token) if TOKEN.fullmatch(token) else None
    return sent if sent and sent.device == device and (sent.erased or sent.saved_as) else None


def kept_files(data_dir: Path) -> list[UploadedFile]:
    """All files that are being looked at by those who sent them."""
    folder = data_dir / FOLDER
    tokens = [path.stem for path in folder.glob("*.json")] if folder.exists() else []
    found = (_described(folder, token) for token in tokens)
    return [sent for sent in found if sent and sent.path.exists()]


def delete_for_erased(sent: UploadedFile) -> None:
    """Remove a file, and let who sent it be told why; its name may be a person's and goes too."""
    sent.path.unlink(missing_ok=True)
    _describe(replace(sent, filename="", choices={}, erased=True))


def delete_as_saved(sent: UploadedFile, batch_id: str) -> None:
    """Delete a file that is a list now, which is told to a page that is sent again."""
    sent.path.unlink(missing_ok=True)
    _describe(replace(sent, filename="", choices={}, saved_as=batch_id))


def _described(folder: Path, token: str) -> UploadedFile | None:
    try:
        fields = json.loads((folder / f"{token}.json").read_text(encoding="utf-8"))
        return UploadedFile(**fields, folder=folder)
    except (OSError, ValueError, TypeError):
        return None


def forget_file(sent: UploadedFile) -> None:
    """Delete a file."""
    sent.path.unlink(missing_ok=True)
    sent.path.with_suffix(".json").unlink(missing_ok=True)


def plain_name(filename: str) -> str:
    """Return a file's name without the folders that some browsers send."""
    name = PureWindowsPath(PurePosixPath(filename).name).name
    return "".join(sign for sign in name if sign.isprintable())[-LONGEST_NAME:] or "contacts"


def delete_expired_uploads(data_dir: Path) -> None:
    """Delete files that were neither imported nor discarded in time."""
    folder = data_dir / FOLDER
    oldest = time.time() - KEPT_SECONDS
    for path in folder.iterdir() if folder.exists() else ():
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
        except FileNotFoundError:  # another process was faster
            continue
