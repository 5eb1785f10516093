"""A release, built once for all files here, and environments that have crmlink from its wheel."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import crmlink
from release.package import build_release

REPOSITORY = Path(crmlink.__file__).resolve().parents[2]
MOMENT = 1_800_000_000


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("release")
    build_release(REPOSITORY, target, MOMENT, installer=False)
    return target


@pytest.fixture(scope="session")
def wheel(release: Path) -> Path:
    return next(release.glob("*.whl"))


def environment_with(wheel: Path, folder: Path) -> Path:
    """A new environment with a wheel; its libraries, pip too, are those of the tests."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    options = ["--no-deps", "--no-index", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", *options, wheel], check=True
    )
    libraries = next(folder.glob("lib/*/site-packages"))
    (libraries / "tests_libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has crmlink from the wheel; tests leave it as it is."""
    return environment_with(wheel, tmp_path_factory.mktemp("elsewhere") / "environment")
