"""Logs as JSON lines: routes, codes and counts, never names, addresses or secrets.

An exception is logged by type and place; its message may contain typed text. Of libraries' messages
only the place in their code is logged: they may contain typed text and line breaks. Lines that
anonymous users can cause go to a file of their own, limited per minute and otherwise counted, so
that they cannot displace others from the files.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

import structlog

LOG_NAME = "server.log"
STRANGERS_LOG_NAME = "strangers.log"
FILE_BYTES, MAX_FILES = 5_000_000, 3
OWN_LINE_ATTRIBUTE = "crmlink_line"  # marks a record whose message is a finished line
MAX_FRAMES = 12
MAX_STRANGERS_LINES = 60  # a minute
MAX_LIBRARY_LINES = 30  # a minute
MAX_FAILURES = 20  # a minute

P = ParamSpec("P")
R = TypeVar("R")

log = structlog.get_logger()
for_stranger: ContextVar[bool] = ContextVar("for_stranger", default=False)  # who asks is not known


class LoggingThreads(ThreadPoolExecutor):
    """Threads in the context of who submitted their work: what its lines name, and time limits."""

    def submit(self, fn: Callable[P, R], /, *arguments: P.args, **named: P.kwargs) -> Future[R]:
        """Submit a call; it sees the context variables as they are now."""
        context = copy_context()
        return super().submit(lambda: context.run(fn, *arguments, **named))


class RestingThreads:
    """At most so many threads, made when they are needed, that end at a rest."""

    def __init__(self, most: int, name: str) -> None:
        self._most, self._name = most, name
        self._lock = threading.Lock()
        self._threads: LoggingThreads | None = None

    def submit(self, fn: Callable[P, R], /, *arguments: P.args, **named: P.kwargs) -> Future[R]:
        """Submit a call, as an executor does."""
        with self._lock:
            return self._made().submit(fn, *arguments, **named)

    def rest(self) -> None:
        """Let the threads end once they have finished what was submitted."""
        with self._lock:
            threads, self._threads = self._threads, None
        if threads:
            threads.shutdown(wait=False)

    def shutdown(self, *, cancel_futures: bool = False) -> None:
        """Finish what runs; nothing more can be submitted."""
        with self._lock:
            threads = self._made()
        threads.shutdown(cancel_futures=cancel_futures)

    def _made(self) -> LoggingThreads:
        if self._threads is None:
            self._threads = LoggingThreads(self._most, thread_name_prefix=self._name)
        return self._threads


class LineBudget:
    """Limit of log lines per minute; suppressed lines are counted, and the count is logged."""

    def __init__(self, sort: str, per_minute: int, clock: Callable[[], float] = time.monotonic):
        self._sort, self._per_minute, self._clock = sort, per_minute, clock
        self._lock = threading.Lock()
        self._minute, self._written = -1, 0
        self._suppressed: Counter[str] = Counter()

    def take(self, what: str) -> bool:
        """Return whether a line may be written; ``what`` names it in the count if not."""
        with self._lock:
            minute = int(self._clock() // 60)
            suppressed: dict[str, int] = {}
            if minute != self._minute:
                self._minute, self._written = minute, 0
                suppressed, self._suppressed = dict(self._suppressed), Counter()
            self._written += 1
            may = self._written <= self._per_minute
            if not may:
                self._suppressed[what] += 1
        if suppressed:
            log.warning("lines left out", sort=self._sort, counts=suppressed)
        return may


class LineFormatter(logging.Formatter):
    """Formatter: crmlink's lines unchanged, of libraries' records the place and exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a log record."""
        if hasattr(record, OWN_LINE_ATTRIBUTE):
            return str(record.msg)
        entry = {
            "event": "library",
            "logger": record.name,
            "where": f"{record.module}.py:{record.lineno} {record.funcName}",
            "level": record.levelname.lower(),
            "timestamp": _timestamp(record.created),
        }
        if record.exc_info:
            entry |= _exception(*record.exc_info)
        return json.dumps(entry)


class LogFile(RotatingFileHandler):
    """Rotating log file; a write error is reported on the terminal, without the line."""

    def __init__(self, path: Path, *which: logging.Filter) -> None:
        super().__init__(path, maxBytes=FILE_BYTES, backupCount=MAX_FILES, encoding="utf-8")
        self.setFormatter(LineFormatter())
        for lines in which or (_LibraryLines(),):
            self.addFilter(lines)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 # logging's own name
        """Report on the terminal that the log cannot be written."""
        kind = sys.exc_info()[0]
        name = kind.__name__ if kind else "unknown"
        sys.stderr.write(f"The log cannot be written: {name}.\n")


class ErrorOutput(logging.Handler):
    """Handler: lines to standard error, as it is when they are written."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line of a log record."""
        sys.stderr.write(f"{self.format(record)}\n")


class _LibraryLines(logging.Filter):
    """Filter: libraries' warnings and errors within a budget, and all lines of crmlink."""

    def __init__(self) -> None:
        super().__init__()
        self._budget = LineBudget("library", MAX_LIBRARY_LINES)

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is written."""
        if hasattr(record, OWN_LINE_ATTRIBUTE):
            return True
        return record.levelno >= logging.WARNING and self._budget.take(record.name)


class _KnownLines(_LibraryLines):
    """Keep what is not written for a stranger, and of libraries within their budget."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not for_stranger.get() and super().filter(record)


class _StrangersLines(logging.Filter):
    """Keep what is written for strangers, whatever writes it, all within one budget."""

    def __init__(self) -> None:
        super().__init__()
        self._budget = LineBudget("stranger", MAX_STRANGERS_LINES)

    def filter(self, record: logging.LogRecord) -> bool:
        wanted = hasattr(record, OWN_LINE_ATTRIBUTE) or record.levelno >= logging.WARNING
        return for_stranger.get() and wanted and self._budget.take(record.levelname.lower())


_failures = LineBudget("failure", MAX_FAILURES)


def strip_exception_messages(
    _logger: Any, _method: str, entry: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Return a log entry with exceptions as types and places; raises DropEvent beyond a budget."""
    if traces := entry.get("exception"):
        _strip_traceback(traces)
        if not for_stranger.get() and not _failures.take(str(traces[-1].get("exc_type"))):
            raise structlog.DropEvent
    return entry


def _strip_traceback(traces: list[dict[str, Any]]) -> None:
    for trace in traces:
        trace |= {"exc_value": "", "exc_notes": []}
        for group in trace.get("exceptions", []):
            _strip_traceback(group)


def configure_logging(path: Path) -> None:
    """Send every log line to a rotating file, what strangers cause to one beside it.

    The terminal stays readable.
    """
    _configure(
        LogFile(path, _KnownLines()),
        LogFile(path.with_name(STRANGERS_LOG_NAME), _StrangersLines()),
    )


def configure_logging_to_output() -> None:
    """Send every log line to the output: several processes cannot rotate one file."""
    handlers = []
    for lines in (_KnownLines(), _StrangersLines()):
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(LineFormatter())
        handler.addFilter(lines)
        handlers.append(handler)
    _configure(*handlers)


def configure_logging_to_errors() -> None:
    """Send warnings and errors to standard error, for commands that keep no log file.

    Their output is for programs: no log line may be in it.
    """
    handler = ErrorOutput(logging.WARNING)
    handler.setFormatter(LineFormatter())
    handler.addFilter(_LibraryLines())
    _configure(handler)


def _configure(*handlers: logging.Handler) -> None:
    logging.basicConfig(handlers=handlers, level=logging.INFO, force=True)
    logging.captureWarnings(True)
    threading.excepthook = _log_thread_failure
    sys.unraisablehook = _log_object_failure
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(
                    show_locals=False, max_frames=MAX_FRAMES
                )
            ),
            strip_exception_messages,
            structlog.processors.JSONRenderer(),
            _mark_as_own,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )


def _mark_as_own(_logger: Any, _method: str, line: Any) -> tuple[tuple[str], dict[str, Any]]:
    return (line,), {"extra": {OWN_LINE_ATTRIBUTE: True}}


def _log_thread_failure(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value and not isinstance(failed.exc_value, SystemExit):
        log.error("thread failed", exc_info=failed.exc_value)


def _log_object_failure(failed: sys.UnraisableHookArgs) -> None:
    if failed.exc_value:
        log.error("object failed", exc_info=failed.exc_value)


def _timestamp(seconds: float) -> str:
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{text}.{int(seconds % 1 * 1_000_000):06d}Z"


def _exception(
    kind: type[BaseException] | None, _value: object, trace: TracebackType | None
) -> dict[str, Any]:
    frames = traceback.extract_tb(trace)[-MAX_FRAMES:]
    return {
        "exc_type": kind.__qualname__ if kind else None,
        "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
