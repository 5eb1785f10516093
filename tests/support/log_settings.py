"""What logs say in tests: a logger follows the settings of the moment, whatever was before.

A server keeps each logger as it was at its first line. Tests share a process: a command that one of
them ran would leave later ones loggers whose lines they cannot read.
"""

from __future__ import annotations

from typing import Any

import structlog

_configure = structlog.configure


def keep_no_loggers() -> None:
    """Let no logger of this process be kept as it was when it was first used."""
    structlog.configure = _configure_without_keeping


def _configure_without_keeping(*settings: Any, **named: Any) -> None:
    _configure(*settings, **named | {"cache_logger_on_first_use": False})
