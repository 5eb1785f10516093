"""Archives and files that depend on their content alone: fixed order, times, modes and owners."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path

FOLDER_MODE, FILE_MODE = 0o755, 0o644


def copy_tracked(repository: Path, target: Path, moment: int) -> None:
    """Copy the files that git tracks, as they are now, with fixed modes and times (seconds)."""
    names = subprocess.run(
        ["git", "-C", repository, "ls-files", "-z"], capture_output=True, text=True, check=True
    ).stdout.split("\0")
    for name in filter(None, names):
        if (repository / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(repository / name, target / name)
    normalise(target, moment)


def normalise(folder: Path, moment: int) -> None:
    """Give everything in a folder fixed modes and times."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(FOLDER_MODE if path.is_dir() else FILE_MODE)
        os.utime(path, (moment, moment))


def repack_tar(archive: Path, moment: int) -> None:
    """Write a `.tar.gz` again, without what its machine and hour added to it."""
    packed = io.BytesIO()
    with (
        tarfile.open(archive) as source,
        gzip.GzipFile(filename="", fileobj=packed, mode="wb", mtime=moment) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as target,
    ):
        for member in sorted(source.getmembers(), key=lambda member: member.name):
            clean = tarfile.TarInfo(member.name)
            clean.type, clean.size, clean.mtime = member.type, member.size, moment
            clean.mode = FOLDER_MODE if member.isdir() else FILE_MODE
            target.addfile(clean, source.extractfile(member) if member.isfile() else None)
    archive.write_bytes(packed.getvalue())


def unpack_tar(archive: Path, target: Path, moment: int) -> Path:
    """Unpack a source distribution and return its folder."""
    with tarfile.open(archive) as source:
        source.extractall(target, filter="data")
    normalise(target, moment)
    return next(target.iterdir())


def write_checksums(files: Iterable[Path], target: Path) -> None:
    """Write the files' SHA-256 sums in the form that `sha256sum --check` reads."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(files)
    ]
    target.write_text("".join(lines), encoding="utf-8", newline="\n")
