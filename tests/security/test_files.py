"""What crmlink keeps is its owner's alone, also in a folder that was there and open before."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from browsers.real_services import Service
from crmlink.settings import load_settings
from crmlink.settings.errors import InvalidSettings
from support.prepared_process import run_crmlink

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")

LOOSE_FILE, LOOSE_FOLDER = 0o666, 0o777
COMMANDS = ("audit verify", "disconnect --yes", "keys rotate")  # each opens it in its own way
HEADER = "id,name,company,address,city,postcode,email,phone"


def environment(folder: Path, **more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if "CRMLINK" not in name}
    return {**inherited, "CRMLINK_DATA_DIR": str(folder), **more}


def crmlink(folder: Path, command: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command as most systems start one: with a umask that lets everybody read."""
    return run_crmlink(environment(folder, **more), *command.split())


def loose(folder: Path) -> dict[str, str]:
    """What others may do anything with: the folder itself, and all that is in it."""
    modes = {path: path.stat().st_mode for path in (folder, *folder.rglob("*"))}
    return {str(path): stat.filemode(mode) for path, mode in modes.items() if mode & 0o077}


def loosen(folder: Path) -> None:
    """Open everything to everybody, as an older crmlink or a copy left it."""
    folder.chmod(LOOSE_FOLDER)
    for path in folder.rglob("*"):
        path.chmod(LOOSE_FOLDER if path.is_dir() else LOOSE_FILE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that someone made beforehand, as mkdir makes it."""
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o755)
    return folder


def test_a_server_in_a_folder_that_was_there_keeps_everything_to_itself(folder: Path) -> None:
    server = Service("serve", folder.parent, environment(folder))
    before = os.umask(0o022)
    try:
        server.start()
        alive = {path.name for path in folder.iterdir()}
        while_it_runs = loose(folder)
    finally:
        os.umask(before)
        server.stop()
    assert {"crmlink.sqlite", "crmlink.sqlite-wal", "crmlink.sqlite-shm"} <= alive
    assert {"queue.sqlite", "server.log", "sandbox.address"} <= alive
    assert while_it_runs == {}
    assert loose(folder) == {}


def test_every_command_closes_what_lay_open(folder: Path) -> None:
    crmlink(folder, "token list")
    (folder / "uploads").mkdir()
    for name in (
        "queue.sqlite", "queue.sqlite-wal", "crmlink.sqlite-journal", "server.log.1",
        "server.log.2", "packages.json.new", "credential.new", "uploads/0f", "uploads/0f.json",
    ):  # fmt: skip
        (folder / name).touch()
    for command in COMMANDS:
        loosen(folder)
        done = crmlink(folder, command)
        assert "Traceback" not in done.stderr  # there is no account to disconnect, which it says
        assert loose(folder) == {}, command


def test_a_first_start_makes_a_folder_of_its_own_and_closes_the_way_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    assert crmlink(folder, "token list").returncode == 0
    assert loose(tmp_path / "new") == {}


def test_a_database_that_lies_elsewhere_is_closed_too(folder: Path) -> None:
    elsewhere = folder.with_name("databases")
    elsewhere.mkdir(0o755)
    url = f"sqlite:///{elsewhere / 'firm.db'}"
    crmlink(folder, "token list", CRMLINK_DATABASE_URL=url)
    (elsewhere / "firm.db").chmod(LOOSE_FILE)
    (elsewhere / "others").touch(LOOSE_FILE)
    assert crmlink(folder, "token list", CRMLINK_DATABASE_URL=url).returncode == 0
    assert set(loose(elsewhere)) == {str(elsewhere), str(elsewhere / "others")}
    elsewhere.chmod(0o777)
    refused = crmlink(folder, "token list", CRMLINK_DATABASE_URL=url)
    assert refused.returncode == 1
    assert "they could replace crmlink's database" in refused.stderr


def test_tables_that_commands_write_are_not_for_everybody(tmp_path: Path) -> None:
    for name in ("contacts", "records"):
        (tmp_path / f"{name}.csv").write_text(f"{HEADER}\n1,Zebedee Quill,,,,,,\n")
    files = [str(tmp_path / name) for name in ("contacts.csv", "records.csv")]
    done = crmlink(tmp_path / "data", f"match {' '.join(files)} --out {tmp_path / 'matches.csv'}")
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((tmp_path / "matches.csv").stat().st_mode) == 0o600


def with_folder(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    for name in [name for name in os.environ if name.startswith("CRMLINK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CRMLINK_DATA_DIR", str(folder))


def test_what_belongs_to_another_user_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_folder(monkeypatch, folder)
    load_settings()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(InvalidSettings, match="belongs to another user"):
        load_settings()


@pytest.mark.parametrize("name", ["crmlink.sqlite", "uploads/0f", "secret.key"])
def test_a_single_file_of_another_user_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with_folder(monkeypatch, folder)
    load_settings()
    (folder / "uploads").mkdir()
    (folder / name).touch()
    real = Path.stat

    def stat_of_others(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        found = real(path, follow_symlinks=follow_symlinks)
        if path.name != Path(name).name:
            return found
        return os.stat_result((*found[:4], found.st_uid + 1, *found[5:]))

    monkeypatch.setattr(Path, "stat", stat_of_others)
    with pytest.raises(InvalidSettings, match=f"{name} belongs to another user"):
        load_settings()


def ignored(_path: Path, _mode: int) -> None:
    """What a disk does that keeps no modes."""


def forbidden(_path: Path, _mode: int) -> None:
    raise PermissionError


@pytest.mark.parametrize("chmod", [ignored, forbidden])
def test_what_cannot_be_closed_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, chmod: Callable[[Path, int], None]
) -> None:
    with_folder(monkeypatch, folder)
    monkeypatch.setattr(Path, "chmod", chmod)
    with pytest.raises(InvalidSettings, match="can't close it"):
        load_settings()


@pytest.mark.parametrize(("mode", "others"), [(0o755, "letter.txt"), (0o1777, None)])
def test_a_folder_that_is_not_crmlinks_own_is_refused_and_left_as_it_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch, mode: int, others: str | None
) -> None:
    if others:
        (folder / others).touch(0o644)
    folder.chmod(mode)
    with_folder(monkeypatch, folder)
    with pytest.raises(InvalidSettings, match="a folder for crmlink alone"):
        load_settings()
    assert stat.S_IMODE(folder.stat().st_mode) == mode
    assert [path.name for path in folder.iterdir()] == ([others] if others else [])


def test_others_files_in_a_closed_folder_are_left_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "letter.txt").touch()
    (folder / "letter.txt").chmod(0o644)
    folder.chmod(0o700)
    with_folder(monkeypatch, folder)
    load_settings()
    load_settings()
    assert set(loose(folder)) == {str(folder / "letter.txt")}


def test_a_database_whose_address_has_options_is_closed_too(folder: Path) -> None:
    elsewhere = folder.with_name("databases")
    elsewhere.mkdir(0o755)
    (elsewhere / "firm.db").touch()
    (elsewhere / "firm.db").chmod(LOOSE_FILE)
    url = f"sqlite:///{elsewhere / 'firm.db'}?timeout=5"
    assert crmlink(folder, "token list", CRMLINK_DATABASE_URL=url).returncode == 0
    assert str(elsewhere / "firm.db") not in loose(elsewhere)
    assert sorted(path.name for path in elsewhere.iterdir()) == ["firm.db"]


@pytest.mark.parametrize("kind", ["uri", "hard link"])
def test_a_database_is_known_by_one_name_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """By another one, a second server could run on it, and its loose files could be missed."""
    with_folder(monkeypatch, folder)
    load_settings()
    first = folder / "crmlink.sqlite"
    first.touch()
    elsewhere = folder.with_name("elsewhere")
    elsewhere.mkdir(0o700)
    if kind == "uri":
        url = f"sqlite:///file:{first}?uri=true&mode=rwc"
    else:
        (elsewhere / "x.sqlite").hardlink_to(first)
        url = f"sqlite:///{elsewhere / 'x.sqlite'}"
    monkeypatch.setenv("CRMLINK_DATA_DIR", str(elsewhere / "data"))
    monkeypatch.setenv("CRMLINK_DATABASE_URL", url)
    with pytest.raises(InvalidSettings, match=r"without file: or uri|a hard link"):
        load_settings()


@pytest.mark.parametrize("name", ["secret.key", "credential.keys", "queue.sqlite"])
def test_a_file_that_others_may_have_by_another_name_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with_folder(monkeypatch, folder)
    known = folder.with_name("known.txt")
    known.write_text("this text is public: 0123456789 abcdefghijklmnop")
    (folder / "server.log").touch()
    (folder / name).hardlink_to(known)
    with pytest.raises(InvalidSettings, match="a hard link"):
        load_settings()


@pytest.mark.parametrize("name", ["secret.key", "crmlink.sqlite"])
@pytest.mark.parametrize("leads_somewhere", [True, False])
def test_a_link_of_another_user_is_refused_and_not_followed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, leads_somewhere: bool
) -> None:
    with_folder(monkeypatch, folder)
    known = folder.with_name("known.txt")
    if leads_somewhere:
        known.write_text("this text is public: 0123456789 abcdefghijklmnop")
        known.chmod(0o644)
    folder.chmod(LOOSE_FOLDER)
    (folder / "server.log").touch()
    (folder / name).symlink_to(known)
    real = Path.stat

    def stat_of_others(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        found = real(path, follow_symlinks=follow_symlinks)
        if follow_symlinks or path.name != name:
            return found
        return os.stat_result((*found[:4], found.st_uid + 1, *found[5:]))

    monkeypatch.setattr(Path, "stat", stat_of_others)
    with pytest.raises(InvalidSettings, match=f"{name} belongs to another user"):
        load_settings()
    assert not leads_somewhere or stat.S_IMODE(known.stat().st_mode) == 0o644


def test_a_link_of_ones_own_is_followed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_folder(monkeypatch, folder)
    load_settings()
    elsewhere = folder.with_name("firm.db")
    elsewhere.touch()
    elsewhere.chmod(LOOSE_FILE)
    (folder / "crmlink.sqlite").symlink_to(elsewhere)
    load_settings()
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o600
