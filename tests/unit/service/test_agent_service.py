"""The agent as a service of Windows: what it is told, and where its secrets are."""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from crmlink.cli import main
from crmlink.service import choose
from crmlink.service.model import AgentPlan, ServiceManager, WindowsNeeded
from crmlink.service.windows import AGENT_WRAPPER, WindowsService
from crmlink.sources.errors import AgentFailed
from crmlink.sources.sage_50.kept import kept_options
from unit.service.test_services import System

TOKEN, PASSWORD = "crmlink_token_of_the_agent", "the Sage user's pässword"
SAGE = ("--server", "https://crmlink.office.example", "--company", "Office Ltd",
        "--dsn", "SageLine50v30", "--user", "CRMLINK")  # fmt: skip


@pytest.fixture
def system() -> System:
    return System()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def windows(
    system: System, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> WindowsService:
    """The service manager of a Windows computer, imitated."""
    winsw = tmp_path / "WinSW-x64.exe"
    winsw.write_bytes(b"MZ")
    manager = WindowsService(
        system.run, program_dir=tmp_path / "programs", data=folder, wrapper=winsw,
        wrapper_name=AGENT_WRAPPER,
    )  # fmt: skip

    def agent_service(_wrapper: Path | None = None) -> tuple[ServiceManager, Path]:
        return manager, folder

    monkeypatch.setattr(choose, "agent_service", agent_service)
    return manager


def crmlink(*arguments: str) -> Result:
    environment = {"CRMLINK_TOKEN": TOKEN, "CRMLINK_SAGE_PASSWORD": PASSWORD}
    return CliRunner().invoke(main, ["agent", "service", *arguments], env=environment)


def test_it_is_installed_started_stopped_and_removed(system: System, folder: Path) -> None:
    assert crmlink("status").exit_code == 4
    installed = crmlink("install", *SAGE)
    assert installed.exit_code == 0, installed.output
    assert crmlink("status").exit_code == 3
    assert crmlink("start").exit_code == 0
    assert system.running
    assert crmlink("status").exit_code == 0
    assert crmlink("stop").exit_code == 0
    assert not system.running
    assert crmlink("uninstall").exit_code == 0
    assert crmlink("status").exit_code == 4
    assert [path.name for path in folder.iterdir()] == []
    assert f"{AGENT_WRAPPER} uninstall" in system.commands


def test_it_starts_with_the_computer_and_its_command_names_no_secret(
    windows: WindowsService,
) -> None:
    crmlink("install", *SAGE)
    service = ElementTree.parse(windows.definition).getroot()  # noqa: S314 # of our own
    assert service.findtext("id") == AgentPlan.name
    assert service.findtext("startmode") == "Automatic"
    assert "agent run --folder" in (service.findtext("arguments") or "")
    text = windows.definition.read_text(encoding="utf-8")
    assert TOKEN not in text
    assert PASSWORD not in text


def test_the_secrets_are_sealed_in_a_closed_folder(system: System, folder: Path) -> None:
    crmlink("install", *SAGE)
    for path in folder.iterdir():
        content = path.read_bytes()
        assert TOKEN.encode() not in content
        assert PASSWORD.encode() not in content
        if sys.platform != "win32":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    closed = next(place for place, each in enumerate(system.commands) if "icacls" in each)
    registered = system.commands.index(f"{AGENT_WRAPPER} install")
    assert closed < registered


def test_the_service_runs_with_what_was_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crmlink("install", *SAGE, "--every", "30")
    ran = []
    monkeypatch.setattr("crmlink.cli.agent.commands.repeat", lambda *options: ran.append(options))
    result = CliRunner().invoke(main, ["agent", "run", "--folder", str(folder)])
    assert result.exit_code == 0, result.output
    [(data, destination, minutes)] = ran
    assert (data.user, data.dsn, data.password) == ("CRMLINK", "SageLine50v30", PASSWORD)
    assert (destination.token, destination.company) == (TOKEN, "Office Ltd")
    assert minutes == 30


def test_other_options_replace_the_old_ones_and_a_running_service_starts_anew(
    system: System, folder: Path
) -> None:
    crmlink("install", *SAGE)
    crmlink("start")
    system.commands.clear()
    crmlink("install", *SAGE[:2], "--company", "Other Ltd", *SAGE[4:])
    assert kept_options(folder).destination.company == "Other Ltd"
    words = [each.split()[-1] for each in system.commands if AGENT_WRAPPER in each]
    assert words.index("stopwait") < words.index("start")
    assert system.running


@pytest.mark.parametrize("damage", ["missing", "cut", "other key"])
def test_options_that_cannot_be_read_are_told(folder: Path, damage: str) -> None:
    crmlink("install", *SAGE)
    match damage:
        case "missing":
            (folder / "agent.json").unlink()
        case "cut":
            (folder / "agent.json").write_text('{"user": "CRM')
        case "other key":
            (folder / "credential.keys").write_text("A" * 43 + "=\n")
    with pytest.raises(AgentFailed) as failed:
        kept_options(folder)
    assert failed.value.code == "not-set-up"
    result = CliRunner().invoke(main, ["agent", "run", "--folder", str(folder)])
    assert result.exit_code == 1
    assert "crmlink agent service install" in result.output


def test_nothing_is_kept_that_could_not_work(folder: Path, system: System) -> None:
    unsafe = crmlink("install", "--server", "http://office.example", *SAGE[2:])
    assert unsafe.exit_code == 1
    assert crmlink("install", *SAGE[:4], *SAGE[6:]).exit_code == 2
    assert not folder.exists()
    assert system.commands == []


def test_it_says_how_to_install_it_and_where_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    started = crmlink("start")
    assert started.exit_code == 1
    assert "crmlink agent service install" in started.output

    def elsewhere(_wrapper: Path | None = None) -> tuple[ServiceManager, Path]:
        raise WindowsNeeded

    monkeypatch.setattr(choose, "agent_service", elsewhere)
    assert "for Windows" in crmlink("install", *SAGE).output
