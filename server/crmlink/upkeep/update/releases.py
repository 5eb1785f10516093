"""Newer releases: where one is, and its files checked against its checksums.

A place is an https address or a folder with the files of a release, as `make package` writes them;
``SHA256SUMS`` names them. Only these files are asked for, and nothing about this installation is
sent. What protects a file on its way is https, so the checksums are as good as the place.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from crmlink.upkeep.errors import UpkeepFailure

if TYPE_CHECKING:
    import requests

SUMS = "SHA256SUMS"
_VERSION = r"\d{1,6}(?:\.\d{1,6}){1,3}"
WHEEL = re.compile(rf"crmlink-({_VERSION})-py3-none-any\.whl")
SETUP = re.compile(rf"crmlink-({_VERSION})-setup\.exe")
_LINE = re.compile(r"([0-9a-f]{64}) [ *]([\w.-]+)")
_SUMS_BYTES, _FILE_BYTES, _CHUNK = 100_000, 400 * 10**6, 1 << 20
_SECONDS = (5.0, 30.0)  # to connect, and between two parts of an answer
_HTTPS = "https://"


@dataclass(frozen=True, slots=True)
class Release:
    """The newest release at a place: its files' names with their SHA-256."""

    version: str
    place: str
    digests: Mapping[str, str]

    def file_like(self, kind: re.Pattern[str]) -> str:
        """Return the name of its file of this kind. Raises UpkeepFailure if it has none."""
        for name in self.digests:
            if (found := kind.fullmatch(name)) and found[1] == self.version:
                return name
        raise UpkeepFailure("update-incomplete", version=self.version)


def is_newer(version: str, installed: str) -> bool:
    """Return whether one version is later than another; never for one that is not plain."""
    numbers = [
        tuple(map(int, each.split("."))) if re.fullmatch(_VERSION, each) else None
        for each in (version, installed)
    ]
    return numbers[0] is not None and numbers[1] is not None and numbers[0] > numbers[1]


def newest_release(place: str) -> Release:
    """Return the newest release at a place. Raises UpkeepFailure."""
    digests = _digests(_read_sums(place))
    versions = [
        found[1] for name in digests for kind in (WHEEL, SETUP) if (found := kind.fullmatch(name))
    ]
    if not versions:
        raise UpkeepFailure("update-none", place=place)
    newest = max(versions, key=lambda version: tuple(map(int, version.split("."))))
    return Release(newest, place, digests)


def given_wheel(file: Path, digest: str | None) -> Release:
    """Return the release that a local wheel is; its digest is given, or in SHA256SUMS beside it.

    Raises UpkeepFailure.
    """
    found = WHEEL.fullmatch(file.name) or SETUP.fullmatch(file.name)
    if not found:
        raise UpkeepFailure("update-name", file=file.name)
    if digest is None:
        if not (file.parent / SUMS).is_file():
            raise UpkeepFailure("update-unproved", file=file.name)
        digest = _digests(_read_sums(str(file.parent))).get(file.name)
        if digest is None:
            raise UpkeepFailure("update-unproved", file=file.name)
    return Release(found[1], str(file.parent), {file.name: digest.lower()})


def fetch(release: Release, name: str, folder: Path) -> Path:
    """Copy one file of a release into a folder and return it, with the digest that it should have.

    Raises UpkeepFailure, with no file left, or OSError.
    """
    target, digest = folder / name, hashlib.sha256()
    with target.open("wb") as opened:
        for part in _parts(release.place, name, _FILE_BYTES):
            digest.update(part)
            opened.write(part)
    if digest.hexdigest() != release.digests[name]:
        target.unlink()
        raise UpkeepFailure("update-altered", file=name)
    return target


def _digests(sums: bytes) -> dict[str, str]:
    lines = sums.decode("utf-8", "replace").splitlines()
    return {found[2]: found[1] for line in lines if (found := _LINE.fullmatch(line))}


def _read_sums(place: str) -> bytes:
    return b"".join(_parts(place, SUMS, _SUMS_BYTES))


def _parts(place: str, name: str, most: int) -> Iterator[bytes]:
    """Yield a file's content. Raises UpkeepFailure if it can't be read or is too large."""
    read = _remote_parts if "://" in place else _local_parts
    size = 0
    for part in read(place, name):
        size += len(part)
        if size > most:
            raise UpkeepFailure("update-altered", file=name)
        yield part


def _local_parts(place: str, name: str) -> Iterator[bytes]:
    try:
        with (Path(place) / name).open("rb") as opened:
            while part := opened.read(_CHUNK):
                yield part
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise UpkeepFailure("update-unread", place=place, name=name, cause=cause) from error


def _remote_parts(place: str, name: str) -> Iterator[bytes]:
    import requests

    try:
        with _answer(f"{place.rstrip('/')}/{name}") as answer:
            answer.raise_for_status()
            yield from answer.iter_content(_CHUNK)
    except requests.HTTPError as error:
        cause = f"HTTP {error.response.status_code}"
        raise UpkeepFailure("update-unread", place=place, name=name, cause=cause) from None
    except requests.RequestException as error:
        cause = type(error).__name__
        raise UpkeepFailure("update-unread", place=place, name=name, cause=cause) from None


@contextmanager
def _answer(url: str) -> Iterator[requests.Response]:
    """Open an address; every step of the way there must be https, as it is at the start."""
    import requests

    with requests.get(url, stream=True, timeout=_SECONDS) as answer:
        steps = [each.url for each in (*answer.history, answer)]
        if urlsplit(url).scheme == "https" and not all(step.startswith(_HTTPS) for step in steps):
            raise requests.exceptions.InvalidURL("not https")
        yield answer
