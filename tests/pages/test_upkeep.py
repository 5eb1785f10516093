"""Backups and checks on their page: made, downloaded, refused, audited; nothing personal told."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import time
import zipfile
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from crmlink.app import create_app
from crmlink.installation import Installation
from crmlink.settings import load_settings
from crmlink.settings.errors import InvalidSettings
from crmlink.store import AuditEntry
from crmlink.store.base import utc_now
from crmlink.upkeep import checks as checking
from crmlink.upkeep import schedule
from crmlink.upkeep.backup import MANIFEST, require_whole
from crmlink.upkeep.checks import run_checks
from crmlink.upkeep.schedule import back_up_if_due, delete_left_copies, kept_backups
from crmlink.upkeep.texts import check_text
from support.page_client import PageClient, signed_in_client, words
from support.sample_data import SampleData


@pytest.fixture
def upkeep_admin(installation: Installation, sample: SampleData, tmp_path: Path) -> PageClient:
    installation.settings = replace(
        installation.settings, backup_dir=tmp_path / "backups", backups_kept=2
    )
    app: Flask = create_app(installation.settings, installation)
    return signed_in_client(app, installation, sample.admin)


def actions(installation: Installation) -> list[str]:
    with installation.database.reading() as session:
        entries = session.query(AuditEntry).filter(AuditEntry.action.startswith("backup."))
        return [entry.action for entry in entries.order_by(AuditEntry.id)]


def test_a_backup_is_made_listed_and_downloaded(
    upkeep_admin: PageClient, installation: Installation
) -> None:
    assert "None yet." in upkeep_admin.read("/upkeep")
    assert upkeep_admin.send("/upkeep/backups").status_code == 303
    (made,) = kept_backups(installation.settings)
    assert f"restore --replace {made.path}" in upkeep_admin.read("/upkeep"), (
        "the command as it is typed"
    )
    require_whole(made.path)
    assert "The keys are not in them" in upkeep_admin.read("/upkeep")
    sent = upkeep_admin.get(f"/upkeep/backups/{made.path.name}")
    assert sent.data == made.path.read_bytes()
    for name in ("crmlink-20200101-000000.backup", "secret.key", "..%2fsecret.key"):
        assert upkeep_admin.get(f"/upkeep/backups/{name}").status_code == 404
    assert actions(installation) == ["backup.made", "backup.downloaded"]
    assert "made a backup" in upkeep_admin.read("/audit")


def test_a_download_has_its_keys_sealed(
    upkeep_admin: PageClient, installation: Installation
) -> None:
    passphrase = "a passphrase of the office"
    sent = upkeep_admin.send("/upkeep/download", passphrase=passphrase, again=passphrase)
    with zipfile.ZipFile(io.BytesIO(sent.data)) as archive:
        assert "keys.sealed" in json.loads(archive.read(MANIFEST))["parts"]
    for first, again in (("short", "short"), ("", ""), (passphrase, "another")):
        refused = upkeep_admin.send("/upkeep/download", passphrase=first, again=again)
        assert refused.status_code == 422
        assert "passphrase" in words(refused)
    assert not list(installation.settings.data_dir.glob(".crmlink-*"))
    assert actions(installation) == ["backup.downloaded"]


def test_the_oldest_backups_go_and_a_days_second_is_not_made(
    upkeep_admin: PageClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, database = installation.settings, installation.database
    back_up_if_due(settings, database)
    back_up_if_due(settings, database)
    assert len(kept_backups(settings)) == 1
    for days in (1, 2, 3):
        later = utc_now() + timedelta(days=days)
        monkeypatch.setattr(schedule, "utc_now", lambda later=later: later)
        back_up_if_due(settings, database)
    kept = kept_backups(settings)
    assert len(kept) == 2
    assert kept[0].made_at > kept[1].made_at > utc_now() + timedelta(days=1)


def test_a_folder_that_cannot_be_written_is_told(
    upkeep_admin: PageClient, installation: Installation, tmp_path: Path
) -> None:
    (tmp_path / "backups").write_text("a file is in the way")
    refused = upkeep_admin.send("/upkeep/backups")
    assert refused.status_code == 422
    back_up_if_due(installation.settings, installation.database)  # is logged
    assert actions(installation) == []


def test_without_a_folder_the_page_says_how_to_set_one(admin: PageClient) -> None:
    assert "restore --replace FILE" in admin.read("/upkeep")
    assert "Set CRMLINK_BACKUP_DIR" in admin.read("/upkeep")
    assert admin.send("/upkeep/backups").status_code == 422


def test_the_checks_are_shown_and_nothing_is_wrong(upkeep_admin: PageClient) -> None:
    page = words(upkeep_admin.send("/upkeep/checks"))
    assert "SQLite: the database is whole." in page
    assert "Not good" not in page


def health(installation: Installation) -> dict[str, str]:
    found = list(run_checks(installation.settings))
    assert all(check_text(check).endswith(".") for check in found)
    return {check.code: check.health for check in found}


def test_what_is_wrong_is_found(
    upkeep_admin: PageClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = installation.settings
    monkeypatch.setattr(checking, "utc_now", lambda: utc_now() - timedelta(hours=1))
    assert health(installation)["clock"] == "failed"
    monkeypatch.undo()
    monkeypatch.setattr(checking, "MIN_FREE_BYTES", 10**18)
    assert health(installation)["disk"] == "failed"
    monkeypatch.undo()
    upkeep_admin.send("/upkeep/backups")
    assert health(installation)["backups"] == "fine"
    monkeypatch.setattr(checking, "OLD_BACKUP", timedelta(seconds=-1))
    assert health(installation)["backups"] == "failed"
    monkeypatch.undo()
    installation.settings = replace(settings, public_url="https://127.0.0.1:9")
    assert health(installation)["certificate"] == "note"
    installation.settings = settings
    assert not {"failed"} & set(health(installation).values())
    with closing(sqlite3.connect(settings.data_dir / "crmlink.sqlite")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0004'")
        connection.execute("UPDATE record SET connection_id = 99999")
        connection.commit()
    found = health(installation)
    assert (found["tables"], found["sound"]) == ("failed", "failed")


def test_a_diagnosis_names_no_one(upkeep_admin: PageClient, installation: Installation) -> None:
    diagnosis = upkeep_admin.get("/upkeep/diagnosis").get_data(as_text=True)
    assert json.loads(diagnosis)["counts"]["records"]
    settings = installation.settings
    for secret in (
        "Anna", "Whitcombe", "Holloway", "firm.example", settings.secret_key, "customer-1001",
        str(settings.data_dir), os.uname().nodename,
    ):  # fmt: skip
        assert secret not in diagnosis


def test_the_folder_for_backups_is_a_whole_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CRMLINK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CRMLINK_BACKUP_DIR", "backups")
    with pytest.raises(InvalidSettings, match="CRMLINK_BACKUP_DIR"):
        load_settings()
    monkeypatch.setenv("CRMLINK_BACKUP_DIR", str(tmp_path))
    monkeypatch.setenv("CRMLINK_BACKUPS_KEPT", "3")
    loaded = load_settings()
    assert (loaded.backup_dir, loaded.backups_kept) == (tmp_path, 3)


@pytest.mark.parametrize(("before", "after"), [(400, 0), (0, -400)])
def test_backups_go_on_after_the_clock_was_put_back_and_cost_none_of_before(
    upkeep_admin: PageClient,
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
    before: int,
    after: int,
) -> None:
    settings, moment = installation.settings, utc_now()
    made: dict[int, list[Path]] = {before: [], after: []}
    for start, paths in made.items():
        for day in range(3):
            time_then = moment + timedelta(days=start + day)
            monkeypatch.setattr(schedule, "utc_now", lambda then=time_then: then)
            known = {one.path for one in kept_backups(settings)}
            back_up_if_due(settings, installation.database)
            paths += [one.path for one in kept_backups(settings) if one.path not in known]
    assert [len(paths) for paths in made.values()] == [3, 3]
    left = {one.path for one in kept_backups(settings)}
    assert left == {path for paths in made.values() for path in paths[1:]}


def test_the_newest_backup_is_not_one_of_a_day_to_come(
    upkeep_admin: PageClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = utc_now() + timedelta(days=400)
    monkeypatch.setattr(schedule, "utc_now", lambda: ahead)
    back_up_if_due(installation.settings, installation.database)
    monkeypatch.undo()
    assert health(installation)["backups"] == "note"
    back_up_if_due(installation.settings, installation.database)
    assert health(installation)["backups"] == "fine"


def test_a_folder_that_cannot_be_read_is_told_on_the_page(
    upkeep_admin: PageClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    upkeep_admin.send("/upkeep/backups")
    monkeypatch.setattr(Path, "iterdir", refuse)
    assert "be read (Permission denied)." in upkeep_admin.read("/upkeep")
    assert upkeep_admin.get("/upkeep/backups/crmlink-20200101-000000.backup").status_code == 404
    back_up_if_due(installation.settings, installation.database)  # is logged


@pytest.mark.parametrize("place", ["data", "backups"])
def test_a_copy_that_a_killed_backup_left_goes(
    upkeep_admin: PageClient, installation: Installation, place: str
) -> None:
    settings = installation.settings
    folder = settings.data_dir if place == "data" else settings.backup_dir
    assert folder is not None
    left, fresh = folder / ".crmlink-backup-x1", folder / ".crmlink-x2" / ".crmlink-backup-x3"
    for path in (left, fresh):
        path.mkdir(parents=True)
        (path / "crmlink.sqlite").write_text("Margaret Holloway")
    other = folder / ".crmlinks"
    other.mkdir()
    two_days_ago = time.time() - 2 * 86_400
    for path in (left, other):
        os.utime(path, (two_days_ago, two_days_ago))
    delete_left_copies(settings)
    assert not left.exists()
    assert fresh.exists()
    assert other.exists()
