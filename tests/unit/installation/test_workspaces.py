"""Workspaces open in a process: kept while in use, let go of when idle; the worker's turns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.contextvars import get_contextvars

from crmlink.access.devices import command_line_actor
from crmlink.access.workspaces import make_workspace, rename_workspace, suspend_workspace
from crmlink.batches.match_job import start_matching
from crmlink.batches.state import find_batch
from crmlink.installation import Installation, OpenWorkspace, each_firm
from crmlink.installation.each_firm import EachFirm
from crmlink.installation.workspaces import IDLE_SECONDS, OpenWorkspaces
from crmlink.store import BatchState, Workspace
from crmlink.store.workspaces import find_workspace, list_workspaces
from crmlink.worker import Worker
from support.batch_factories import BOUND, imported, lines_of, rows_of
from support.clocks import SimulatedClock


@pytest.fixture
def second(installation: Installation) -> Workspace:
    """A second firm, with practice data."""
    first = list_workspaces(installation.database)[0]
    rename_workspace(installation.sign_in, first, "Holloway Plumbing")
    return make_workspace(installation.sign_in, "Quill Heating")[0]


@pytest.fixture
def ids(installation: Installation, second: Workspace) -> list[int]:
    """The ids of four firms."""
    more = [make_workspace(installation.sign_in, name)[0].id for name in ("Third", "Fourth")]
    return [installation.access.workspace_id, second.id, *more]


def test_what_is_in_use_stays_and_what_was_left_first_goes(
    installation: Installation, ids: list[int]
) -> None:
    opened = OpenWorkspaces(installation._open_workspace, max_open=2)
    kept = opened.acquire(ids[0])
    for workspace_id in ids[1:]:
        with opened.use(workspace_id):
            pass
    assert opened.opened() == [ids[0], ids[3]]
    assert opened.acquire(ids[0]) is kept


def test_what_is_used_twice_is_let_go_of_after_its_last_use(
    installation: Installation, ids: list[int]
) -> None:
    clock = SimulatedClock()
    opened = OpenWorkspaces(installation._open_workspace, clock=clock)
    workspace = opened.acquire(ids[1])
    with opened.use(ids[1]) as again:
        assert again is workspace
    clock.now = IDLE_SECONDS + 1
    with opened.use(ids[2]):
        assert opened.opened() == [ids[1], ids[2]]
    opened.release(workspace)
    clock.now += IDLE_SECONDS + 1
    with opened.use(ids[3]):
        assert opened.opened() == [ids[3]]


def test_a_request_that_outlasts_the_process_ends_without_an_error(
    installation: Installation, ids: list[int]
) -> None:
    opened = OpenWorkspaces(installation._open_workspace)
    with opened.use(ids[1]):
        opened.close()
    assert opened.opened() == []


def test_each_firm_has_its_own_files_and_account(
    installation: Installation, second: Workspace
) -> None:
    with installation.workspaces.use(second.id) as other:
        first = installation.first
        assert first.folder == installation.settings.data_dir
        assert other.folder == Path(first.folder, "workspaces", second.public_id)
        assert first.account_of_environment == installation.settings.commusoft
        assert other.account_of_environment is None
        assert other.context.practice
        assert not first.context.practice
        other.context.rule_file.own.write_text("{}")
        assert not first.context.rule_file.own.exists()


def test_the_worker_matches_each_firms_lists_against_its_own_records(
    installation: Installation, second: Workspace
) -> None:
    lines = lines_of(installation.workspace, 3)
    lists = []
    for workspace_id in (installation.access.workspace_id, second.id):
        with installation.workspaces.use(workspace_id) as workspace:
            device_id = command_line_actor(workspace.access).device.id
            batch_id = imported(workspace.context, device_id, lines).batch.id
            start_matching(workspace.context, device_id, batch_id, BOUND)
            lists.append((workspace.context, batch_id))
    Worker(installation)._match_batches()
    assert {find_batch(ctx, batch_id).state for ctx, batch_id in lists} == {BatchState.REVIEW}
    offered = [[bool(row.offers) for row in rows_of(*each)] for each in lists]
    assert offered[0] == [True] * 3
    assert offered[1] == [False] * 3, "the second firm has no records"


def test_one_firms_failure_keeps_no_other_from_its_turn(
    installation: Installation, second: Workspace
) -> None:
    worked: list[int] = []

    def work(workspace: OpenWorkspace, _: Callable[[], bool]) -> bool:
        worked.append(workspace.id)
        if workspace is installation.first:
            raise RuntimeError("of the first firm")
        return True

    with pytest.raises(RuntimeError, match="of the first firm"):
        EachFirm(installation, lambda: False).do(work)
    assert worked == [installation.first.id, second.id]


def test_lines_of_the_log_name_the_firm_that_is_worked_for(
    installation: Installation, second: Workspace
) -> None:
    seen: list[object] = []

    def work(workspace: OpenWorkspace, _: Callable[[], bool]) -> None:
        named = [get_contextvars(), workspace.context.attempts.submit(get_contextvars).result()]
        seen.append([each.get("workspace") == workspace.id for each in named])

    EachFirm(installation, lambda: False).do(work)
    assert seen == [[True, True]] * 2
    assert "workspace" not in get_contextvars()


def test_a_turn_ends_only_where_another_firm_may_wait(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(each_firm, "TIME_SLICE_SECONDS", -1.0)
    ended: list[bool] = []

    def work(_: OpenWorkspace, must_stop: Callable[[], bool]) -> None:
        ended.append(must_stop())

    firms = EachFirm(installation, lambda: False)
    firms.do(work)
    rename_workspace(
        installation.sign_in, list_workspaces(installation.database)[0], "Holloway Plumbing"
    )
    other, _ = make_workspace(installation.sign_in, "Quill Heating")
    firms.do(work)
    suspend_workspace(installation.sign_in, other, suspended=True)
    firms.do(work)
    assert ended == [False, True, True, False]


def test_work_in_progress_ends_when_its_firm_is_suspended(
    installation: Installation, second: Workspace
) -> None:
    with installation.workspaces.use(second.id) as workspace:
        ctx = workspace.context
        workspace._checked_at = float("-inf")
        assert not workspace.has_left(ctx)
        suspend_workspace(installation.sign_in, second, suspended=True)
        workspace._checked_at = float("-inf")
        assert workspace.has_left(ctx)
    assert find_workspace(installation.database, second.id).suspended_at is not None
