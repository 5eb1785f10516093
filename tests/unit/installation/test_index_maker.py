"""A machine makes the index files that it lacks, for all active firms, ahead of questions."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update
from structlog.testing import capture_logs

from browsers.real_services import wait_until
from crmlink.access.devices import command_line_actor
from crmlink.access.workspaces import make_workspace, rename_workspace, suspend_workspace
from crmlink.installation import Installation
from crmlink.linking import index_maker
from crmlink.linking.connections import save_connection
from crmlink.linking.index_maker import IndexMaker
from crmlink.linking.live_matcher import LiveMatcher
from crmlink.matching import Matcher
from crmlink.matching.index_file import saved_index
from crmlink.store import Device, MirroredRecord, WorkspaceConnection
from crmlink.store.base import Base, utc_now
from crmlink.store.index_files import IndexFiles
from crmlink.store.workspaces import find_workspace, list_workspaces
from crmlink.values.contact_details import ContactDetails
from crmlink.worker import Worker
from support.sandbox import SandboxHandle, connection_to

OWUSU = ContactDetails(person="Ama Owusu")


@pytest.fixture
def firms(installation: Installation, sandbox: SandboxHandle) -> Installation:
    """Three firms with the same records, on a machine without files."""
    first = list_workspaces(installation.database)[0]
    rename_workspace(installation.sign_in, first, "Firm 1")
    for number in (2, 3):
        made, _ = make_workspace(installation.sign_in, f"Firm {number}")
        account = connection_to(sandbox.address)
        save_connection(installation.database, made.id, account, vault=installation.first.vault())
        with installation.workspaces.use(made.id) as workspace:
            copy_records(installation, workspace.context.connection_id)
    assert files_of(installation) == set()
    return installation


def copy_records(installation: Installation, connection_id: int) -> None:
    table = Base.metadata.tables[MirroredRecord.__tablename__]
    columns = [column for column in table.columns if column.name not in ("id", "connection_id")]
    with installation.database.writing() as session:
        first = session.get_one(WorkspaceConnection, installation.workspace.connection_id)
        rows = session.execute(select(*columns).where(table.c.connection_id == first.id)).mappings()
        session.execute(insert(table), [{**row, "connection_id": connection_id} for row in rows])
        own = session.get_one(WorkspaceConnection, connection_id)
        own.mirror_version = first.mirror_version


def connections(installation: Installation) -> list[WorkspaceConnection]:
    """The connections in use, the first firm's first."""
    with installation.database.reading() as session:
        query = select(WorkspaceConnection).filter_by(ended_at=None)
        return list(session.scalars(query.order_by(WorkspaceConnection.workspace_id)))


def folder(installation: Installation) -> IndexFiles:
    files = installation.database.index_files
    assert files
    return files


def files_of(installation: Installation) -> set[str]:
    return {file.stem for file in folder(installation).folder.glob("*.index")}


def file_of(installation: Installation, place: int) -> Path:
    return folder(installation).of(connections(installation)[place].public_id)


def makers() -> list[multiprocessing.process.BaseProcess]:
    """The processes that make files; a test before may have left others."""
    return [each for each in multiprocessing.active_children() if each.name == "crmlink-index"]


def make_files(installation: Installation) -> None:
    IndexMaker(installation.database, lambda: False).make_files()


def test_a_machine_without_files_gets_those_of_all_active_firms(
    firms: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspended = connections(firms)[1]
    workspace = find_workspace(firms.database, suspended.workspace_id)
    suspend_workspace(firms.sign_in, workspace, suspended=True)
    make_files(firms)
    assert files_of(firms) == {each.public_id for each in connections(firms)} - {
        suspended.public_id
    }
    monkeypatch.setattr(Matcher, "update", take_no_record)
    for each in (connections(firms)[0], connections(firms)[2]):
        database = firms.database.of(each.workspace_id)
        [found, *_] = LiveMatcher(database, each.id, folder(firms)).matcher().suggest(OWUSU).items
        assert found.record_id == "customer-1008"


def take_no_record(_: Matcher, records: Iterable[object], *_stamps: object) -> None:
    assert list(records) == []  # those of a file are not normalised again


def test_a_broken_firm_keeps_no_other_from_its_file(firms: Installation) -> None:
    broken, *others = connections(firms)
    with firms.database.writing() as session:
        unreadable = update(MirroredRecord).values(other_addresses=[{"street": "1"}])
        session.execute(unreadable.filter_by(connection_id=broken.id))
    use(firms, broken.workspace_id)  # so that it comes first
    with capture_logs() as logs:
        make_files(firms)
    assert files_of(firms) == {each.public_id for each in others}
    [line] = [each for each in logs if each["event"] == "matching index not made ahead"]
    assert (line["workspace"], line["problem"]) == (broken.workspace_id, "TypeError")


def use(installation: Installation, workspace_id: int) -> None:
    """Let a device of a firm have been used now."""
    with installation.workspaces.use(workspace_id) as workspace:
        device_id = command_line_actor(workspace.access).device.id
    with installation.database.writing() as session:
        session.get_one(Device, device_id).last_used_at = utc_now()


def test_the_firm_used_last_comes_first(firms: Installation) -> None:
    for each in (connections(firms)[2], connections(firms)[1]):
        use(firms, each.workspace_id)
    make_files(firms)
    written = sorted(range(3), key=lambda place: file_of(firms, place).stat().st_mtime_ns)
    assert written == [1, 2, 0]


def test_files_of_a_database_that_was_restored_since_are_made_again(firms: Installation) -> None:
    make_files(firms)
    with firms.database.writing() as session:
        restored = session.get_one(WorkspaceConnection, connections(firms)[1].id)
        restored.mirror_version, restored.index_marks = restored.mirror_version, None
    before = [file_of(firms, place).stat().st_mtime_ns for place in range(3)]
    make_files(firms)
    after = [file_of(firms, place).stat().st_mtime_ns for place in range(3)]
    assert [one != other for one, other in zip(before, after, strict=True)] == [False, True, False]


def test_only_files_far_behind_the_mirror_are_made_again(firms: Installation) -> None:
    make_files(firms)
    before = [file_of(firms, place).stat().st_mtime_ns for place in range(3)]
    change_records(firms, 0, 1)
    change_records(firms, 1, 20)
    file_of(firms, 2).write_bytes(b"of an older crmlink")
    make_files(firms)
    after = [file_of(firms, place).stat().st_mtime_ns for place in range(3)]
    assert [one != other for one, other in zip(before, after, strict=True)] == [False, True, True]
    for place in (1, 2):
        saved = saved_index(file_of(firms, place))
        assert saved
        assert saved.mirror_version == connections(firms)[place].mirror_version
    make_files(firms)
    assert [file_of(firms, place).stat().st_mtime_ns for place in range(3)] == after


def change_records(installation: Installation, place: int, count: int) -> None:
    """Change references: the mirror moves on, and what is matched does not."""
    with installation.database.writing() as session:
        own = session.get_one(WorkspaceConnection, connections(installation)[place].id)
        own.mirror_version += 1
        for row in session.scalars(
            select(MirroredRecord).filter_by(connection_id=own.id).limit(count)
        ):
            row.mirror_version = own.mirror_version


def test_while_another_process_of_the_machine_makes_them_nothing_is_done(
    firms: Installation,
) -> None:
    with folder(firms).only_maker() as is_alone:
        assert is_alone
        make_files(firms)
        assert files_of(firms) == set()
    make_files(firms)
    assert len(files_of(firms)) == 3


def test_with_little_room_on_the_disk_nothing_is_made(
    firms: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_maker, "MIN_FREE_BYTES", 2**60)
    with capture_logs() as logs:
        make_files(firms)
    assert files_of(firms) == set()
    assert "no room to make matching indexes ahead" in [each["event"] for each in logs]


def test_a_stop_ends_it_with_no_unfinished_file_and_no_process(firms: Installation) -> None:
    stopping = threading.Event()
    maker = IndexMaker(firms.database, stopping.is_set)
    with ExitStack() as held:
        session = held.enter_context(firms.database.writing())
        if firms.database.is_shared:  # the process waits for the table, however long
            session.connection().exec_driver_sql("LOCK TABLE record IN ACCESS EXCLUSIVE MODE")
        thread = threading.Thread(target=maker.make_files)
        thread.start()
        wait_until(makers, "a process makes them")
        stopping.set()
        thread.join(30)
        assert not thread.is_alive()
    left = {file.name for file in folder(firms).folder.iterdir() if ".new" in file.name}
    assert left == set()
    assert makers() == []


def test_a_machine_of_several_makes_them_from_its_start(firms: Installation) -> None:
    worker = Worker(firms, whole=False)
    worker.start()
    try:
        if firms.database.is_shared:
            wait_until(lambda: len(files_of(firms)) == 3, "all files are made")
    finally:
        worker.stop()
    if not firms.database.is_shared:
        assert files_of(firms) == set()  # its syncs write them


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_worker_that_stops_leaves_no_process_that_makes_them(firms: Installation) -> None:
    worker = Worker(firms, whole=False)
    with firms.database.connect_directly() as psql, psql.transaction():
        psql.execute("LOCK TABLE record IN ACCESS EXCLUSIVE MODE")  # so the process has to wait
        worker.start()
        try:
            wait_until(makers, "a process makes them")
        finally:
            worker.stop()
        assert makers() == []
    assert not files_of(firms)
