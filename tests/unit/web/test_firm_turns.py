"""One question of a firm at a time in a process, as soon as another firm asks too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from crmlink.access.errors import TooManyAttempts
from crmlink.web import firm_turns as module
from crmlink.web.firm_turns import EXTENSION, QUESTIONS, RECENT_SECONDS, FirmTurns
from support.access_factories import make_token, with_token
from support.clocks import SimulatedClock
from support.installations import installation_of

GREEDY, OTHER, ALSO_GREEDY = 1, 2, 3
TIMEOUT_SECONDS = 20.0  # seconds, for a loaded machine


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def turns(clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[FirmTurns]:
    monkeypatch.setattr(module, "WAIT_SECONDS", 2 * TIMEOUT_SECONDS)
    yield FirmTurns(clock)
    clock.now += 2 * RECENT_SECONDS  # no firm asks any more, so those that still wait go on


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def await_waiting(turns: FirmTurns, workspace_id: int, number: int) -> None:
    ended = threading.Event()
    for _ in range(int(TIMEOUT_SECONDS / 0.01)):
        with turns._changed:
            if turns._waiting[workspace_id] == number:
                return
        ended.wait(0.01)
    raise AssertionError("they do not wait")


def work(turns: FirmTurns, clock: SimulatedClock, workspace_id: int, seconds: float) -> None:
    turns.begin(workspace_id)
    clock.now += seconds
    turns.end(workspace_id)


def test_one_firm_alone_asks_as_much_at_once_as_it_likes(turns: FirmTurns) -> None:
    for _ in range(12):
        turns.begin(GREEDY)


def test_a_second_question_waits_for_the_first_once_another_firm_asks(turns: FirmTurns) -> None:
    turns.begin(OTHER)
    turns.begin(GREEDY)
    second = in_thread(lambda: turns.begin(GREEDY))
    await_waiting(turns, GREEDY, 1)
    turns.end(OTHER)
    turns.begin(OTHER)  # the other firm's is not held up
    assert second.is_alive()
    turns.end(GREEDY)
    second.join(TIMEOUT_SECONDS)
    assert not second.is_alive()


def test_more_than_half_of_the_threads_never_wait_for_one_firm(turns: FirmTurns) -> None:
    turns.begin(OTHER)
    turns.begin(GREEDY)
    for number in range(1, module.MAX_WAITING + 1):
        in_thread(lambda: turns.begin(GREEDY))
        await_waiting(turns, GREEDY, number)
    with pytest.raises(TooManyAttempts):
        turns.begin(GREEDY)


def test_a_firm_that_has_worked_much_waits_until_that_is_less(
    turns: FirmTurns, clock: SimulatedClock
) -> None:
    work(turns, clock, GREEDY, 0.5 * RECENT_SECONDS)
    work(turns, clock, OTHER, 0)
    late = in_thread(lambda: turns.begin(GREEDY))
    await_waiting(turns, GREEDY, 1)
    late.join(3 * module.LOOK_SECONDS)
    assert late.is_alive()
    clock.now += 0.8 * RECENT_SECONDS
    late.join(TIMEOUT_SECONDS)
    assert not late.is_alive()


def test_several_firms_that_have_worked_much_take_no_more_threads_than_one(
    turns: FirmTurns, clock: SimulatedClock
) -> None:
    turns.begin(ALSO_GREEDY)
    work(turns, clock, GREEDY, 0.5 * RECENT_SECONDS)
    turns.end(ALSO_GREEDY)
    work(turns, clock, OTHER, 0)
    for number in range(1, module.MAX_WAITING + 1):
        in_thread(lambda: turns.begin(GREEDY))
        await_waiting(turns, GREEDY, number)
    with pytest.raises(TooManyAttempts):
        turns.begin(ALSO_GREEDY)
    turns.begin(OTHER)
    in_thread(lambda: turns.begin(OTHER))
    await_waiting(turns, OTHER, 1)


@pytest.mark.parametrize(
    ("worked", "ago", "other"),
    [(0.1, 0, 0), (0.5, 1, 0), (6, 1.5, 0), (0.5, 0, 0.6)],
    ids=["little", "long ago", "long, and long ago", "less than the other"],
)
def test_other_firms_ask_beside_others(
    turns: FirmTurns,
    clock: SimulatedClock,
    monkeypatch: pytest.MonkeyPatch,
    worked: float,
    ago: float,
    other: float,
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 0)
    work(turns, clock, GREEDY, worked * RECENT_SECONDS)
    clock.now += ago * RECENT_SECONDS
    turns.begin(OTHER)
    clock.now += other * RECENT_SECONDS
    turns.begin(GREEDY)


def test_what_takes_long_holds_no_question_for_ever(
    turns: FirmTurns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.01)
    turns.begin(OTHER)
    turns.begin(GREEDY)
    turns.begin(GREEDY)
    assert turns._working[GREEDY] == 2


def test_a_firm_that_asked_long_ago_bounds_no_other(
    turns: FirmTurns, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 0)
    turns.begin(OTHER)
    turns.end(OTHER)
    clock.now += RECENT_SECONDS
    for _ in range(3):
        turns.begin(GREEDY)


def test_each_request_ends_its_turn_and_refusals_take_none(app: Flask) -> None:
    token = make_token(installation_of(app).access)
    client = with_token(app, token)
    assert client.get("/api/v1/workspace").status_code == 200
    assert client.get("/api/v1/links/none").status_code == 404
    assert client.post("/api/v1/suggestions", json={}).status_code == 422
    assert app.test_client().get("/api/v1/workspace").status_code == 401
    turns: FirmTurns = app.extensions[EXTENSION]
    assert not turns._working
    assert {rule.endpoint for rule in app.url_map.iter_rules()} >= QUESTIONS


def test_too_many_at_once_are_told_to_come_back(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 0)
    access = installation_of(app).access
    turns: FirmTurns = app.extensions[EXTENSION]
    client = with_token(app, make_token(access))
    turns.begin(access.workspace_id + 1)
    turns.begin(access.workspace_id)
    refused = client.get("/api/v1/workspace")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    turns.end(access.workspace_id)
    other_device = with_token(app, make_token(access))
    assert other_device.get("/api/v1/workspace").status_code == 200
