"""A database and its copies are told apart; one that was moved is still the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from crmlink.store import Database
from crmlink.store import place as places
from crmlink.store.place import RESTORED, is_same_place, place_of
from support.databases import sqlite_database


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file with the computer's own id."""
    file = tmp_path / "machine-id"
    file.write_text("first")
    monkeypatch.setattr(places, "MACHINE_FILES", (file,))
    return file


def at(folder: Path) -> str:
    database = Database(f"sqlite:///{folder}/crmlink.sqlite")
    try:
        return place_of(database)
    finally:
        database.close()


def test_a_copy_is_another_place_and_a_renamed_folder_is_not(tmp_path: Path, machine: Path) -> None:
    first = tmp_path / "first"
    first.mkdir()
    sqlite_database(first)
    before = at(first)
    assert is_same_place(before, at(first))
    shutil.copytree(first, tmp_path / "copy")
    assert not is_same_place(before, at(tmp_path / "copy"))
    first.rename(tmp_path / "renamed")
    assert is_same_place(before, at(tmp_path / "renamed"))


def test_the_same_path_on_another_computer_is_another_place(tmp_path: Path, machine: Path) -> None:
    sqlite_database(tmp_path)
    before = at(tmp_path)
    machine.write_text("second")
    assert not is_same_place(before, at(tmp_path))
    machine.write_text("")  # as in a container, which is made anew with each update
    assert is_same_place(before, at(tmp_path))


@pytest.mark.parametrize("other", [RESTORED, "", "a:b:0", "postgresql a 1"])
def test_what_was_restored_or_is_of_another_kind_is_no_place_of_ours(
    tmp_path: Path, machine: Path, other: str
) -> None:
    sqlite_database(tmp_path)
    assert not is_same_place(at(tmp_path), other)
    assert not is_same_place(other, RESTORED)
