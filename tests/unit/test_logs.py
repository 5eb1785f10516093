"""Logs tell what went wrong and where, never what someone typed."""

from __future__ import annotations

import json
import logging
import threading
import warnings
from pathlib import Path

import pytest
import structlog
from flask import Flask
from structlog.testing import capture_logs

from crmlink.logs import (
    MAX_FAILURES,
    MAX_LIBRARY_LINES,
    MAX_STRANGERS_LINES,
    STRANGERS_LOG_NAME,
    LineBudget,
    LogFile,
    configure_logging,
    for_stranger,
)
from crmlink.web.request_log import init_request_log

MARK = "Marked Name 6618"


@pytest.fixture
def log_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("crmlink.logs._failures", LineBudget("failure", MAX_FAILURES))
    configure_logging(tmp_path / "server.log")
    return tmp_path / "server.log"


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
    line = json.loads(text)
    assert MARK not in text
    assert {trace["exc_type"] for trace in line["exception"]} == {"RuntimeError", "ValueError"}
    assert "fail" in {frame["name"] for trace in line["exception"] for frame in trace["frames"]}


def test_each_line_of_a_request_has_its_id_and_no_line_after_it(log_file: Path) -> None:
    app = Flask("requests")
    init_request_log(app)

    @app.get("/")
    def view() -> str:
        for_stranger.set(False)
        structlog.get_logger().info("done meanwhile")
        return ""

    reply = app.test_client().get("/")
    structlog.get_logger().info("done later")
    lines = {line["event"]: line for line in map(json.loads, log_file.read_text().splitlines())}
    assert lines["done meanwhile"]["request_id"] == reply.headers["X-Request-Id"]
    assert "request_id" not in lines["done later"]


def test_neither_do_several_at_once_nor_what_libraries_log(log_file: Path) -> None:
    try:
        raise ExceptionGroup(MARK, [ValueError(MARK), ExceptionGroup(MARK, [KeyError(MARK)])])
    except ExceptionGroup:
        structlog.get_logger().exception("unexpected")
        logging.getLogger("a.library").exception("it failed with %s", MARK)
    text = log_file.read_text()
    assert MARK not in text
    ours, library = map(json.loads, text.splitlines())
    assert ours["event"] == "unexpected"
    assert library["logger"] == "a.library"
    assert library["exc_type"] == "ExceptionGroup"
    assert "test_logs.py" in library["where"]
    assert "test_logs.py" in library["frames"][0]


def test_a_library_writes_no_words_and_no_lines_of_its_own(log_file: Path) -> None:
    forged = f'{MARK}\n{{"event": "audit"}}'
    library = logging.getLogger("a.library")
    library.warning(forged)
    library.error("%s", forged)
    library.info(forged)
    logging.getLogger("crmlink.app").warning(forged)  # as Flask's own does
    warnings.warn(forged, stacklevel=1)
    lines = log_file.read_text().splitlines()
    assert [json.loads(line)["logger"] for line in lines] == [
        "a.library", "a.library", "crmlink.app", "py.warnings",
    ]  # fmt: skip
    assert MARK not in log_file.read_text()


def test_a_thread_that_fails_prints_nothing(
    log_file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert capfd.readouterr() == ("", "")
    assert json.loads(log_file.read_text())["event"] == "thread failed"
    assert MARK not in log_file.read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_log_that_cannot_be_written_prints_no_line(capfd: pytest.CaptureFixture[str]) -> None:
    handler = LogFile(Path("/dev/full"))
    record = logging.LogRecord("a.library", logging.ERROR, "", 1, MARK, None, None)
    handler.handle(record)
    handler.stream = None  # closing it would fail again
    assert capfd.readouterr().err == "The log cannot be written: OSError.\n"


def test_failures_and_libraries_fill_no_file(log_file: Path) -> None:
    for _ in range(200):
        logging.getLogger("a.library").warning("again")
        try:
            fail()
        except RuntimeError:
            structlog.get_logger().exception("unexpected")
    lines = log_file.read_text().splitlines()
    assert len(lines) <= MAX_LIBRARY_LINES + MAX_FAILURES + 4  # the minute may end meanwhile


def test_whatever_is_written_for_a_stranger_is_bounded_and_apart(log_file: Path) -> None:
    before = for_stranger.set(True)
    try:
        for _ in range(100):
            logging.getLogger("a.library").warning("again")
            structlog.get_logger().info("proof refused")
            try:
                fail()
            except RuntimeError:
                structlog.get_logger().exception("unexpected")
    finally:
        for_stranger.reset(before)
    structlog.get_logger().info("something else")
    (line,) = log_file.read_text().splitlines()
    assert json.loads(line)["event"] == "something else"
    strangers = log_file.with_name(STRANGERS_LOG_NAME).read_text()
    assert MARK not in strangers
    kinds = [json.loads(line)["event"] for line in strangers.splitlines()]
    assert set(kinds) >= {"library", "proof refused", "unexpected"}
    assert len(kinds) <= 2 * MAX_STRANGERS_LINES + 2  # the minute may end meanwhile


def test_what_is_left_out_is_counted_in_the_next_minute(log_file: Path) -> None:
    clock = iter([0, 1, 2, 3, 59, 61]).__next__
    budget = LineBudget("stranger", 2, clock)
    assert [budget.take("401") for _ in range(6)] == [True, True, False, False, False, True]
    line = json.loads(log_file.read_text())
    assert (line["event"], line["sort"], line["counts"]) == (
        "lines left out", "stranger", {"401": 3},
    )  # fmt: skip


@pytest.mark.usefixtures("log_file")
def test_a_logger_that_a_test_used_is_read_by_the_next_one() -> None:
    used = structlog.get_logger()
    used.info("in this one's file")
    structlog.reset_defaults()
    with capture_logs() as lines:
        used.info("in the next one")
    assert [line["event"] for line in lines] == ["in the next one"]
