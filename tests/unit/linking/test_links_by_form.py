"""Links written by a form that was proved: compared like the proof, and refused if more changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.connection import Connection
from crmlink.commusoft.dialect import WEBSERVICE_DIALECT, Dialect
from crmlink.commusoft.doctor import CheckResult
from crmlink.commusoft.errors import CommusoftUnreachable
from crmlink.commusoft.records import Record
from crmlink.commusoft.sandbox.record_store import RecordStore
from crmlink.installation import Installation
from crmlink.linking import examination
from crmlink.linking.attempts import recover
from crmlink.linking.connections import load_dialect, save_dialect
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.decisions import UndoDecision, confirm, undo
from crmlink.linking.write_tests import open_write_tests, recover_write_tests
from crmlink.store import AuditEntry, LinkState, WorkspaceConnection, WriteTest
from support.sandbox import HOLLOWAY, OTHER, decision, new_key
from unit.commusoft.fake_server import QUICK
from unit.commusoft.test_mapped_form import FORM, RECORD, TITLED, commusoft, fields
from unit.linking.test_attempts import meddled

PROVED = WEBSERVICE_DIALECT.with_writing("customer", replace(FORM, proved=True))


@dataclass
class Account:
    """An account whose form was proved, and its records."""

    ctx: WorkspaceContext
    ledger: RecordStore

    def held(self, record: str = RECORD) -> dict[str, Any]:
        """Return the record's fields."""
        return fields(self.ledger, record)

    def dialect(self) -> Dialect | None:
        """Return the stored dialect."""
        return stored(self.ctx)


def stored(ctx: WorkspaceContext) -> Dialect | None:
    with ctx.database.reading() as session:
        return load_dialect(session.get_one(WorkspaceConnection, ctx.connection_id))


def actions(ctx: WorkspaceContext) -> list[AuditEntry]:
    with ctx.database.reading() as session:
        return list(session.query(AuditEntry).order_by(AuditEntry.id))


@pytest.fixture
def account(ctx: WorkspaceContext) -> Iterator[Account]:
    with commusoft("N") as (server, ledger):
        save_dialect(ctx.database, ctx.connection_id, PROVED)
        client = CommusoftClient(Connection(server.w_url, *["sandbox"] * 4), PROVED, QUICK)
        at_it = replace(ctx, commusoft=client)
        at_it.sync()
        yield Account(at_it, ledger)


def test_a_form_that_changes_nothing_else_links_and_undoes(
    account: Account, device_id: int
) -> None:
    before = account.held(TITLED)
    link = confirm(account.ctx, decision(TITLED), new_key(), device_id)
    assert link.state is LinkState.LINKED
    assert account.held(TITLED) == before | {"reference": HOLLOWAY}
    assert undo(account.ctx, UndoDecision(link.id), new_key(), device_id).state is LinkState.LINKED
    assert account.held(TITLED) == before
    assert not open_write_tests(account.ctx)
    assert account.dialect() == PROVED


class Spoiling:
    """A client step: the form also does something else to the record, from now on."""

    def __init__(self, account: Account, **harm: str) -> None:
        self.account, self.harm, self.struck = account, harm, 0

    def __call__(self, real: Any, *args: Any, **more: Any) -> Any:
        answer = real(*args, **more)
        self.struck += 1
        if self.struck == 1:
            kind, number = args[0].kind, args[0].number
            entry = self.account.ledger.by_number(kind, number)
            assert entry
            self.account.ledger.change(entry, self.harm)
        return answer


@pytest.mark.parametrize("harm", [{"county": ""}, {"line3": "Kent"}, {"company": "Someone else"}])
def test_a_form_that_changes_more_later_is_refused(
    account: Account, device_id: int, harm: dict[str, str]
) -> None:
    before = account.held()
    spoilt = meddled(account.ctx, write_reference=Spoiling(account, **harm))
    link = confirm(spoilt, decision(RECORD), new_key(), device_id)
    assert link.state is LinkState.LINKED  # as the record shows
    after = account.held()
    if harm == {"county": ""}:
        assert after == before | {"reference": HOLLOWAY}  # put back
    dialect = account.dialect()
    assert dialect
    assert not dialect.customer.writing.sent
    refused = [entry for entry in actions(account.ctx) if entry.action == "commusoft.form_refused"]
    assert [entry.subject for entry in refused] == [RECORD]
    assert not open_write_tests(account.ctx)
    # Nothing more is written by it, in a context either that does not know yet.
    untouched = account.held(TITLED)
    other = confirm(account.ctx, decision(TITLED, OTHER), new_key(), device_id)
    assert other.state is LinkState.FAILED
    assert account.held(TITLED) == untouched


def test_restoring_never_writes_a_reference_that_was_not_kept(
    account: Account, device_id: int
) -> None:
    before = account.held()

    def spoils(_real: Any, record: Record, _reference: str) -> None:
        entry = account.ledger.by_number(record.kind, record.number)
        assert entry
        account.ledger.change(entry, {"county": ""})

    link = confirm(
        meddled(account.ctx, write_reference=spoils), decision(RECORD), new_key(), device_id
    )
    assert link.state is LinkState.FAILED
    assert account.held() == before
    assert not open_write_tests(account.ctx)


def test_what_an_interrupted_form_emptied_is_restored_by_the_next_process(
    account: Account, device_id: int
) -> None:
    before = account.held()
    spoil = Spoiling(account, county="")

    def dies(real: Any, *args: Any, **more: Any) -> None:
        spoil(real, *args, **more)
        raise SystemExit

    with pytest.raises(SystemExit):
        confirm(meddled(account.ctx, write_reference=dies), decision(RECORD), new_key(), device_id)
    for test in open_write_tests(account.ctx):
        assert test.before
    account.ctx.first_seen.forget_all_but(set())
    late = replace(account.ctx, commusoft=impatient(account.ctx.commusoft))
    (link,) = recover(late)
    assert link.state is LinkState.LINKED
    assert account.held() == before | {"reference": HOLLOWAY}
    assert not open_write_tests(account.ctx)
    dialect = account.dialect()
    assert dialect
    assert not dialect.customer.writing.sent


def impatient(client: CommusoftClient) -> CommusoftClient:
    """Return the client of an account that carries out no write late."""
    other = client.with_dialect(client.dialect)
    other._limits = replace(QUICK, late_write_seconds=0.0)
    return other


def test_a_record_that_is_not_readable_after_the_form_stays_kept(
    account: Account, device_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise CommusoftUnreachable

    def ends(real: Any, *args: Any, **more: Any) -> None:
        real(*args, **more)
        monkeypatch.setattr(CommusoftClient, "record", away)

    link = confirm(
        meddled(account.ctx, write_reference=ends), decision(RECORD), new_key(), device_id
    )
    assert link.state is LinkState.INTENDED
    (kept,) = open_write_tests(account.ctx)
    assert (kept.before or {})["county"]
    monkeypatch.undo()
    assert [link.state for link in recover(account.ctx)] == [LinkState.LINKED]
    assert not open_write_tests(account.ctx)
    assert account.dialect() == PROVED


def test_a_form_that_was_not_proved_here_is_not_used(account: Account, device_id: int) -> None:
    save_dialect(account.ctx.database, account.ctx.connection_id, WEBSERVICE_DIALECT)
    before = account.held()
    assert confirm(account.ctx, decision(RECORD), new_key(), device_id).state is LinkState.FAILED
    assert account.held() == before


@pytest.mark.parametrize(
    ("codes", "proved"),
    [
        (["dialect"], True),  # it was only read
        (["write-busy", "dialect"], True),
        (["write-interrupted", "dialect"], True),
        (["not-written", "dialect"], False),
        (["write-kept", "dialect"], False),  # another way
    ],
)
def test_a_proof_lasts_until_a_test_that_ended_says_otherwise(
    ctx: WorkspaceContext, device_id: int, monkeypatch: pytest.MonkeyPatch,
    codes: list[str], proved: bool,
) -> None:  # fmt: skip
    save_dialect(ctx.database, ctx.connection_id, PROVED)
    steps = [CheckResult(code, "note") for code in codes[:-1]]
    found = CheckResult("dialect", "note", {}, WEBSERVICE_DIALECT)
    monkeypatch.setattr(examination, "run_checks", lambda *_, **__: iter([*steps, found]))
    assert len(list(examination.examine(ctx, device_id))) == len(codes)
    assert stored(ctx) == (PROVED if proved else WEBSERVICE_DIALECT)


def test_a_running_server_takes_over_what_the_doctor_found_elsewhere(
    installation: Installation,
) -> None:
    before = installation.workspace
    assert installation.workspace is before
    save_dialect(installation.database, before.connection_id, PROVED)
    assert installation.workspace is not before
    assert installation.workspace is installation.workspace


def test_a_trial_value_in_another_field_is_found_by_the_next_process(
    account: Account, device_id: int
) -> None:
    """Of a doctor that died between the trial value and its removal."""
    ctx = account.ctx
    before = ctx.commusoft.record("customer", "2011")
    test = WriteTest(
        connection_id=ctx.connection_id, device_id=device_id, kind="customer",
        record_number="2011", prior=None, trial="TRIAL-1", dialect=PROVED.as_dict(),
        before=dict(before.raw) | {"addressline3": "Top floor"}, attempt_id="", writes=1,
        writes_over=1,
    )  # fmt: skip
    with ctx.database.writing() as session:
        session.add(test)
    entry = account.ledger.by_number("customer", "2011")
    assert entry
    account.ledger.change(entry, {"line3": "TRIAL-1"})
    recover_write_tests(ctx)
    assert account.held()["line3"] == "Top floor"
