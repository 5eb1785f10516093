"""Logs as JSON lines: routes, codes and counts, never a person's name, an address or a secret.

An exception is told by its type and by where it came from. Its message may hold what somebody
typed, so it is left out, of our own logs and of those that libraries write.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import MutableMapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog

LOG_NAME = "server.log"
FILE_BYTES, FILES_KEPT = 5_000_000, 3


class Wordless(logging.Formatter):
    """A formatter that leaves the messages of exceptions out."""

    def formatException(  # noqa: N802 # logging's own name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, ...],
    ) -> str:
        kind, _, trace = ei[:3]
        name = kind.__qualname__ if isinstance(kind, type) else "nothing"
        return "".join(traceback.format_tb(trace)) + name


def without_messages(
    _logger: Any, _method: str, entry: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A log entry whose exceptions tell their types and places only."""
    _silence(entry.get("exception", []))
    return entry


def _silence(traces: list[dict[str, Any]]) -> None:
    for trace in traces:
        trace |= {"exc_value": "", "exc_notes": []}
        for group in trace.get("exceptions", []):
            _silence(group)


def set_up_logs(path: Path) -> None:
    """Send every log line to a file that rolls over; the terminal stays readable."""
    handler = RotatingFileHandler(path, maxBytes=FILE_BYTES, backupCount=FILES_KEPT)
    handler.setFormatter(Wordless("%(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for chatty in ("alembic", "huey", "urllib3", "waitress"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            without_messages,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
