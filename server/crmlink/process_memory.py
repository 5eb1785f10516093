"""Memory of a process that runs for months: less of it imported, and freed memory returned."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# structlog shows tracebacks on terminals in colour by rich; huey has a queue in PostgreSQL, which
# crmlink does not use. Both import what they find: 12 MB.
UNUSED_EXTRAS = ("rich", "psycopg")


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
        import huey
        import structlog

    del huey, structlog


def return_freed_memory() -> None:
    """Return freed memory to the system, where the C library keeps it otherwise (glibc)."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # other C libraries, and Windows
        return
    trim(0)
