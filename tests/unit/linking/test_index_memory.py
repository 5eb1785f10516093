"""The indexes of a process stay within a bound, and one that was let go of answers as before."""

from __future__ import annotations

import gc
import os
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from crmlink.access.devices import command_line_actor
from crmlink.access.personal_data.subject import erase
from crmlink.installation import Installation
from crmlink.linking import live_matcher
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.index_memory import MEGABYTE, IndexMemory
from crmlink.linking.live_matcher import LiveMatcher
from crmlink.matching import Matcher
from crmlink.store.index_files import IndexFiles
from crmlink.values.contact_details import ContactDetails

OWUSU = ContactDetails(person="Ama Owusu")


@dataclass(eq=False)
class Index:
    """Notes whether it was let go of."""

    forgotten: list[bool] = field(default_factory=list)

    def forget(self) -> None:
        self.forgotten.append(True)


def two_of(ctx: WorkspaceContext, most: int) -> tuple[LiveMatcher, LiveMatcher]:
    """Two indexes within one bound."""
    memory = IndexMemory(most)
    one, other = (
        LiveMatcher(ctx.database, ctx.connection_id, ctx.database.index_files, memory)
        for _ in range(2)
    )
    return one, other


def test_an_index_larger_than_the_bound_stays_and_the_log_says_what_it_needs() -> None:
    memory, index = IndexMemory(100 * MEGABYTE), Index()
    with capture_logs() as logs:
        memory.note_use(index, 100 * MEGABYTE)
        memory.note_use(index, 100 * MEGABYTE + 1)
        memory.note_use(index)
        memory.note_use(index, 200 * MEGABYTE)
    found = [entry for entry in logs if "CRMLINK_INDEX_MEMORY" in entry["event"]]
    assert [entry["needs_megabytes"] for entry in found] == [101], "once, when it has outgrown it"
    assert index.forgotten == []


def test_what_was_used_longest_ago_makes_room() -> None:
    memory, (one, two, three) = IndexMemory(100), (Index(), Index(), Index())
    memory.note_use(one, 40)
    memory.note_use(two, 40)
    memory.note_use(one)
    memory.note_use(three, 40)
    assert (two.forgotten, one.forgotten, memory.size) == ([True], [], 80)
    memory.note_use(three, 70)  # has grown
    assert (one.forgotten, memory.size) == ([True], 70)
    memory.note_use(two, 1_000)
    assert (two.forgotten, memory.size) == ([True], 1_000), "the last one stays, however large"


def test_a_closed_workspaces_index_counts_no_longer() -> None:
    memory, closed, kept = IndexMemory(100), Index(), Index()
    memory.note_use(closed, 90)
    del closed
    gc.collect()
    memory.note_use(kept, 90)
    assert memory.size == 90


def test_an_index_that_was_let_go_of_answers_as_before(ctx: WorkspaceContext) -> None:
    one, other = two_of(ctx, most=1)
    before = one.matcher()
    expected = before.suggest(OWUSU)
    assert other.matcher().suggest(OWUSU) == expected
    assert len(one._matcher) == 0, "not let go of"
    assert before.suggest(OWUSU) == expected, "who asked it already goes on"
    assert one.matcher().suggest(OWUSU) == expected
    assert len(other._matcher) == 0


def test_no_one_gets_an_empty_index_while_others_push_it_out(ctx: WorkspaceContext) -> None:
    indexes = two_of(ctx, most=1)
    expected = indexes[0].matcher().suggest(OWUSU)
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda n: indexes[n % 2].matcher().suggest(OWUSU), range(60))
        assert all(answer == expected for answer in answers)


def test_the_installation_bounds_its_indexes(installation: Installation) -> None:
    used = installation.workspace.index.matcher().memory()
    assert installation._indexes.size == used > 1_000_000


def test_the_memory_of_an_index_is_estimated_well() -> None:
    records = [
        (
            f"customer-{n}",
            ContactDetails(
                person=f"Given{n % 97} Family{n}",
                email=f"person{n}@firm{n % 500}.example",
                address=f"{n} Street{n % 300}",
                town="Leeds",
                postcode=f"LS{n % 20} {n % 9}AB",
                phones=(f"0113 {4960000 + n}",),
            ),
        )
        for n in range(3_000)
    ]
    Matcher().update(records[:10])  # what is made once
    tracemalloc.start()
    try:
        matcher = Matcher()
        matcher.update(records)
        matcher.warm_up()
        gc.collect()
        measured = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert 0.6 * measured < matcher.memory() < 1.6 * measured


def test_what_was_slow_to_make_is_kept_in_a_file_at_once(
    ctx: WorkspaceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ctx.database.index_files
    folder = ctx.database.index_files.folder
    ctx.index.matcher()
    assert list(folder.glob("*")) == [], "so few records need no file"
    monkeypatch.setattr(live_matcher, "MIN_SAVED_RECORDS", 5)
    LiveMatcher(ctx.database, ctx.connection_id, ctx.database.index_files).matcher()
    assert len(list(folder.iterdir())) == 1


def test_an_erasure_leaves_other_firms_files(
    ctx: WorkspaceContext, installation: Installation
) -> None:
    """Theirs hold no one of this firm, and take long to make."""
    ctx.index.matcher()
    ctx.index.save()
    assert ctx.database.index_files
    [own] = ctx.database.index_files.folder.iterdir()
    others = own.with_name("0123456789abcdef0123456789abcdef.index")
    others.write_bytes(b"another firm's")
    unfinished = own.with_name(f"{own.name}.0123abcd.new")
    unfinished.write_bytes(b"Owusu")
    erase(installation.access, command_line_actor(installation.access), "customer-1008")
    assert list(own.parent.iterdir()) == [others]


def test_an_erasure_on_one_machine_reaches_the_file_of_another(
    ctx: WorkspaceContext, installation: Installation, tmp_path: Path
) -> None:
    elsewhere = IndexFiles(tmp_path / "another machine")
    machine = LiveMatcher(ctx.database, ctx.connection_id, elsewhere)
    machine.matcher()
    machine.save()
    machine.follow_erasures()
    [file] = elsewhere.folder.iterdir()
    erase(installation.access, command_line_actor(installation.access), "customer-1008")
    assert b"owusu" in file.read_bytes()
    unfinished = file.with_name(f"{file.name}.0123abcd.new")
    unfinished.write_bytes(file.read_bytes())  # by a process that was killed
    machine.follow_erasures()
    assert list(elsewhere.folder.iterdir()) == []
    machine.matcher()
    machine.save()
    later = file.stat().st_mtime + 3_600
    os.utime(file, (later, later))
    machine.follow_erasures()
    assert file.exists(), "it was written after the erasure"
