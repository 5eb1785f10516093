"""Where logs go in tests: each begins as the process did, whatever was configured before it.

A server keeps each logger as it was at its first line, and the handlers until it ends. Tests share
a process: a command that one of them ran would leave later ones its log file, and loggers whose
lines they cannot read.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

_configure = structlog.configure


def keep_no_loggers() -> None:
    """Let no logger of this process be kept as it was when it was first used."""
    structlog.configure = _configure_without_keeping


@contextmanager
def usual_log_settings() -> Iterator[None]:
    """Undo afterwards what configures logging for a process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    hooks = threading.excepthook, sys.unraisablehook
    was_configured, settings = structlog.is_configured(), structlog.get_config()
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:], root.level = handlers, level
    threading.excepthook, sys.unraisablehook = hooks
    logging.captureWarnings(False)
    if was_configured:
        structlog.configure(**settings)
    else:
        structlog.reset_defaults()


def _configure_without_keeping(*settings: Any, **named: Any) -> None:
    _configure(*settings, **named | {"cache_logger_on_first_use": False})
