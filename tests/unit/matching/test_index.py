"""The index follows the records through changes."""

import random
import threading
import tracemalloc

import numpy as np
import pytest

from bench.uk import contacts, records
from crmlink.matching import Matcher
from crmlink.matching.columns import TokenLists
from crmlink.values.contact_details import ContactDetails


@pytest.mark.slow
def test_after_many_changes_answers_are_those_of_a_fresh_index() -> None:
    draw = random.Random(4)
    held = dict(records(1_500, 21))
    fresh = dict(records(1_500, 22))
    followed = Matcher()
    followed.update(held.items())
    for _ in range(40):
        changed = draw.sample(sorted(held), 60)
        followed.update(
            (record_id, fresh[record_id]) for record_id in changed if record_id in fresh
        )
        held |= {record_id: fresh[record_id] for record_id in changed if record_id in fresh}
        gone = draw.sample(sorted(held), 10)
        followed.discard(gone)
        for record_id in gone:
            del held[record_id]
        followed.suggest(ContactDetails(person="John Smith"))
    built = Matcher()
    built.update(held.items())
    assert len(followed) == len(built) == len(held)
    for _, contact in contacts(sorted(held.items()), 60, 5, partial=True)[0]:
        ours, theirs = followed.suggest(contact), built.suggest(contact)
        for mine, other in zip(ours.items[:1], theirs.items[:1], strict=True):
            assert mine.record_id == other.record_id
            assert mine.probability == pytest.approx(other.probability, abs=0.01)


def test_the_last_of_several_records_with_one_id_counts() -> None:
    matcher = Matcher()
    matcher.update(
        [("a", ContactDetails(person="Ann Old")), ("a", ContactDetails(person="Berta New"))]
    )
    assert len(matcher) == 1
    assert matcher.search("berta") == ["a"]
    assert matcher.search("ann") == []


def test_readers_are_answered_while_records_change() -> None:
    held = records(600, 23)
    matcher = Matcher()
    matcher.update(held)
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                for record_id, details in held[:20]:
                    items = matcher.suggest(details).items
                    assert record_id in [item.record_id for item in items]
        except BaseException as failure:
            failures.append(failure)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(30):
        matcher.update(held[20:60])
        matcher.discard([held[599][0]])
        matcher.update([held[599]])
    done.set()
    for reader in readers:
        reader.join(timeout=20)
    assert failures == []


def test_texts_without_any_letter_are_no_trouble() -> None:
    matcher = Matcher()
    matcher.update([("a", ContactDetails(person="!!!", company="???")), ("b", ContactDetails())])
    assert matcher.suggest(ContactDetails(person="...")).none > 0.5
    assert matcher.search("?!") == []
    assert len(matcher) == 2


def test_very_long_values_are_cut_and_still_found() -> None:
    matcher = Matcher()
    long = " ".join(f"word{number}" for number in range(500))
    matcher.update(
        [("a", ContactDetails(company=long, address=long, email="x" * 3000 + "@b.example"))]
    )
    assert matcher.suggest(ContactDetails(company=long)).items[0].record_id == "a"


def test_one_long_list_makes_a_copy_no_larger() -> None:
    lists = TokenLists()
    lists.extend(np.arange(10_000, dtype=np.int32), np.ones(10_000, np.int32))
    lists.append([list(range(200))])
    kept = np.append(np.arange(0, 10_000, 2, dtype=np.int32), np.int32(10_000))
    tracemalloc.start()
    try:
        copy = lists.only(kept)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert copy.values.tolist() == [*range(0, 10_000, 2), *range(200)]
    assert copy.of(5_000).tolist() == list(range(200))
    assert most < 2 * lists.nbytes
