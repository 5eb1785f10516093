"""An index file is trusted where the database had the very version of the mirror it was made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session

from crmlink.access.devices import command_line_actor
from crmlink.access.personal_data.subject import erase
from crmlink.installation import Installation
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.live_matcher import MAX_MARKS, LiveMatcher
from crmlink.matching.index_file import saved_index
from crmlink.store import Database, MirroredRecord, WorkspaceConnection, connections
from crmlink.store.base import utc_now
from unit.linking.changed_records import change_record


@pytest.fixture
def file(ctx: WorkspaceContext) -> Path:
    """The file of an index that was saved."""
    ctx.index.matcher()
    ctx.index.save()
    assert ctx.database.index_files
    return ctx.database.index_files.of(ctx.public_connection_id)


def restarted(ctx: WorkspaceContext) -> LiveMatcher:
    return LiveMatcher(ctx.database, ctx.connection_id, ctx.database.index_files)


def state(ctx: WorkspaceContext) -> dict[str, Any]:
    """What a backup of the connection's row holds of its mirror."""
    with ctx.database.reading() as session:
        row = connection_of(ctx, session)
        names = ("mirror_version", "mirror_mark", "recent_marks", "index_marks")
        return {name: getattr(row, name) for name in names}


def connection_of(ctx: WorkspaceContext, session: Session) -> WorkspaceConnection:
    return session.get_one(WorkspaceConnection, ctx.connection_id)


def restore(ctx: WorkspaceContext, backup: dict[str, Any]) -> None:
    with ctx.database.writing() as session:
        session.execute(update(WorkspaceConnection).values(backup).filter_by(id=ctx.connection_id))


def restore_row(ctx: WorkspaceContext, **values: Any) -> None:
    """Set what a record had, without counting a version."""
    row = update(MirroredRecord).filter_by(number="1003", kind="customer")
    with ctx.database.writing() as session:
        session.execute(row.values(values))


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The connections whose rows are all compared from here on."""
    seen: list[int] = []
    compare = LiveMatcher._compare

    def noted(self: LiveMatcher, session: Any) -> None:
        seen.append(self._connection_id)
        compare(self, session)

    monkeypatch.setattr(LiveMatcher, "_compare", noted)
    return seen


def test_only_what_changed_later_is_read(
    ctx: WorkspaceContext, file: Path, compared: list[int], installation: Installation
) -> None:
    assert restarted(ctx).matcher().search("owusu") == ["customer-1008"]
    change_record(ctx, "1001", name="Zoltan Quixwood", company="")
    change_record(ctx, "1002", deleted_at=utc_now())
    left = file.read_bytes()
    erase(installation.access, command_line_actor(installation.access), "customer-1008")
    file.write_bytes(left)
    matcher = restarted(ctx).matcher()
    assert matcher.search("quixwood") == ["customer-1001"]
    assert matcher.search("owusu") == []
    assert "customer-1002" not in matcher.stamps()
    assert matcher.stamps() == LiveMatcher(ctx.database, ctx.connection_id).matcher().stamps()
    assert compared == []


def test_each_sync_leaves_a_mark(ctx: WorkspaceContext, file: Path, compared: list[int]) -> None:
    before = state(ctx)
    with ctx.database.writing() as session:
        session.execute(update(MirroredRecord).values(name="Old").filter_by(number="1005"))
    ctx.sync(full=True)
    after = state(ctx)
    assert after["mirror_version"] > before["mirror_version"]
    assert after["mirror_mark"].startswith(f"{after['mirror_version']} ")
    assert after["mirror_mark"] != before["mirror_mark"]
    assert after["recent_marks"].startswith(f"{after['mirror_mark']},")
    assert after["recent_marks"].endswith(before["recent_marks"])
    restarted(ctx).matcher()
    assert compared == []


def test_a_sync_forgets_the_oldest_marks(ctx: WorkspaceContext) -> None:
    restore(ctx, {"recent_marks": "1 a," * connections.MARKS_LENGTH})
    with ctx.database.writing() as session:
        session.execute(update(MirroredRecord).values(name="Old").filter_by(number="1005"))
    ctx.sync(full=True)
    after = state(ctx)
    assert after["recent_marks"].startswith(f"{after['mirror_mark']},")
    assert len(after["recent_marks"]) == connections.MARKS_LENGTH


@pytest.mark.parametrize("beyond", [False, True])
def test_a_restored_database_that_has_counted_on_is_compared(
    ctx: WorkspaceContext, file: Path, compared: list[int], beyond: bool
) -> None:
    """Its records of the versions up to the file's are others than the file's."""
    ctx.index.matcher()
    backup = state(ctx)
    change_record(ctx, "1003", name="Lost Withit", company="")
    change_record(ctx, "1004", name="Lost Too", company="")
    file.unlink()
    lost = restarted(ctx)
    lost.matcher()
    lost.save()
    assert saved_index(file)
    restore(ctx, backup)
    change_record(ctx, "1003", name="Zoltan Quixwood", company="")
    change_record(ctx, "1004", name="Zoltan Quixhill", company="")
    if beyond:
        change_record(ctx, "1005", name="Anyone Else", company="")
    matcher = restarted(ctx).matcher()
    assert matcher.search("quixwood") == ["customer-1003"]
    assert matcher.search("quixhill") == ["customer-1004"]
    assert matcher.search("lost") == []
    assert compared == [ctx.connection_id]


@pytest.mark.parametrize("beyond", [False, True])
def test_a_process_that_ran_during_a_restore_compares_once(
    ctx: WorkspaceContext, file: Path, compared: list[int], beyond: bool
) -> None:
    backup = state(ctx)
    change_record(ctx, "1003", name="Lost Withit", company="")
    ctx.index.matcher()
    restore(ctx, backup)
    change_record(ctx, "1004", name="Any Other", company="")
    if beyond:
        change_record(ctx, "1005", deleted_at=utc_now())
    restore_row(ctx, name="Zoltan Quixwood", mirror_version=backup["mirror_version"])
    running = ctx.index.matcher()
    ctx.index.save(exactly=True)
    for matcher in (running, restarted(ctx).matcher()):
        assert matcher.search("quixwood") == ["customer-1003"]
        assert matcher.search("lost") == []
    assert compared == [ctx.connection_id]


def test_a_comparison_that_failed_is_made_again(
    ctx: WorkspaceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if the database is again the one that was held before."""
    backup = state(ctx)
    change_record(ctx, "1003", name="Zoltan Quixwood", company="")
    ctx.index.matcher()
    held = state(ctx)
    restore(ctx, backup)
    compare = LiveMatcher._compare

    def broken(self: LiveMatcher, session: Any) -> None:
        compare(self, session)
        raise ZeroDivisionError

    restore_row(ctx, name="Lost Withit")
    with monkeypatch.context() as patch:
        patch.setattr(LiveMatcher, "_compare", broken)
        with pytest.raises(ZeroDivisionError):
            ctx.index.matcher()
    restore_row(ctx, name="Zoltan Quixwood")
    restore(ctx, held)
    assert ctx.index.matcher().search("quixwood") == ["customer-1003"]


@pytest.mark.parametrize(("versions", "is_known"), [(3, True), (4, False)])
def test_a_process_that_was_asked_nothing_for_too_many_versions_compares(
    ctx: WorkspaceContext,
    compared: list[int],
    monkeypatch: pytest.MonkeyPatch,
    versions: int,
    is_known: bool,
) -> None:
    ctx.index.matcher()
    mark = state(ctx)["mirror_mark"]
    monkeypatch.setattr(connections, "MARKS_LENGTH", 4 * (len(mark) + 1))
    for number in range(versions):
        change_record(ctx, "1005", name=f"Zoltan {number}")
    assert ctx.index.matcher().search("zoltan") == ["customer-1005"]
    assert compared == [ctx.connection_id][is_known:]


@pytest.mark.parametrize("is_asked_before", [True, False], ids=["request", "asked"])
@pytest.mark.parametrize("changes", [0, 1, 2])
def test_a_process_that_runs_follows_a_restored_database(
    ctx: WorkspaceContext, changes: int, is_asked_before: bool
) -> None:
    """One that has an earlier version, or has counted on to the very one the process holds."""
    ctx.index.matcher()
    backup = state(ctx)
    for name in ("Lost Before", "Lost Withit"):
        change_record(ctx, "1003", name=name, company="")
    assert ctx.index.matcher().search("lost") == ["customer-1003"]
    with ctx.database.reading() as session:
        before = ctx.counts.by_kind(session, connection_of(ctx, session))["customer"]
    restore(ctx, backup)
    restore_row(ctx, name="Zoltan Quixwood", mirror_version=backup["mirror_version"])
    for number in range(changes):
        change_record(ctx, f"{1005 + number}", deleted_at=utc_now())
    with ctx.database.reading() as session:
        connection = connection_of(ctx, session)
        seen = connection.marked_version if is_asked_before else None
        assert ctx.counts.by_kind(session, connection)["customer"] == before - changes
    matcher = ctx.index.matcher(seen)
    assert matcher.search("quixwood") == ["customer-1003"]
    assert matcher.search("lost") == []
    assert len(matcher.stamps()) == len(LiveMatcher(ctx.database, ctx.connection_id).matcher())


def test_a_record_that_is_gone_without_a_trace_is_found_by_counting(
    ctx: WorkspaceContext, file: Path, compared: list[int]
) -> None:
    with ctx.database.writing() as session:
        session.execute(delete(MirroredRecord).filter_by(number="1005", kind="customer"))
    assert "customer-1005" not in restarted(ctx).matcher().stamps()
    assert compared == [ctx.connection_id]


def test_a_server_of_an_older_version_moves_the_mirror_on_without_a_mark(
    ctx: WorkspaceContext, file: Path, compared: list[int]
) -> None:
    version = state(ctx)["mirror_version"] + 1
    restore(ctx, {"mirror_version": version})
    with ctx.database.writing() as session:
        changed = update(MirroredRecord).values(name="Zoltan Quixwood", mirror_version=version)
        session.execute(changed.filter_by(number="1005", kind="customer"))
    file.unlink()
    matcher = restarted(ctx)
    matcher.matcher()
    matcher.save()
    saved = saved_index(file)
    assert saved
    assert (saved.mirror_version, saved.mark) == (version, "")
    assert restarted(ctx).matcher().search("quixwood") == ["customer-1005"]
    assert compared == [ctx.connection_id]


def test_the_database_remembers_a_bounded_number_of_files(
    ctx: WorkspaceContext, file: Path, compared: list[int]
) -> None:
    for number in range(MAX_MARKS + 1):
        change_record(ctx, "1005", name=f"Name {number}")
        ctx.index.matcher()
        ctx.index.save(exactly=True)
    assert len(state(ctx)["index_marks"]) == MAX_MARKS
    assert restarted(ctx).matcher().stamps() == ctx.index.matcher().stamps()
    assert compared == []


def test_a_start_that_failed_halfway_leaves_nothing_of_the_file(
    ctx: WorkspaceContext, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file has a record that the database, restored since, does not have."""
    with ctx.database.writing() as session:
        session.execute(delete(MirroredRecord).filter_by(number="1005", kind="customer"))
    index = restarted(ctx)
    with monkeypatch.context() as broken:
        broken.setattr(LiveMatcher, "_compare", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            index.matcher()
    file.unlink()
    assert "customer-1005" not in index.matcher().stamps()


def test_a_mirror_of_an_older_version_gets_its_first_mark(empty_database_url: str) -> None:
    older = Database(empty_database_url)
    older.migrate("0053")
    with older.writing() as session:
        workspace = (
            "INSERT INTO workspace (id, public_id, name, created_at) "
            "VALUES (1, 'w', 'A', '2026-01-01')"
        )
        connection = (
            "INSERT INTO connection (id, public_id, workspace_id, kind, base_url, client_id, "
            "mirror_version, sync_lease, connected_at) "
            "VALUES (1, 'a', 1, 'sandbox', '', '', 7, '', '2026-01-01')"
        )
        session.execute(text(workspace))
        session.execute(text(connection))
    older.migrate()
    with older.reading() as session:
        row = session.get_one(WorkspaceConnection, 1)
        assert row.marked_version.number == 7
        assert row.marked_version.mark.startswith("7 ")
        assert row.recent_marks == f"{row.marked_version.mark},"
    older.close()
