"""Logs tell what went wrong and where, never what somebody typed."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from crmlink.logs import set_up_logs

MARK = "Marked Name 6618"


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    set_up_logs(tmp_path / "server.log")
    yield tmp_path / "server.log"
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def fail() -> None:
    try:
        raise ValueError(MARK)
    except ValueError as error:
        error.add_note(MARK)
        raise RuntimeError(f"because of {MARK}") from error


def test_an_exception_is_told_without_its_words(log_file: Path) -> None:
    try:
        fail()
    except RuntimeError:
        structlog.get_logger().exception("unexpected", request_id="1")
    text = log_file.read_text()
    told = json.loads(text)
    assert MARK not in text
    assert {trace["exc_type"] for trace in told["exception"]} == {"RuntimeError", "ValueError"}
    assert "fail" in {frame["name"] for trace in told["exception"] for frame in trace["frames"]}


def test_neither_do_several_at_once_nor_what_libraries_log(log_file: Path) -> None:
    try:
        raise ExceptionGroup(MARK, [ValueError(MARK), ExceptionGroup(MARK, [KeyError(MARK)])])
    except ExceptionGroup:
        structlog.get_logger().exception("unexpected")
        logging.getLogger("a.library").exception("it failed")
    text = log_file.read_text()
    assert MARK not in text
    assert "it failed" in text
    assert "ExceptionGroup" in text
    assert "test_logs.py" in text
