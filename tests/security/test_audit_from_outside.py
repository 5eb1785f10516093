"""The audit of a real server, cut, continued and rewritten behind its back."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import Engine, NullPool, create_engine

from browsers.real_services import PreparedService, Service
from crmlink.store.audit.anchors import FILE_NAME as ANCHORS
from security.test_files import environment
from support.audit_attacks import count, cut, rewrite, run
from support.prepared_process import run_crmlink

LINES = 12  # at least, before anybody meddles
SCOPES = [f"--scope={name}" for name in ("suggest", "link", "read", "batch", "admin")]


def crmlink(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run_crmlink(environment(folder), *words)


@contextmanager
def serving(folder: Path) -> Iterator[Service]:
    """A real `crmlink serve` over a data folder."""
    server = PreparedService("serve", folder.parent, environment(folder))
    server.start()
    try:
        yield server
    finally:
        server.stop()


class Visitor:
    """A script with an admin's token, who makes lines in the audit and asks whether it holds."""

    def __init__(self, folder: Path, server: Service) -> None:
        token = crmlink(folder, "token", "create", "Visitor", *SCOPES).stdout.strip()
        self._headers = {"Authorization": f"Bearer {token}"}
        self._api = f"{server.address}/api/v1"

    def act(self, times: int) -> None:
        """Do something that the audit notes."""
        for _ in range(times):
            requests.post(
                f"{self._api}/packages/sage_200/hosts",
                json={"host": f"sage-{uuid.uuid4().hex}.firm.example"},
                headers=self._headers,
                timeout=10,
            ).raise_for_status()

    def chain(self) -> dict[str, Any]:
        answer = requests.get(f"{self._api}/audit", headers=self._headers, timeout=10)
        answer.raise_for_status()
        chain: dict[str, Any] = answer.json()["chain"]
        return chain


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a server that has worked and was stopped."""
    folder = tmp_path_factory.mktemp("office") / "data"
    with serving(folder) as server:
        Visitor(folder, server).act(LINES)
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """A copy of it to meddle with."""
    return shutil.copytree(original, tmp_path / "data")


def engine(folder: Path) -> Engine:
    """The database, as someone opens it who has nothing else."""
    return create_engine(f"sqlite:///{folder / 'crmlink.sqlite'}", poolclass=NullPool)


def verify(folder: Path) -> tuple[int, dict[str, Any]]:
    """What `crmlink audit verify --json` says, and its exit code."""
    done = crmlink(folder, "audit", "verify", "--json")
    found: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, found


def test_an_untouched_audit_holds(folder: Path) -> None:
    code, found = verify(folder)
    assert (code, found["sound"], found["entries"]) == (0, True, count(engine(folder)))
    assert found["entries"] > LINES
    assert (found["findings"], found["accepted"]) == ([], [])


def cut_short(folder: Path) -> None:
    cut(engine(folder), 3)


def cut_to_nothing(folder: Path) -> None:
    cut(engine(folder), LINES * 10)


def cut_and_continued(folder: Path) -> None:
    lines = count(engine(folder))
    cut(engine(folder), 2)
    for name in ("One", "Two", "Three"):
        crmlink(folder, "token", "create", name)
    assert count(engine(folder)) > lines


def rewritten(folder: Path) -> None:
    rewrite(engine(folder), 5, subject="customer-99")


def anchors_removed(folder: Path) -> None:
    (folder / ANCHORS).unlink()


def anchors_cut(folder: Path) -> None:
    content = (folder / ANCHORS).read_bytes()
    (folder / ANCHORS).write_bytes(content[: content.rindex(b"\n")])


@pytest.mark.parametrize(
    ("attack", "sentence"),
    [
        (cut_short, "The end of the audit log is missing"),
        (cut_to_nothing, "The end of the audit log is missing"),
        (cut_and_continued, "The audit log is not the one that was anchored"),
        (rewritten, "Line 5 is not signed with crmlink's key"),
        (anchors_removed, "the anchor file was missing, and a new one was started"),
        (anchors_cut, "The anchor file was shortened"),
    ],
)
def test_meddling_with_the_audit_is_found_out(
    folder: Path, attack: Callable[[Path], None], sentence: str
) -> None:
    attack(folder)
    code, found = verify(folder)
    assert (code, found["sound"]) == (1, False)
    assert sentence in " ".join(finding["text"] for finding in found["findings"])
    result = crmlink(folder, "audit", "verify")
    assert (result.returncode, result.stdout) == (1, "")
    assert sentence in result.stderr


def test_a_running_server_finds_out_too(folder: Path) -> None:
    with serving(folder) as server:
        visitor = Visitor(folder, server)
        assert visitor.chain() == {"sound": True, "broken_at": None, "problems": []}
        cut(engine(folder), 2)
        visitor.act(4)
        (folder / ANCHORS).rename(folder / "elsewhere")
        assert "missing or cannot be read" in visitor.chain()["problems"][0]
        (folder / "elsewhere").rename(folder / ANCHORS)
        chain = visitor.chain()
        assert not chain["sound"]
        assert "not the one that was anchored" in " ".join(chain["problems"])


def test_a_server_that_is_killed_leaves_an_audit_that_holds(folder: Path) -> None:
    server = PreparedService("serve", folder.parent, environment(folder))
    server.start()
    Visitor(folder, server).act(3)
    server.stop(signal.SIGKILL)
    assert verify(folder)[0] == 0


def test_a_database_from_a_backup_is_accepted_on_the_servers_command_line(
    folder: Path,
) -> None:
    backup = folder.with_name("backup.sqlite")
    shutil.copy(folder / "crmlink.sqlite", backup)
    crmlink(folder, "token", "create", "Later")
    for file in folder.glob("crmlink.sqlite*"):
        file.unlink()
    shutil.copy(backup, folder / "crmlink.sqlite")
    assert verify(folder)[0] == 1
    accepted = crmlink(folder, "audit", "accept", "--yes")
    assert (accepted.returncode, accepted.stdout.count("Accepted.")) == (0, 1)
    code, found = verify(folder)
    assert (code, found["sound"]) == (0, True)
    assert "chain_cut" in found["accepted"][0]["codes"]
    assert "there is nothing to accept" in crmlink(folder, "audit", "accept").stdout


@pytest.mark.parametrize(
    "change",
    ["details = '" + "[" * 100_000 + "'", "details = CAST(x'ff' AS TEXT)", "at = x'ff'",
     "place = 'x'", "hash = x'00'"],
    ids=["endless details", "no text", "no time", "no place", "no hash"],
)  # fmt: skip
def test_no_command_breaks_over_a_damaged_line(folder: Path, change: str) -> None:
    last = "(SELECT max(place) FROM audit_entry)"
    run(engine(folder), f"UPDATE audit_entry SET {change} WHERE place = {last}")  # noqa: S608
    for words in (("token", "list"), ("token", "create", "Later"), ("audit", "export")):
        done = crmlink(folder, *words)
        assert done.returncode == 0, (words, done.stderr)
        assert "Traceback" not in done.stderr
    code, found = verify(folder)
    assert (code, found["sound"]) == (1, False)
    assert crmlink(folder, "audit", "accept", "--yes").returncode == 0
    assert verify(folder)[0] == 0


def test_pages_and_commands_tell_of_a_damaged_anchor(folder: Path) -> None:
    anchors = folder / ANCHORS
    anchors.write_bytes(anchors.read_bytes() + b"\n1 99 " + b"9" * 5_000 + b" " + b"a" * 64)
    code, found = verify(folder)
    assert (code, [finding["code"] for finding in found["findings"]]) == (1, ["anchors_damaged"])
