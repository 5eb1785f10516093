"""The index on disk, so that a restart need not normalise every record again.

A file is the index as plain arrays and JSON lists of words behind a header: nothing in it is
executed. It holds only what present records have: a removed record leaves no word in it. A file
that is damaged, cut off, or of another version of the code or of the weights is no file.

It is written and read part by part, so that a large index is never in memory twice.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.metadata import version
from io import BufferedReader
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from crmlink.matching.columns import FLAG_BITS, Ints, TokenLists, Vocabulary
from crmlink.matching.index import CODE_WIDTH, TRIGRAM_COUNT, InvertedIndex
from crmlink.matching.postings import (
    Postings,
    Segment,
    address_postings,
    code_postings,
    word_postings,
)

MAGIC = b"crmlink index 2\n"
DIGEST_BYTES = 32
LENGTH_BYTES = 8
MAX_HEADER = 100_000
LIBRARIES = ("anyascii", "nameparser", "numpy", "phonenumbers", "rapidfuzz")
FIELDS = ("names", "addresses", "codes")
LISTS = {"names": "name_lists", "addresses": "address_lists", "trigrams": "trigram_lists"}
POSTINGS = (*FIELDS, "trigrams")

Part = tuple[str, "NDArray[Any] | list[str]"]
Parts = dict[str, Any]


class SavedIndex(NamedTuple):
    """What a file's header says: the mirror's version and its mark, and how many records."""

    mirror_version: int
    records: int
    mark: str


def save_index(index: InvertedIndex, file: Path, mirror_version: int = 0, mark: str = "") -> None:
    """Write an index, which nothing changes meanwhile, in place of the file. Raises OSError."""
    saved = SavedIndex(mirror_version, len(index), mark)
    beside = file.with_name(f"{file.name}.{secrets.token_hex(4)}.new")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            for piece in _pieces(_present_parts(index), saved):
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


def load_index(file: Path) -> tuple[InvertedIndex, SavedIndex] | None:
    """Return the index in a file and its header; None if this version wrote none whole."""
    try:
        with file.open("rb") as content:
            reader = _Reader(content)
            saved = reader.header()
            return _index(reader.parts()), saved
    except (OSError, ValueError, KeyError, TypeError, IndexError, MemoryError, RecursionError):
        return None


def saved_index(file: Path) -> SavedIndex | None:
    """Return what a file's header says; None if this version wrote none. The rest is not read."""
    try:
        with file.open("rb") as content:
            return _Reader(content).header()
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


@cache
def code_version() -> str:
    """Return a digest of all code and data that decide what an index holds."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for folder in (here, here.parent / "values"):
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".py", ".json"):
                content = path.read_bytes()
                digest.update(f"{path.relative_to(folder)} {len(content)}\n".encode() + content)
    for library in LIBRARIES:
        digest.update(f"{library} {version(library)}\n".encode())
    return digest.hexdigest()


def _present_parts(index: InvertedIndex) -> Iterator[Part]:
    """Yield what present records have, field by field: one is freed before the next is copied.

    Rows and words keep their order, so that the index which is read finds the same.
    """
    rows = np.flatnonzero(index.alive).astype(np.int32)
    yield "ids", [index.ids[row] for row in rows.tolist()]
    yield "email_texts", [index.email_texts[row] for row in rows.tolist()]
    for name, column in index.row_columns().items():
        yield name, column[rows]
    yield from _words("names", index.names, index.name_lists, rows, word_postings)
    yield from _words("addresses", index.addresses, index.address_lists, rows, address_postings)
    yield from _trigrams(index, rows)
    yield from _codes(index, rows)


def _words(
    field: str,
    vocabulary: Vocabulary,
    lists: TokenLists,
    rows: Ints,
    postings: Callable[[TokenLists, int, int], Postings],
) -> Iterator[Part]:
    words, counts, numbers = vocabulary.in_use()
    yield from ((f"{field}.words", words), (f"{field}.counts", counts))
    present = _renumbered(lists.only(rows), numbers)
    yield from _lists(field, present)
    yield from _postings(field, postings(present, 0, len(rows)))


def _trigrams(index: InvertedIndex, rows: Ints) -> Iterator[Part]:
    yield "trigram_df", index.trigram_df
    lists = index.trigram_lists.only(rows)
    yield from _lists("trigrams", lists)
    yield from _postings("trigrams", word_postings(lists, 0, len(rows), TRIGRAM_COUNT))


def _codes(index: InvertedIndex, rows: Ints) -> Iterator[Part]:
    words, counts, numbers = index.codes.in_use()
    yield from (("codes.words", words), ("codes.counts", counts))
    table = index.identifier_table[rows]
    if len(numbers):
        table = np.where(table >= 0, numbers[table], table).astype(np.int32)
    yield "codes", table.ravel()
    yield from _postings("codes", code_postings(table, 0))


def _lists(field: str, lists: TokenLists) -> Iterator[Part]:
    yield f"{field}.values", lists.values
    yield f"{field}.sizes", lists.sizes


def _postings(field: str, postings: Postings) -> Iterator[Part]:
    yield f"{field}.offsets", postings.offsets
    yield f"{field}.rows", postings.rows
    if postings.numbers is not None:
        yield f"{field}.numbers", postings.numbers


def _renumbered(lists: TokenLists, numbers: Ints) -> TokenLists:
    if not len(lists.values):
        return lists
    flags = lists.values & ((1 << FLAG_BITS) - 1)
    values = (numbers[lists.values >> FLAG_BITS] << FLAG_BITS | flags).astype(np.int32)
    return TokenLists.holding(values, lists.sizes)


def _pieces(parts: Iterable[Part], saved: SavedIndex) -> Iterator[bytes | memoryview]:
    """Yield the file: magic, a header, each part behind a header of its own, a digest of it all."""
    digest = hashlib.sha256()
    for piece in _undigested(parts, saved):
        digest.update(piece)
        yield piece
    yield digest.digest()


def _undigested(parts: Iterable[Part], saved: SavedIndex) -> Iterator[bytes | memoryview]:
    yield MAGIC
    yield from _header({"code": code_version(), "saved": saved})
    for name, part in parts:
        kind, packed = (
            ("json", memoryview(json.dumps(part).encode()))
            if isinstance(part, list)
            else (part.dtype.str, np.ascontiguousarray(part).data.cast("B"))
        )
        yield from _header([name, kind, len(packed)])
        yield packed


def _header(content: Any) -> Iterator[bytes]:
    text = json.dumps(content).encode()
    yield len(text).to_bytes(LENGTH_BYTES)
    yield text


class _Reader:
    """Reads a file piece by piece. Raises ValueError or KeyError where it is none of today."""

    def __init__(self, content: BufferedReader) -> None:
        self._content, self._digest = content, hashlib.sha256()
        self._left = os.fstat(content.fileno()).st_size - DIGEST_BYTES

    def header(self) -> SavedIndex:
        """Return what the file says of itself."""
        if self._take(len(MAGIC)) != MAGIC:
            raise ValueError("no index")
        header = self._header()
        if header["code"] != code_version():
            raise ValueError("of another version")
        return SavedIndex(*header["saved"])

    def parts(self) -> Parts:
        """Return all parts, once nothing of the file was found to be damaged."""
        parts: Parts = {}
        while self._left:
            name, kind, size = self._header()
            piece = self._take(size)
            parts[name] = json.loads(piece) if kind == "json" else np.frombuffer(piece, kind)
        if self._content.read() != self._digest.digest():
            raise ValueError("damaged")
        return parts

    def _header(self) -> Any:
        length = int.from_bytes(self._take(LENGTH_BYTES))
        return json.loads(self._take(min(length, MAX_HEADER)))

    def _take(self, size: int) -> bytearray:
        if not 0 <= size <= self._left:
            raise ValueError("cut off")
        piece = bytearray(size)
        self._content.readinto(piece)
        self._left -= size
        self._digest.update(piece)
        return piece


def _index(parts: Any) -> InvertedIndex:
    index = InvertedIndex()
    for field in FIELDS:
        vocabulary = Vocabulary.holding(parts[f"{field}.words"], parts[f"{field}.counts"])
        setattr(index, field, vocabulary)
    for field, name in LISTS.items():
        lists = TokenLists.holding(parts[f"{field}.values"], parts[f"{field}.sizes"])
        setattr(index, name, lists)
    index.set_rows(
        ids=parts["ids"],
        email_texts=parts["email_texts"],
        codes=parts["codes"].reshape(-1, CODE_WIDTH),
        columns={name: parts[name] for name in index.row_columns()},
    )
    index.trigram_df = parts["trigram_df"]
    if len(index.trigram_df) != TRIGRAM_COUNT:
        raise ValueError("of another shape")
    if index.ids:
        found = {
            field: Postings(
                parts.get(f"{field}.numbers"), parts[f"{field}.offsets"], parts[f"{field}.rows"]
            )
            for field in POSTINGS
        }
        index.segments = [Segment(0, len(index.ids), **found)]
    return index
