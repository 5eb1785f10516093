"""Matching in several processes, for whole lists.

Forked processes share the matcher's memory, but forking is safe only without other threads. A
server has threads, so it spawns one clean process, the coordinator, which gets a copy of the
matcher and forks the workers. Where forking is unsafe altogether, each process gets a copy.
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

from crmlink.matching.details import Suggestions
from crmlink.matching.matcher import Matcher
from crmlink.values.contact_details import ContactDetails

Contact = tuple[str, ContactDetails]
Answer = tuple[str, Suggestions]
CHUNK_SIZE = 100  # contacts in a chunk, the unit of work of a process
CHUNKS_PER_ROUND = 20  # chunks that the coordinator distributes at once

_matcher: Matcher | None = None  # in a worker process
_pool: ProcessPoolExecutor | None = None  # in the coordinator process


def in_processes(
    matcher: Matcher, contacts: Iterator[Contact], limit: int, processes: int
) -> Iterator[Answer]:
    """Yield the suggestions for each contact, in order; see assignment.suggest_many()."""
    matcher.warm_up()
    if sys.platform != "linux":
        with _worker_pool("spawn", matcher, processes) as pool:
            yield from _collect_answers(pool, _answer_all, contacts, limit, 1, 3 * processes)
    elif threading.active_count() == 1:
        with _worker_pool("fork", matcher, processes) as pool:
            yield from _collect_answers(pool, _answer_all, contacts, limit, 1, 3 * processes)
    else:
        with _coordinator(matcher, processes) as coordinator:
            yield from _collect_answers(
                coordinator, _distribute, contacts, limit, CHUNKS_PER_ROUND, 2
            )


def _collect_answers(
    executor: ProcessPoolExecutor,
    work: Callable[[list[bytes], int], list[bytes]],
    contacts: Iterator[Contact],
    limit: int,
    per_round: int,
    ahead: int,
) -> Iterator[Answer]:
    """Yield the answers in the contacts' order, keeping `ahead` rounds of chunks in progress."""
    incoming = _chunks(contacts)
    pending: deque[Future[list[bytes]]] = deque()
    try:
        while True:
            while len(pending) < ahead and (chunks := list(islice(incoming, per_round))):
                pending.append(executor.submit(work, chunks, limit))
            if not pending:
                return
            for chunk in pending.popleft().result():
                yield from pickle.loads(chunk)  # noqa: S301 - from our own process
    finally:
        for round_ in pending:
            round_.cancel()


def _chunks(contacts: Iterator[Contact]) -> Iterator[bytes]:
    """Yield pickled chunks, so that a coordinator only passes them on."""
    while some := list(islice(contacts, CHUNK_SIZE)):
        yield pickle.dumps(some, pickle.HIGHEST_PROTOCOL)


@contextmanager
def _worker_pool(method: str, matcher: Matcher, processes: int) -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context(method)
    pool = ProcessPoolExecutor(processes, context, _init_worker, (matcher,))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _coordinator(matcher: Matcher, processes: int) -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("spawn")
    coordinator = ProcessPoolExecutor(1, context, _init_coordinator, (matcher, processes))
    try:
        yield coordinator
    finally:
        with suppress(BrokenProcessPool):
            coordinator.submit(_shutdown_pool).result()
        coordinator.shutdown()


def _init_worker(matcher: Matcher) -> None:
    """Initialise a worker process."""
    global _matcher
    _matcher = matcher
    _end_with_parent()


def _init_coordinator(matcher: Matcher, processes: int) -> None:
    """Initialise the coordinator, which has no other thread yet."""
    global _pool
    _pool = ProcessPoolExecutor(
        processes, multiprocessing.get_context("fork"), _init_worker, (matcher,)
    )
    _pool.submit(os.getpid).result()  # the first task forks all processes
    _end_with_parent()


def _end_with_parent() -> None:
    """Exit when the parent process ends, however that happens."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    parent = multiprocessing.parent_process()
    if parent is not None:
        watch = threading.Thread(target=_wait_and_exit, args=(parent.sentinel,), daemon=True)
        watch.start()


def _wait_and_exit(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _answer(chunk: bytes, limit: int) -> bytes:
    if _matcher is None:
        raise RuntimeError("This process is not a worker.")
    contacts: list[Contact] = pickle.loads(chunk)  # noqa: S301 - from our own process
    answers = [(contact_id, _matcher.suggest(details, limit)) for contact_id, details in contacts]
    return pickle.dumps(answers, pickle.HIGHEST_PROTOCOL)


def _answer_all(chunks: list[bytes], limit: int) -> list[bytes]:
    return [_answer(chunk, limit) for chunk in chunks]


def _distribute(chunks: list[bytes], limit: int) -> list[bytes]:
    if _pool is None:
        raise RuntimeError("This process is not a coordinator.")
    return list(_pool.map(_answer, chunks, repeat(limit)))


def _shutdown_pool() -> None:
    if _pool is not None:
        _pool.shutdown()
