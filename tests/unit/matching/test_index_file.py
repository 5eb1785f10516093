"""The index in a file: finds the same, and any other file is no file."""

from __future__ import annotations

import copy
import io
import json
import pickle
import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.uk import contacts, records
from crmlink.matching import Matcher, index_file
from crmlink.matching.index_file import DIGEST_BYTES, MAGIC
from crmlink.values.contact_details import ContactDetails

HELD = records(1_500, 31)
ASKED = [details for _, details in contacts(HELD, 3_000, 32)[0]]


@pytest.fixture(scope="module")
def changed() -> Matcher:
    """A matcher with several segments, changed records and removed ones."""
    matcher = Matcher()
    for start in range(0, len(HELD), 400):
        matcher.update(HELD[start : start + 400])
        matcher.warm_up()
    draw = random.Random(33)
    for record_id, details in draw.sample(HELD, 60):
        matcher.update([(record_id, replace(details, town="Ambridge"))])
    matcher.discard(record_id for record_id, _ in draw.sample(HELD, 60))
    return matcher


@pytest.fixture
def saved(changed: Matcher, tmp_path: Path) -> Path:
    file = tmp_path / "one.index"
    changed.save(file)
    return file


@pytest.mark.slow
def test_it_answers_thousands_of_questions_as_before(changed: Matcher, saved: Path) -> None:
    again = Matcher()
    assert again.load_file(saved)
    assert len(again) == len(changed)
    assert again._index.is_ready(), "nothing of it is computed anew"
    assert [again.suggest(one) for one in ASKED] == [changed.suggest(one) for one in ASKED]
    typed = [one.name[:end] or one.company[:end] for one in ASKED[:100] for end in (2, 4, 7)]
    assert [set(again.search(text)) for text in typed] == [
        set(changed.search(text)) for text in typed
    ]


@pytest.mark.slow
def test_a_loaded_index_goes_on_like_the_one_that_was_saved(changed: Matcher, saved: Path) -> None:
    """Records that come, change and go afterwards are found in both alike."""
    with_updates = [Matcher(), Matcher()]
    assert all(one.load_file(saved) for one in with_updates)
    never_saved = copy.deepcopy(changed)
    for matcher in (with_updates[0], never_saved):
        matcher.update([(f"customer-9{number}", ASKED[number]) for number in range(300)])
        matcher.discard([HELD[0][0], HELD[1][0]])
    for one in ASKED[:600]:
        ours, theirs = with_updates[0].suggest(one), never_saved.suggest(one)
        assert ours == theirs
    assert with_updates[1].suggest(ASKED[0]) == changed.suggest(ASKED[0])


def test_no_index_file_of_nothing_is_wrong(tmp_path: Path) -> None:
    empty = Matcher()
    empty.save(tmp_path / "none.index")
    again = Matcher()
    assert again.load_file(tmp_path / "none.index")
    assert again.suggest(ASKED[0]).items == ()
    again.update(HELD[:50])
    fresh = Matcher()
    fresh.update(HELD[:50])
    assert again.suggest(HELD[3][1]) == fresh.suggest(HELD[3][1])


def test_a_removed_record_leaves_no_word(tmp_path: Path) -> None:
    gone = ContactDetails(
        kind="customer", person="Zebedee Quixwood", email="zq@quixwood.example",
        phones=("01632 960999",), address="7 Xanthippe Row", town="Zzyzx", postcode="ZE1 0AA",
    )  # fmt: skip
    matcher = Matcher()
    matcher.update([*HELD[:100], ("customer-77777", gone)])
    matcher.save(tmp_path / "before.index")
    matcher.discard(["customer-77777"])
    matcher.save(tmp_path / "after.index")
    for word in (b"quixwood", b"zebedee", b"zq@quixwood", b"xanthippe", b"zzyzx", b"1632960999",
                 b"customer-77777"):  # fmt: skip
        assert word in (tmp_path / "before.index").read_bytes().lower(), word
        assert word not in (tmp_path / "after.index").read_bytes().lower(), word


def test_a_damaged_file_is_none(saved: Path) -> None:
    whole = saved.read_bytes()
    draw = random.Random(34)
    places = [0, len(MAGIC) - 1, len(MAGIC), len(MAGIC) + 9, len(whole) - 1]
    places += [draw.randrange(len(whole)) for _ in range(40)]
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << draw.randrange(8)
        saved.write_bytes(damaged)
        assert not Matcher().load_file(saved), place


def test_a_file_that_was_cut_off_or_is_anothers_is_none(saved: Path, tmp_path: Path) -> None:
    whole = saved.read_bytes()
    for length in (0, 1, len(MAGIC), len(MAGIC) + 8, 5_000, len(whole) - DIGEST_BYTES,
                   len(whole) - 1):  # fmt: skip
        saved.write_bytes(whole[:length])
        assert not Matcher().load_file(saved), length
    for foreign in (whole + b"\0", pickle.dumps(HELD[:5]), b"SQLite format 3\0" * 100):
        saved.write_bytes(foreign)
        assert not Matcher().load_file(saved)
    np.save(tmp_path / "array.npy", np.arange(10))
    assert not Matcher().load_file(tmp_path / "array.npy")
    assert not Matcher().load_file(tmp_path / "missing.index")
    assert not Matcher().load_file(tmp_path)


def test_a_file_that_claims_more_than_it_has_is_none(saved: Path) -> None:
    whole = saved.read_bytes()
    start = whole.index(b'["ids", "json", ')
    end = whole.index(b"]", start) + 1
    claim = json.dumps(["ids", "json", 10**30]).encode()
    saved.write_bytes(whole[: start - 8] + len(claim).to_bytes(8) + claim + whole[end:])
    assert not Matcher().load_file(saved)


def test_a_file_of_other_code_is_none(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Matcher().load_file(saved)
    monkeypatch.setattr(index_file, "code_version", lambda: "another")
    assert not Matcher().load_file(saved)


def test_a_header_alone_says_whether_a_file_is_of_this_code_and_of_which_mirror(
    changed: Matcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "one.index"
    assert index_file.saved_index(file) is None
    changed.save(file, 7, "7 a")
    assert index_file.saved_index(file) == (7, len(changed), "7 a")
    assert Matcher().load_file(file) == (7, len(changed), "7 a")
    whole = file.read_bytes()
    for other in (b"", whole[: len(MAGIC) + 3], b"SQLite format 3\0" * 100):
        file.write_bytes(other)
        assert index_file.saved_index(file) is None
    file.write_bytes(whole)
    monkeypatch.setattr(index_file, "code_version", lambda: "another")
    assert index_file.saved_index(file) is None


def test_an_unreadable_file_leaves_the_matcher_as_it_was(saved: Path) -> None:
    matcher = Matcher()
    matcher.update(HELD[:200])
    before = matcher.suggest(ASKED[0])
    saved.write_bytes(b"")
    assert not matcher.load_file(saved)
    assert matcher.suggest(ASKED[0]) == before


def test_writing_leaves_the_old_file_or_the_new_one(
    changed: Matcher, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk in the middle of a write leaves the old file, and nothing beside it."""
    whole = saved.read_bytes()
    pieces = index_file._pieces

    def cut_off(
        parts: Iterable[index_file.Part], saved: index_file.SavedIndex
    ) -> Iterator[bytes | memoryview]:
        yield next(pieces(parts, saved))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(index_file, "_pieces", cut_off)
    with pytest.raises(OSError, match="No space"):
        changed.save(saved)
    assert saved.read_bytes() == whole
    assert list(saved.parent.iterdir()) == [saved]


def test_its_headers_name_what_it_holds(saved: Path) -> None:
    content = io.BytesIO(saved.read_bytes())

    def header() -> Any:
        return json.loads(content.read(int.from_bytes(content.read(8))))

    assert content.read(len(MAGIC)) == MAGIC
    assert header()["code"] == index_file.code_version()
    numbers = {"<i4", "<i8", "<f8", "<u8", "|u1", "|i1", "|b1"}
    while content.tell() < saved.stat().st_size - DIGEST_BYTES:
        _, kind, size = header()
        assert kind in numbers | {"json"}
        content.read(size)
