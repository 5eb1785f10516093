"""Two people at once, a thousand times, and one impatient browser: one winner and one PUT each."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from crmlink.linking.decisions import Decision, confirm
from crmlink.store import LinkState
from faults.concurrent_clerks import Clerk, Outcome, clerks_of
from faults.shared_installation import (
    SharedInstallation,
    number_of,
    open_shared_installation,
    sandbox_process,
)
from support.sandbox import decision, new_key

DOUBLES = 250  # of each sort on each kind of database: a thousand
IMPATIENT = 50
THREADS = 8
REFUSALS = {"link-in-progress", "record-has-reference", "reference-taken"}
Pair = tuple[Decision, Decision]


@pytest.fixture(scope="module")
def access(lasting_database_url: str, folder: Path) -> Iterator[SharedInstallation]:
    with (
        sandbox_process(2_200) as address,
        open_shared_installation(lasting_database_url, folder, address) as opened,
    ):
        yield opened


@pytest.fixture(scope="module")
def clerks(access: SharedInstallation) -> Iterator[list[Clerk]]:
    with clerks_of(access.installation) as clerks:
        yield clerks


def winner(outcomes: list[Outcome]) -> str:
    """The record that was linked; the other clerk must have been told who was first, and when."""
    won = [one for one in outcomes if one.state is LinkState.LINKED]
    lost = [one for one in outcomes if one.refusal in REFUSALS]
    assert (len(won), len(lost)) == (1, 1), outcomes
    assert lost[0].first == won[0].name, outcomes
    assert lost[0].since, outcomes
    return won[0].record_id


def at_once(clerks: list[Clerk], pairs: list[Pair]) -> list[str]:
    """Two doubles at the same moment, four clerks; the records that were linked."""
    wishes = [wish for pair in pairs for wish in pair]
    for clerk, wish in zip(clerks, wishes, strict=True):
        clerk.line.send(wish)
    outcomes = [clerk.outcome() for clerk in clerks]
    return [winner(outcomes[:2]), winner(outcomes[2:])]


def race(access: SharedInstallation, clerks: list[Clerk], pair: Callable[[], Pair]) -> None:
    """Play all doubles, by turns within one server process and between two of them."""
    ada, ben, cem, dee = clerks
    before = access.puts()
    won: list[str] = []
    for number in range(DOUBLES // 2):
        seats = [ada, ben, cem, dee] if number % 2 else [ada, cem, ben, dee]
        won += at_once(seats, [pair(), pair()])
    assert len(won) == len(set(won)) == DOUBLES
    assert access.puts() - before == Counter(won)


def test_one_contact_confirmed_on_two_records_at_once_reaches_exactly_one(
    access: SharedInstallation, clerks: list[Clerk]
) -> None:
    def pair() -> Pair:
        contact = str(uuid.uuid4())
        return decision(access.record(), contact), decision(access.record(), contact)

    race(access, clerks, pair)


def test_two_contacts_confirmed_on_one_record_at_once_leave_exactly_one_there(
    access: SharedInstallation, clerks: list[Clerk]
) -> None:
    def pair() -> Pair:
        record_id = access.record()
        return decision(record_id, str(uuid.uuid4())), decision(record_id, str(uuid.uuid4()))

    race(access, clerks, pair)


def test_the_same_race_catches_a_path_that_looks_and_then_writes(
    access: SharedInstallation,
) -> None:
    commusoft, before = access.workspace.commusoft, access.puts()
    records = [access.record() for _ in range(20)]
    start = threading.Barrier(2)

    def look_and_write(reference: str) -> None:
        for record_id in records:
            start.wait(30)
            record = commusoft.record("customer", number_of(record_id))
            if record.reference is None:
                commusoft.write_reference(record, reference)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(look_and_write, (str(uuid.uuid4()), str(uuid.uuid4()))))
    assert access.puts() - before != Counter(records)


def test_one_key_in_eight_threads_makes_one_link_one_put_and_one_answer(
    access: SharedInstallation,
) -> None:
    before = access.puts()
    records = [access.record() for _ in range(IMPATIENT)]
    start = threading.Barrier(THREADS)
    with ThreadPoolExecutor(THREADS) as pool:
        for record_id in records:
            wish, key = decision(record_id, str(uuid.uuid4())), new_key()

            def click(_: int, wish: Decision = wish, key: str = key) -> tuple[str, LinkState]:
                start.wait(30)
                link = confirm(access.workspace, wish, key, access.device_id)
                return link.id, link.state

            answers = set(pool.map(click, range(THREADS)))
            assert len(answers) == 1
            assert answers.pop()[1] is LinkState.LINKED
    assert access.puts() - before == Counter(records)
