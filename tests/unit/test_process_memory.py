"""Imports without extras, and freed memory returned."""

import ctypes
import sys
from types import SimpleNamespace

import pytest

from crmlink.process_memory import return_freed_memory, without


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
