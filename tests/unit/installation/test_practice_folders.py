"""The practice data of a folder is its own, also where another folder's has its port by now."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError

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


def test_processes_that_begin_at_once_start_one_sandbox(
    sandbox_of: Callable[[str], LocalSandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would look before the other has started its own."""
    both, runs_at = Barrier(2), LocalSandbox._runs_at

    def look(sandbox: LocalSandbox, address: str) -> bool:
        found = runs_at(sandbox, address)
        with suppress(BrokenBarrierError):
            both.wait(1)
        return found

    monkeypatch.setattr(LocalSandbox, "_runs_at", look)
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(LocalSandbox.address, [sandbox_of("one"), sandbox_of("one")])
        assert len(set(found)) == 1


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
