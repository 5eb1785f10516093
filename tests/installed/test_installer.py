"""The Windows installer: its script compiles, the same each time, and it brings what Windows needs.

What it does is tried by hand in Wine (docs/deploy/windows/README.md); Windows is not at hand here.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

import pytest

import crmlink
from release import installer
from release.installer import InstallerLeftOut, build_installer, make_installer

REPOSITORY = Path(crmlink.__file__).resolve().parents[2]
SCRIPT = REPOSITORY / installer.SCRIPT
MOMENT = 1_800_000_000
needs_makensis = pytest.mark.skipif(shutil.which("makensis") is None, reason="no makensis here")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    (folder / "wheels").mkdir(parents=True)
    for name in ("uv.exe", "WinSW-x64.exe", "requirements.txt", "wheels/a.whl"):
        (folder / name).write_text(name)
    return folder


@needs_makensis
def test_the_script_compiles_without_a_warning_and_the_same_each_time(
    files: Path, tmp_path: Path
) -> None:
    made = []
    for name in ("first.exe", "second.exe"):
        make_installer(SCRIPT, files, "0.1.0", tmp_path / name, MOMENT)
        made.append(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert made[0] == made[1]
    assert (tmp_path / "first.exe").read_bytes()[:2] == b"MZ"


@needs_makensis
def test_a_fault_in_the_script_is_shown(files: Path, tmp_path: Path) -> None:
    script = tmp_path / "broken.nsi"
    script.write_text(SCRIPT.read_text().replace("Call ChooseOptions", "Call Choose"))
    with pytest.raises(InstallerLeftOut, match="Choose"):
        make_installer(script, files, "0.1.0", tmp_path / "setup.exe", MOMENT)


def test_every_switch_is_documented() -> None:
    switches = set(re.findall(r'"/([A-Z]+)=?" \$', SCRIPT.read_text())) | {"S", "D"}
    pages = [SCRIPT.with_name("README.md"), REPOSITORY / "docs" / "operate.md"]
    for page in pages:
        assert [name for name in switches if f"/{name}" not in page.read_text()] == []


def test_the_uninstaller_leaves_the_data() -> None:
    uninstaller = SCRIPT.read_text().partition('Section "un.')[2]
    assert "service uninstall" in uninstaller
    code = [line.partition(";")[0] for line in uninstaller.splitlines()]
    assert not [line for line in code if re.search(r"ProgramData|APPDATA", line, re.I)]


def test_windows_gets_what_the_lock_file_wants_there_and_nothing_else() -> None:
    lock = (REPOSITORY / "requirements-server.lock").read_text()
    lines = installer.windows_requirements(lock).splitlines()
    names = [line.split("==")[0] for line in lines]
    assert {"flask", "numpy", "tzdata"} <= set(names)
    assert len(names) == len(set(names)), "one version each"
    assert not [line for line in lines if ";" in line or " --hash=sha256:" not in line]
    assert "linux-only" not in installer.windows_requirements(
        "linux-only==1 ; sys_platform == 'linux' --hash=sha256:0\n"
    )


@needs_makensis
def test_without_the_right_winsw_no_installer_is_made(tmp_path: Path) -> None:
    def build() -> None:
        build_installer(tmp_path, REPOSITORY, tmp_path / "c-1.whl", tmp_path / "s.exe", MOMENT)

    with pytest.raises(InstallerLeftOut, match="put WinSW"):
        build()
    (tmp_path / installer.WINSW).parent.mkdir(parents=True)
    (tmp_path / installer.WINSW).write_text("something else")
    with pytest.raises(InstallerLeftOut, match="SHA-256 differs"):
        build()
