"""Answers that are never read and lines of chunks that never end use no real server up."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from security.outside import TIMEOUT_SECONDS, Outside, limited_server, real_server
from security.test_server_limits import stored

MB = 1_000_000
STRANGERS = 60
DEFAULT_OPEN_FILES = 1024  # what most systems allow a process to open


@contextmanager
def few_files() -> Iterator[None]:
    """Let processes that are started in here open no more files than most systems allow."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (DEFAULT_OPEN_FILES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def open_files(server: Outside) -> int:
    assert server.service.process
    return len(list(Path(f"/proc/{server.service.process.pid}/fd").iterdir()))


def test_answers_that_no_one_reads_leave_files_and_threads_for_others(tmp_path: Path) -> None:
    with few_files(), limited_server(tmp_path) as server, ExitStack() as held:
        wanted = (
            f"GET /static/htmx-2.0.11.min.js HTTP/1.1\r\nHost:localhost:{server.port}\r\n\r\n"
        ).encode()
        for _ in range(STRANGERS):
            stranger = held.enter_context(server.connect())
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stranger.sendall(wanted * (8192 // len(wanted)))
        most = 0
        for _ in range(60):
            most = max(most, open_files(server))
            assert server.seconds_to_answer() < TIMEOUT_SECONDS
        assert most < 400


@pytest.mark.parametrize(
    "beginning", [b"", b"5;a=", b"0\r\n"], ids=["size", "extension", "trailer"]
)
def test_a_line_of_a_chunk_has_an_end(tmp_path: Path, beginning: bytes) -> None:
    with real_server(tmp_path) as server:
        before, sent = stored(server), 0
        with server.connect() as stranger:
            stranger.settimeout(8)
            stranger.sendall(
                f"POST /log-in HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
                "Transfer-Encoding: chunked\r\n\r\n".encode()
                + beginning
            )
            with suppress(OSError):  # closed, or read no more
                while sent < 8 * MB:
                    stranger.sendall(b"1" * 65536)
                    sent += 65536
        assert sent < 8 * MB, f"{stored(server) - before} bytes kept"


def test_small_chunks_with_long_extensions_are_cut_off_too(tmp_path: Path) -> None:
    with real_server(tmp_path) as server:
        sent = 0
        with server.connect() as stranger, suppress(OSError):
            stranger.settimeout(8)
            stranger.sendall(
                f"POST /log-in HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
                "Transfer-Encoding: chunked\r\n\r\n".encode()
            )
            chunk = b"1;a=" + b"b" * 900 + b"\r\nx\r\n"
            while sent < 8 * MB:
                stranger.sendall(chunk * 50)
                sent += 50 * len(chunk)
        assert sent < 8 * MB
