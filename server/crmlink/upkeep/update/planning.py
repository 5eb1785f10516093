"""What an update of this installation has to know: how it was installed, its data, its service."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from platformdirs import user_cache_path, user_data_path

from crmlink.service.choose import installed_service
from crmlink.service.model import InstalledService
from crmlink.upkeep.errors import UpkeepFailure
from crmlink.upkeep.texts import UPDATE_TEXTS
from crmlink.upkeep.update import carry_out
from crmlink.upkeep.update.releases import Release, fetch
from crmlink.upkeep.update.ways import Way, install_command, way_installed

REMEMBERING = (Way.UV_TOOL, Way.PIPX)  # they note which file they installed
SCRIPT = Path(carry_out.__file__)


@dataclass(frozen=True, slots=True)
class ThisInstallation:
    """The crmlink that this process is: version, environment, data and service."""

    version: str
    way: Way
    prefix: Path
    python: Path
    base_python: Path
    service: InstalledService | None
    environment: Mapping[str, str]  # of the process that is to use the data

    @property
    def data(self) -> Path:
        """The data folder."""
        given = self.environment.get("CRMLINK_DATA_DIR")
        return Path(given).expanduser() if given else user_data_path("crmlink", appauthor=False)


def this_installation() -> ThisInstallation:
    """Return what is known of the installation that this process runs from."""
    prefix = Path(sys.prefix)
    service = installed_service(Path(sys.executable))
    return ThisInstallation(
        version("crmlink"),
        way_installed(prefix, Path(sys.base_prefix)),
        prefix,
        Path(sys.executable),
        Path(getattr(sys, "_base_executable", sys.executable)),
        service,
        {**os.environ, **(service.environment if service else {})},
    )


def plan_of(found: ThisInstallation, release: Release, *, as_json: bool) -> str:
    """Fetch a release's file and return the plan for ``carry_out``. Raises UpkeepFailure, OSError.

    Nothing of the installation is changed.
    """
    name = release.file_like(found.way.file)
    _require_possible(found)
    folder = _folder_for(found.way)
    file = fetch(release, name, folder)
    stamp = f"{datetime.now():%Y%m%d-%H%M%S}"
    service = found.service if found.service and found.service.is_running else None
    plan = {
        "versions": {"from": found.version, "to": release.version},
        "prefix": str(found.prefix),
        "python": str(found.python),
        "install": install_command(found.way, file, found.python, found.base_python),
        "left_over": "" if found.way in REMEMBERING else str(folder),
        "data": str(found.data),
        "backup": str(found.data / f"crmlink-{found.version}-before-update-{stamp}.backup"),
        "user": _owner(found.data),
        "service": service.options if service else None,
        "address": service.address if service else ("127.0.0.1", 0),
        "waits_for": os.getpid() if sys.platform == "win32" else 0,
        "as_json": as_json,
        "texts": dict(UPDATE_TEXTS),
    }
    return json.dumps(plan)


def carry_out_now(found: ThisInstallation, plan: str) -> None:
    """Become the process that carries out a plan; on Windows it goes on by itself."""
    sys.stdout.flush()
    sys.stderr.flush()
    command = [str(found.base_python), "-I", str(SCRIPT), plan]
    os.execve(command[0], command, dict(found.environment))  # noqa: S606 # this Python


def _require_possible(found: ThisInstallation) -> None:
    """Raise UpkeepFailure if the update would fail halfway."""
    copy = found.prefix.with_name(found.prefix.name + carry_out.BESIDE)
    if copy.exists():
        raise UpkeepFailure("update-interrupted", copy=str(copy), prefix=str(found.prefix))
    if not all(os.access(path, os.W_OK) for path in (found.prefix, found.prefix.parent)):
        raise UpkeepFailure("update-rights", prefix=str(found.prefix))
    if not found.data.is_dir():
        raise UpkeepFailure("update-no-data", data=str(found.data))


def _folder_for(way: Way) -> Path:
    """Return where to put the release's file."""
    if way not in REMEMBERING:
        return Path(tempfile.mkdtemp(prefix="crmlink-update-"))
    folder = user_cache_path("crmlink", appauthor=False) / "releases"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _owner(data: Path) -> tuple[int, int] | None:
    """Return the user and group that own the data, if an administrator updates for them."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    status = data.stat()
    return (status.st_uid, status.st_gid) if status.st_uid else None
