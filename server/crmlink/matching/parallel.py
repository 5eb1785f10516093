"""A matcher in several processes at once, for whole lists.

Forked processes share the matcher's memory, but forking is safe only where no other thread
runs. A server has threads: it starts one clean process, the leader, which gets a copy of the
matcher and forks the others. Where there is no safe forking at all, each process gets a copy.
"""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from itertools import islice, repeat
from multiprocessing.connection import wait

from crmlink.matching.details import Details, Suggestions
from crmlink.matching.matcher import Matcher

Contact = tuple[str, Details]
Answer = tuple[str, Suggestions]
AT_A_TIME = 100  # contacts in a parcel, which one process works on
PER_ROUND = 20  # parcels that a leader shares out at once

_matcher: Matcher | None = None  # in a process that was started for a list
_pool: ProcessPoolExecutor | None = None  # in a leader: the processes that it has forked


def in_processes(
    matcher: Matcher, contacts: Iterator[Contact], limit: int, processes: int
) -> Iterator[Answer]:
    """Suggestions for each contact, in order; see assign.suggest_many()."""
    matcher.warm_up()
    if sys.platform != "linux":
        with _team_of("spawn", matcher, processes) as team:
            yield from _asked(team, _answer_all, contacts, limit, 1, 3 * processes)
    elif threading.active_count() == 1:
        with _team_of("fork", matcher, processes) as team:
            yield from _asked(team, _answer_all, contacts, limit, 1, 3 * processes)
    else:
        with _leader_of(matcher, processes) as leader:
            yield from _asked(leader, _share_out, contacts, limit, PER_ROUND, 2)


def _asked(
    executor: ProcessPoolExecutor,
    work: Callable[[list[bytes], int], list[bytes]],
    contacts: Iterator[Contact],
    limit: int,
    per_round: int,
    ahead: int,
) -> Iterator[Answer]:
    """Keeps `ahead` rounds of parcels going, and gives the answers in the contacts' order."""
    incoming = _parcels(contacts)
    pending: deque[Future[list[bytes]]] = deque()
    try:
        while True:
            while len(pending) < ahead and (parcels := list(islice(incoming, per_round))):
                pending.append(executor.submit(work, parcels, limit))
            if not pending:
                return
            for parcel in pending.popleft().result():
                yield from pickle.loads(parcel)  # noqa: S301 - from our own process
    finally:
        for round_ in pending:
            round_.cancel()


def _parcels(contacts: Iterator[Contact]) -> Iterator[bytes]:
    """Packed once, so that a leader only hands them on."""
    while some := list(islice(contacts, AT_A_TIME)):
        yield pickle.dumps(some, pickle.HIGHEST_PROTOCOL)


@contextmanager
def _team_of(method: str, matcher: Matcher, processes: int) -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context(method)
    team = ProcessPoolExecutor(processes, context, _init_worker, (matcher,))
    try:
        yield team
    finally:
        team.shutdown(cancel_futures=True)


@contextmanager
def _leader_of(matcher: Matcher, processes: int) -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("spawn")
    leader = ProcessPoolExecutor(1, context, _init_coordinator, (matcher, processes))
    try:
        yield leader
    finally:
        with suppress(BrokenProcessPool):
            leader.submit(_shutdown_pool).result()
        leader.shutdown()


def _init_worker(matcher: Matcher) -> None:
    """In a process that works on a list."""
    global _matcher
    _matcher = matcher
    _end_with_parent()


def _init_coordinator(matcher: Matcher, processes: int) -> None:
    """In a leader, which has no other thread yet."""
    global _pool
    _pool = ProcessPoolExecutor(
        processes, multiprocessing.get_context("fork"), _init_worker, (matcher,)
    )
    _pool.submit(os.getpid).result()  # all are forked with the first task
    _end_with_parent()


def _end_with_parent() -> None:
    """No process outlives the one that needs it, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when to end
    parent = multiprocessing.parent_process()
    if parent is not None:
        watch = threading.Thread(target=_wait_and_exit, args=(parent.sentinel,), daemon=True)
        watch.start()


def _wait_and_exit(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _answer(parcel: bytes, limit: int) -> bytes:
    if _matcher is None:
        raise RuntimeError("This process was not started for a list.")
    contacts: list[Contact] = pickle.loads(parcel)  # noqa: S301 - from our own process
    answers = [(contact_id, _matcher.suggest(details, limit)) for contact_id, details in contacts]
    return pickle.dumps(answers, pickle.HIGHEST_PROTOCOL)


def _answer_all(parcels: list[bytes], limit: int) -> list[bytes]:
    return [_answer(parcel, limit) for parcel in parcels]


def _share_out(parcels: list[bytes], limit: int) -> list[bytes]:
    if _pool is None:
        raise RuntimeError("This process was not started to lead others.")
    return list(_pool.map(_answer, parcels, repeat(limit)))


def _shutdown_pool() -> None:
    if _pool is not None:
        _pool.shutdown()
