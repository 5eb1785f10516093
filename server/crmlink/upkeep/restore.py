"""Restoring a backup: checked first, into nothing or with what was there put aside."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, update

from crmlink.store import (
    AuditSigner,
    Batch,
    BatchState,
    Database,
    Link,
    LinkMethod,
    LinkState,
    Process,
)
from crmlink.store.audit.anchors import FILE_NAME as ANCHORS
from crmlink.store.base import utc_now
from crmlink.store.only_server import only_server
from crmlink.store.place import mark_as_restored
from crmlink.store.revisions import MIGRATIONS, REVISION
from crmlink.store.sqlite_file import sqlite_file
from crmlink.upkeep.backup import (
    DATABASE,
    SEALED,
    TEMPORARY,
    Manifest,
    is_rule_file,
    require_whole,
    unpack,
)
from crmlink.upkeep.copy_database import copy_into, make_single_file, require_sound, revision_of
from crmlink.upkeep.errors import UpkeepFailure
from crmlink.upkeep.sealed_keys import CERTIFICATE_FILES, SECRET_KEY, unseal

_SIDE_FILES = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class RestoreTarget:
    """Where a backup goes; ``secret_key`` is the one set in the environment, if one is."""

    data_dir: Path
    database_url: str
    secret_key: str = ""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done; ``put_aside`` are the files that were there, under their new names."""

    manifest: Manifest
    keys: bool
    certificates: bool
    put_aside: tuple[Path, ...] = ()


def restore_backup(
    place: RestoreTarget,
    file: Path,
    passphrase: str | None = None,
    *,
    replaces: bool = False,
    without_keys: bool = False,
) -> Restored:
    """Restore a backup while no server runs.

    What is in the way is put aside if ``replaces``, else the restore is refused. Keys that do not
    fit the database are refused, unless ``without_keys``. Raises UpkeepFailure, with nothing
    changed, ServerRunning or OSError.
    """
    manifest = require_whole(file)
    with (
        only_server(place.data_dir, place.database_url),
        tempfile.TemporaryDirectory(prefix=f"{TEMPORARY}-restore-", dir=place.data_dir) as name,
    ):
        folder = Path(name)
        for part in manifest.parts:
            unpack(file, part, folder / part)
        keys = _keys(place, manifest, folder, passphrase, without_keys=without_keys)
        _update(folder / DATABASE)
        return _put_in_place(place, manifest, folder, keys, replaces=replaces)


def _keys(
    place: RestoreTarget,
    manifest: Manifest,
    folder: Path,
    passphrase: str | None,
    *,
    without_keys: bool,
) -> dict[str, str]:
    """Return the keys to write. Raises UpkeepFailure unless the database will have its keys."""
    keys: dict[str, str] = {}
    if manifest.has_keys and passphrase:
        keys = unseal((folder / SEALED).read_bytes(), passphrase)
    present = place.secret_key or _read(place.data_dir / SECRET_KEY)
    wanted = place.secret_key or keys.get(SECRET_KEY) or present
    fits = bool(wanted) and AuditSigner.of(wanted, place.data_dir).key_id == manifest.key_id
    if not fits and not without_keys:
        raise UpkeepFailure(
            "passphrase-needed" if manifest.has_keys and not keys else "keys-needed"
        )
    if place.secret_key:  # the environment's is used, whatever the file says
        keys.pop(SECRET_KEY, None)
    return keys


def _update(file: Path) -> None:
    """Check a database, and migrate it to this version's tables. Raises UpkeepFailure."""
    require_sound(file)
    if revision_of(file) not in _known_revisions():
        raise UpkeepFailure("newer", version=revision_of(file))
    database = Database(f"sqlite:///{file}")
    try:
        database.migrate()
        _stop_writing(database)
    finally:
        database.close()
    make_single_file(file)
    require_sound(file)


def _stop_writing(database: Database) -> None:
    """Let nothing be written that was on its way when the backup was made.

    It may have been linked and undone since. Links are only read back, lists are paused, and a
    sign-in at accounting software is not used before a person has said that no other one uses it.
    The processes of the time of the backup work on another database, or not at all.
    """
    on_its_way = (Link.state == LinkState.INTENDED, Link.method == LinkMethod.API)
    read_only = {"written_at": utc_now(), "writes": 0, "writes_over": 0, "failure": None}
    with database.writing() as session:
        session.execute(update(Link).where(*on_its_way).values(read_only))
        session.execute(
            update(Batch)
            .where(Batch.state == BatchState.WRITING)
            .values(state=BatchState.PAUSED, rate=None, version=Batch.version + 1)
        )
        session.execute(delete(Process))
        mark_as_restored(session)


def _known_revisions() -> set[str]:
    texts = (path.read_text(encoding="utf-8") for path in (MIGRATIONS / "versions").glob("*.py"))
    return {found[1] for text in texts if (found := REVISION.search(text))}


def _put_in_place(
    place: RestoreTarget, manifest: Manifest, folder: Path, keys: dict[str, str], *, replaces: bool
) -> Restored:
    target = sqlite_file(place.database_url)
    if target is None:
        database = Database(place.database_url)
        try:
            copy_into(folder / DATABASE, database)
        finally:
            database.close()
    elif target.exists() and not replaces:
        raise UpkeepFailure("database-in-use")
    names = [name for name in manifest.parts if name == ANCHORS or is_rule_file(name)]
    moves = [(folder / name, place.data_dir / name) for name in names]
    for number, (name, key) in enumerate(keys.items()):
        _write(folder / f"key {number}", key)
        moves.append((folder / f"key {number}", place.data_dir / name))
    if target is not None:  # last: a restore that was killed before leaves no database without keys
        moves.append((folder / DATABASE, target))
    aside: list[Path] = []
    for source, goal in moves:
        goal.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside += _put_aside(goal)
        if source.stat().st_dev == goal.parent.stat().st_dev:
            source.replace(goal)
        else:
            _move(source, goal)
    certificates = not keys.keys().isdisjoint(CERTIFICATE_FILES)
    return Restored(manifest, bool(keys), certificates, tuple(aside))


def _put_aside(path: Path) -> list[Path]:
    """Rename a file and SQLite's files beside it; returns the new names."""
    moved = []
    stamp = f"{datetime.now():%Y%m%d-%H%M%S}"
    for suffix in ("", *_SIDE_FILES):
        there = path.with_name(path.name + suffix)
        if there.exists():
            aside = path.with_name(f"{path.name}.before-{stamp}{suffix}")
            there.rename(aside)
            moved.append(aside)
    return moved


def _move(source: Path, goal: Path) -> None:
    """Move a file to another disk: whole, or not at all."""
    beside = goal.with_name(f"{goal.name}.new")
    _write_bytes(beside, source.read_bytes())
    beside.replace(goal)


def _write(path: Path, text: str) -> None:
    _write_bytes(path, text.encode())


def _write_bytes(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())


def _read(path: Path) -> str:
    return path.read_text().strip() if path.is_file() else ""
