"""The Windows installer: uv, WinSW and the wheels for Windows in one program, by NSIS."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from packaging.requirements import Requirement

from release.archives import normalise

SCRIPT = Path("docs", "deploy", "windows", "crmlink.nsi")
TOOLS_LOCK = Path(__file__).with_name("windows.lock")
PYTHON = "3.12"
TARGET = {  # the markers of what the installer installs on
    "sys_platform": "win32", "platform_system": "Windows", "os_name": "nt",
    "platform_machine": "AMD64", "python_version": PYTHON, "python_full_version": f"{PYTHON}.0",
    "implementation_name": "cpython", "platform_python_implementation": "CPython",
}  # fmt: skip
WINSW = Path("build", "vendor", "WinSW-x64.exe")
WINSW_VERSION = "2.12.0"
WINSW_SHA256 = "05b82d46ad331cc16bdc00de5c6332c1ef818df8ceefcd49c726553209b3a0da"


class InstallerLeftOut(Exception):
    """A program or file that the installer needs is missing; the message says which."""


def build_installer(repository: Path, sources: Path, wheel: Path, path: Path, moment: int) -> None:
    """Build the installer from its script. Raises InstallerLeftOut."""
    winsw = repository / WINSW
    if shutil.which("makensis") is None:
        raise InstallerLeftOut("makensis is not here (Debian's package nsis).")
    if not winsw.is_file():
        raise InstallerLeftOut(f"{WINSW} is not here: put WinSW {WINSW_VERSION} there.")
    if _sha256(winsw) != WINSW_SHA256:
        raise InstallerLeftOut(f"{WINSW} is not WinSW {WINSW_VERSION}: its SHA-256 differs.")
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder)
        shutil.copyfile(winsw, files / winsw.name)
        _add_wheels(sources / "requirements-server.lock", wheel, files)
        normalise(files, moment)
        make_installer(sources / SCRIPT, files, wheel.name.split("-")[1], path, moment)


def make_installer(script: Path, files: Path, version: str, path: Path, moment: int) -> None:
    """Run makensis. Raises InstallerLeftOut with what it printed if it fails."""
    defines = {"VERSION": version, "FILES": files.resolve(), "OUTPUT": path.resolve()}
    done = subprocess.run(
        [
            "makensis",
            "-V2",
            "-WX",
            *(f"-D{name}={value}" for name, value in defines.items()),
            script,
        ],
        env=os.environ | {"SOURCE_DATE_EPOCH": str(moment)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise InstallerLeftOut(f"makensis failed. {done.stdout}{done.stderr}")


def windows_requirements(lock: str) -> str:
    """Return the lines of a lock file that apply on Windows, without their markers."""
    chosen = []
    for line in lock.replace(" \\\n   ", "").splitlines():
        text, _, hashes = line.partition(" --hash")
        wanted = Requirement(text)
        if wanted.marker is None or wanted.marker.evaluate(dict(TARGET)):
            chosen.append(f"{wanted.name}{wanted.specifier} --hash{hashes}\n")
    return "".join(chosen)


def _add_wheels(lock: Path, wheel: Path, files: Path) -> None:
    wheels = files / "wheels"
    wheels.mkdir()
    requirements = windows_requirements(lock.read_text(encoding="utf-8"))
    _download(requirements, wheels)
    _download(TOOLS_LOCK.read_text(encoding="utf-8"), files)
    shutil.copyfile(wheel, wheels / wheel.name)
    version = wheel.name.split("-")[1]
    own = f"crmlink=={version} --hash=sha256:{_sha256(wheel)}\n"
    (files / "requirements.txt").write_text(requirements + own, encoding="utf-8", newline="\n")
    for tool in files.glob("uv-*.whl"):
        with zipfile.ZipFile(tool) as archive:
            program = next(name for name in archive.namelist() if re.search(r"/uv\.exe$", name))
            (files / "uv.exe").write_bytes(archive.read(program))
        tool.unlink()


def _download(requirements: str, target: Path) -> None:
    listed = target / "download.txt"
    listed.write_text(requirements, encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
            "--no-deps", "--require-hashes", "--only-binary", ":all:", "--platform", "win_amd64",
            "--python-version", PYTHON, "--dest", target, "--requirement", listed,
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    listed.unlink()
    if done.returncode:
        raise InstallerLeftOut(f"the wheels could not be downloaded. {done.stderr.strip()}")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
