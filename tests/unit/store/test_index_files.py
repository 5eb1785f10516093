"""What killed processes left of index files is deleted, and nothing that is whole."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmlink.matching import Matcher, index_file
from crmlink.store.index_files import UNFINISHED_SECONDS, IndexFiles
from crmlink.values.contact_details import ContactDetails


@pytest.fixture
def files(tmp_path: Path) -> IndexFiles:
    return IndexFiles(tmp_path / "index")


def written_long_ago(file: Path) -> Path:
    file.write_bytes(b"owusu")
    moment = time.time() - UNFINISHED_SECONDS - 1
    os.utime(file, (moment, moment))
    return file


def test_only_unfinished_files_that_no_process_writes_are_deleted(files: IndexFiles) -> None:
    whole = written_long_ago(files.of("one"))
    left = written_long_ago(files.folder / "one.index.0123abcd.new")
    growing = files.folder / "one.index.4567abcd.new"
    growing.write_bytes(b"owusu")
    files.delete_unfinished()
    assert sorted(files.folder.iterdir()) == [whole, growing]
    assert not left.exists()


def test_a_folder_that_was_never_used_has_nothing_to_delete(files: IndexFiles) -> None:
    files.delete_unfinished()
    assert not files.folder.exists()


def test_a_process_that_still_writes_leaves_the_file_as_it_was(
    files: IndexFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    matcher, file = Matcher(), files.of("one")
    matcher.update([("customer-1", ContactDetails(person="Ama Owusu"))])
    matcher.save(file)
    before, pieces = file.read_bytes(), index_file._pieces

    def suspended(*given: object) -> Iterator[bytes | memoryview]:
        yield from pieces(*given)  # type: ignore[arg-type]
        [beside] = files.folder.glob("*.new")
        written_long_ago(beside)
        files.delete_unfinished()

    monkeypatch.setattr(index_file, "_pieces", suspended)
    with pytest.raises(FileNotFoundError):
        matcher.save(file)
    assert list(files.folder.iterdir()) == [file]
    assert file.read_bytes() == before
