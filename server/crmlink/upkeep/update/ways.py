"""How this crmlink was installed, and the command that installs another version there."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import sys
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from crmlink.upkeep.errors import UpkeepFailure
from crmlink.upkeep.update.releases import SETUP, WHEEL

SETUP_SWITCHES = ("/S", "/NOSTART")


class Way(StrEnum):
    """How an installation was made."""

    UV_TOOL = "uv-tool"
    PIPX = "pipx"
    VENV = "venv"
    WINDOWS_INSTALLER = "windows-installer"
    CHECKOUT = "checkout"  # cannot be updated: git does that
    SHARED = "shared"  # in a Python that has other things too: a container's, the system's

    @property
    def file(self) -> re.Pattern[str]:
        """The kind of file that updates it."""
        return SETUP if self is Way.WINDOWS_INSTALLER else WHEEL


def way_installed(prefix: Path, base_prefix: Path) -> Way:
    """Return how the installation in an environment was made."""
    if _is_checkout():
        return Way.CHECKOUT
    if (prefix / "uv-receipt.toml").is_file():
        return Way.UV_TOOL
    if (prefix / "pipx_metadata.json").is_file():
        return Way.PIPX
    if (prefix.parent / "crmlink-service.exe").is_file():
        return Way.WINDOWS_INSTALLER
    return Way.SHARED if prefix == base_prefix else Way.VENV


def _is_checkout() -> bool:
    try:
        origin = distribution("crmlink").read_text("direct_url.json")
    except PackageNotFoundError:
        return True
    return bool(json.loads(origin or "{}").get("dir_info", {}).get("editable"))


def install_command(way: Way, file: Path, python: Path, base_python: Path) -> list[str]:
    """Return the command that installs a file over what is there. Raises UpkeepFailure."""
    with_this_python = ("--force", "--quiet", "--python", str(base_python), str(file))
    match way:
        case Way.WINDOWS_INSTALLER:
            return [str(file), *SETUP_SWITCHES]
        case Way.UV_TOOL:
            return [_program("uv"), "tool", "install", *with_this_python]
        case Way.PIPX:
            return [_program("pipx"), "install", *with_this_python]
        case Way.VENV if importlib.util.find_spec("pip"):
            options = ("--quiet", "--disable-pip-version-check")
            return [str(python), "-m", "pip", "install", *options, str(file)]
        case Way.VENV:
            return [_program("uv"), "pip", "install", "--quiet", "--python", str(python), str(file)]
    raise UpkeepFailure(f"update-{way}")


def _program(name: str) -> str:
    """Return the whole path of a program, as the update runs where PATH may differ."""
    if found := shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent)):
        return found
    raise UpkeepFailure("update-no-program", program=name)
