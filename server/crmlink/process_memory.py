"""Memory of a process that runs for months: less of it imported, and freed memory returned."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# structlog shows tracebacks on terminals in colour by rich and knows greenlet; huey has a queue in
# PostgreSQL, which crmlink does not use; flask-smorest writes YAML. They import what they find:
# 14 MB.
UNUSED_EXTRAS = ("greenlet", "psycopg", "rich", "yaml")
_ARENA_MAX, _POOLS = -8, 1  # glibc's M_ARENA_MAX


@contextmanager
def without(*modules: str) -> Iterator[None]:
    """Let imports of these modules fail as if they were not installed, unless they are imported.

    For libraries that do without them. Only while no other thread imports anything.
    """
    hidden = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type] # None: import fails
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


def import_without_extras() -> None:
    """Import the libraries that would import large ones that no server uses."""
    with without(*UNUSED_EXTRAS):
        import flask_smorest
        import huey
        import structlog

    del flask_smorest, huey, structlog


def return_freed_memory() -> None:
    """Return freed memory to the system, where the C library keeps it otherwise (glibc)."""
    gc.collect()  # what refers to itself is freed late otherwise
    _call_c_library("malloc_trim", 0)


def share_freed_memory() -> None:
    """Let all threads take memory from one pool instead of one each (glibc).

    What one thread has freed is then used by the others. Before threads start.
    """
    _call_c_library("mallopt", _ARENA_MAX, _POOLS)


def _call_c_library(function: str, *numbers: int) -> None:
    """Call a function of glibc; other C libraries and Windows have none of these."""
    try:
        getattr(ctypes.CDLL(None), function)(*numbers)
    except (AttributeError, OSError, TypeError):
        return


def run_apart(work: Callable[[], object]) -> bool:
    """Run some work in a process of its own, and return whether it finished.

    What it imports and frees then takes no memory here. Before threads start. Only on Linux: on
    Windows there is no fork, and on a Mac the system's libraries may not be used after one; nothing
    is run there.
    """
    if sys.platform != "linux":
        return False
    process = os.fork()
    if process:
        return os.waitpid(process, 0)[1] == 0
    try:
        work()
    except BaseException:  # nothing of the caller's may run twice; it finds out why by itself
        os._exit(1)
    os._exit(0)
