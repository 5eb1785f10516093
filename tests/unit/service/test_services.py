"""What crmlink tells systemd, launchd and Windows, and what it asks them to do."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from crmlink.cli import main
from crmlink.service import choose
from crmlink.service.launchd import Launchd, job_text
from crmlink.service.model import (
    CommandFailed,
    ProgramPrivate,
    RightsMissing,
    ServiceManager,
    ServiceMissing,
    ServicePlan,
    ServiceStatus,
    WrapperMissing,
)
from crmlink.service.systemd import STATE_DIR, Systemd, unit_text
from crmlink.service.windows import WRAPPER, WindowsService, wrapper_text

PYTHON = PurePosixPath("/opt/crmlink/bin/python")
PLAN = ServicePlan(python=PYTHON, public_url="https://crmlink.firm.example", trusted_proxies=1)
ODD_DATA = PurePosixPath('/srv/100% "ours" & $HOME')


class System:
    """Answers the commands of a service manager, and remembers them."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.running = self.has_user = False
        self.broken = ""

    def run(self, command: Sequence[str]) -> tuple[int, str]:
        line = " ".join(command).replace(str(Path(command[0]).parent) + "/", "")
        self.commands.append(line)
        if self.broken and self.broken in line:
            return 1, "it does not work"
        if "is-active" in line or "launchctl print" in line:
            return (0 if self.running else 3), ""
        if line.startswith("id "):
            return (0 if self.has_user else 1), ""
        if line.endswith(" status"):
            return 0, "Started" if self.running else "Stopped"
        if line.split()[-1] == "start" or " start " in line or "bootstrap" in line:
            self.running = True
        if any(word in line.split() for word in ("stop", "stopwait", "bootout", "--now")):
            self.running = False
        self.has_user |= line.startswith("useradd")
        return 0, ""


@pytest.fixture
def system() -> System:
    return System()


@pytest.fixture(params=["systemd", "systemd --user", "launchd", "launchd daemon", "windows"])
def manager(request: pytest.FixtureRequest, system: System, tmp_path: Path) -> ServiceManager:
    jobs, data = tmp_path / "jobs", tmp_path / "data"
    if request.param.startswith("systemd"):
        whole = request.param == "systemd"
        return Systemd(system.run, system=whole, units=jobs, home=data)
    if request.param.startswith("launchd"):
        domain = "system" if request.param.endswith("daemon") else "gui/501"
        return Launchd(system.run, domain=domain, jobs=jobs, home=data, user="ann")
    winsw = tmp_path / "WinSW-x64.exe"
    winsw.write_bytes(b"MZ")
    return WindowsService(system.run, program_dir=jobs, data=data, wrapper=winsw)


def test_a_service_is_installed_started_stopped_and_removed_and_each_twice_is_harmless(
    manager: ServiceManager, system: System
) -> None:
    assert manager.status() is ServiceStatus.MISSING
    assert manager.install(PLAN)
    assert not manager.install(PLAN), "the second time nothing changes"
    assert manager.status() is ServiceStatus.STOPPED
    for _ in range(2):
        manager.start()
        assert manager.status() is ServiceStatus.RUNNING
    for _ in range(2):
        manager.stop()
        assert manager.status() is ServiceStatus.STOPPED
    manager.start()
    data = Path(manager.data_dir(PLAN))
    kept = data / "crmlink.sqlite"
    if data != STATE_DIR:
        data.mkdir(exist_ok=True)
        kept.touch()
    assert manager.uninstall()
    assert not system.running
    assert not manager.uninstall()
    assert manager.status() is ServiceStatus.MISSING
    assert not manager.definition.exists()
    assert data == STATE_DIR or kept.exists()


def test_other_options_change_the_service(manager: ServiceManager) -> None:
    manager.install(PLAN)
    assert manager.install(ServicePlan(python=PYTHON, port=9000))
    assert "9000" in manager.definition.read_text()


def test_what_is_not_installed_cannot_be_started_or_stopped(manager: ServiceManager) -> None:
    with pytest.raises(ServiceMissing):
        manager.start()
    with pytest.raises(ServiceMissing):
        manager.stop()


def test_a_command_that_fails_is_shown(manager: ServiceManager, system: System) -> None:
    manager.install(PLAN)
    system.broken = " start" if not isinstance(manager, Launchd) else "bootstrap"
    with pytest.raises(CommandFailed) as failed:
        manager.start()
    assert failed.value.output == "it does not work"


def test_a_dollar_is_doubled_in_the_command_alone() -> None:
    """In Environment= systemd expands nothing (systemd.exec(5))."""
    text = unit_text(replace(PLAN, public_url="http://a.example/$x"), ODD_DATA, system=False)
    assert 'Environment="CRMLINK_DATA_DIR=/srv/100%% \\"ours\\" & $HOME"' in text
    assert "Environment=CRMLINK_PUBLIC_URL=http://a.example/$x" in text


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
@pytest.mark.parametrize("system_wide", [True, False])
@pytest.mark.parametrize("data", [STATE_DIR, ODD_DATA])
def test_systemd_finds_no_fault_in_the_unit(
    tmp_path: Path, system_wide: bool, data: PurePosixPath
) -> None:
    unit = tmp_path / "crmlink.service"
    plan = ServicePlan(python=PurePosixPath(sys.executable), public_url="http://a.example")
    unit.write_text(unit_text(plan, data, system=system_wide))
    environment = os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)}
    command = [
        "systemd-analyze",
        "verify",
        "--man=no",
        *([] if system_wide else ["--user"]),
        str(unit),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    about_us = [line for line in done.stderr.splitlines() if "crmlink" in line]
    assert (done.returncode, about_us) == (0, [])
    unit.write_text(unit.read_text().replace("Restart=", "Restrat="))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "Restrat" in done.stderr, "a fault would be found"


def test_the_unit_restarts_runs_as_its_own_user_and_keeps_data_to_itself() -> None:
    lines = unit_text(PLAN, STATE_DIR, system=True).splitlines()
    assert {
        "ExecStart=/opt/crmlink/bin/python -m crmlink serve --service --host 127.0.0.1 --port 8787",
        "Environment=CRMLINK_PUBLIC_URL=https://crmlink.firm.example",
        "User=crmlink", "StateDirectory=crmlink", "StateDirectoryMode=0700", "UMask=0077",
        "Restart=on-failure", "ProtectSystem=strict", "WantedBy=multi-user.target",
    } <= set(lines)  # fmt: skip
    own = unit_text(PLAN, STATE_DIR, system=False)
    assert "User=" not in own
    assert "WantedBy=default.target" in own


def test_a_systemd_user_is_made_once(system: System, tmp_path: Path) -> None:
    manager = Systemd(system.run, system=True, units=tmp_path, home=tmp_path)
    manager.install(PLAN)
    manager.install(PLAN)
    assert len([line for line in system.commands if line.startswith("useradd --system")]) == 1
    made = f"install -d -o crmlink -g crmlink -m 0700 {STATE_DIR}"
    assert made in system.commands, "a backup may be restored before the first start"


def test_a_program_in_a_closed_folder_is_refused_before_anything_is_done(
    system: System, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "python").touch(mode=0o755)
    manager = Systemd(system.run, system=True, units=tmp_path / "units", home=tmp_path)
    with pytest.raises(ProgramPrivate) as refused:
        manager.install(ServicePlan(python=home / "python"))
    assert home in (refused.value.path, *Path(refused.value.path).parents) or (
        refused.value.path in home.parents
    )
    assert system.commands == []


def test_the_job_of_launchd_is_a_property_list() -> None:
    job = plistlib.loads(job_text(PLAN, ODD_DATA, "ann").encode())
    assert job["ProgramArguments"][:4] == [str(PYTHON), "-m", "crmlink", "serve"]
    assert job["EnvironmentVariables"]["CRMLINK_DATA_DIR"] == str(ODD_DATA)
    assert job["KeepAlive"] == {"SuccessfulExit": False}
    assert job["UserName"] == "ann"
    assert "UserName" not in plistlib.loads(job_text(PLAN, ODD_DATA).encode())


def test_the_file_of_the_windows_service_restarts_rotates_and_has_few_rights() -> None:
    data = PureWindowsPath(r"C:\ProgramData\crm & link")
    python = PureWindowsPath(r"C:\Program Files\crmlink\environment\Scripts\python.exe")
    text = wrapper_text(ServicePlan(python=python), data)
    service = ElementTree.fromstring(text)  # noqa: S314 # our own
    assert service.tag == "service"
    values = {element.tag: element.text for element in service}
    assert values["executable"] == str(python)
    assert values["arguments"] == "-m crmlink serve --service --host 127.0.0.1 --port 8787"
    assert values["hidewindow"] == "true"
    assert service.findtext("serviceaccount/username") == r"NT AUTHORITY\LocalService"
    assert [step.get("action") for step in service.findall("onfailure")] == ["restart"] * 2
    log = service.find("log")
    assert log is not None
    assert log.get("mode") == "roll-by-size"
    assert (log.findtext("sizeThreshold"), log.findtext("keepFiles")) == ("10240", "5")
    assert {env.get("name"): env.get("value") for env in service.findall("env")} == {
        "CRMLINK_DATA_DIR": str(data)
    }


def test_windows_data_is_closed_to_other_people(system: System, tmp_path: Path) -> None:
    (tmp_path / WRAPPER).touch()
    WindowsService(system.run, program_dir=tmp_path, data=tmp_path, wrapper=None).install(PLAN)
    closing = next(line for line in system.commands if "icacls" in line)
    assert "/inheritance:r" in closing
    assert "S-1-1-0" not in closing, "everyone"


def test_windows_without_the_wrapper_is_refused(system: System, tmp_path: Path) -> None:
    manager = WindowsService(system.run, program_dir=tmp_path, data=tmp_path, wrapper=None)
    with pytest.raises(WrapperMissing):
        manager.install(PLAN)
    assert system.commands == []


def test_a_service_of_the_computer_needs_an_administrator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(RightsMissing):
        choose.service_manager(system=True)
    reply = CliRunner().invoke(main, ["service", "install"])
    assert (reply.exit_code, "administrator" in reply.output) == (1, True)


def test_a_command_that_is_not_there_fails_and_does_not_crash() -> None:
    code, _ = choose.run_command(["/no/such/program"])
    assert code == choose.NO_SUCH_PROGRAM


def test_the_command_line_says_what_was_done_and_where_the_data_is(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Systemd(system.run, system=False, units=tmp_path / "units", home=tmp_path / "data")
    monkeypatch.setattr(choose, "service_manager", lambda **_options: own)

    def said(*words: str) -> tuple[int, str]:
        reply = CliRunner().invoke(main, ["service", *words, "--user"])
        return reply.exit_code, reply.output

    assert said("status") == (4, "The service is not installed.\n")
    assert "not installed" in said("start")[1]
    code, output = said("install", "--port", "9000")
    assert code == 0
    assert str(tmp_path / "data") in output
    assert "already" in said("install", "--port", "9000")[1]
    assert "journalctl --user -u crmlink" in said("start")[1]
    assert said("status") == (0, "The service runs.\n")
    assert said("stop") == (0, "The service is stopped.\n")
    assert said("status")[0] == 3
    assert "data stays" in said("uninstall")[1]
    assert "no service" in said("uninstall")[1]


def test_https_is_an_option_of_the_service_with_both_files(tmp_path: Path) -> None:
    certificate, key = PurePosixPath("/data/tls/server.crt"), PurePosixPath("/data/tls/server.key")
    found = ServicePlan(tls_cert=certificate, tls_key=key).environment(PurePosixPath("/data"))
    assert (found["CRMLINK_TLS_CERT"], found["CRMLINK_TLS_KEY"]) == (str(certificate), str(key))
    assert not [name for name in ServicePlan().environment(tmp_path) if "TLS" in name]
    (tmp_path / "server.crt").touch()
    half = ["service", "install", "--tls-cert", str(tmp_path / "server.crt")]
    refused = CliRunner().invoke(main, half)
    assert (refused.exit_code, "belong together" in refused.output) == (2, True)
