"""Politeness: how many calls at once and in a second, and leaving a sick Commusoft alone."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from crmlink.commusoft.breaker import CircuitBreaker
from crmlink.commusoft.errors import (
    CommusoftAuthError,
    CommusoftBusy,
    CommusoftError,
    CommusoftServerError,
    CommusoftTimeout,
    CommusoftUnreachable,
    InvalidCommusoftResponse,
)
from crmlink.commusoft.limits import ClientLimits
from crmlink.commusoft.rate_limiter import RateLimiter
from crmlink.commusoft.sandbox import SandboxServer
from crmlink.deadline import Deadline
from unit.commusoft.fake_server import (
    QUICK,
    Answer,
    Clock,
    Enter,
    Faults,
    ScriptedResponse,
    ScriptedServer,
)

Obey = Callable[[Callable[[ScriptedResponse], Answer]], ScriptedServer]


def test_no_more_calls_are_under_way_at_once_than_allowed(obey: Obey, enter: Enter) -> None:
    guard, under_way, max_starts = threading.Lock(), 0, 0
    full = threading.Event()

    def answer(said: ScriptedResponse) -> Answer:
        nonlocal under_way, max_starts
        if said.path.endswith("/getToken"):
            return 200, {}, b"t0ken"
        with guard:
            under_way += 1
            max_starts = max(max_starts, under_way)
            if under_way == 3:
                full.set()
        full.wait(20)
        with guard:
            under_way -= 1
        return 200, {}, b'{"id": 1, "thirdpartyreference": ""}'

    client = enter(f"{obey(answer).url}/webservice", limits=replace(QUICK, max_concurrent=3))
    with ThreadPoolExecutor(9) as pool:
        assert len(list(pool.map(lambda _: client.record("customer", "1"), range(18)))) == 18
    assert max_starts == 3


def test_no_second_has_more_starts_than_allowed(limiter_clock: Clock) -> None:
    pace, starts = RateLimiter(ClientLimits(max_per_second=50)), []
    with Deadline(60) as deadline:
        for _ in range(120):
            pace.reserve_start(deadline)
            starts.append(limiter_clock.now)
    spans = [later - earlier for earlier, later in zip(starts, starts[50:], strict=False)]
    assert len(spans) == 70
    assert min(spans) == pytest.approx(1.0)


@pytest.mark.usefixtures("limiter_clock")
def test_a_turn_that_cannot_come_in_time_is_refused_at_once() -> None:
    pace = RateLimiter(ClientLimits(max_per_second=1, max_concurrent=1))
    with Deadline(0.5) as deadline, pace.slot(deadline):
        with pytest.raises(CommusoftBusy) as caught:
            pace.reserve_start(deadline)
        assert 0.5 < (caught.value.retry_after or 0) <= 1


def test_a_place_is_given_back_when_a_call_fails(obey: Obey, enter: Enter) -> None:
    limits = replace(QUICK, max_concurrent=1, failure_threshold=100)
    client = enter(obey(lambda _: (500, {}, b"")).url, limits=limits)
    for _ in range(5):
        with pytest.raises(CommusoftServerError):
            client.record("customer", "1", "u")


def failing(breaker: CircuitBreaker, error: CommusoftError, times: int) -> None:
    for _ in range(times):
        breaker.admit()
        breaker.failed(error)


@pytest.mark.parametrize(
    "error", [CommusoftUnreachable("x"), CommusoftTimeout("x"), CommusoftServerError(502)]
)
def test_after_some_failures_in_a_row_calls_fail_at_once_in_the_same_way(
    error: CommusoftError,
) -> None:
    breaker = CircuitBreaker(ClientLimits(failure_threshold=3), Clock())
    failing(breaker, error, 3)
    for _ in range(2):
        with pytest.raises(type(error), match="resting after") as caught:
            breaker.admit()
        assert caught.value is not error
        assert getattr(caught.value, "status", None) == getattr(error, "status", None)


@pytest.mark.parametrize(
    "error",
    [
        CommusoftAuthError("x"),
        InvalidCommusoftResponse("x"),
        CommusoftServerError(409),
        CommusoftBusy(1),
    ],
)
def test_an_answer_that_shows_commusoft_alive_opens_nothing(error: CommusoftError) -> None:
    failing(CircuitBreaker(ClientLimits(failure_threshold=3), Clock()), error, 10)


def test_one_success_in_between_begins_the_count_anew() -> None:
    breaker = CircuitBreaker(ClientLimits(failure_threshold=3), Clock())
    for _ in range(4):
        failing(breaker, CommusoftTimeout(), 2)
        breaker.succeeded()


def test_after_the_rest_one_call_probes_and_its_success_lets_all_through() -> None:
    clock = Clock()
    breaker = CircuitBreaker(ClientLimits(failure_threshold=3, open_seconds=5), clock)
    failing(breaker, CommusoftTimeout(), 3)
    clock.now += 5
    breaker.admit()
    with pytest.raises(CommusoftTimeout):
        breaker.admit()
    breaker.succeeded()
    breaker.admit()
    breaker.admit()


def test_a_probe_that_fails_doubles_the_rest_up_to_a_bound() -> None:
    clock = Clock()
    breaker = CircuitBreaker(
        ClientLimits(failure_threshold=3, open_seconds=5, max_open_seconds=15), clock
    )
    failing(breaker, CommusoftTimeout(), 3)
    for rest in (5, 10, 15, 15):
        clock.now += rest - 0.5
        with pytest.raises(CommusoftTimeout):
            breaker.admit()
        clock.now += 0.5
        breaker.admit()
        breaker.failed(CommusoftTimeout())


def test_calls_that_were_out_together_do_not_lengthen_the_rest() -> None:
    clock = Clock()
    breaker = CircuitBreaker(ClientLimits(failure_threshold=3, open_seconds=5), clock)
    failing(breaker, CommusoftTimeout(), 3)
    for _ in range(3):
        breaker.failed(CommusoftTimeout())
    clock.now += 5
    breaker.admit()


def test_a_probe_that_never_came_to_its_turn_leaves_the_next_call_to_probe() -> None:
    clock = Clock()
    breaker = CircuitBreaker(ClientLimits(failure_threshold=1, open_seconds=5), clock)
    failing(breaker, CommusoftTimeout(), 1)
    clock.now += 5
    breaker.admit()
    breaker.failed(CommusoftBusy(1))
    breaker.admit()


def test_a_probe_that_is_never_heard_of_again_does_not_block_for_ever() -> None:
    clock = Clock()
    breaker = CircuitBreaker(
        ClientLimits(failure_threshold=1, open_seconds=5, total_timeout=29), clock
    )
    failing(breaker, CommusoftTimeout(), 1)
    clock.now += 5
    breaker.admit()
    clock.now += 29
    breaker.admit()


def test_a_client_leaves_a_sick_commusoft_alone_and_comes_back_by_itself(
    sandbox: SandboxServer, faults: Faults, enter: Enter
) -> None:
    limits = replace(QUICK, read_retries=0, failure_threshold=3, open_seconds=0.5)
    client = enter(sandbox.w_url, limits=limits)
    client.record("customer", "1001")
    faults.add("status", status=500, path="/customers/*")
    for _ in range(12):
        with pytest.raises(CommusoftServerError):
            client.record("customer", "1001")
    assert faults.struck()[0] < 8
    faults.clear()
    for _ in range(1000):  # calls, not seconds: each costs next to nothing while it rests
        try:
            client.record("customer", "1001")
            break
        except CommusoftServerError:
            threading.Event().wait(0.005)
    else:
        pytest.fail("the client did not come back")
    client.record("customer", "1002")


@pytest.mark.parametrize(("age", "read"), [("", True), ("0", True), ("7", False)])
def test_a_list_out_of_a_cache_proves_nothing(
    obey: Obey, enter: Enter, age: str, read: bool
) -> None:
    asked: list[str] = []

    def answer(said: ScriptedResponse) -> Answer:
        if said.path.endswith("/getToken"):
            return 200, {}, b"t0ken"
        asked.append(said.headers.get("Cache-Control", ""))
        return 200, {"Age": age} if age else {}, b'{"Customers": [{"id": 1}]}'

    client = enter(f"{obey(answer).url}/webservice")
    if read:
        assert [record.number for record in client.records_now("customer")] == ["1"]
    else:
        with pytest.raises(InvalidCommusoftResponse, match="cache"):
            list(client.records_now("customer"))
    assert asked == ["no-cache"]
