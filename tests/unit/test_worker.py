"""The worker inside the server: what an earlier process left behind is finished at the start."""

import os
import time
from dataclasses import replace

from sqlalchemy import update
from structlog.testing import capture_logs

from browsers.real_services import wait_until
from crmlink.access.devices import command_line_actor
from crmlink.access.people import invite
from crmlink.batches.accept_sure import accept_sure, draw_sample
from crmlink.batches.control import start_writing
from crmlink.batches.match_job import start_matching
from crmlink.batches.progress import summary
from crmlink.batches.state import find_batch
from crmlink.commusoft.errors import CommusoftUnreachable
from crmlink.installation import Installation
from crmlink.linking.decisions import confirm
from crmlink.linking.suggest import holders
from crmlink.non_overlapping_job import NonOverlappingJob
from crmlink.pages.lists.uploads import FOLDER, RETENTION_SECONDS
from crmlink.store import BatchState, Link, LinkState, WorkspaceConnection
from crmlink.worker import Worker
from support.batch_factories import BOUND, imported, lines_of, rows_of
from support.mail_servers import mail_server
from support.sandbox import HOLLOWAY, OTHER, SandboxHandle, decision, new_key
from unit.linking.test_attempts import fails, meddled


def test_a_link_that_was_on_its_way_is_finished_and_the_mirror_brought_up_to_date(
    installation: Installation, sandbox: SandboxHandle, device_id: int
) -> None:
    away = meddled(installation.workspace, write_reference=fails(CommusoftUnreachable()))
    link = confirm(away, decision(), new_key(), device_id)
    with installation.database.writing() as session:
        session.execute(
            update(Link).values(attempt_id="an attempt", owner_id="a process that died")
        )
        session.execute(update(WorkspaceConnection).values(fully_synced_at=None))
    sandbox.put_reference("customer-1002", OTHER)

    def state() -> LinkState:
        with installation.database.reading() as session:
            return session.get_one(Link, link.id).state

    worker = Worker(installation)
    worker.start()
    try:
        wait_until(lambda: state() is LinkState.LINKED, "the link is finished")
        wait_until(lambda: _knows(installation, OTHER), "the mirror is up to date")
    finally:
        worker.stop()
    assert sandbox.reference("customer-1001") == HOLLOWAY


def test_what_the_mirror_holds_is_ready_to_be_matched_though_commusoft_is_away(
    installation: Installation, sandbox: SandboxHandle
) -> None:
    sandbox.stop()
    worker = Worker(installation)
    worker.start()
    try:
        wait_until(lambda: installation.workspace.index._version.number > 0, "the index is made")
    finally:
        worker.stop()


def _knows(installation: Installation, reference: str) -> bool:

    with installation.database.reading() as session:
        return bool(holders(session, installation.workspace.connection_id, reference))


def test_the_bell_makes_the_worker_match_and_write_a_list(
    installation: Installation, sandbox: SandboxHandle, device_id: int
) -> None:
    ctx = installation.workspace
    batch_id = imported(ctx, device_id, lines_of(ctx, 3)).batch.id
    worker = Worker(installation)
    worker.start()
    try:
        start_matching(ctx, device_id, batch_id, BOUND)
        wait_until(lambda: find_batch(ctx, batch_id).state is BatchState.REVIEW, "it is matched")
        accept_sure(ctx, device_id, batch_id, draw_sample(ctx, batch_id).token)
        start_writing(ctx, device_id, batch_id, summary(ctx, batch_id).to_link)
        wait_until(lambda: find_batch(ctx, batch_id).state is BatchState.DONE, "it is written")
    finally:
        worker.stop()
    row = rows_of(ctx, batch_id)[0]
    assert row.chosen
    assert sandbox.reference(row.chosen.public_id) == row.row.reference


def test_what_has_a_persons_name_for_a_reference_is_not_told_to_the_log(
    installation: Installation, sandbox: SandboxHandle, device_id: int
) -> None:
    away = meddled(installation.workspace, write_reference=fails(CommusoftUnreachable()))
    confirm(away, decision(), new_key(), device_id)
    sandbox.put_reference("customer-1001", "Margaret Holloway")
    with capture_logs() as logs:
        Worker(installation)._recover_links()
    assert [line["problem"] for line in logs if line["event"] == "link finished"] == [
        "record-changed"
    ]
    assert "Holloway" not in str(logs)


def test_a_file_that_no_one_came_back_to_goes_within_a_day_though_no_other_comes(
    installation: Installation,
) -> None:
    folder = installation.settings.data_dir / FOLDER
    folder.mkdir()
    kept, old = folder / "new", folder / "old"
    for file in (kept, old):
        file.write_text("Margaret Holloway")
    long_ago = time.time() - RETENTION_SECONDS - 1
    os.utime(old, (long_ago, long_ago))
    Worker(installation)._delete_expired()
    assert [file.name for file in folder.iterdir()] == ["new"]


def test_a_call_while_a_job_runs_makes_it_look_once_more() -> None:
    looked = []

    def look() -> bool:
        looked.append(True)
        if len(looked) == 1:
            job()  # as a signal that comes when it has looked already
        return False

    job = NonOverlappingJob(look, lambda: False)
    job()
    assert len(looked) == 2


def test_a_web_process_does_no_work_of_the_installation(installation: Installation) -> None:
    whole, part = Worker(installation), Worker(installation, whole=False)
    names = {task.name for task in part._queue._registry.periodic_tasks}
    of_a_machine_of_several = {"make_indexes"} if installation.database.is_shared else set()
    assert names == of_a_machine_of_several | {
        "flush_usage", "flush_anchors", "check_uploads", "delete_uploads", "look_for_update",
        "delete_unfinished", "stop_sandboxes",
    }  # fmt: skip
    assert names < {task.name for task in whole._queue._registry.periodic_tasks}


def test_work_is_left_out_while_another_worker_does_it(installation: Installation) -> None:
    done = []
    work = Worker(installation)._unless_done_elsewhere("back_up", lambda: done.append(True))
    with installation.database.alone("back_up"):
        work()
    assert done == ([] if installation.database.is_shared else [True])


def test_an_email_that_waits_goes_out_and_a_signal_wakes_the_worker(
    installation: Installation,
) -> None:
    access = installation.access

    def invited(email: str) -> None:
        invite(access, command_line_actor(access), "Kim", email, "clerk", by_email=True)

    invited("kim@firm.example")
    with mail_server() as (server, received):
        installation.first.mail = replace(
            installation.mail,
            environment=server,
            public_url="https://crmlink.firm.example",
            practice=lambda: False,
        )
        worker = Worker(installation)
        worker.start()
        try:
            wait_until(lambda: received.recipients == ["kim@firm.example"], "it is sent")
            invited("jo@firm.example")
            installation.wake_workers()
            both = ["kim@firm.example", "jo@firm.example"]
            wait_until(lambda: received.recipients == both, "the other one is sent")
        finally:
            worker.stop()
