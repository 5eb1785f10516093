"""What a form's proof compares and puts back, whatever the form did to the record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.connection import Connection
from crmlink.commusoft.doctor import CheckResult, check_text, run_checks
from crmlink.commusoft.doctor.field_changes import (
    changed_fields,
    damaged_fields,
    put_back,
    sent_texts,
)
from crmlink.commusoft.errors import CommusoftServerError, InvalidCommusoftResponse
from crmlink.commusoft.parsing import parse_record
from crmlink.commusoft.records import Record
from crmlink.commusoft.sandbox import SandboxServer, shapes
from unit.commusoft.fake_server import QUICK
from unit.commusoft.test_mapped_form import (
    FORM,
    RECORD,
    TRIAL,
    KeepingJournal,
    commusoft,
    fields,
    way,
)

OWN = "OWN-REF"


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ({"updatedAt": "2026-11-29T10:00:00Z"}, {"updatedAt": "2026-11-30T10:00:00Z"}, []),
        ({"lastmodified": {"date": "2026-11-29"}}, {"lastmodified": {"date": "2026-11-30"}}, []),
        ({}, {"updatedAt": "2026-11-30T10:00:00Z"}, []),
        ({"updatedby": "Ann"}, {"updatedby": "API"}, []),
        ({"updatedAt": "2026-11-29"}, {"updatedAt": ""}, ["updatedAt"]),
        ({"exchangerate": "1.2"}, {"exchangerate": ""}, ["exchangerate"]),
        ({"changeover": "by hand"}, {"changeover": ""}, ["changeover"]),
        ({"sendupdates": True}, {"sendupdates": False}, ["sendupdates"]),
        ({"vacant": True}, {"vacant": 1}, ["vacant"]),
        ({"vacant": 0}, {"vacant": None}, ["vacant"]),
        ({"tags": ["a", "b"]}, {"tags": ["a"]}, ["tags"]),
        ({"terms": {"days": 30}}, {"terms": {"days": "30"}}, ["terms.days"]),
        ({"terms": {"days": 30}}, {"terms": []}, ["terms", "terms.days"]),
        ({"born": "1970-01-02"}, {"born": "1970-02-01"}, ["born"]),
        ({"line3": None}, {"line3": ""}, ["line3"]),
        ({}, {"source": "API"}, ["source"]),
    ],
)
def test_every_field_is_compared_but_for_the_time_of_the_change(
    before: dict[str, Any], after: dict[str, Any], changed: list[str]
) -> None:
    assert changed_fields(before, after) == changed


@pytest.mark.parametrize(
    ("held", "damaged"),
    [
        ({"county": "Essex", "email": "a@b.example"}, []),
        ({"county": "", "email": "a@b.example"}, ["county"]),
        ({"email": "a@b.example"}, ["county"]),
        ({"county": "a@b.example", "email": "a@b.example"}, ["county"]),
        ({"county": "Kent", "email": "a@b.example"}, []),  # someone else's
        ({"county": "Essex", "email": "a@b.example", "town": "Essex"}, ["town"]),
        ({"county": "Essex", "email": "a@b.example", "town": "Bath"}, []),
        ({"county": "Essex", "email": "a@b.example", "updated": "2026-11-30"}, []),
        ({"county": "Essex", "email": "a@b.example", "vacant": 1}, []),
    ],
)
def test_what_a_form_may_have_done_is_told_from_what_others_did(
    held: dict[str, Any], damaged: list[str]
) -> None:
    before = {"county": "Essex", "email": "a@b.example", "town": None, "updated": "2026-11-29"}
    stamp = {"updated": "2026-11-29"}
    assert damaged_fields(before, stamp | held, {"Essex", "a@b.example", "2026-11-30"}) == damaged


def record(**raw: Any) -> Record:
    return parse_record("customer", {"id": 7} | raw, "thirdpartyreference")


@pytest.mark.parametrize(
    ("own", "held", "reference"),
    [
        (OWN, {"thirdpartyreference": TRIAL}, OWN),
        (OWN, {"thirdpartyreference": "COLLEAGUE"}, "COLLEAGUE"),
        (None, {"thirdpartyreference": TRIAL}, None),
        # The form puts its reference into another field.
        (OWN, {"thirdpartyreference": OWN, "agent": TRIAL}, "Bob"),
        (OWN, {"thirdpartyreference": OWN, "vatnumber": OWN}, None),
    ],
)
def test_the_reference_goes_back_to_where_the_form_puts_it(
    own: str | None, held: dict[str, Any], reference: str | None
) -> None:
    before = {"id": 7, "thirdpartyreference": own, "agent": "Bob", "vatnumber": ""}
    _, sent = put_back(before, record(**before | held), FORM, own, TRIAL)
    assert sent == reference


def test_texts_that_are_there_by_chance_are_not_the_forms() -> None:
    shown = record(name="Al", surname="Archer", settingsTitlesid=3, vacantproperty=True)
    assert sent_texts(FORM, shown, None, TRIAL) == {"Archer", TRIAL}


def examined(
    server: SandboxServer, trial: str | None = TRIAL, journal: KeepingJournal | None = None
) -> list[CheckResult]:
    account = Connection(server.w_url, *["sandbox"] * 4)
    journal = journal or KeepingJournal()
    return list(run_checks(account, RECORD, trial, limits=QUICK, journal=journal))


def result(steps: list[CheckResult], code: str) -> CheckResult:
    assert all(check_text(step) for step in steps)
    found = [step for step in steps if step.code == code]
    assert found, [step.code for step in steps]
    return found[-1]


@pytest.mark.parametrize("own", [None, OWN])
@pytest.mark.parametrize("field", ["line3", "company", "email"])
def test_a_form_that_puts_the_reference_elsewhere_is_refused_and_all_is_put_back(
    monkeypatch: pytest.MonkeyPatch, own: str | None, field: str
) -> None:
    monkeypatch.setitem(shapes._N_FIELDS, "thirdparty", field)
    with commusoft("N") as (server, ledger):
        give(server, own)
        before = fields(ledger, RECORD)
        steps = examined(server)
        assert "restored" in check_text(result(steps, "write-put-back"))
        assert fields(ledger, RECORD) == before
        assert not way(steps).sent


def give(server: SandboxServer, own: str | None) -> None:
    client = CommusoftClient(Connection(server.p_url, *["sandbox"] * 4), None, QUICK)
    client.write_reference(client.record("customer", "2011"), own)


class Meddling(KeepingJournal):
    """Does something after each PUT of the form."""

    def __init__(self, after: Callable[[int], None]) -> None:
        super().__init__()
        self.after = after
        self.forms = 0

    def put(self, client: CommusoftClient, record: Record, reference: str | None) -> None:
        super().put(client, record, reference)
        if client.dialect.ways(record.kind).writing.sent:
            self.forms += 1
            self.after(self.forms)


def test_a_trial_value_that_was_kept_with_an_error_is_removed_before_the_next_way() -> None:
    def fail(number: int) -> None:
        if number == 2:  # the trial value's
            raise CommusoftServerError(500)

    with commusoft("N") as (server, ledger):
        before = fields(ledger, RECORD)
        steps = examined(server, journal=Meddling(fail))
        assert result(steps, "write-tried").args["way"] != "form"
        assert "write-spoiled" not in [step.code for step in steps]
        assert fields(ledger, RECORD) == before
        assert not way(steps).sent


def test_the_own_reference_as_trial_value_proves_nothing() -> None:
    with commusoft("N") as (server, _):
        give(server, TRIAL)
        journal = KeepingJournal()
        result(examined(server, journal=journal), "write-needs-trial")
        assert not journal.kept


def test_a_record_that_cannot_be_read_afterwards_is_said_to_be_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A session that ran out: every answer is a page for people."""

    def page(*_: Any) -> Record:
        raise InvalidCommusoftResponse("a page for people: status 200")

    def end_session(_: int) -> None:
        monkeypatch.setattr(CommusoftClient, "record", page)

    with commusoft("N") as (server, _):
        steps = examined(server, journal=Meddling(end_session))
        said = check_text(result(steps, "write-unread"))
        assert "could not be read" in said
        assert "trial value" not in said
        assert not way(steps).sent


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"line3": "from elsewhere"}, "addressline3 (was empty)."),
        ({"county": ""}, "county. crmlink shows the earlier values under Commusoft."),
    ],
)
def test_what_cannot_be_put_back_is_named_with_what_it_held(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], said: str
) -> None:
    take = shapes._take_n
    monkeypatch.setattr(shapes, "_take_n", lambda *args: take(*args) | changes)
    with commusoft("N") as (server, _):
        steps = examined(server)
        assert check_text(result(steps, "write-not-restored")).endswith(said)
        assert not way(steps).sent
