"""Windows of requests in memory: what they count, what they drop, and that they start no thread."""

from __future__ import annotations

import threading

import pytest
from flask.testing import FlaskClient

from crmlink.web import request_windows
from crmlink.web.request_windows import RequestWindows


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(request_windows, "time", clock)
    return clock


def test_a_window_allows_its_limit_and_moves_with_time(clock: Clock) -> None:
    windows = RequestWindows()
    assert [windows.acquire_entry("a", 2, 60) for _ in range(3)] == [True, True, False]
    assert windows.acquire_entry("b", 2, 60)
    clock.now += 59
    assert not windows.acquire_entry("a", 2, 60)
    assert windows.get_moving_window("a", 2, 60) == (1_000.0, 2)
    clock.now += 2
    assert windows.acquire_entry("a", 2, 60)
    assert windows.get_moving_window("a", 2, 60) == (1_061.0, 1)
    assert not windows.acquire_entry("a", 2, 60, amount=2)


def test_clients_that_went_away_are_forgotten(clock: Clock) -> None:
    windows = RequestWindows()
    for number in range(1_000):
        windows.acquire_entry(f"client {number}", 5, 60)
    clock.now += 200
    windows.acquire_entry("the last", 5, 60)
    assert windows.reset() == 1


def test_requests_start_no_thread(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    client.get("/api/v1/workspace")
    begun: list[threading.Thread] = []
    start = threading.Thread.start

    def counted(thread: threading.Thread) -> None:
        if threading.current_thread() is threading.main_thread():  # where the requests are answered
            begun.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", counted)
    for _ in range(3):
        assert client.get("/api/v1/workspace").status_code == 200
    assert not begun
