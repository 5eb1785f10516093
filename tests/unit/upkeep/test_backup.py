"""Backups of a running installation, and what may be restored where."""

from __future__ import annotations

import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

import crmlink
from crmlink.access.audit.check import verify_audit
from crmlink.access.workspaces import make_workspace, rename_workspace
from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.errors import CommusoftUnreachable
from crmlink.commusoft.vault import Vault
from crmlink.installation import (
    KEY_FILE,
    RULES_FILE,
    Installation,
    open_database,
    open_installation,
)
from crmlink.installation.folders import FOLDER, folder_of
from crmlink.linking.attempts import recover
from crmlink.linking.decisions import UndoDecision, confirm, undo
from crmlink.settings import Settings
from crmlink.store import (
    Batch,
    BatchState,
    ConnectionKind,
    LinkState,
    Process,
    SourceAccount,
    WorkspaceConnection,
)
from crmlink.store.base import Base, new_id, utc_now
from crmlink.store.only_server import ServerRunning, only_server
from crmlink.store.place import RESTORED, place_of
from crmlink.store.workspaces import list_workspaces
from crmlink.upkeep import backup as backups
from crmlink.upkeep.backup import make_backup, read_manifest, require_whole
from crmlink.upkeep.errors import UpkeepFailure
from crmlink.upkeep.restore import RestoreTarget, restore_backup
from crmlink.upkeep.sealed_keys import SECRET_KEY
from support.backups import PASSPHRASE, place, refused, restore
from support.batch_factories import Line, imported
from support.sandbox import FAST_LIMITS, HOLLOWAY, OTHER, SandboxHandle, decision, new_key
from unit.linking.test_attempts import fails, meddled

RULES = Path(crmlink.__file__).with_name("accounting") / RULES_FILE


def counts(installation_settings: Settings) -> dict[str, int]:
    database = open_database(installation_settings)
    with database.reading() as session:
        found = {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
            if table.name not in ("process", "audit_seal")  # of the running process
        }
    database.close()
    return found


def settings_of(where: RestoreTarget, secret_key: str) -> Settings:
    return Settings(where.data_dir, where.database_url, secret_key)


def test_a_backup_is_restored_on_another_machine(
    filled: Installation, file: Path, other: Path
) -> None:
    done = restore(other, file)
    assert done.keys
    assert done.put_aside == ()
    secret_key = (other / SECRET_KEY).read_text()
    assert secret_key == filled.settings.secret_key
    there = settings_of(place(other), secret_key)
    assert counts(there) == counts(filled.settings)
    database = open_database(there)
    verdict = verify_audit(database, filled.access.workspace_id)
    assert verdict.sound, verdict.findings
    with database.reading() as session:
        sealed = session.scalar(select(WorkspaceConnection.credentials))
    database.close()
    assert sealed
    assert Vault.at(other / KEY_FILE).decrypt(sealed).username == "x" * 8
    assert not list(other.glob(".crmlink-restore-*"))


def test_what_was_on_its_way_is_not_written_again(
    installation: Installation, sandbox: SandboxHandle, device_id: int, tmp_path: Path, other: Path
) -> None:
    ctx = installation.workspace
    lost = meddled(ctx, write_reference=fails(CommusoftUnreachable()))
    links = [
        confirm(lost, decision(record, reference), new_key(), device_id)
        for record, reference in (("customer-1001", HOLLOWAY), ("customer-1002", OTHER))
    ]
    assert {link.state for link in links} == {LinkState.INTENDED}
    file = tmp_path / "office.backup"
    make_backup(installation.settings, installation.database, file, PASSPHRASE)
    assert {link.state for link in recover(ctx)} == {LinkState.LINKED}
    undo(ctx, UndoDecision(links[0].id), new_key(), device_id)
    assert sandbox.reference("customer-1001") is None
    restore(other, file)
    secret_key, url = (other / SECRET_KEY).read_text(), place(other).database_url
    settings = replace(installation.settings, data_dir=other, database_url=url,
                       secret_key=secret_key)  # fmt: skip
    assert settings.commusoft
    restored = open_installation(settings, CommusoftClient(settings.commusoft, limits=FAST_LIMITS))
    try:
        restored.workspace.first_seen.age = lambda *_: 1_000.0  # type: ignore[method-assign]
        settled = {link.record_id: link for link in recover(restored.workspace)}
    finally:
        restored.close()
    assert settled["customer-1001"].state is LinkState.FAILED
    assert settled["customer-1001"].failure == {"code": "backup-restored"}
    assert settled["customer-1002"].state is LinkState.LINKED
    assert sandbox.reference("customer-1001") is None


def test_no_process_of_the_time_of_a_backup_counts_as_alive_in_its_copy(
    installation: Installation, tmp_path: Path, other: Path
) -> None:
    installation.ownership.start()
    file = tmp_path / "office.backup"
    make_backup(installation.settings, installation.database, file, PASSPHRASE)
    restore(other, file)
    database = open_database(settings_of(place(other), installation.settings.secret_key))
    with database.reading() as session:
        assert session.query(Process).all() == []
    database.close()


def test_a_list_that_was_being_linked_is_paused(
    installation: Installation, device_id: int, tmp_path: Path, other: Path
) -> None:
    batch_id = imported(installation.workspace, device_id, [Line("A1", "Ann Field")]).batch.id
    with installation.database.writing() as session:
        session.get_one(Batch, batch_id).state = BatchState.WRITING
    file = tmp_path / "office.backup"
    make_backup(installation.settings, installation.database, file, PASSPHRASE)
    restore(other, file)
    there = settings_of(place(other), installation.settings.secret_key)
    database = open_database(there)
    with database.reading() as session:
        assert session.get_one(Batch, batch_id).state is BatchState.PAUSED
    database.close()


def test_no_sign_in_of_a_backup_is_used_before_a_person_says_so(
    filled: Installation, tmp_path: Path, other: Path
) -> None:
    with filled.database.writing() as session:
        for credentials in ("sealed", None):
            session.add(
                SourceAccount(
                    workspace_id=filled.access.workspace_id, package="xero",
                    credentials=credentials, used_by=place_of(filled.database),
                )
            )  # fmt: skip
    file = tmp_path / "signed-in.backup"
    make_backup(filled.settings, filled.database, file, PASSPHRASE)
    restore(other, file)
    database = open_database(settings_of(place(other), filled.settings.secret_key))
    with database.reading() as session:
        found = session.execute(select(SourceAccount.credentials, SourceAccount.used_by)).all()
    database.close()
    assert ("sealed", RESTORED) in [tuple(row) for row in found]
    assert (None, RESTORED) not in [tuple(row) for row in found]


@pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
def test_a_backup_goes_into_an_empty_postgresql_too(
    filled: Installation, file: Path, other: Path, empty_database_url: str
) -> None:
    target = RestoreTarget(other, empty_database_url)
    restore_backup(target, file, PASSPHRASE)
    there = settings_of(target, filled.settings.secret_key)
    assert counts(there) == counts(filled.settings)
    database = open_database(there)
    assert verify_audit(database, filled.access.workspace_id).sound
    with database.writing() as session:  # its sequences go on after the restored rows
        session.add(
            WorkspaceConnection(
                workspace_id=filled.access.workspace_id,
                kind=ConnectionKind.API,
                base_url="https://new.example",
                ended_at=utc_now(),
            )
        )
    database.close()
    with pytest.raises(UpkeepFailure) as failure:
        restore_backup(target, file, PASSPHRASE, replaces=True)
    refused(failure, "database-in-use")


def test_a_backup_is_consistent_while_others_write(filled: Installation, tmp_path: Path) -> None:
    ends = threading.Event()

    def write() -> None:
        while not ends.is_set():
            with filled.database.writing() as session:
                workspace = session.scalars(select(WorkspaceConnection)).first()
                assert workspace
                workspace.mirror_version += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            file = tmp_path / f"{number}.backup"
            make_backup(filled.settings, filled.database, file)
            require_whole(file)
    finally:
        ends.set()
        writer.join()


def test_no_backup_is_overwritten_and_a_failed_one_leaves_nothing(
    filled: Installation, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()
    with pytest.raises(UpkeepFailure) as failure:
        make_backup(filled.settings, filled.database, file)
    refused(failure, "file-exists")
    assert file.read_bytes() == before

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backups, "_pack", full)
    with pytest.raises(OSError, match="No space"):
        make_backup(filled.settings, filled.database, tmp_path / "two.backup")
    assert not (tmp_path / "two.backup").exists()
    assert not list(tmp_path.glob(".crmlink-backup-*"))


def test_the_keys_are_only_in_it_sealed(filled: Installation, file: Path, tmp_path: Path) -> None:
    apart = tmp_path / "apart.backup"
    make_backup(filled.settings, filled.database, apart)
    assert not read_manifest(apart).has_keys
    for each in (file, apart):
        with zipfile.ZipFile(each) as archive:
            everything = b"".join(archive.read(name) for name in archive.namelist())
        assert filled.settings.secret_key.encode() not in everything
        key = (filled.settings.data_dir / KEY_FILE).read_bytes().strip()
        assert key not in everything
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(UpkeepFailure) as failure:
        make_backup(filled.settings, filled.database, tmp_path / "x.backup", "short")
    refused(failure, "passphrase-short")


def test_keys_are_asked_for_and_another_passphrase_is_refused(
    filled: Installation, file: Path, other: Path, tmp_path: Path
) -> None:
    for passphrase, code in (
        (None, "passphrase-needed"),
        ("another passphrase", "passphrase-wrong"),
    ):
        with pytest.raises(UpkeepFailure) as failure:
            restore(other, file, passphrase)
        refused(failure, code)
    apart = tmp_path / "apart.backup"
    make_backup(filled.settings, filled.database, apart)
    (other / SECRET_KEY).write_text("k" * 20 + "0123456789abcdefghijkl")
    with pytest.raises(UpkeepFailure) as failure:
        restore(other, apart, None)
    refused(failure, "keys-needed")
    assert not (other / "crmlink.sqlite").exists()
    (other / SECRET_KEY).write_text(filled.settings.secret_key)
    assert not restore(other, apart, None).keys
    assert (other / "crmlink.sqlite").exists()


def test_what_is_there_is_only_put_aside_when_asked(file: Path, other: Path) -> None:
    restore(other, file)
    (other / "crmlink.sqlite-wal").write_bytes(b"of the one before")
    before = (other / "crmlink.sqlite").read_bytes()
    with pytest.raises(UpkeepFailure) as failure:
        restore(other, file)
    refused(failure, "database-in-use")
    assert (other / "crmlink.sqlite").read_bytes() == before
    done = restore_backup(place(other), file, PASSPHRASE, replaces=True)
    (kept,) = (
        path
        for path in done.put_aside
        if path.name.startswith("crmlink.sqlite.before-") and not path.name.endswith("-wal")
    )
    assert kept.read_bytes() == before
    assert not (other / "crmlink.sqlite-wal").exists()  # it would be played into the new one


def test_a_running_server_keeps_its_database(file: Path, other: Path) -> None:
    where = place(other)
    with only_server(where.data_dir, where.database_url), pytest.raises(ServerRunning):
        restore(other, file)
    assert not (other / "crmlink.sqlite").exists()


def test_every_firms_rule_file_is_in_a_backup_and_comes_back_to_its_place(
    installation: Installation, tmp_path: Path, other: Path
) -> None:
    sign_in, data_dir = installation.sign_in, installation.settings.data_dir
    rename_workspace(sign_in, list_workspaces(installation.database)[0], "The first firm")
    second, third = (make_workspace(sign_in, name)[0] for name in ("Another firm", "A third"))
    rules = RULES.read_bytes()
    (data_dir / RULES_FILE).write_bytes(rules)
    (folder_of(data_dir, second) / RULES_FILE).write_bytes(rules + b"\n")
    folder_of(data_dir, third)  # it uses the built-in rules
    deleted = data_dir / FOLDER / new_id()  # its rows are gone, but the disk kept its folder
    deleted.mkdir()
    (deleted / RULES_FILE).write_bytes(rules)
    file = tmp_path / "office.backup"
    manifest = make_backup(installation.settings, installation.database, file, PASSPHRASE)
    assert manifest.format == 2  # an older crmlink says that this one is newer
    there = other / FOLDER / second.public_id / RULES_FILE
    there.parent.mkdir(parents=True)
    there.write_bytes(b"of the one before")
    done = restore(other, file)
    assert (other / RULES_FILE).read_bytes() == rules
    assert there.read_bytes() == rules + b"\n"
    (kept,) = done.put_aside
    assert kept.parent == there.parent
    assert kept.read_bytes() == b"of the one before"
    found = {path.relative_to(other) for path in other.rglob(RULES_FILE)}
    assert found == {Path(RULES_FILE), there.relative_to(other)}
