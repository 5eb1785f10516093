"""Loggers that follow the settings of the test that runs.

The product has each logger keep the settings of its first use, which is quick. In a test process
those would be the settings of whichever test used it first, and a later one would not hear it.
"""

from __future__ import annotations

from typing import Any

import structlog


def let_loggers_follow() -> None:
    """Have loggers look up their settings at each use, whatever is configured."""
    configure = structlog.configure

    def configure_for_now(**settings: Any) -> None:
        configure(**settings | {"cache_logger_on_first_use": False})

    structlog.configure = configure_for_now  # type: ignore[assignment] # called by names
