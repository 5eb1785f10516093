"""Whole lists: the same answers on all cores, and a record for one contact only."""

import itertools
import multiprocessing
import os
import random
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import pytest

from bench.uk import contacts, records
from crmlink.matching import Matcher, Suggestion, Suggestions
from crmlink.matching.assignment import assign_one_to_one, assign_one_to_one_streaming, suggest_many
from crmlink.matching.parallel import Answer


def answer(contact_id: str, none: float, **likely: float) -> Answer:
    items = [Suggestion(record, p, True, ()) for record, p in likely.items()]
    return contact_id, Suggestions(tuple(sorted(items, key=lambda i: -i.probability)), none)


def firsts(answers: list[Answer]) -> dict[str, str | None]:
    return {c: s.items[0].record_id if s.items else None for c, s in answers}


def test_a_record_goes_to_the_contact_that_it_fits_best() -> None:
    given = [answer("x", 0.1, a=0.6, b=0.3), answer("y", 0.01, a=0.99)]
    assert firsts(assign_one_to_one(given)) == {"x": "b", "y": "a"}


def test_a_contact_whose_record_is_better_used_elsewhere_keeps_none() -> None:
    given = [answer("x", 0.3, a=0.7), answer("y", 0.01, a=0.99)]
    assert firsts(assign_one_to_one(given)) == {"x": None, "y": "a"}


def test_none_of_these_wins_where_it_is_likelier() -> None:
    assert firsts(assign_one_to_one([answer("x", 0.9, a=0.1)])) == {"x": None}


def test_no_one_who_gets_a_second_choice_is_sure() -> None:
    given = [answer("x", 0.1, a=0.6, b=0.3), answer("y", 0.01, a=0.99)]
    after = dict(assign_one_to_one(given))
    assert after["y"].items[0].sure
    assert not after["x"].items[0].sure


@pytest.mark.parametrize("seed", range(12))
def test_the_choice_is_the_best_there_is(seed: int) -> None:
    draw = random.Random(seed)
    given = [
        answer(
            c, 0.2, **{r: draw.uniform(0.05, 0.9) for r in draw.sample("abcd", draw.randint(1, 3))}
        )
        for c in "uvwx"
    ]
    chosen = firsts(assign_one_to_one(given))
    taken = [record for record in chosen.values() if record]
    assert len(taken) == len(set(taken))

    def worth(choice: dict[str, str | None]) -> float:
        total = 1.0
        for contact_id, suggestions in given:
            offered = {item.record_id: item.probability for item in suggestions.items}
            record = choice[contact_id]
            total *= offered.get(record, 0.0) / suggestions.none if record else 1.0
        return total

    options: list[str | None] = [*"abcd", None]
    best = max(
        worth(dict(zip("uvwx", records_, strict=True)))
        for records_ in itertools.product(options, repeat=4)
        if len([r for r in records_ if r]) == len({r for r in records_ if r})
    )
    assert worth(chosen) == pytest.approx(best)


def test_large_entangled_lists_are_solved_as_well_as_small_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw = random.Random(3)
    given = []
    for number in range(150):
        near = {f"r{(number + step) % 150}": draw.uniform(0.02, 0.9) for step in range(4)}
        given.append(answer(f"c{number}", 0.05, **near))
    dense = assign_one_to_one(given)
    assert list(assign_one_to_one_streaming(iter(given))) == dense
    monkeypatch.setattr("crmlink.matching.assignment.MIN_SPARSE_SIZE", 10)
    assert firsts(assign_one_to_one(given)) == firsts(dense)
    taken = [record for record in firsts(dense).values() if record]
    assert len(taken) == len(set(taken)) > 130


@pytest.fixture(params=["alone", "beside other threads"])
def in_processes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Short lists go to several processes, forked or forked by a leader, and none is left."""
    monkeypatch.setattr("crmlink.matching.assignment.MIN_PARALLEL_CONTACTS", 20)
    monkeypatch.setattr("crmlink.matching.parallel.CHUNK_SIZE", 15)
    monkeypatch.setattr("crmlink.matching.parallel.CHUNKS_PER_ROUND", 2)
    threads = 1 if request.param == "alone" else 2
    monkeypatch.setattr("threading.active_count", lambda: threads)
    before = set(multiprocessing.active_children())
    yield
    assert set(multiprocessing.active_children()) <= before


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    made = Matcher()
    made.update(records(300, 31))
    return made


ASKED, _ = contacts(records(300, 31), 100, 32)


@pytest.mark.usefixtures("in_processes")
def test_several_processes_give_what_one_gives_in_the_same_order(matcher: Matcher) -> None:
    alone = list(suggest_many(matcher, ASKED, 2, processes=1))
    together = list(suggest_many(matcher, iter(ASKED), 2, processes=2))
    assert together == alone
    assert [contact_id for contact_id, _ in together] == [contact_id for contact_id, _ in ASKED]


@pytest.mark.usefixtures("in_processes")
def test_a_list_that_is_given_up_leaves_no_process_behind(matcher: Matcher) -> None:
    answers = suggest_many(matcher, ASKED, processes=2)
    assert next(answers)[0] == ASKED[0][0]
    answers.close()


class Deadly(str):
    """An id that ends the process which unpacks it, as one that runs out of memory ends."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (9,)


@pytest.mark.usefixtures("in_processes")
def test_a_process_that_dies_is_an_error_and_no_wait_without_end(matcher: Matcher) -> None:
    deadly = [*ASKED[:70], (Deadly("x"), ASKED[0][1]), *ASKED[70:]]
    with pytest.raises(BrokenProcessPool):
        list(suggest_many(matcher, deadly, processes=2))
