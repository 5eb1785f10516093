"""Finding and installing browsers, on machines made of a folder of small programs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from browsers import find, install
from browsers.find import CHROMIUM, DESKTOP, FIREFOX, Unavailable

VERSIONS = {"chromium": "Chromium 156.0.1", "firefox-esr": "Mozilla Firefox 153.7.0esr"}
PACKAGE_OF = {
    "chromium": "chromium",
    "firefox-esr": "firefox-esr",
    "Xvfb": "xvfb",
    "openbox": "openbox",
    "xcompmgr": "xcompmgr",
    "xdotool": "xdotool",
    "import": "imagemagick",
}


@dataclass(frozen=True)
class Machine:
    """A PATH of one folder, and a home."""

    programs: Path
    home: Path

    def add(self, name: str, script: str = "") -> Path:
        """A program; by default it says the version that the real one would."""
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script or f'echo {VERSIONS.get(name, name)}'}\n")
        path.chmod(0o755)
        return path

    def add_apt_get(self, refused: str = "") -> None:
        """An apt-get that notes what it is asked, and has every package but one."""
        made = "\n".join(
            f'*" {package}"*) [ {package} = "{refused}" ] && exit 100\n'
            f"printf '#!/bin/sh\\necho {VERSIONS.get(name, name)}\\n' > {self.programs}/{name}\n"
            f"/bin/chmod +x {self.programs}/{name} ;;"
            for name, package in PACKAGE_OF.items()
        )
        self.add("apt-get", f'echo "$@" >> {self.home}/asked\ncase " $*" in\n{made}\nesac')

    def asked(self) -> str:
        """What apt-get was asked, a line each time."""
        notes = self.home / "asked"
        return notes.read_text() if notes.exists() else ""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A bare Linux machine where root is at work and nothing can be downloaded."""
    made = Machine(tmp_path / "bin", tmp_path / "home")
    made.programs.mkdir()
    made.home.mkdir()
    monkeypatch.setenv("PATH", str(made.programs))
    monkeypatch.setenv("HOME", str(made.home))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(install, "DOWNLOADS", {})
    # Fonts are looked for in the system's own folder, so the machine around this one would show.
    monkeypatch.setattr(find, "DESKTOP", tuple(one for one in DESKTOP if one.names))
    return made


def test_what_is_there_is_used_and_nothing_is_installed(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.add_apt_get()
    for name in PACKAGE_OF:
        machine.add(name)
    assert install.main() == 0
    assert machine.asked() == ""
    assert f"Chromium 156.0.1 at {machine.programs}/chromium is there" in capsys.readouterr().out


def test_a_bare_machine_gets_everything_from_the_systems_packages(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.add_apt_get()
    assert install.main() == 0
    assert machine.asked().startswith("update")
    said = capsys.readouterr().out
    assert "Chromium 156.0.1" in said
    assert said.count("installed by apt-get") == len(PACKAGE_OF)


def test_a_browser_that_cannot_be_had_is_a_failure_that_names_the_command(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.add_apt_get(refused="firefox-esr")
    assert install.main() == 1
    output = capsys.readouterr().err
    assert "Firefox is not on this machine." in output
    assert "apt-get install -y --no-install-recommends firefox-esr" in output
    assert "chromium" not in output


def test_an_ordinary_user_is_told_one_command_for_everything_that_is_missing(
    machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    machine.add_apt_get()
    assert install.main() == 1
    assert machine.asked() == ""
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("Ask an administrator to run: apt-get install")
    assert all(package in last for package in PACKAGE_OF.values())


def test_an_ordinary_user_with_sudo_installs_by_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    machine.add_apt_get()
    machine.add("true")
    machine.add("sudo", 'shift 2\nexec "$@"')
    assert install.main() == 0


def test_a_browser_that_the_system_lacks_is_downloaded(
    machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.add_apt_get(refused="chromium")
    place = machine.home / ".cache/ms-playwright/chromium-9/chrome-linux64"
    fetch = machine.add(
        "fetch",
        f"/bin/mkdir -p {place}\n"
        f"printf '#!/bin/sh\\necho Google Chrome for Testing 156.0.2\\n' > {place}/chrome\n"
        f"/bin/chmod +x {place}/chrome",
    )
    monkeypatch.setattr(install, "DOWNLOADS", {"Chromium": (str(fetch),)})
    assert install.main() == 0
    assert f"Chromium 156.0.2 at {place}/chrome downloaded" in capsys.readouterr().out


def test_a_browser_too_old_to_drive_is_passed_over_with_the_reason(machine: Machine) -> None:
    machine.add("firefox-esr", "echo Mozilla Firefox 115.9.1esr")
    with pytest.raises(Unavailable, match=r"Firefox 115\.9\.1, 142 or later is needed"):
        find.find(FIREFOX)
    machine.add("firefox", "echo Mozilla Firefox 150.0")
    assert find.find(FIREFOX).path.name == "firefox"


@pytest.mark.parametrize("script", ["exit 1", "exec /snap/bin/chromium --version"])
def test_a_chromium_that_does_not_start_or_is_a_snap_is_not_used(
    machine: Machine, script: str
) -> None:
    machine.add("chromium", script)
    with pytest.raises(Unavailable):
        find.find(CHROMIUM)


def test_branded_chrome_is_not_taken_for_chromium(machine: Machine) -> None:
    machine.add("google-chrome", "echo Google Chrome 156.0.1")
    with pytest.raises(Unavailable, match="Chromium is not on this machine"):
        find.find(CHROMIUM)


@pytest.mark.parametrize("manager", [install.APT, install.DNF], ids=lambda one: one.name)
def test_every_program_has_a_package_where_a_desktop_is_needed(manager: install.Manager) -> None:
    needed = {program.title for program in (CHROMIUM, FIREFOX, *DESKTOP)}
    assert set(manager.packages) == needed
