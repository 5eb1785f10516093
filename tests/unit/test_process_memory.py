"""Imports without extras, and freed memory returned."""

import ctypes
import gc
import sys
import weakref
from pathlib import Path
from types import SimpleNamespace

import pytest

from crmlink.process_memory import return_freed_memory, run_apart, share_freed_memory, without


def test_a_module_is_hidden_only_meanwhile() -> None:
    sys.modules.pop("this", None)
    with without("this"), pytest.raises(ImportError):
        import this  # noqa: F401 # prints a poem where it can be imported
    assert "this" not in sys.modules


def test_a_module_that_is_imported_already_stays() -> None:
    with without("json"):
        import json

        assert json.loads("1") == 1
    assert sys.modules["json"] is json


def test_freed_memory_is_returned_where_the_c_library_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept: list[int] = []
    library = SimpleNamespace(malloc_trim=kept.append)
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: library)
    return_freed_memory()
    assert kept == [0], "all of it"


@pytest.mark.parametrize("error", [AttributeError, OSError, TypeError])
def test_other_c_libraries_keep_it(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def refuse(_name: None) -> None:
        raise error

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    return_freed_memory()
    share_freed_memory()


def test_what_refers_to_itself_is_freed_before_memory_is_returned() -> None:
    class Ring:
        def __init__(self) -> None:
            self.own = self

    gc.disable()
    try:
        ring = weakref.ref(Ring())
        assert ring()
        return_freed_memory()
        assert ring() is None
    finally:
        gc.enable()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no safe fork")
def test_work_apart_is_done_and_leaves_nothing_here(tmp_path: Path) -> None:
    here: list[str] = []
    file = tmp_path / "done"

    def work() -> None:
        here.append("done")
        file.write_text("done")

    assert run_apart(work)
    assert (here, file.read_text()) == ([], "done")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no safe fork")
@pytest.mark.parametrize("error", [OSError, SystemExit, KeyboardInterrupt])
def test_work_apart_that_fails_is_told_and_ends_there(error: type[BaseException]) -> None:
    def fail() -> None:
        raise error

    assert not run_apart(fail)


def test_nothing_is_run_apart_where_forking_is_unsafe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    done: list[int] = []
    assert not run_apart(lambda: done.append(1))
    assert done == []
