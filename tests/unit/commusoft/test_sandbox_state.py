"""The sandbox's memory: the same people for the same seed, edits that outlive a kill."""

import json
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from crmlink.commusoft.sandbox import StateDamaged
from crmlink.commusoft.sandbox.generator import population
from crmlink.commusoft.sandbox.record_store import RecordStore
from crmlink.commusoft.sandbox.seeded_random import word_list
from crmlink.kinds import KINDS, Kind
from support.faulty_sandbox.records import FaultyRecords

COUNTS: dict[Kind, int] = {"customer": 40, "supplier": 15}


def ledger(state: Path | None = None, seed: int = 1) -> FaultyRecords:
    return FaultyRecords(COUNTS, seed, state)


def reference(book: RecordStore, number: str) -> str:
    entry = book.by_number("customer", number)
    assert entry
    return entry.reference


def put(book: RecordStore, number: str, value: str) -> None:
    entry = book.by_number("customer", number)
    assert entry
    book.change(entry, {"reference": value})


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_records_however_many(kind: Kind) -> None:
    few, many = list(population(kind, 60, 7)), list(population(kind, 300, 7))
    assert many[:60] == few
    assert len({one.number for one in many}) == len({one.uuid for one in many}) == 300
    other = list(population(kind, 60, 8))
    cast = len(word_list("cast")[kind])
    assert other[:cast] == few[:cast]
    assert all(mine != theirs for mine, theirs in zip(few[cast:], other[cast:], strict=True))


def test_no_one_can_be_rung_up_or_written_to() -> None:
    drama = re.compile(
        r"01632 960\d{3}|07700 900\d{3}|020 7946 0\d{3}|029 2018 0\d{3}|0191 498 0\d{3}"
        r"|01(1[3-8]|21|31|41|51|61) 496 0\d{3}|028 9649 6\d{3}"
    )
    for kind in KINDS:
        for entry in population(kind, 1500, 3):
            assert not entry.email or entry.email.endswith(".example")
            for phone in (entry.telephone, entry.mobile):
                assert not phone or drama.fullmatch(phone)


def test_every_postcode_belongs_to_its_town() -> None:
    districts = {town["town"]: town["outward"] for town in word_list("places")["towns"]}
    for entry in list(population("customer", 1500, 3))[10:]:
        if entry.postcode:
            assert entry.postcode.split()[0] in districts[entry.town]
            assert re.fullmatch(r"[A-Z]{1,2}\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2}", entry.postcode)


def test_the_people_are_as_mixed_and_as_incomplete_as_real_ones() -> None:
    people = list(population("customer", 2000, 1))
    assert len(people) == 2000

    def share(count: int) -> float:
        return count / len(people)

    homes = Counter((one.line1, one.line2, one.town) for one in people)
    names = Counter(one.person for one in people if not one.company)
    assert 0.03 < share(sum(size > 1 for size in homes.values())) < 0.12
    assert 0.1 < share(sum(size for size in names.values() if size > 1)) < 0.5
    assert 0.1 < share(sum(not one.email for one in people)) < 0.35
    assert 0.1 < share(sum(bool(one.company) for one in people)) < 0.3
    assert 0.03 < share(sum(bool(one.reference) for one in people)) < 0.15
    assert 0.01 < share(sum(one.deleted for one in people)) < 0.05
    assert any("t/a" in one.company for one in people)


def test_edits_outlive_a_restart(tmp_path: Path) -> None:
    first = ledger(tmp_path / "state")
    put(first, "1001", "Ünï 1")
    put(first, "1001", "2")
    first.close()
    second = ledger(tmp_path / "state")
    assert reference(second, "1001") == "2"
    assert [(one.record, one.before, one.after) for one in second.writes()] == [
        ("customer-1001", "", "Ünï 1"),
        ("customer-1001", "Ünï 1", "2"),
    ]


@pytest.mark.parametrize("torn", [1, 5, 30])
def test_half_a_last_line_is_cut_off_and_the_rest_kept(tmp_path: Path, torn: int) -> None:
    state = tmp_path / "state"
    first = ledger(state)
    put(first, "1001", "kept")
    put(first, "1002", "torn")
    first.close()
    state.write_bytes(state.read_bytes()[:-torn])
    second = ledger(state)
    assert (reference(second, "1001"), reference(second, "1002")) == ("kept", "")
    put(second, "1003", "after")
    second.close()
    assert reference(ledger(state), "1003") == "after"


@pytest.mark.parametrize(
    "content", [b"no json\n", b'{"sandbox": 1, "seed": 2}\n', b'{"sandbox": 1, "seed": 1}\n{}\n',
                b'{"sandbox": 1, "seed": 1}\n{"record": "customer-99", "set": {}}\n'],
)  # fmt: skip
def test_a_file_that_is_not_this_sandboxs_is_refused_in_a_sentence(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "state").write_bytes(content)
    with pytest.raises(StateDamaged, match=r"[.?]$"):
        ledger(tmp_path / "state")
    assert (tmp_path / "state").read_bytes() == content


WRITER = """
import sys
from pathlib import Path
from crmlink.commusoft.sandbox.record_store import RecordStore
book = RecordStore({"customer": 10, "supplier": 2}, 1, Path(sys.argv[1]))
for number in range(1_000_000):
    entry = book.by_number("customer", "1001")
    book.change(entry, {"reference": str(number)})
    print(number, flush=True)
"""


@pytest.mark.parametrize("edits", [1, 40, 200])
def test_what_was_answered_is_there_after_a_kill(tmp_path: Path, edits: int) -> None:
    state = tmp_path / "state"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(state)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout
    for _ in range(edits):
        writer.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    answered = [edits - 1, *(int(line) for line in writer.stdout if line.endswith("\n"))]
    writer.wait(10)
    book = FaultyRecords({"customer": 10, "supplier": 2}, 1, state)
    kept = [int(write.after) for write in book.writes()]
    assert kept == list(range(len(kept)))
    assert len(kept) - 2 <= answered[-1] < len(kept)
    assert all(json.loads(line) for line in state.read_text().splitlines())
