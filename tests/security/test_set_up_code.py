"""A server without a terminal: the first admin's code is in a file, and in nothing that it says."""

from __future__ import annotations

import re
import stat
import sys
import webbrowser
from pathlib import Path

import pytest
from click.testing import CliRunner

from browsers.real_services import wait_until
from crmlink.cli import main
from crmlink.web.set_up_file import write_set_up_file
from security.outside import TIMEOUT_SECONDS, real_server

CODE = re.compile(r"/welcome#(crmf_\w+)")


def test_a_service_tells_where_the_code_is_and_never_the_code(tmp_path: Path) -> None:
    with real_server(tmp_path, "--service") as server:
        file = server.data / "first-admin.html"
        wait_until(lambda: f"open {file} in a browser" in server.service.said(), "it says where")
        found = CODE.search(file.read_text("utf-8"))
        assert found
        if sys.platform != "win32":
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        admin = server.become_admin("anna@firm.example", "three wet spanners", found[1])
        assert admin.get(f"{server.address}/start", timeout=TIMEOUT_SECONDS).status_code == 200
        assert not file.exists()
        for name, content in server.logs().items():
            assert found[1].encode() not in content, name
            assert b"/welcome#" not in content, name


def test_opening_it_puts_the_code_on_no_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def note(address: str) -> bool:
        opened.append(address)
        return True

    monkeypatch.setattr(webbrowser, "open", note)
    data = tmp_path / "data"
    runner = CliRunner(env={"CRMLINK_DATA_DIR": str(data)})
    assert runner.invoke(main, ["open"]).exit_code == 0
    file = write_set_up_file(data, "http://127.0.0.1:8787", "crmf_secret")
    assert runner.invoke(main, ["open"]).output == ""
    assert opened == ["http://127.0.0.1:8787", file.as_uri()]
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    output = runner.invoke(main, ["open"]).output
    assert str(file.as_uri()) in output or str(file) in output
    assert "crmf_secret" not in output
