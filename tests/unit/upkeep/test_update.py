"""What an update checks before and after it, and every way back; crmlink itself is a stand-in.

The update of a real installation is in tests/installed/test_update.py.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import responses

from crmlink.upkeep.errors import UpkeepFailure
from crmlink.upkeep.texts import UPDATE_TEXTS, failure_text
from crmlink.upkeep.update import carry_out, ways
from crmlink.upkeep.update.carry_out import Plan, Update
from crmlink.upkeep.update.planning import ThisInstallation, plan_of
from crmlink.upkeep.update.releases import Release, fetch, given_wheel, is_newer, newest_release
from crmlink.upkeep.update.ways import Way, install_command, way_installed

OLD, NEW = "crmlink-0.1.0-py3-none-any.whl", "crmlink-0.12.0-py3-none-any.whl"
SETUP = "crmlink-0.12.0-setup.exe"
PLACE = "https://files.firm.example/crmlink"
WHEEL = b"a wheel"


def sums(**content: bytes) -> str:
    return "".join(
        f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in content.items()
    )


def failure_of(call: Callable[[], object]) -> str:
    with pytest.raises(UpkeepFailure) as caught:
        call()
    assert failure_text(caught.value).endswith(".")
    return caught.value.code


def test_the_newest_version_counts_as_numbers() -> None:
    assert is_newer("0.12.0", "0.9.1")
    assert is_newer("1.0", "0.9.1")
    assert not any(map(is_newer, ("0.1.0", "0.1.0", "0.2.0rc1", "../9.0"), ("0.1.0", "0.2.0") * 2))


def test_the_newest_release_of_a_folder_is_found_and_copied(tmp_path: Path) -> None:
    (tmp_path / "SHA256SUMS").write_text(
        sums(**{OLD: b"old", NEW: WHEEL, "../crmlink-9.0.0-setup.exe": b"x", "notes.txt": b""})
    )
    (tmp_path / NEW).write_bytes(WHEEL)
    release = newest_release(str(tmp_path))
    assert (release.version, release.file_like(Way.UV_TOOL.file)) == ("0.12.0", NEW)
    target = tmp_path / "to"
    target.mkdir()
    assert fetch(release, NEW, target).read_bytes() == WHEEL
    assert failure_of(lambda: release.file_like(Way.WINDOWS_INSTALLER.file)) == "update-incomplete"
    (tmp_path / NEW).write_bytes(WHEEL + b"!")
    assert failure_of(lambda: fetch(release, NEW, target)) == "update-altered"
    assert list(target.iterdir()) == [], "what is not as its maker wrote it does not stay"


def test_a_place_without_a_release_says_so(tmp_path: Path) -> None:
    assert failure_of(lambda: newest_release(str(tmp_path))) == "update-unread"
    (tmp_path / "SHA256SUMS").write_bytes(b"\xff\xfe nonsense\n")
    assert failure_of(lambda: newest_release(str(tmp_path))) == "update-none"
    (tmp_path / "SHA256SUMS").write_text(sums(**{OLD: b""}) * 2_000)
    assert failure_of(lambda: newest_release(str(tmp_path))) == "update-altered"


def test_a_wheel_is_used_with_its_checksum_alone(tmp_path: Path) -> None:
    file = tmp_path / NEW
    file.write_bytes(WHEEL)
    assert failure_of(lambda: given_wheel(file, None)) == "update-unproved"
    (tmp_path / "SHA256SUMS").write_text(sums(**{OLD: b"old"}))
    assert failure_of(lambda: given_wheel(file, None)) == "update-unproved"
    assert failure_of(lambda: given_wheel(tmp_path / "other.whl", None)) == "update-name"
    digest = hashlib.sha256(WHEEL).hexdigest()
    assert given_wheel(file, digest.upper()).digests == {NEW: digest}


@responses.activate
def test_a_release_comes_over_https_all_the_way() -> None:
    responses.get(f"{PLACE}/SHA256SUMS", body=sums(**{NEW: WHEEL}))
    assert newest_release(f"{PLACE}/").version == "0.12.0"
    (call,) = responses.calls
    assert "0.1" not in str(call.request.headers), "says nothing of this installation"
    moved = {"Location": "http://files.firm.example/SHA256SUMS"}
    responses.replace("GET", f"{PLACE}/SHA256SUMS", status=302, headers=moved)
    responses.get(moved["Location"], body=sums(**{NEW: WHEEL}))
    assert failure_of(lambda: newest_release(PLACE)) == "update-unread"
    responses.replace("GET", f"{PLACE}/SHA256SUMS", status=404)
    assert failure_of(lambda: newest_release(PLACE)) == "update-unread"
    responses.remove("GET", f"{PLACE}/SHA256SUMS")
    assert failure_of(lambda: newest_release(PLACE)) == "update-unread"


def test_how_it_was_installed_is_seen_in_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert way_installed(tmp_path, tmp_path) is Way.CHECKOUT, "as these tests are"
    monkeypatch.setattr(ways, "_is_checkout", lambda: False)
    assert way_installed(tmp_path, tmp_path) is Way.SHARED
    marks = {
        "a/uv-receipt.toml": Way.UV_TOOL,
        "b/pipx_metadata.json": Way.PIPX,
        "c/environment/x": Way.VENV,
        "d/crmlink-service.exe": Way.WINDOWS_INSTALLER,
    }
    for mark, way in marks.items():
        (tmp_path / mark).parent.mkdir(parents=True)
        (tmp_path / mark).touch()
        folder = tmp_path / mark[0] / ("environment" if mark[0] in "cd" else "")
        assert way_installed(folder, tmp_path) is way


def test_each_way_has_its_command_and_the_others_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def command(way: Way) -> list[str]:
        return install_command(way, tmp_path / NEW, tmp_path / "python", tmp_path / "base")

    monkeypatch.setattr(shutil, "which", lambda name, **_: f"/bin/{name}")
    assert command(Way.UV_TOOL)[:3] == ["/bin/uv", "tool", "install"]
    assert command(Way.PIPX)[:2] == ["/bin/pipx", "install"]
    assert command(Way.VENV)[:4] == [str(tmp_path / "python"), "-m", "pip", "install"]
    assert command(Way.WINDOWS_INSTALLER) == [str(tmp_path / NEW), "/S", "/NOSTART"]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert command(Way.VENV)[:3] == ["/bin/uv", "pip", "install"]
    monkeypatch.setattr(shutil, "which", lambda name, **_: None)
    assert failure_of(lambda: command(Way.VENV)) == "update-no-program"
    assert failure_of(lambda: command(Way.CHECKOUT)) == "update-checkout"
    assert failure_of(lambda: command(Way.SHARED)) == "update-shared"


@pytest.fixture
def here(tmp_path: Path) -> ThisInstallation:
    prefix = tmp_path / "environment"
    (prefix / "bin").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    settings = {"CRMLINK_DATA_DIR": str(tmp_path / "data")}
    python = prefix / "bin" / "python"
    return ThisInstallation("0.1.0", Way.VENV, prefix, python, python, None, settings)


def test_nothing_is_begun_that_would_stop_halfway(
    here: ThisInstallation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / NEW).write_bytes(WHEEL)
    release = Release("0.12.0", str(tmp_path), {NEW: hashlib.sha256(WHEEL).hexdigest()})

    def plan() -> dict[str, Any]:
        planned: dict[str, Any] = json.loads(plan_of(here, release, as_json=False))
        return planned

    planned = plan()
    assert planned["service"] is None
    assert Path(planned["left_over"], NEW).read_bytes() == WHEEL
    copy = tmp_path / "environment.before-update"
    copy.mkdir()
    assert failure_of(plan) == "update-interrupted"
    copy.rmdir()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert failure_of(plan) == "update-rights"
    monkeypatch.undo()
    (tmp_path / "data").rmdir()
    assert failure_of(plan) == "update-no-data"


CRMLINK = """\
import json, pathlib, sys
here = pathlib.Path(sys.argv[0]).parent
said = here.parent.parent / "said"
words = sys.argv[4:]  # after -P -m crmlink
with said.open("a") as log:
    print((here / "version").read_text(), *words[:2], file=log)
if words == ["--version"]:
    print("crmlink, version", (here / "version").read_text())
elif " ".join(words[:2]) in (here / "broken").read_text().split(","):
    sys.exit(here.name + " does not work")
elif words[0] == "check":
    print(json.dumps({"checks": [
        {"code": code, "health": "failed"} for code in (here / "failing").read_text().split()
    ]}))
"""


class StandIn:
    """An environment whose Python plays crmlink as its files say, and notes what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "environment" / "bin"
        self.bin.mkdir(parents=True)
        (folder / "data").mkdir()
        script = self.bin / "crmlink.py"
        script.write_text(CRMLINK)
        python = self.bin / "python"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} -I {script} "$@"\n')
        python.chmod(0o755)
        self.set(version="0.1.0", failing="", broken="")

    def set(self, **files: str) -> None:
        for name, text in files.items():
            (self.bin / name).write_text(text)

    def update(
        self, capsys: pytest.CaptureFixture[str], *, install: Mapping[str, str] | str, **more: Any
    ) -> tuple[int, dict[str, str]]:
        """Update to what ``install`` writes into the environment; a text is a failing command."""
        program = (
            f"import pathlib\nfor name, text in {dict(install)!r}.items():\n"
            f"    pathlib.Path({str(self.bin)!r}, name).write_text(text)\n"
            if not isinstance(install, str)
            else f"raise SystemExit({install!r})"
        )
        plan = Plan(
            versions={"from": "0.1.0", "to": "0.2.0"}, prefix=self.folder / "environment",
            python=self.bin / "python", install=[sys.executable, "-c", program], left_over="",
            data=self.folder / "data", backup=self.folder / "data" / "the.backup", user=None,
            address=("127.0.0.1", 1), waits_for=0, as_json=True, texts=UPDATE_TEXTS,
            **{"service": None, **more},
        )  # fmt: skip
        code = Update(plan).run()
        return code, json.loads(capsys.readouterr().out)

    def asked(self) -> list[str]:
        return (self.folder / "said").read_text().splitlines()


@pytest.fixture
def stand_in(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path)


CHECK, FINAL = "check --json", "service start"


def test_what_failed_before_may_fail_after(
    stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in.set(failing="backups certificate")
    code, report = stand_in.update(capsys, install={"version": "0.2.0", "failing": "certificate"})
    assert (code, report["result"]) == (0, "done")
    assert stand_in.asked() == [
        f"0.1.0 {CHECK}", "0.1.0 backup --without-keys", "0.2.0 --version", f"0.2.0 {CHECK}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("install", "result", "cause"),
    [
        ("no such library", "back", "no such library"),
        ({"version": "0.1.9"}, "back", "another version"),
        ({"version": "0.2.0", "failing": "keys"}, "back", "crmlink check finds: keys"),
        ({"version": "0.2.0", "broken": CHECK}, "back", "bin does not work"),
    ],
)
def test_what_does_not_work_is_taken_back(
    stand_in: StandIn, capsys: pytest.CaptureFixture[str],
    install: Mapping[str, str] | str, result: str, cause: str,
) -> None:  # fmt: skip
    code, report = stand_in.update(capsys, install=install)
    assert (code, report["result"]) == (1, result)
    assert cause in report["text"]
    assert (stand_in.bin / "version").read_text() == "0.1.0"
    assert stand_in.asked()[-1] == f"0.1.0 {CHECK}", "the earlier version finds its data as it was"
    assert sorted(path.name for path in stand_in.folder.iterdir()) == [
        "data",
        "environment",
        "said",
    ]


def test_data_that_the_earlier_version_cannot_use_is_restored_and_if_not_it_says_so(
    stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    program = stand_in.bin / "crmlink.py"
    changed = '(here / "failing").read_text().split()'
    seen = '(["tables"] if said.read_text().count("check") > 2 else [])'
    program.write_text(CRMLINK.replace(changed, seen))
    install = {"version": "0.2.0", "broken": CHECK}
    code, report = stand_in.update(capsys, install=install)
    assert (code, report["result"]) == (1, "back")
    assert stand_in.asked()[-1] == "0.1.0 restore --replace"
    stand_in.set(broken="restore --replace")
    (stand_in.folder / "said").unlink()
    code, report = stand_in.update(capsys, install=install, service=["--user"])
    assert (code, report["result"]) == (1, "back-without-data")
    assert FINAL not in stand_in.asked()[-1]


def test_what_cannot_be_backed_up_is_left_as_it_is(
    stand_in: StandIn, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carry_out, "ANSWER_SECONDS", 0.0)
    stand_in.set(broken="backup --without-keys")
    code, report = stand_in.update(capsys, install={"version": "0.2.0"}, service=[])
    assert (code, report["result"]) == (1, "kept")
    assert stand_in.asked()[-1] == f"0.1.0 {FINAL}", "its service runs again"
    assert (stand_in.bin / "version").read_text() == "0.1.0"


def test_a_service_that_stays_silent_is_said_and_its_data_stays(
    stand_in: StandIn, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carry_out, "ANSWER_SECONDS", 0.0)
    code, report = stand_in.update(capsys, install={"version": "0.2.0"}, service=[])
    assert (code, report["result"]) == (1, "silent")
    assert (stand_in.bin / "version").read_text() == "0.2.0", "it may have decided something"


def test_the_update_itself_needs_the_standard_library_alone() -> None:
    program = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='x'); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, carry_out.__file__],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    tops = {name.partition(".")[0] for name in done.stdout.split()} - {"__main__"}
    assert tops - set(sys.stdlib_module_names) == set()
