"""Backups of a running installation: one file with the database, rule files, and sealed keys.

The file is a ZIP: ``manifest.json`` names each part with its digest. The audit's anchors are copied
before the database, so that they never know more than it does.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

from crmlink.access.audit.flushing import flush_anchors
from crmlink.installation import RULES_FILE
from crmlink.installation.folders import FOLDER
from crmlink.settings import Settings
from crmlink.store import Database
from crmlink.store.audit.anchors import FILE_NAME as ANCHORS
from crmlink.store.base import utc_now
from crmlink.store.time_limits import UNLIMITED, time_limits
from crmlink.store.workspaces import list_workspaces
from crmlink.upkeep.copy_database import copy_to_file, revision_of
from crmlink.upkeep.errors import UpkeepFailure
from crmlink.upkeep.sealed_keys import keys_of, seal

FORMAT = 2  # the newest; one without rule files of further workspaces is read by earlier versions
TEMPORARY = ".crmlink"  # how names of folders begin that are deleted when the work is done
MANIFEST, DATABASE, SEALED = "manifest.json", "crmlink.sqlite", "keys.sealed"
PARTS = (DATABASE, ANCHORS, RULES_FILE, SEALED)
FURTHER_RULES = re.compile(rf"{FOLDER}/[0-9a-f]{{32}}/{re.escape(RULES_FILE)}", re.ASCII)
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would change line ends
_MANIFEST_BYTES, _CHUNK = 10_000_000, 1 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds; ``key_id`` tells which secret key it fits, and nothing about it."""

    format: int
    version: str
    revision: str
    made_at: str
    key_id: str
    parts: Mapping[str, str]  # the SHA-256 of each

    @property
    def has_keys(self) -> bool:
        """Whether the keys are in it, sealed."""
        return SEALED in self.parts

    @property
    def made(self) -> datetime:
        """When it was made."""
        return datetime.fromisoformat(self.made_at)


def make_backup(
    settings: Settings, database: Database, file: Path, passphrase: str | None = None
) -> Manifest:
    """Write a backup while the installation runs, and read it back.

    Without a passphrase the keys are not in it. Raises UpkeepFailure, also if there is such a file
    already, or OSError; then no file is left.
    """
    file = file.absolute()
    if file.exists():
        raise UpkeepFailure("file-exists", file=str(file))
    sealed = (
        seal(keys_of(settings.data_dir, settings.secret_key), passphrase) if passphrase else b""
    )
    flush_anchors(database)
    with tempfile.TemporaryDirectory(prefix=f"{TEMPORARY}-backup-", dir=file.parent) as name:
        folder = Path(name)
        further = _rules_of_further(database)
        for extra in (ANCHORS, RULES_FILE, *further):
            _copy_if_there(settings.data_dir / extra, folder / extra)
        with time_limits(UNLIMITED):
            copy_to_file(database, folder / DATABASE)
        if sealed:
            (folder / SEALED).write_bytes(sealed)
        parts = [part for part in (*PARTS, *further) if (folder / part).is_file()]
        manifest = Manifest(
            1 if set(parts) <= set(PARTS) else FORMAT,
            version("crmlink"), revision_of(folder / DATABASE), utc_now().isoformat(),
            database.audit_signer.key_id, {part: _digest(folder / part) for part in parts},
        )  # fmt: skip
        packed = folder / "packed"
        _pack(manifest, folder, packed)
        require_whole(packed)
        if file.exists():
            raise UpkeepFailure("file-exists", file=str(file))
        packed.replace(file)
    return manifest


def read_manifest(file: Path) -> Manifest:
    """Return what a file says that it holds. Raises UpkeepFailure if it is no backup."""
    try:
        with zipfile.ZipFile(file) as archive, archive.open(MANIFEST) as opened:
            fields: Any = json.loads(opened.read(_MANIFEST_BYTES))
        manifest = Manifest(**fields)
        sound = manifest.made.tzinfo is not None and all(map(_is_part, manifest.parts))
    except FileNotFoundError:
        raise UpkeepFailure("no-file", file=str(file)) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile):
        raise UpkeepFailure("no-backup", file=str(file)) from None
    if manifest.format > FORMAT:
        raise UpkeepFailure("newer", version=manifest.version)
    if not sound or DATABASE not in manifest.parts:
        raise UpkeepFailure("no-backup", file=str(file))
    return manifest


def require_whole(file: Path) -> Manifest:
    """Return the manifest of a backup whose parts are all as written. Raises UpkeepFailure."""
    manifest = read_manifest(file)
    for part in manifest.parts:
        with _opened(file, part) as source:
            if _digest_of(source) != manifest.parts[part]:
                raise UpkeepFailure("damaged")
    return manifest


def unpack(file: Path, part: str, target: Path) -> None:
    """Write one part of a backup to a new file, for its owner alone. Raises UpkeepFailure."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _opened(file, part) as source, new_private_file(target) as opened:
        shutil.copyfileobj(source, opened, _CHUNK)
        opened.flush()
        os.fsync(opened.fileno())


def is_rule_file(part: str) -> bool:
    """Return whether a part is the rule file of a workspace."""
    return part == RULES_FILE or bool(FURTHER_RULES.fullmatch(part))


def _is_part(name: str) -> bool:
    """Return whether a backup may have a part of this name, which is its path too."""
    return name in PARTS or is_rule_file(name)


def _rules_of_further(database: Database) -> list[str]:
    """Return where the workspaces after the first have their own rules, within the data folder."""
    return [f"{FOLDER}/{row.public_id}/{RULES_FILE}" for row in list_workspaces(database)[1:]]


def _copy_if_there(source: Path, target: Path) -> None:
    """Copy a file, unless there is none or it is deleted meanwhile."""
    if source.is_file():
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(source, target)


@contextmanager
def _opened(file: Path, part: str) -> Iterator[BinaryIO]:
    try:
        with zipfile.ZipFile(file) as archive, archive.open(part) as source:
            yield source  # type: ignore[misc] # IO[bytes], as every binary stream
    except (KeyError, zipfile.BadZipFile, EOFError):
        raise UpkeepFailure("damaged") from None


def _pack(manifest: Manifest, folder: Path, packed: Path) -> None:
    with new_private_file(packed) as opened:
        with zipfile.ZipFile(opened, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1))
            for part in manifest.parts:
                archive.write(folder / part, part)
        opened.flush()
        os.fsync(opened.fileno())


def new_private_file(path: Path) -> BinaryIO:
    """Return a new file, open for writing, for its owner alone."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600), "wb")


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return _digest_of(opened)


def _digest_of(source: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()
