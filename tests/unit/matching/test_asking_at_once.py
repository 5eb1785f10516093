"""Questions of several threads are answered at the same time, each of one state of the records."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from browsers.real_services import wait_until
from crmlink.matching import Matcher, Suggestions
from crmlink.matching.decide import score
from crmlink.matching.shared_lock import SharedLock
from crmlink.values.contact_details import ContactDetails

SECONDS = 20  # after which a thread that should go on is stuck
HOLLOWAY = ContactDetails(person="Margaret Holloway", email="m@example.org", postcode="SW1A 1AA")
MOVED = ContactDetails(person="Margaret Pargeter", email="m@example.org", postcode="M1 1AE")
OTHERS = [
    (f"customer-{number}", ContactDetails(person=f"Alan Holloway {number}", town="Leeds"))
    for number in range(2, 40)
]


@pytest.fixture
def matcher() -> Matcher:
    matcher = Matcher()
    matcher.update([("customer-1", HOLLOWAY), *OTHERS])
    return matcher


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def while_scoring(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Call a function whenever a question is being scored."""

    def scored(*given: Any) -> Any:
        do()
        return score(*given)

    monkeypatch.setattr("crmlink.matching.matcher.score", scored)


def test_two_questions_score_at_the_same_time(
    matcher: Matcher, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2, timeout=SECONDS)
    while_scoring(monkeypatch, both.wait)
    answers = [threads.submit(matcher.suggest, HOLLOWAY) for _ in range(2)]
    first, second = (each.result(SECONDS) for each in answers)
    assert first == second
    assert first.items[0].record_id == "customer-1"


def test_an_update_in_the_middle_of_a_question_leaves_its_answer_of_one_state(
    matcher: Matcher, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = matcher.suggest(HOLLOWAY)
    other = Matcher()
    other.update([("customer-1", HOLLOWAY), *OTHERS])
    other.update([("customer-1", MOVED)])
    after = other.suggest(HOLLOWAY)
    assert before != after
    begun, goes_on = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        assert goes_on.wait(SECONDS)

    with monkeypatch.context() as patched:
        while_scoring(patched, wait)
        answer = threads.submit(matcher.suggest, HOLLOWAY)
        assert begun.wait(SECONDS)
        update = threads.submit(matcher.update, [("customer-1", MOVED)])
        assert not has_ended_soon(update)
        goes_on.set()
        assert answer.result(SECONDS) == before
        update.result(SECONDS)
    assert matcher.suggest(HOLLOWAY) == after


def has_ended_soon(work: Future[None]) -> bool:
    try:
        work.result(0.2)
    except TimeoutError:
        return False
    return True


def test_answers_amid_many_updates_are_each_of_one_state(
    matcher: Matcher, threads: ThreadPoolExecutor
) -> None:
    states = []
    for details in (MOVED, HOLLOWAY):
        matcher.update([("customer-1", details)])
        states.append(matcher.suggest(HOLLOWAY))
    assert states[0] != states[1]
    ended = threading.Event()

    def ask() -> list[Suggestions]:
        answers = [matcher.suggest(HOLLOWAY)]
        while not ended.is_set():
            answers.append(matcher.suggest(HOLLOWAY))
            assert matcher.search("holloway", limit=50)
        return answers

    asking = [threads.submit(ask) for _ in range(3)]
    for number in range(60):
        matcher.update([("customer-1", MOVED if number % 2 else HOLLOWAY)])
    ended.set()
    for each in asking:
        assert all(answer in states for answer in each.result(SECONDS))


def test_a_waiting_writer_goes_before_new_readers(threads: ThreadPoolExecutor) -> None:
    lock, order = SharedLock(), []
    reads, goes_on = threading.Event(), threading.Event()

    def read_first() -> None:
        with lock.reading():
            reads.set()
            assert goes_on.wait(SECONDS)
            order.append("first reader")

    def write() -> None:
        with lock.writing():
            order.append("writer")

    def read_later() -> None:
        with lock.reading():
            order.append("later reader")

    first = threads.submit(read_first)
    assert reads.wait(SECONDS)
    writer = threads.submit(write)
    wait_until(lambda: lock._writers, "the writer waits")
    later = threads.submit(read_later)
    assert not has_ended_soon(later)
    goes_on.set()
    for each in (first, writer, later):
        each.result(SECONDS)
    assert order == ["first reader", "writer", "later reader"]
