"""The practice data of a folder is its own, also where another folder's has its port by now."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from crmlink.installation.sandbox import LocalSandbox


@pytest.fixture
def sandbox_of(tmp_path: Path) -> Iterator[Callable[[str], LocalSandbox]]:
    """The sandbox of a named folder, stopped at the end."""
    with ExitStack() as stack:

        def made(name: str) -> LocalSandbox:
            (tmp_path / name).mkdir(exist_ok=True)
            sandbox = LocalSandbox(tmp_path / name)
            stack.callback(sandbox.stop)
            return sandbox

        yield made


def test_processes_of_one_folder_share_a_sandbox(
    sandbox_of: Callable[[str], LocalSandbox],
) -> None:
    assert sandbox_of("one").address() == sandbox_of("one").address()


def test_a_folder_takes_no_other_folders_sandbox(
    sandbox_of: Callable[[str], LocalSandbox], tmp_path: Path
) -> None:
    other = sandbox_of("other").address()
    (tmp_path / "one").mkdir()
    shutil.copy(tmp_path / "other" / "sandbox.address", tmp_path / "one")  # its port of last time
    assert sandbox_of("one").address() != other


def test_a_proxy_of_the_environment_hides_no_sandbox(
    sandbox_of: Callable[[str], LocalSandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sandbox_of("one").address()
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert sandbox_of("one").address() == first
