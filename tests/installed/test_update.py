"""`crmlink update`, from a real wheel to a newer one, in an environment made for it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from browsers.real_services import PAUSE, START_LIMIT
from installed.conftest import environment_with
from installed.newer_wheels import CHECKS, MIGRATION, migration, release_of
from support.ports import HeldPort

STAND_IN = Path(__file__).with_name("systemctl_stand_in.py")
NEWER, NEWEST = "98.0.0", "99.0.0"
NO_SPACE = "\nMIN_FREE_BYTES = 10**18\n"  # so that a check fails which did not before


class Office:
    """An environment with the built wheel, and data that it has made."""

    def __init__(self, wheel: Path, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self.environment = environment_with(wheel, folder / "environment")
        self.settings = {
            "CRMLINK_DATA_DIR": str(self.data), "PATH": f"{folder / 'bin'}:{os.defpath}",
            "PIP_NO_INDEX": "1", "XDG_CONFIG_HOME": str(folder / "config"), "HOME": str(folder),
        }  # fmt: skip

    def crmlink(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.environment / "bin" / "crmlink", *words],
            capture_output=True, text=True, check=False, timeout=120,
            env={**self.settings, **settings},
        )  # fmt: skip

    def tables(self) -> set[str]:
        with sqlite3.connect(self.data / "crmlink.sqlite") as opened:
            return {row[0] for row in opened.execute("SELECT name FROM sqlite_master")}

    def left_over(self) -> list[str]:
        return [path.name for path in self.folder.iterdir() if "update" in path.name]


@pytest.fixture
def office(wheel: Path, tmp_path: Path) -> Office:
    return Office(wheel, tmp_path / "office")


@pytest.fixture
def service(office: Office) -> Iterator[int]:
    """The office's server as a service of a person, under a stand-in for systemd; its port."""
    (office.folder / "bin").mkdir()
    stand_in = office.folder / "bin" / "systemctl"
    stand_in.write_text(f'#!/bin/sh\nexec {sys.executable} {STAND_IN} "$@"\n')
    stand_in.chmod(0o755)
    with closing(HeldPort()) as port:
        options = ("--user", "--port", str(port.number), "--data-dir", str(office.data))
        office.crmlink("service", "install", *options).check_returncode()
        office.crmlink("service", "start", "--user").check_returncode()
        _wait_for_answer(port.number)
        yield port.number
        office.crmlink("service", "stop", "--user")


def _wait_for_answer(port: int) -> None:
    until = time.monotonic() + START_LIMIT
    while time.monotonic() < until:
        try:
            requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).raise_for_status()
        except requests.RequestException:
            time.sleep(PAUSE)
        else:
            return
    pytest.fail("the service does not answer")


def test_an_update_stops_the_service_and_takes_back_a_version_that_fails_here(
    office: Office, service: int, wheel: Path, tmp_path: Path
) -> None:
    own = wheel.name.split("-")[1]
    good = release_of(tmp_path / "good", wheel, NEWER, {MIGRATION: migration()})
    bad = release_of(tmp_path / "bad", wheel, NEWEST, {CHECKS: NO_SPACE, MIGRATION: migration()})
    systemctl = office.folder / "bin" / "systemctl"
    systemctl.rename(systemctl.with_name("away"))  # so it is a server that is no service
    refused = office.crmlink("update", str(good))
    assert "Nothing was changed: Error: A crmlink server is already using" in refused.stdout
    systemctl.with_name("away").rename(systemctl)
    del office.settings["CRMLINK_DATA_DIR"]  # the service's settings say where its data is
    before = office.tables()
    failed = office.crmlink("update", str(bad))
    assert failed.returncode == 1
    assert f"crmlink check finds: disk. crmlink {own} is in place again" in failed.stdout
    assert (office.tables(), office.left_over()) == (before, [])
    _wait_for_answer(service)
    done = office.crmlink("update", "--json", str(good))
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert (result["result"], result["to"]) == ("done", NEWER)
    assert Path(result["backup"]).is_file()
    _wait_for_answer(service)
    assert office.crmlink("service", "status", "--user").returncode == 0
    assert office.tables() - before == {"update_was_tried"}
    assert office.left_over() == []
    program = next(office.environment.glob("lib/*/site-packages/crmlink/cli/__init__.py"))
    assert program.stat().st_mode & 0o004, "the service's user can read it"
    again = office.crmlink("update", "--check", CRMLINK_UPDATES=str(good))
    assert again.stdout == f"crmlink {NEWER} is installed, and there is no newer version.\n"
