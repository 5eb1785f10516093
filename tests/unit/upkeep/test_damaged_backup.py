"""Backups that are damaged, sealed otherwise, older or made up."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from crmlink.upkeep import backup as backups
from crmlink.upkeep.backup import DATABASE, MANIFEST
from crmlink.upkeep.errors import UpkeepFailure
from crmlink.upkeep.sealed_keys import SECRET_KEY, seal, unseal
from support.backups import PASSPHRASE, changed, manifest_fields, refused, restore


def test_a_damaged_backup_is_refused(file: Path, other: Path) -> None:
    newer = json.dumps({**manifest_fields(file), "format": 99}).encode()
    changes: list[tuple[dict[str, bytes | None], str]] = [
        ({"crmlink": b"SQLite format 3\x00 and nothing else"}, "damaged"),
        ({"crmlink": None}, "damaged"),
        ({"manifest": b"{}"}, "no-backup"),
        ({"manifest": newer}, "newer"),
    ]
    for parts, code in changes:
        with pytest.raises(UpkeepFailure) as failure:
            restore(other, changed(file, **parts))
        refused(failure, code)
    cut = file.with_name("cut.backup")
    cut.write_bytes(file.read_bytes()[:-200])
    for path, code in ((cut, "no-backup"), (file.with_name("none"), "no-file")):
        with pytest.raises(UpkeepFailure) as failure:
            restore(other, path)
        refused(failure, code)
    assert not (other / "crmlink.sqlite").exists()


def test_a_database_that_is_not_whole_is_refused_though_its_digest_fits(
    file: Path, other: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.sqlite"
    with zipfile.ZipFile(file) as archive:
        broken.write_bytes(archive.read(DATABASE))
    with closing(sqlite3.connect(broken)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("UPDATE record SET connection_id = 99999")
        connection.commit()
    told = manifest_fields(file)
    parts = {**told["parts"], DATABASE: backups._digest(broken)}  # type: ignore[dict-item] # JSON
    manifest = json.dumps(told | {"parts": parts}).encode()
    with pytest.raises(UpkeepFailure) as failure:
        restore(other, changed(file, crmlink=broken.read_bytes(), manifest=manifest))
    refused(failure, "damaged")


def test_sealed_keys_open_with_their_passphrase_alone() -> None:
    sealed = seal({SECRET_KEY: "s"}, PASSPHRASE)
    assert unseal(sealed, PASSPHRASE) == {SECRET_KEY: "s"}
    costly = json.dumps({**json.loads(sealed), "n": 2**40}).encode()
    for wrong in (b"", b"[]", b"{}", costly):
        with pytest.raises(UpkeepFailure) as failure:
            unseal(wrong, PASSPHRASE)
        assert failure.value.code == "damaged"


def test_a_backup_of_an_earlier_crmlink_is_restored(file: Path, other: Path) -> None:
    fields = manifest_fields(file)
    assert fields["format"] == 1  # where no further firm has rules of its own
    assert restore(other, file).keys


def test_no_backup_writes_outside_of_a_firms_folder(
    file: Path, other: Path, tmp_path: Path
) -> None:
    told, made = manifest_fields(file), tmp_path / "made up.backup"
    for name in (
        "../escaped", "workspaces/../../packages.json", "workspaces/x/packages.json",
        "/packages.json", f"workspaces/{'a' * 32}/secret.key",
    ):  # fmt: skip
        parts = {**told["parts"], name: hashlib.sha256(b"x").hexdigest()}  # type: ignore[dict-item] # JSON
        with zipfile.ZipFile(file) as old, zipfile.ZipFile(made, "w") as new:
            for each in told["parts"]:  # type: ignore[attr-defined] # JSON
                new.writestr(each, old.read(each))
            new.writestr(name, b"x")
            new.writestr(MANIFEST, json.dumps(told | {"parts": parts, "format": 2}))
        with pytest.raises(UpkeepFailure) as failure:
            restore(other, made)
        refused(failure, "no-backup")
        assert list(other.iterdir()) == []
