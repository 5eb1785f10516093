"""The doctor finds out what it speaks to, harms nothing and tells no secret."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.connection import Connection
from crmlink.commusoft.dialect import PUBLISHED_DIALECT, WEBSERVICE_DIALECT
from crmlink.commusoft.doctor import CheckResult, check_text, run_checks, support_message
from crmlink.commusoft.records import Record
from crmlink.commusoft.sandbox import SandboxServer, create_sandbox
from unit.commusoft.fake_server import (
    QUICK,
    Answer,
    Enter,
    Faults,
    ScriptedResponse,
    ScriptedServer,
)

Obey = Callable[[Callable[[ScriptedResponse], Answer]], ScriptedServer]
JSON = {"Content-Type": "application/json"}
OCONNOR = "5f0c2b1e-7a3d-4c58-9e21-3b8a6d4f1c70"


class PlainJournal:
    """Writes what it is told, and keeps nothing: nothing else is decided beside these tests."""

    def begin(self, record: Record, trial: str | None) -> bool:
        return True

    def keep(self, record: Record) -> None:
        pass

    def put(self, client: CommusoftClient, record: Record, reference: str | None) -> None:
        client.write_reference(record, reference)

    def end(self) -> None:
        pass


def steps_of(url: str, **more: Any) -> list[CheckResult]:
    account = Connection(url, *["sandbox"] * 4)
    return list(run_checks(account, limits=QUICK, journal=PlainJournal(), **more))


def by_code(steps: list[CheckResult], code: str) -> list[CheckResult]:
    return [step for step in steps if step.code == code]


@pytest.mark.parametrize("shape", ["W", "P"])
def test_reading_alone_tells_the_shape_and_writes_nothing(
    sandbox: SandboxServer, faults: Faults, shape: str
) -> None:
    steps = steps_of(sandbox.w_url if shape == "W" else sandbox.p_url)
    assert [step.health for step in steps if step.health == "failed"] == []
    last = steps[-1]
    assert last.code == "dialect"
    assert last.dialect == replace(
        {"W": WEBSERVICE_DIALECT, "P": PUBLISHED_DIALECT}[shape], token_place="header"
    )
    lists = {step.args["kind"]: step.args for step in by_code(steps, "list")}
    assert (lists["customer"]["count"], lists["supplier"]["count"]) == (60, 20)
    assert lists["customer"]["place"] == ("Customers" if shape == "W" else "")
    (token,) = by_code(steps, "token")
    assert token.args == {"shape": "token" if shape == "W" else "text"}
    references = {step.args["kind"]: step.args["places"] for step in by_code(steps, "references")}
    place = {"W": "thirdpartyreference", "P": "accountingSettings.accountingReference"}[shape]
    assert list(references["customer"]) == [place]
    assert faults.writes() == []


def test_the_fields_decide_the_shape_not_the_address(sandbox: SandboxServer, obey: Obey) -> None:
    shown: dict[str, Any] = {"id": 1, "uuid": "u-1", "firstName": "A", "lastName": "B"}

    def answer(said: ScriptedResponse) -> Answer:
        if said.path.endswith("/getToken"):
            return 200, JSON, b'{"userToken": "t0ken"}'
        many = said.path.endswith("s")
        return 200, JSON, json.dumps([shown] if many else shown).encode()

    steps = steps_of(f"{obey(answer).url}/webservice_dev.php/api/v1")
    assert steps[-1].dialect
    assert steps[-1].dialect.name == "P"
    assert by_code(steps, "token")[0].args == {"shape": "userToken"}


@pytest.mark.parametrize("shape", ["W", "P"])
@pytest.mark.parametrize("record", ["customer-1006", "customer-1001", "supplier-501"])
def test_a_trial_value_proves_the_way_and_leaves_the_record_as_it_was(
    sandbox: SandboxServer, faults: Faults, enter: Enter, shape: str, record: str
) -> None:
    url = sandbox.w_url if shape == "W" else sandbox.p_url
    kind, _, number = record.partition("-")
    client = enter(url)
    before = client.record(kind, number)  # type: ignore[arg-type]  # one of the two kinds
    steps = steps_of(url, write_test=record, trial="crmlink-trial")
    assert by_code(steps, "write-kept")[0].args["proof"] == "trial"
    assert steps[-1].dialect
    assert client.record(kind, number) == before  # type: ignore[arg-type]  # one of the two kinds
    own = before.reference or ""
    assert [write["after"] for write in faults.writes()] == [own, "crmlink-trial", own]
    found = enter(url, steps[-1].dialect)
    found.write_reference(found.record("customer", "1001"), "by the dialect found")
    assert found.record("customer", "1001").reference == "by the dialect found"


def test_without_a_trial_only_the_own_reference_is_written(
    sandbox: SandboxServer, faults: Faults
) -> None:
    steps = steps_of(sandbox.w_url, write_test="customer-1006")
    assert by_code(steps, "write-kept")[0].args["proof"] == "none"
    assert "only a trial value or the first link can show" in check_text(
        by_code(steps, "write-kept")[0]
    )
    assert {(write["before"], write["after"]) for write in faults.writes()} == {(OCONNOR, OCONNOR)}


@pytest.mark.parametrize("fault", [{"fault": "status", "status": 400}, {"fault": "status"}])
def test_a_way_that_is_refused_leads_to_the_next(
    sandbox: SandboxServer, faults: Faults, fault: dict[str, Any]
) -> None:
    faults.add(**fault, method="PUT", count=1)
    steps = steps_of(sandbox.w_url, write_test="customer-1006", trial="crmlink-trial")
    assert [step.args["way"] for step in by_code(steps, "write-tried")] == ["form"]
    assert steps[-1].dialect
    assert steps[-1].dialect.customer.writing.name == "nested-json"
    assert steps[-1].dialect.supplier.writing.name == "nested-json"


def test_a_way_that_is_silently_ignored_is_only_seen_with_a_trial(
    sandbox: SandboxServer, faults: Faults
) -> None:
    faults.add("dropped", method="PUT", count=2)
    steps = steps_of(sandbox.w_url, write_test="customer-1006", trial="crmlink-trial")
    (tried,) = by_code(steps, "write-tried")
    assert (tried.args["way"], tried.args["failure"]) == ("form", "ignored")
    assert by_code(steps, "write-kept")[0].args["way"] == "nested-json"


def test_suppliers_without_a_field_are_told_and_reading_goes_on() -> None:
    app = create_sandbox(customers=20, suppliers=5, drop_supplier_reference=True)
    with SandboxServer(app) as server:
        steps = steps_of(server.p_url, write_test="supplier-501", trial="crmlink-trial")
    assert [step.code for step in steps[-2:]] == ["not-written", "dialect"]
    assert "enter references in Commusoft" in check_text(steps[-2])
    assert steps[-1].health == "note"


def test_a_record_that_is_not_there_says_nothing_about_ways_to_write(
    sandbox: SandboxServer,
) -> None:
    steps = steps_of(sandbox.w_url, write_test="customer-999999")
    assert [step.code for step in steps[-2:]] == ["write-interrupted", "dialect"]
    assert steps[-1].dialect, "reading is known all the same"


def test_a_trial_value_is_taken_back_even_when_commusoft_falters(
    sandbox: SandboxServer, faults: Faults, enter: Enter
) -> None:
    faults.add("lost", method="PUT", after=1, count=1)  # the trial's answer
    faults.add("reset", method="PUT", after=1, count=1)  # the first attempt to take it back
    steps_of(sandbox.p_url, write_test="customer-1006", trial="crmlink-trial")
    assert enter(sandbox.p_url).record("customer", "1006").reference == OCONNOR
    assert "crmlink-trial" in [write["after"] for write in faults.writes()]


class Server:
    """A Commusoft of one customer that takes JSON, in the hands of a test."""

    def __init__(self, **record: Any) -> None:
        self.record: dict[str, Any] = {"id": 7, "uuid": "u-7", "lastName": "Lowe", **record}
        self.after_put: Callable[[dict[str, Any]], None] = lambda _: None

    def __call__(self, said: ScriptedResponse) -> Answer:
        path = urlsplit(said.path).path
        if path.endswith("/getToken"):
            return 200, JSON, b"t0ken"
        if path.endswith("/suppliers"):
            return 200, JSON, b"[]"
        if path.endswith("/customers"):
            return 200, JSON, json.dumps([self.record]).encode()
        if not path.endswith("/u-7"):
            return 404, JSON, b"{}"
        if said.method == "PUT":
            self.record |= json.loads(said.body)
            self.after_put(self.record)
        return 200, JSON, json.dumps(self.record).encode()


def test_a_write_that_loses_another_field_stops_the_test_and_names_the_field(obey: Obey) -> None:
    server = Server(mobile="07700 900001", accountingSettings={"accountingReference": "R-1"})
    server.after_put = lambda record: record.pop("mobile", None)
    obedient = obey(server)
    steps = steps_of(f"{obedient.url}/api/v1", write_test="customer-7", trial="crmlink-trial")
    (spoiled,) = by_code(steps, "write-spoiled")
    assert spoiled.args["fields"] == ["mobile"]
    assert len([said for said in obedient.heard if said.method == "PUT"]) == 1


def test_a_trial_that_cannot_be_taken_back_says_what_to_put_in_by_hand(obey: Obey) -> None:
    server = Server(accountingSettings={"accountingReference": "R-1"})

    def stuck(record: dict[str, Any]) -> None:
        if record["accountingSettings"]["accountingReference"] != "R-1" or writes:
            writes.append(1)
            record["accountingSettings"] = {"accountingReference": "crmlink-trial"}

    writes: list[int] = []
    server.after_put = stuck
    url = f"{obey(server).url}/api/v1"
    steps = steps_of(url, write_test="customer-7", trial="crmlink-trial")
    (left,) = by_code(steps, "write-not-restored")
    assert "change it back to R-1" in check_text(left)
    assert "R-1" not in support_message(steps)


def test_someone_elses_reference_is_never_overwritten_by_the_test(obey: Obey) -> None:
    server = Server(accountingSettings={"accountingReference": "R-1"})
    server.after_put = lambda record: record["accountingSettings"].update(
        accountingReference="SOMEBODY-ELSES"
    )
    url = f"{obey(server).url}/api/v1"
    steps = steps_of(url, write_test="customer-7", trial="crmlink-trial")
    assert by_code(steps, "write-spoiled")
    assert server.record["accountingSettings"]["accountingReference"] == "SOMEBODY-ELSES"


def test_a_reference_that_someone_changes_in_mid_test_stops_it_unwritten(obey: Obey) -> None:
    server = Server(accountingSettings={"accountingReference": "R-1"})
    writes = 0

    def after_the_first(_: dict[str, Any]) -> None:
        nonlocal writes
        writes += 1

    def answer(said: ScriptedResponse) -> Answer:
        reply = server(said)
        if said.method == "GET" and said.path.endswith("/u-7") and writes == 1:
            # Seen as it was once more; then a colleague in the office is quicker than the trial.
            server.record["accountingSettings"] = {"accountingReference": "SOMEBODY-ELSES"}
        return reply

    server.after_put = after_the_first
    url = f"{obey(answer).url}/api/v1"
    steps = steps_of(url, write_test="customer-7", trial="crmlink-trial")
    assert [step for step in steps if step.health == "failed"]
    assert writes == 1
    assert server.record["accountingSettings"]["accountingReference"] == "SOMEBODY-ELSES"


def test_a_field_of_an_unknown_name_is_found_by_the_reference_that_the_page_shows(
    obey: Obey,
) -> None:
    server = Server(integration={"externalRef": "R-1"})
    url = f"{obey(server).url}/api/v1"
    (shown,) = [
        step for step in by_code(steps_of(url), "references") if step.args["kind"] == "customer"
    ]
    assert shown.args["suspects"] == {"integration.externalRef": 1}
    steps = steps_of(url, write_test="customer-7", trial="T-1", known_reference="R-1")
    assert by_code(steps, "known-reference")[0].args["places"] == ["integration.externalRef"]
    assert by_code(steps, "write-kept")[0].args["proof"] == "trial"
    assert steps[-1].dialect
    assert steps[-1].dialect.customer.writing.reference == "integration.externalRef"
    assert server.record["integration"] == {"externalRef": "R-1"}


def test_a_request_that_might_create_a_record_is_not_sent_without_a_uuid(obey: Obey) -> None:
    server = Server()

    def no_uuid(said: ScriptedResponse) -> Answer:
        if said.method != "GET" and not said.path.endswith("/getToken"):
            return 400, JSON, b"{}"
        server.record.pop("uuid", None)
        return server(ScriptedResponse("GET", said.path.replace("/7", "/u-7"), said.headers, b""))

    obedient = obey(no_uuid)
    steps = steps_of(f"{obedient.url}/api/v1", write_test="customer-7")
    assert by_code(steps, "write-skipped")
    assert [said.path for said in obedient.heard if said.method == "POST"] == ["/api/v1/getToken"]


def test_the_token_in_the_query_is_found_and_kept(obey: Obey) -> None:
    server = Server()

    def answer(said: ScriptedResponse) -> Answer:
        query = parse_qs(urlsplit(said.path).query)
        if said.path.endswith("/getToken") or query.get("token") == ["t0ken"]:
            return server(said)
        return 401, JSON, b"{}"

    steps = steps_of(f"{obey(answer).url}/api/v1")
    assert by_code(steps, "token-place")[0].args == {"place": "query"}
    assert steps[-1].dialect
    assert steps[-1].dialect.token_place == "query"


def test_an_address_without_its_end_leads_to_the_right_one(sandbox: SandboxServer) -> None:
    steps = steps_of(sandbox.url)
    assert [step.code for step in steps][-2:] == ["better-address", "nothing"]
    assert by_code(steps, "better-address")[0].args == {"url": sandbox.w_url}


@pytest.mark.parametrize(
    ("fault", "code", "failure"),
    [
        ({"fault": "status", "status": 401, "path": "/getToken"}, "token", "commusoft-refused"),
        ({"fault": "html", "path": "/getToken"}, "token", "commusoft-unreadable"),
        ({"fault": "reset", "path": "/getToken"}, "token", "commusoft-unreachable"),
        ({"fault": "html", "path": "/customers"}, "list", "commusoft-unreadable"),
        ({"fault": "status", "status": 500, "path": "/customers"}, "list", "commusoft-fault"),
        ({"fault": "status", "status": 401, "path": "/customers"}, "list", "commusoft-refused"),
    ],
)
def test_an_account_that_cannot_be_read_ends_with_a_letter_to_support(
    sandbox: SandboxServer, faults: Faults, fault: dict[str, Any], code: str, failure: str
) -> None:
    faults.add(**fault)
    steps = steps_of(sandbox.w_url)
    assert by_code(steps, code)[0].args["failure"] == failure
    assert (steps[-1].code, steps[-1].dialect) == ("nothing", None)
    letter = support_message(steps)
    assert check_text(by_code(steps, code)[0]) in letter
    assert "Which request updates an existing customer" in letter


@pytest.mark.parametrize(
    "name", ["customer", "1001", "customer-", "contact-1001", "", "customer-x"]
)
def test_a_record_that_is_not_there_is_named_and_nothing_is_written(
    sandbox: SandboxServer, faults: Faults, name: str
) -> None:
    steps = steps_of(sandbox.w_url, write_test=name)
    assert [step for step in steps if step.health == "failed"]
    assert faults.writes() == []


@pytest.mark.parametrize("shape", ["W", "P"])
def test_no_step_tells_a_secret_or_what_is_in_a_record(
    sandbox: SandboxServer, secrets: Mapping[str, str], shape: str
) -> None:
    url = sandbox.w_url if shape == "W" else sandbox.p_url
    steps = steps_of(url, write_test="customer-1006", trial="crmlink-trial")
    refused = list(run_checks(Connection(url, **secrets), limits=QUICK))
    shown = "\n".join(
        [
            *(repr(step) + check_text(step) for step in steps + refused),
            support_message(steps + refused),
        ]
    )
    private = ["Holloway", "O'Connor", "Bangor", "LL57", "@", "07700", "Orchard", OCONNOR, "Siân"]
    assert not [word for word in [*private, *secrets.values()] if word in shown]


def test_every_step_has_its_sentence(sandbox: SandboxServer, faults: Faults) -> None:
    for more in ({}, {"write_test": "customer-1006", "trial": "T-1"}, {"write_test": "x"}):
        for step in steps_of(sandbox.w_url, **more):
            assert check_text(step).endswith(".")
