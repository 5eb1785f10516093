"""The doctor's write test overwrites no link and loses no value, whatever ends it."""

from __future__ import annotations

import itertools
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select

from browsers.real_services import _environment, wait_until
from crmlink.access.devices import command_line_actor
from crmlink.access.personal_data.subject import erase
from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.errors import CommusoftTimeout, CommusoftUnreachable
from crmlink.commusoft.records import Record
from crmlink.commusoft.sandbox.shapes import UpdateForm
from crmlink.installation import Installation, open_installation
from crmlink.linking.attempts import recover
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import confirm
from crmlink.linking.errors import LinkingError
from crmlink.linking.write_tests import MAX_RESTORES
from crmlink.settings import Settings
from crmlink.store import Link, LinkState, Process, WriteTest
from faults.gate import gated_sandbox
from support.access_factories import make_person
from support.other_process import count_as_dead, other_process
from support.page_client import PageClient, signed_in_client, words
from support.prepared_process import CRMLINK, PreparedProcess, Streams
from support.sandbox import (
    FAST_LIMITS,
    HOLLOWAY,
    OTHER,
    SandboxHandle,
    connection_to,
    decision,
    new_key,
)

RECORD, TRIAL = "customer-1002", "TRIAL-1"
PLAIN = "customer-2011"  # has a county and no title
SECRET = "k" * 20 + "0123456789abcdefghijklmnopqrs"


@pytest.fixture
def admin(app: Flask, installation: Installation) -> PageClient:
    return signed_in_client(app, installation, make_person(installation.access, "admin"))


def write_test(admin: PageClient) -> str:
    """Examine the account and write to the record; what the page says."""
    return words(admin.send("/commusoft/doctor", record=RECORD, agreed="yes"))


def open_tests(installation: Installation) -> int:
    with installation.database.reading() as session:
        return session.query(WriteTest).count()


def left_behind(ctx: WorkspaceContext, device_id: int, **more: Any) -> WorkspaceContext:
    """A write test whose process died; returns a context that knows no more than its row."""
    dead = other_process(ctx)
    fields = {
        "connection_id": ctx.connection_id, "device_id": device_id, "kind": "customer",
        "record_number": "1002", "prior": OTHER, "trial": TRIAL, "writes": 2, "writes_over": 1,
    }  # fmt: skip
    with ctx.database.writing() as session:
        session.add(WriteTest(**fields | more, owner_id=dead.ownership.register(session)))
    count_as_dead(dead)
    return other_process(ctx)


def test_no_link_is_decided_while_its_record_is_written_to(
    installation: Installation, admin: PageClient, sandbox: SandboxHandle, device_id: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A clerk links between the doctor's read and its PUT of the record's own, empty reference."""
    calls, refused = itertools.count(), []
    plain = CommusoftClient.write_reference

    def late(self: CommusoftClient, record: Record, reference: str | None, **more: Any) -> None:
        if next(calls) == 0:
            try:
                confirm(installation.workspace, decision(RECORD), new_key(), device_id)
            except LinkingError as failure:
                refused.append(failure.code)
        return plain(self, record, reference, **more)

    monkeypatch.setattr(CommusoftClient, "write_reference", late)
    assert "nothing else changed" in write_test(admin)
    with installation.database.reading() as session:
        overwritten = session.query(Link).filter_by(state=LinkState.LINKED).count()
    assert (refused, overwritten) == (["record-being-tested"], 0)
    assert open_tests(installation) == 0
    link = confirm(installation.workspace, decision(RECORD), new_key(), device_id)
    assert (link.state, sandbox.reference(RECORD)) == (LinkState.LINKED, HOLLOWAY)


def test_a_record_whose_link_is_on_its_way_is_not_written_to(
    installation: Installation, admin: PageClient, sandbox: SandboxHandle, device_id: int
) -> None:
    link = Link(
        connection_id=installation.workspace.connection_id, device_id=device_id,
        idempotency_key=new_key(), fingerprint="", package="xero", kind="customer",
        reference=HOLLOWAY, contact_name="", record_number="1002", record_label="",
        target=HOLLOWAY,
    )  # fmt: skip
    with installation.database.writing() as session:
        session.add(link)
    assert "it is being linked" in write_test(admin)
    assert sandbox.other_user.record("customer", "1002").reference is None
    assert open_tests(installation) == 0


def test_a_doctor_killed_with_its_trial_on_the_record_loses_nothing(tmp_path: Path) -> None:
    """SIGKILL after the trial's PUT, by a real process; the next one puts the own value back."""
    with gated_sandbox() as (address, gate):
        commusoft = SandboxHandle(address, lambda: None)
        commusoft.put_reference(RECORD, OTHER)
        data = tmp_path / "data"
        environment = _environment(data, address) | {"CRMLINK_COMMUSOFT_PER_SECOND": "1000"}
        own = gate.hold(RECORD)
        command = ("doctor", "--write-test", RECORD, "--trial", TRIAL, "--yes")
        doctor = PreparedProcess(CRMLINK, command, Streams(), environment)
        own.wait()
        trial = gate.hold(RECORD)
        own.release()
        trial.wait()
        trial.carry_out()
        doctor.send_signal(signal.SIGKILL)
        assert doctor.wait(10) == -signal.SIGKILL
        trial.release()
        assert commusoft.reference(RECORD) == TRIAL
        settings = Settings(
            data_dir=data, database_url=f"sqlite:///{data / 'crmlink.sqlite'}",
            secret_key=environment.get("CRMLINK_SECRET_KEY") or (data / "secret.key").read_text(),
            commusoft=connection_to(address),
        )  # fmt: skip
        client = CommusoftClient(connection_to(address), limits=FAST_LIMITS)
        installation = open_installation(settings, client)
        with installation.database.writing() as session:
            session.execute(delete(Process))
        recover(installation.workspace)
        assert (commusoft.reference(RECORD), open_tests(installation)) == (OTHER, 0)
        installation.close()


@pytest.mark.parametrize(
    ("update", "number", "step"),
    [
        ("N", 5, "done"),  # the trial value is on it, and a field was not sent
        ("N", 6, "arrived"),  # its own value is on its way back
        ("N-empties", 4, "done"),  # its county is gone
        ("N-empties", 5, "arrived"),  # its county is on its way back
        ("N-empties", 5, "done"),
    ],
)
def test_a_doctor_killed_while_it_proves_a_form_loses_nothing(
    tmp_path: Path, database_url: str, update: UpdateForm, number: int, step: str
) -> None:
    """SIGKILL of a real process at the form's PUTs; three other ways were refused before."""
    with gated_sandbox(update=update) as (address, gate):
        commusoft = SandboxHandle(address, lambda: None)
        before = everything_of(commusoft, PLAIN)
        data = tmp_path / "data"
        data.mkdir(mode=0o700)
        environment = _environment(data, address) | {
            "CRMLINK_COMMUSOFT_PER_SECOND": "1000",
            "CRMLINK_DATABASE_URL": database_url,
            "CRMLINK_SECRET_KEY": SECRET,
        }
        put = gate.hold(PLAIN, "PUT", number)
        command = ("doctor", "--write-test", PLAIN, "--trial", TRIAL, "--yes")
        doctor = PreparedProcess(CRMLINK, command, Streams(), environment)
        put.wait()
        if step == "done":
            put.carry_out()
        doctor.send_signal(signal.SIGKILL)
        assert doctor.wait(10) == -signal.SIGKILL
        put.release()
        settings = Settings(
            data_dir=data,
            database_url=database_url,
            secret_key=SECRET,
            commusoft=connection_to(address),
        )
        client = CommusoftClient(connection_to(address), limits=FAST_LIMITS)
        installation = open_installation(settings, client)
        with installation.database.writing() as session:
            session.execute(delete(Process))

        def is_over() -> bool:
            recover(installation.workspace)
            return open_tests(installation) == 0

        wait_until(is_over, "the write test ends")
        assert everything_of(commusoft, PLAIN) == before
        installation.close()


def everything_of(commusoft: SandboxHandle, record_id: str) -> dict[str, Any]:
    """All that Commusoft shows of a customer, but when it was last saved."""
    shown = dict(commusoft.other_user.record("customer", record_id.partition("-")[2]).raw)
    del shown["updatedAt"]
    return shown


def test_what_a_form_took_and_commusoft_does_not_take_back_stays_to_be_seen(
    ctx: WorkspaceContext, installation: Installation, sandbox: SandboxHandle, device_id: int,
    admin: PageClient,
) -> None:  # fmt: skip
    """The value is kept and shown, nothing is linked meanwhile, and it ends when it is there."""
    held = dict(ctx.commusoft.record("customer", "1002").raw)
    own_email = held["emailaddress"]
    before = held | {"addressline3": "Back gate", "boilermake": "Worcester"}
    fresh = left_behind(
        ctx, device_id, trial=None, before=before, writes=MAX_RESTORES, writes_over=MAX_RESTORES
    )
    recover(fresh)
    assert open_tests(installation) == 1
    page = admin.read("/commusoft")
    assert "What customer-1002 held before" in page
    assert "could not yet compare the record" in page
    assert "Back gate" in page
    with pytest.raises(LinkingError):
        confirm(ctx, decision(RECORD), new_key(), device_id)
    erase(installation.access, command_line_actor(installation.access), RECORD)
    with installation.database.reading() as session:
        assert session.scalars(select(WriteTest.before)).all() == [None]
    assert own_email not in admin.read("/commusoft")


def test_a_trial_that_may_still_land_is_waited_for(
    ctx: WorkspaceContext, installation: Installation, sandbox: SandboxHandle, device_id: int
) -> None:
    sandbox.put_reference(RECORD, OTHER)
    fresh = left_behind(ctx, device_id)
    slow = CommusoftClient(
        ctx.commusoft.connection, limits=replace(FAST_LIMITS, late_write_seconds=60)
    )
    patient = replace(fresh, commusoft=slow)
    recover(patient)
    with pytest.raises(LinkingError):
        confirm(ctx, decision(RECORD, replaces=OTHER), new_key(), device_id)
    assert open_tests(installation) == 1
    sandbox.put_reference(RECORD, TRIAL)  # it lands
    recover(fresh)
    assert (sandbox.reference(RECORD), open_tests(installation)) == (OTHER, 0)


def test_a_value_that_someone_else_put_there_is_left(
    ctx: WorkspaceContext, installation: Installation, sandbox: SandboxHandle, device_id: int
) -> None:
    sandbox.put_reference(RECORD, HOLLOWAY)
    recover(left_behind(ctx, device_id))
    assert (sandbox.reference(RECORD), open_tests(installation)) == (HOLLOWAY, 0)


def test_a_record_that_is_gone_ends_its_write_test(
    ctx: WorkspaceContext, installation: Installation, sandbox: SandboxHandle, device_id: int
) -> None:
    sandbox.delete(RECORD)
    recover(left_behind(ctx, device_id))
    assert open_tests(installation) == 0


@pytest.mark.parametrize("error", [CommusoftTimeout(), CommusoftUnreachable()])
def test_an_own_value_that_cannot_be_put_back_now_is_put_back_later(
    ctx: WorkspaceContext, installation: Installation, sandbox: SandboxHandle, device_id: int,
    admin: PageClient, monkeypatch: pytest.MonkeyPatch, error: Exception,
) -> None:  # fmt: skip
    sandbox.put_reference(RECORD, TRIAL)
    fresh = left_behind(ctx, device_id)

    def fail(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(CommusoftClient, "write_reference", fail)
        recover(fresh)
    assert (sandbox.reference(RECORD), open_tests(installation)) == (TRIAL, 1)
    assert f"its own reference {OTHER} back" in admin.read("/commusoft")
    recover(fresh)
    assert (sandbox.reference(RECORD), open_tests(installation)) == (OTHER, 0)
    assert "is not finished" not in admin.read("/commusoft")


def test_a_write_test_that_a_living_process_does_is_left_to_it(
    ctx: WorkspaceContext, installation: Installation, sandbox: SandboxHandle, device_id: int
) -> None:
    sandbox.put_reference(RECORD, TRIAL)
    living = other_process(ctx)
    with ctx.database.writing() as session:
        test = WriteTest(
            connection_id=ctx.connection_id,
            device_id=device_id,
            kind="customer",
            record_number="1002",
            prior=OTHER,
            trial=TRIAL,
            owner_id=living.ownership.register(session),
        )
        session.add(test)
    recover(ctx)
    assert (sandbox.reference(RECORD), open_tests(installation)) == (TRIAL, 1)
