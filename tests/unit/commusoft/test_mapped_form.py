"""A form of its own names (N): off until the doctor proves that it changes nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

import pytest

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.connection import Connection
from crmlink.commusoft.dialect import (
    WEBSERVICE_DIALECT,
    Dialect,
    WriteMethod,
    candidate_write_methods,
)
from crmlink.commusoft.doctor import CheckResult, check_text, run_checks
from crmlink.commusoft.doctor.form_check import field_to_leave_out
from crmlink.commusoft.records import Record
from crmlink.commusoft.request_body import write_body
from crmlink.commusoft.sandbox import SandboxServer
from crmlink.commusoft.sandbox.app import sandbox_app
from crmlink.commusoft.sandbox.record_store import RecordStore
from crmlink.commusoft.sandbox.shapes import UpdateForm
from crmlink.commusoft.sandbox.web import WebSessions
from unit.commusoft.fake_server import QUICK

RECORD, TRIAL = "customer-2011", "TRIAL-1"  # without a title, with a county
TITLED = "customer-2001"
FORM = next(way for way in candidate_write_methods("customer", WEBSERVICE_DIALECT) if way.sent)
PROVEN = WEBSERVICE_DIALECT.with_writing("customer", FORM)


class KeepingJournal:
    """Writes what it is told, and remembers what it was given to keep before."""

    def __init__(self) -> None:
        self.kept: list[Record] = []
        self.written: list[tuple[str, str | None]] = []

    def begin(self, record: Record, trial: str | None) -> bool:
        return True

    def keep(self, record: Record) -> None:
        assert not [way for way, _ in self.written if way == FORM.name]
        self.kept.append(record)

    def put(self, client: CommusoftClient, record: Record, reference: str | None) -> None:
        writing = client.dialect.ways(record.kind).writing
        assert not writing.sent or self.kept
        self.written.append((writing.name, reference))
        client.write_reference(record, reference)

    def end(self) -> None:
        pass


@contextmanager
def commusoft(update: UpdateForm) -> Iterator[tuple[SandboxServer, RecordStore]]:
    ledger = RecordStore({"customer": 60, "supplier": 20}, 1, None)
    with SandboxServer(sandbox_app(ledger, set(), WebSessions(), update=update)) as server:
        yield server, ledger


def fields(ledger: RecordStore, record_id: str) -> dict[str, Any]:
    kind, _, number = record_id.partition("-")
    entry = ledger.by_number("customer" if kind == "customer" else "supplier", number)
    assert entry
    return {name: value for name, value in asdict(entry).items() if name != "updated"}


def examined(
    server: SandboxServer, record: str, trial: str | None = TRIAL
) -> tuple[list[CheckResult], KeepingJournal]:
    journal = KeepingJournal()
    account = Connection(server.w_url, *["sandbox"] * 4)
    return list(run_checks(account, record, trial, limits=QUICK, journal=journal)), journal


def codes(steps: list[CheckResult]) -> list[str]:
    assert all(check_text(step) for step in steps)
    return [step.code for step in steps]


def way(steps: list[CheckResult]) -> WriteMethod:
    dialect = steps[-1].dialect
    assert dialect
    return dialect.customer.writing


def test_a_form_that_leaves_the_rest_alone_is_proved_and_used() -> None:
    with commusoft("N") as (server, ledger):
        before = fields(ledger, RECORD)
        steps, journal = examined(server, RECORD)
        assert fields(ledger, RECORD) == before
        assert "write-kept" in codes(steps)
        assert way(steps) == replace(FORM, sent=way(steps).sent, proved=True)
        sent = {name for name, _ in way(steps).sent}
        assert {"surname", "county"} <= sent <= {name for name, _ in FORM.sent}
        assert "addressline3" not in sent  # this record shows nothing there that could stay
        assert [record.id for record in journal.kept] == [RECORD]
        assert journal.written[-3:] == [(FORM.name, None), (FORM.name, TRIAL), (FORM.name, None)]
        # Another record, of which the form cannot send everything, loses nothing by a link.
        titled = fields(ledger, TITLED)
        account = Connection(server.w_url, *["sandbox"] * 4)
        client = CommusoftClient(account, steps[-1].dialect, QUICK)
        client.write_reference(client.record("customer", "2001"), "AC1")
        assert fields(ledger, TITLED) == titled | {"reference": "AC1"}
        assert client.record("customer", "2001").reference == "AC1"


def test_a_form_that_empties_what_is_not_sent_is_refused_and_all_is_put_back() -> None:
    with commusoft("N-empties") as (server, ledger):
        before = fields(ledger, RECORD)
        steps, journal = examined(server, RECORD)
        assert fields(ledger, RECORD) == before
        (refused,) = [step for step in steps if step.code == "write-put-back"]
        assert refused.args["fields"] == ["county"]
        assert TRIAL not in dict(journal.written).values()
        assert not way(steps).sent


@pytest.mark.parametrize("update", ["N", "N-empties"])
def test_it_is_not_tried_where_it_could_not_be_put_back(update: UpdateForm) -> None:
    with commusoft(update) as (server, ledger):
        for record, trial, code in (
            (TITLED, TRIAL, "write-unsuited"),
            (RECORD, None, "write-needs-trial"),
        ):
            before = fields(ledger, record)
            steps, journal = examined(server, record, trial)
            assert code in codes(steps)
            assert (fields(ledger, record), journal.kept) == (before, [])
            assert not way(steps).sent


def test_it_is_never_used_before_it_was_proved() -> None:
    with commusoft("W") as (server, _):
        steps, journal = examined(server, RECORD)
        assert way(steps).name == "form"
        assert journal.kept == []
    for kind in ("customer", "supplier"):
        assert not WEBSERVICE_DIALECT.ways(kind).writing.sent
    assert not any(way.sent for way in candidate_write_methods("supplier", WEBSERVICE_DIALECT))


def test_the_form_sends_what_the_record_shows_by_its_own_names() -> None:
    with commusoft("N") as (server, _):
        client = CommusoftClient(Connection(server.w_url, *["sandbox"] * 4), PROVEN, QUICK)
        record = client.record("customer", "2011")
        assert field_to_leave_out(FORM, record) == "county"
        body, content_type = write_body(replace(FORM, left_out="county"), record, "AC1")
        assert content_type == "application/json"
        for name in (b'"customertype"', b'"thirdparty": "AC1"', b'"surname"', b'"email"'):
            assert name in body
        for name in (b"county", b"emailaddress", b"thirdpartyreference", b"vacantproperty"):
            assert name not in body


def test_the_dialect_is_the_same_after_it_was_stored() -> None:
    assert Dialect.from_dict(PROVEN.as_dict()) == PROVEN
