"""Two people at once, a thousand times, and one impatient browser: one winner and one PUT each."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from crmlink.access.tokens import create_token
from crmlink.linking.decide import Decision, confirm
from crmlink.linking.failures import (
    LinkingFailure,
    LinkInProgress,
    RecordHasReference,
    ReferenceTaken,
)
from crmlink.store import Link, LinkState
from faults.office import Office, opened_office, sandbox_process
from playing import decision, new_key

DOUBLES = 500  # of each sort: a thousand
IMPATIENT = 50
THREADS = 8
PAIRS_AT_ONCE = 2
Outcome = Link | LinkingFailure


@pytest.fixture(scope="module")
def office(lasting_database_url: str, folder: Path) -> Iterator[Office]:
    with (
        sandbox_process(2_200) as address,
        opened_office(lasting_database_url, folder, address) as opened,
    ):
        yield opened


@pytest.fixture(scope="module")
def clerks(office: Office) -> tuple[int, int]:
    """The devices of two people, Ada and Ben."""
    house = office.house
    ada, ben = (
        create_token(house.database, house.desk.workspace_id, "k" * 48, name)[0].id
        for name in ("Ada", "Ben")
    )
    return ada, ben


def outcome(office: Office, wish: Decision, key: str, device_id: int) -> Outcome:
    try:
        return confirm(office.desk, wish, key, device_id)
    except LinkingFailure as failure:
        return failure


def double(office: Office, clerks: tuple[int, int], wishes: tuple[Decision, Decision]) -> str:
    """Two decisions of two people at the same moment; the id of the record that was linked."""
    start = threading.Barrier(2)

    def decide(number: int) -> Outcome:
        start.wait(30)
        return outcome(office, wishes[number], new_key(), clerks[number])

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(decide, (0, 1)))
    won = [one for one in found if isinstance(one, Link)]
    lost = [one for one in found if isinstance(one, LinkingFailure)]
    assert [link.state for link in won] == [LinkState.LINKED]
    assert isinstance(lost[0], LinkInProgress | RecordHasReference | ReferenceTaken)
    assert lost[0].facts["by"] == won[0].device.name
    assert lost[0].facts["since"]
    return won[0].record_id


def doubles(
    office: Office, clerks: tuple[int, int], pairs: list[tuple[Decision, Decision]]
) -> None:
    """Play them all, then hold what the sandbox was sent against who won."""
    before = office.puts()
    with ThreadPoolExecutor(PAIRS_AT_ONCE) as pool:
        winners = list(pool.map(lambda pair: double(office, clerks, pair), pairs))
    assert office.puts() - before == Counter(winners)
    assert len(winners) == len(set(winners)) == DOUBLES


def test_one_contact_confirmed_on_two_records_at_once_reaches_exactly_one(
    office: Office, clerks: tuple[int, int]
) -> None:
    def pair() -> tuple[Decision, Decision]:
        contact = str(uuid.uuid4())
        return decision(office.record(), contact), decision(office.record(), contact)

    doubles(office, clerks, [pair() for _ in range(DOUBLES)])


def test_two_contacts_confirmed_on_one_record_at_once_leave_exactly_one_there(
    office: Office, clerks: tuple[int, int]
) -> None:
    def pair() -> tuple[Decision, Decision]:
        record_id = office.record()
        return decision(record_id, str(uuid.uuid4())), decision(record_id, str(uuid.uuid4()))

    doubles(office, clerks, [pair() for _ in range(DOUBLES)])


def test_one_key_in_eight_threads_makes_one_link_one_put_and_one_answer(office: Office) -> None:
    before = office.puts()
    records = [office.record() for _ in range(IMPATIENT)]
    start = threading.Barrier(THREADS)
    with ThreadPoolExecutor(THREADS) as pool:
        for record_id in records:
            wish, key = decision(record_id, str(uuid.uuid4())), new_key()

            def click(_: int, wish: Decision = wish, key: str = key) -> tuple[str, LinkState]:
                start.wait(30)
                link = confirm(office.desk, wish, key, office.device_id)
                return link.id, link.state

            answers = set(pool.map(click, range(THREADS)))
            assert len(answers) == 1
            assert answers.pop()[1] is LinkState.LINKED
    assert office.puts() - before == Counter(records)
