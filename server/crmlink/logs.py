"""Logs as JSON lines: routes, codes and counts, never a person's name, an address or a secret."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog

LOG_NAME = "server.log"
FILE_BYTES, FILES_KEPT = 5_000_000, 3


def set_up_logs(path: Path) -> None:
    """Send every log line to a file that rolls over; the terminal stays readable."""
    handler = RotatingFileHandler(path, maxBytes=FILE_BYTES, backupCount=FILES_KEPT)
    logging.basicConfig(handlers=[handler], format="%(message)s", level=logging.INFO, force=True)
    for chatty in ("alembic", "huey", "urllib3", "waitress"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
