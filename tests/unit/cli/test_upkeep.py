"""Backup, restore and check at the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crmlink.cli import main
from crmlink.store.base import utc_now
from crmlink.store.only_server import only_server
from crmlink.upkeep import checks

PASSPHRASE = "a passphrase of the office"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def invoke(*arguments: str, folder: str = "data", typed: str | None = None) -> Result:
        runner = CliRunner(env={"CRMLINK_DATA_DIR": str(tmp_path / folder)})
        return runner.invoke(main, arguments, input=typed)

    return invoke


def test_a_backup_moves_an_office_to_another_folder(run: Run, tmp_path: Path) -> None:
    file = str(tmp_path / "office.backup")
    assert run("person", "list").exit_code == 0
    made = run("backup", file, typed=f"{PASSPHRASE}\n{PASSPHRASE}\n")
    assert made.exit_code == 0, made.output
    assert "Backup written and read back" in made.output
    assert PASSPHRASE not in made.output
    again = run("backup", file, typed=f"{PASSPHRASE}\n{PASSPHRASE}\n")
    assert (again.exit_code, "exists already" in again.output) == (1, True)
    assert "isn't the passphrase" in run("restore", file, folder="b", typed="wrong one\n").output
    restored = run("restore", file, folder="b", typed=f"{PASSPHRASE}\n")
    assert restored.exit_code == 0, restored.output
    assert "Put aside" not in restored.output
    keys = [(tmp_path / folder / "secret.key").read_text() for folder in ("data", "b")]
    assert keys[0] == keys[1]
    refused = run("restore", file, folder="b", typed=f"{PASSPHRASE}\n")
    assert (refused.exit_code, "--replace" in refused.output) == (1, True)
    replaced = run("restore", "--replace", file, folder="b", typed=f"{PASSPHRASE}\n")
    assert "Put aside" in replaced.output
    assert run("audit", "verify", folder="b").exit_code == 0


@pytest.mark.parametrize("command", ["restore", "check", "serve", "db"])
def test_beside_a_running_server_one_sentence_says_what_to_do(
    run: Run, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(tmp_path / "office.backup")
    assert run("person", "list").exit_code == 0
    assert run("backup", file, "--without-keys").exit_code == 0
    arguments = {
        "restore": ["restore", "--replace", "--without-keys", file],
        "check": ["check", "--update-tables"],
        "serve": ["serve"],
        "db": ["db", "move"],
    }[command]
    address = f"sqlite:///{tmp_path / 'data' / 'crmlink.sqlite'}"
    if command == "db":
        monkeypatch.setenv("CRMLINK_DATABASE_URL", "postgresql://crmlink@localhost/none")
    with only_server(tmp_path / "data", address):
        refused = run(*arguments)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: A crmlink server is already using ")
    assert len(refused.stderr.splitlines()) == 1


def test_the_certificate_that_crmlink_made_moves_with_the_keys(run: Run, tmp_path: Path) -> None:
    file = str(tmp_path / "office.backup")
    assert run("certificate", "make", "office-server").exit_code == 0
    assert run("backup", file, typed=f"{PASSPHRASE}\n{PASSPHRASE}\n").exit_code == 0
    restored = run("restore", file, folder="b", typed=f"{PASSPHRASE}\n")
    assert "If people use another address" in restored.output, restored.output
    for name in ("authority.key", "authority.crt", "server.key", "server.crt"):
        there, here = (tmp_path / folder / "tls" / name for folder in ("data", "b"))
        assert here.read_bytes() == there.read_bytes()
        assert not here.stat().st_mode & 0o077
    assert not (tmp_path / "b" / "tls").stat().st_mode & 0o077
    again = run("restore", "--replace", file, folder="b", typed=f"{PASSPHRASE}\n")
    assert "server.key.before-" in again.output


def test_without_keys_the_person_is_told_to_copy_them(run: Run, tmp_path: Path) -> None:
    file = str(tmp_path / "apart.backup")
    assert "Copy secret.key" in run("backup", "--without-keys", file).output
    refused = run("restore", file, folder="b")
    assert (refused.exit_code, "keys are missing" in refused.output) == (1, True)
    assert not (tmp_path / "b" / "secret.key").exists()
    assert run("restore", "--without-keys", file, folder="b").exit_code == 0
    checked = json.loads(run("check", "--json", folder="b").stdout)["checks"]
    assert [one["code"] for one in checked if one["health"] == "failed"] == ["secret"]
    assert not (tmp_path / "b" / "secret.key").exists()  # looking makes none
    nowhere = run("backup", "--without-keys", str(tmp_path / "none" / "x.backup"))
    assert (nowhere.exit_code, "can't be written" in nowhere.output) == (1, True)


def test_the_check_is_for_people_and_programs(run: Run, tmp_path: Path) -> None:
    fresh = run("check", "--json", "--report", str(tmp_path / "early.json"))
    assert {one["code"] for one in json.loads(fresh.stdout)["checks"]} >= {"folder", "disk"}
    assert not (tmp_path / "data" / "crmlink.sqlite").exists()  # looking makes none
    run("person", "list")
    report = tmp_path / "diagnosis.json"
    checked = run("check", "--report", str(report))
    assert checked.exit_code == 0, checked.output
    assert "SQLite: the database is whole." in checked.output
    assert json.loads(report.read_text())["checks"]
    assert run("check", "--report", str(report)).exit_code == 1
    database = tmp_path / "data" / "crmlink.sqlite"
    content = bytearray(database.read_bytes())
    content[8192:16384] = b"\xff" * 8192
    database.write_bytes(content)
    for name in ("-wal", "-shm"):
        database.with_name(database.name + name).unlink(missing_ok=True)
    broken = run("check", "--json")
    assert broken.exit_code == 1
    assert "failed" in {one["health"] for one in json.loads(broken.stdout)["checks"]}
    database.write_bytes(b"no database" * 1_000)
    refused = run("person", "list")
    assert (refused.exit_code, "The database can't be used: " in refused.output) == (1, True)


def test_a_certificate_is_made_renewed_and_not_overwritten(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "tls"
    made = run("certificate", "make", "office-server", "--ip", "192.168.1.5")
    assert made.exit_code == 0, made.output
    assert f"CRMLINK_TLS_KEY={folder / 'server.key'}" in made.output
    assert f"Computers have to trust this file: {folder / 'authority.crt'}" in made.output
    again = run("certificate", "make", "192.168.1.5", "office-server")
    assert "It replaces the one until" in again.output
    assert "have to trust" not in again.output
    refused = run("certificate", "make", "other")
    assert (refused.exit_code, "There is a certificate for 192.168.1.5, office-server" in
            refused.output) == (1, True)  # fmt: skip
    assert "Put aside" in run("certificate", "make", "other", "--replace").output


def test_the_check_looks_at_the_certificate(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def checked() -> tuple[str, str]:
        found = json.loads(run("check", "--json").stdout)["checks"]
        [one] = [each for each in found if each["code"] == "certificate-files"]
        return one["health"], one["text"]

    run("certificate", "make", "office-server")
    folder = tmp_path / "data" / "tls"
    for name, file in (("CERT", "server.crt"), ("KEY", "server.key")):
        monkeypatch.setenv(f"CRMLINK_TLS_{name}", str(folder / file))
    assert checked() == ("fine", "Certificate's files: valid for 396 more days.")
    for days, health, words in ((380, "note", "16 more days"), (400, "failed", "expired")):
        later = utc_now() + timedelta(days=days)
        monkeypatch.setattr(checks, "utc_now", lambda later=later: later)
        assert checked()[0] == health
        assert words in checked()[1]
    (folder / "server.key").write_bytes((folder / "authority.key").read_bytes())
    assert checked()[0] == "failed"
    assert "can't be used" in checked()[1]
