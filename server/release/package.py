"""Build wheel, source distribution, extension zips, bill of materials, installer and checksums.

Run by `make package`. The same commit gives the same bytes on every machine: the source is what git
tracks, with fixed modes, and the commit's time (`SOURCE_DATE_EPOCH`) is everything's time. The
wheel is built from the source distribution, so that both are known to be whole.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from crmlink.browser_extension.archive import Browser, extension_files, files_for, zip_of
from release.archives import copy_tracked, repack_tar, unpack_tar, write_checksums
from release.bill import write_bill
from release.installer import InstallerLeftOut, build_installer

NAME, CHECKSUMS = "crmlink-", "SHA256SUMS"


class ReleaseFailed(Exception):
    """A step failed; the message says which, and what it printed."""


def build_release(repository: Path, target: Path, moment: int, *, installer: bool = True) -> None:
    """Build everything into a folder; ``moment`` is the release's time in seconds.

    Raises ReleaseFailed.
    """
    version = _version(repository)
    target.mkdir(parents=True, exist_ok=True)
    for old in _built_files(target):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        sources, unpacked = Path(folder, "sources"), Path(folder, "unpacked")
        copy_tracked(repository, sources, moment)
        sdist = _build("build_sdist", sources, target, moment)
        repack_tar(sdist, moment)
        wheel = _build("build_wheel", unpack_tar(sdist, unpacked, moment), target, moment)
        bill = target / f"crmlink-{version}.cdx.json"
        write_bill(sources / "requirements-server.lock", version, bill, moment)
        extension = extension_files(sources / "extension")
        for browser in Browser:
            packed = target / f"crmlink-extension-{version}-{browser}.zip"
            packed.write_bytes(zip_of(files_for(browser, extension)))
        if installer:
            setup = target / f"crmlink-{version}-setup.exe"
            _build_installer(repository, sources, wheel, setup, moment)
    write_checksums(_built_files(target), target / CHECKSUMS)


def _built_files(target: Path) -> list[Path]:
    return [path for path in target.iterdir() if path.name.startswith((NAME, CHECKSUMS))]


def commit_time(repository: Path) -> int:
    """Return the time of the newest commit in seconds, or `SOURCE_DATE_EPOCH` if set."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    return int(given or _run(["git", "-C", str(repository), "log", "-1", "--format=%ct"]))


def _version(repository: Path) -> str:
    """Return the version of server and extension. Raises ReleaseFailed if they differ."""
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    manifest = json.loads((repository / "extension" / "manifest.json").read_text(encoding="utf-8"))
    version: str = project["project"]["version"]
    if manifest["version"] != version:
        raise ReleaseFailed(
            f"pyproject.toml has version {version}, extension/manifest.json {manifest['version']}"
        )
    return version


def _build(hook: str, sources: Path, target: Path, moment: int) -> Path:
    """Run a hook of the build backend (PEP 517) and return the file that it made."""
    program = (
        "import os, sys; os.umask(0o022)\n"
        "from setuptools import build_meta\n"
        "name = getattr(build_meta, sys.argv[1])(sys.argv[2])\n"
        "print(f'\\n{name}')"
    )
    command = [sys.executable, "-c", program, hook, str(target.resolve())]
    return target / _run(command, cwd=sources, moment=moment).splitlines()[-1]


def _build_installer(repository: Path, sources: Path, wheel: Path, path: Path, moment: int) -> None:
    try:
        build_installer(repository, sources, wheel, path, moment)
    except InstallerLeftOut as reason:
        print(f"The Windows installer is left out: {reason}")


def _run(command: list[str], cwd: Path | None = None, moment: int | None = None) -> str:
    """Return what a command prints. Raises ReleaseFailed with all of it if it fails."""
    environment = os.environ | ({"SOURCE_DATE_EPOCH": str(moment)} if moment is not None else {})
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ReleaseFailed(f"{' '.join(command[:3])} …\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def main() -> None:
    """Build into the folder given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    repository = Path(__file__).resolve().parents[2]
    target = parser.parse_args().target
    try:
        build_release(repository, target, commit_time(repository))
    except ReleaseFailed as error:
        sys.exit(f"make package: {error}")
    print((target / CHECKSUMS).read_text(encoding="utf-8"), end="")


if __name__ == "__main__":
    main()
