"""The index on disk, so that a restart need not normalise every record again.

A file is the index as plain arrays and JSON lists of words behind a header: nothing in it is
executed. It holds only what present records have: a removed record leaves no word in it. A file
that is damaged, cut off, or of another version of the code or of the weights is no file.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from crmlink.matching.columns import (
    FLAG_BITS,
    Ints,
    Postings,
    TokenLists,
    Vocabulary,
)
from crmlink.matching.index import CODE_WIDTH, TRIGRAM_COUNT, InvertedIndex, Segment

MAGIC = b"crmlink index 1\n"
DIGEST_BYTES = 32
LENGTH_BYTES = 8
MAX_HEADER = 100_000
LIBRARIES = ("anyascii", "nameparser", "numpy", "phonenumbers", "rapidfuzz")
FIELDS = ("names", "addresses", "codes")
LISTS = ("name_lists", "address_lists", "trigram_lists")
POSTINGS = (*FIELDS, "trigrams")

Parts = dict[str, "NDArray[Any] | list[str]"]


class SavedIndex(NamedTuple):
    """What a file's header says: the mirror's version and its mark, and how many records."""

    mirror_version: int
    records: int
    mark: str


def save_index(index: InvertedIndex, file: Path, mirror_version: int = 0, mark: str = "") -> None:
    """Write an index, as ``without_removed`` returns it, in place of the file. Raises OSError."""
    saved = SavedIndex(mirror_version, len(index), mark)
    beside = file.with_name(f"{file.name}.{secrets.token_hex(4)}.new")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            for piece in _pieces(_parts(index), saved):
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


def load_index(file: Path) -> tuple[InvertedIndex, SavedIndex] | None:
    """Return the index in a file and its header; None if this version wrote none whole."""
    try:
        content = bytearray(file.read_bytes())
        parts, saved = _read(content)
        return _index(parts), saved
    except (OSError, ValueError, KeyError, TypeError, IndexError, MemoryError):
        return None


def saved_index(file: Path) -> SavedIndex | None:
    """Return what a file's header says; None if this version wrote none. The rest is not read."""
    try:
        with file.open("rb") as content:
            if content.read(len(MAGIC)) != MAGIC:
                return None
            length = int.from_bytes(content.read(LENGTH_BYTES))
            header = json.loads(content.read(min(length, MAX_HEADER)))
        return SavedIndex(*header["saved"]) if header["code"] == code_version() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def without_removed(index: InvertedIndex) -> InvertedIndex:
    """Return a copy of an index without removed rows and without words that no record has.

    Rows and words keep their order, so that it finds the same.
    """
    rows = np.flatnonzero(index.alive).astype(np.int32)
    copy = InvertedIndex()
    new_names, new_addresses, new_codes = (_in_use(index, copy, field) for field in FIELDS)
    copy.name_lists = _renumbered(index.name_lists.only(rows), new_names)
    copy.address_lists = _renumbered(index.address_lists.only(rows), new_addresses)
    copy.trigram_lists = index.trigram_lists.only(rows)
    table = index.identifier_table[rows]
    copy.set_rows(
        ids=[index.ids[row] for row in rows.tolist()],
        email_texts=[index.email_texts[row] for row in rows.tolist()],
        codes=np.where(table >= 0, new_codes[table], table).astype(np.int32)
        if len(new_codes)
        else table,
        columns={name: column[rows] for name, column in index.row_columns().items()},
    )
    copy.trigram_df = index.trigram_df.copy()
    copy.refresh()
    return copy


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


def _in_use(index: InvertedIndex, copy: InvertedIndex, field: str) -> Ints:
    vocabulary, numbers = getattr(index, field).in_use()
    setattr(copy, field, vocabulary)
    result: Ints = numbers
    return result


def _renumbered(lists: TokenLists, numbers: Ints) -> TokenLists:
    if not len(lists.values):
        return lists
    flags = lists.values & ((1 << FLAG_BITS) - 1)
    values = (numbers[lists.values >> FLAG_BITS] << FLAG_BITS | flags).astype(np.int32)
    return TokenLists.holding(values, lists.sizes)


def _parts(index: InvertedIndex) -> Parts:
    parts: Parts = {"ids": index.ids, "email_texts": index.email_texts}
    for field in FIELDS:
        vocabulary: Vocabulary = getattr(index, field)
        parts |= {f"{field}.words": vocabulary.words, f"{field}.counts": vocabulary.frequencies}
    for name in LISTS:
        lists: TokenLists = getattr(index, name)
        parts |= {f"{name}.values": lists.values, f"{name}.sizes": lists.sizes}
    parts |= {"codes": index.identifier_table.ravel(), "trigram_df": index.trigram_df}
    parts |= index.row_columns()
    for segment in index.segments:
        for field in POSTINGS:
            postings: Postings = getattr(segment, field)
            parts |= {f"{field}.offsets": postings.offsets, f"{field}.rows": postings.rows}
            if postings.numbers is not None:
                parts[f"{field}.numbers"] = postings.numbers
    return parts


def _pieces(parts: Parts, saved: SavedIndex) -> Iterator[bytes | memoryview]:
    """Yield the file: magic, length and text of the header, its parts, and a digest of it all."""
    packed: dict[str, bytes | memoryview] = {
        name: json.dumps(part).encode() if isinstance(part, list) else part.view(np.uint8).data
        for name, part in parts.items()
    }
    described = [
        [name, "json" if isinstance(part, list) else part.dtype.str, len(packed[name])]
        for name, part in parts.items()
    ]
    header = json.dumps({"code": code_version(), "saved": saved, "parts": described}).encode()
    digest = hashlib.sha256()
    for piece in (MAGIC, len(header).to_bytes(LENGTH_BYTES), header, *packed.values()):
        digest.update(piece)
        yield piece
    yield digest.digest()


def _read(content: bytearray) -> tuple[Parts, SavedIndex]:
    """Return the parts of a file, and what it says of them.

    Raises ValueError or KeyError unless it is whole and of today.
    """
    view = memoryview(content)
    start = len(MAGIC) + LENGTH_BYTES
    if view[: len(MAGIC)] != MAGIC or len(view) < start + DIGEST_BYTES:
        raise ValueError("no index")
    if hashlib.sha256(view[:-DIGEST_BYTES]).digest() != view[-DIGEST_BYTES:]:
        raise ValueError("damaged")
    length = int.from_bytes(view[len(MAGIC) : start])
    header = json.loads(bytes(view[start : start + min(length, MAX_HEADER)]))
    if header["code"] != code_version():
        raise ValueError("of another version")
    parts: Parts = {}
    at = start + length
    for name, kind, size in header["parts"]:
        piece = view[at : at + size]
        parts[name] = (
            json.loads(bytes(piece)) if kind == "json" else np.frombuffer(piece, kind).copy()
        )
        at += size
    return parts, SavedIndex(*header["saved"])


def _index(parts: Any) -> InvertedIndex:
    index = InvertedIndex()
    for field in FIELDS:
        vocabulary = Vocabulary.holding(parts[f"{field}.words"], parts[f"{field}.counts"])
        setattr(index, field, vocabulary)
    for name in LISTS:
        lists = TokenLists.holding(parts[f"{name}.values"], parts[f"{name}.sizes"])
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
    if "names.rows" in parts:
        found = {
            field: Postings(
                parts.get(f"{field}.numbers"), parts[f"{field}.offsets"], parts[f"{field}.rows"]
            )
            for field in POSTINGS
        }
        index.segments = [Segment(0, len(index.ids), **found)]
    return index
