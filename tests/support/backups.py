"""Backups that tests make, restore and damage."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from crmlink.upkeep.backup import MANIFEST
from crmlink.upkeep.errors import UpkeepFailure
from crmlink.upkeep.restore import Restored, RestoreTarget, restore_backup
from crmlink.upkeep.texts import failure_text

PASSPHRASE = "a passphrase of the office"


def place(folder: Path) -> RestoreTarget:
    return RestoreTarget(folder, f"sqlite:///{folder}/crmlink.sqlite")


def refused(failure: pytest.ExceptionInfo[UpkeepFailure], code: str) -> None:
    assert failure.value.code == code
    assert failure_text(failure.value).endswith(".")


def restore(folder: Path, file: Path, passphrase: str | None = PASSPHRASE) -> Restored:
    return restore_backup(place(folder), file, passphrase)


def changed(file: Path, **parts: bytes | None) -> Path:
    """A backup with other contents under the same manifest."""
    made = file.with_name("changed.backup")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            content = parts.get(name.partition(".")[0], old.read(name))
            if content is not None:
                new.writestr(name, content)
    return made


def manifest_fields(file: Path) -> dict[str, object]:
    with zipfile.ZipFile(file) as archive:
        told: dict[str, object] = json.loads(archive.read(MANIFEST))
    return told
