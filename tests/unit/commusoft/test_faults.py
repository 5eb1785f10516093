"""Every fault that the sandbox can play, and the type of failure that the client makes of it."""

import copy
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
import requests

from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.errors import (
    CommusoftAuthError,
    CommusoftBusy,
    CommusoftError,
    CommusoftServerError,
    CommusoftTimeout,
    CommusoftUnreachable,
    InvalidCommusoftResponse,
    RecordNotFound,
    WriteRejected,
)
from crmlink.commusoft.limits import ClientLimits
from crmlink.commusoft.sandbox import SandboxServer
from support.faulty_sandbox.faults import FAULTS
from support.ports import HeldPort
from unit.commusoft.fake_server import QUICK, Enter, Faults

PATIENT = replace(QUICK, max_wait=0.2, failure_threshold=100)  # the breaker never opens
HASTY = replace(PATIENT, total_timeout=1)  # what a hanging fault costs a test
HANGING = ("timeout", "drip", "drip-headers")

READ_FAULTS: list[tuple[dict[str, Any], type[CommusoftError]]] = [
    ({"fault": "timeout"}, CommusoftTimeout),
    ({"fault": "latency", "seconds": 3}, CommusoftTimeout),
    ({"fault": "reset"}, CommusoftUnreachable),
    ({"fault": "lost"}, CommusoftUnreachable),
    ({"fault": "status", "status": 401}, CommusoftAuthError),
    ({"fault": "status", "status": 403}, CommusoftAuthError),
    ({"fault": "status", "status": 404}, RecordNotFound),
    ({"fault": "status", "status": 409}, CommusoftServerError),
    ({"fault": "status", "status": 429}, CommusoftBusy),
    ({"fault": "status", "status": 429, "retry_after": "3600"}, CommusoftBusy),
    ({"fault": "status", "status": 500}, CommusoftServerError),
    ({"fault": "status", "status": 502}, CommusoftServerError),
    ({"fault": "status", "status": 503}, CommusoftServerError),
    ({"fault": "status", "status": 503, "retry_after": "5"}, CommusoftBusy),
    ({"fault": "html"}, InvalidCommusoftResponse),
    ({"fault": "empty"}, InvalidCommusoftResponse),
    ({"fault": "truncated"}, InvalidCommusoftResponse),
    ({"fault": "broken-off"}, InvalidCommusoftResponse),
    ({"fault": "wrong-type"}, InvalidCommusoftResponse),
    ({"fault": "large"}, InvalidCommusoftResponse),
    ({"fault": "drip"}, CommusoftTimeout),
    ({"fault": "drip-headers"}, CommusoftTimeout),
    ({"fault": "redirect"}, InvalidCommusoftResponse),
]
# What a write makes of it; None where Commusoft says yes and only a read-back can tell.
WRITE_FAULTS: list[tuple[dict[str, Any], type[CommusoftError] | None]] = [
    ({"fault": "timeout"}, CommusoftTimeout),
    ({"fault": "timeout", "done": True}, CommusoftTimeout),
    ({"fault": "latency", "seconds": 3}, CommusoftTimeout),
    ({"fault": "reset"}, CommusoftUnreachable),
    ({"fault": "lost"}, CommusoftUnreachable),
    ({"fault": "status", "status": 401}, CommusoftBusy),
    ({"fault": "status", "status": 403}, CommusoftBusy),
    ({"fault": "status", "status": 404}, WriteRejected),
    ({"fault": "status", "status": 409}, WriteRejected),
    ({"fault": "status", "status": 422}, WriteRejected),
    ({"fault": "status", "status": 429}, CommusoftBusy),
    ({"fault": "status", "status": 429, "retry_after": "3600"}, CommusoftBusy),
    ({"fault": "status", "status": 500}, CommusoftServerError),
    ({"fault": "status", "status": 502, "done": True}, CommusoftServerError),
    ({"fault": "html"}, InvalidCommusoftResponse),
    ({"fault": "empty"}, None),
    ({"fault": "truncated"}, None),
    ({"fault": "broken-off"}, InvalidCommusoftResponse),
    ({"fault": "wrong-type"}, None),
    ({"fault": "large"}, InvalidCommusoftResponse),
    ({"fault": "drip"}, CommusoftTimeout),
    ({"fault": "drip-headers"}, CommusoftTimeout),
    ({"fault": "redirect"}, InvalidCommusoftResponse),
    ({"fault": "dropped"}, None),
]
DONE = {"lost", "truncated", "broken-off", "wrong-type", "large", "drip", "drip-headers", "latency"}


def name_of(value: Any) -> str | None:
    return "-".join(str(one) for one in value.values()) if isinstance(value, dict) else None


@pytest.fixture
def client(sandbox: SandboxServer, enter: Enter) -> CommusoftClient:
    """A client that has its token and knows where to put it."""
    client = enter(sandbox.w_url, limits=PATIENT)
    client.record("customer", "1001")
    return client


def limits_for(fault: dict[str, Any]) -> ClientLimits:
    """Only what hangs is given up soon: on a busy computer any answer may take its time."""
    hangs = fault["fault"] in HANGING or fault.get("seconds", 0) > HASTY.total_timeout
    return HASTY if hangs else PATIENT


def meeting(client: CommusoftClient, fault: dict[str, Any]) -> CommusoftClient:
    """The same session for the call that a fault strikes."""
    other = copy.copy(client)
    other._limits = limits_for(fault)
    return other


@pytest.mark.parametrize(("fault", "failure"), READ_FAULTS, ids=name_of)
def test_a_read_that_fails_says_how(
    client: CommusoftClient, faults: Faults, fault: dict[str, Any], failure: type[CommusoftError]
) -> None:
    faults.add(**fault, path="/customers/*")
    with pytest.raises(CommusoftError) as caught:
        meeting(client, fault).record("customer", "1002")
    assert type(caught.value) is failure
    faults.clear()
    assert fault.get("retry_after") or client.record("customer", "1002").number == "1002"


# A long list is no fault: see the test below.
LIST_FAULTS = [(fault, failure) for fault, failure in READ_FAULTS if fault["fault"] != "large"]


@pytest.mark.parametrize(("fault", "failure"), LIST_FAULTS, ids=name_of)
def test_a_list_that_fails_never_looks_like_a_shorter_list(
    client: CommusoftClient, faults: Faults, fault: dict[str, Any], failure: type[CommusoftError]
) -> None:
    faults.add(**fault, path="/customers")
    with pytest.raises(CommusoftError) as caught:
        list(meeting(client, fault).records("customer"))
    assert type(caught.value) is (
        InvalidCommusoftResponse if failure is RecordNotFound else failure
    )


@pytest.mark.parametrize(("fault", "failure"), WRITE_FAULTS, ids=name_of)
def test_a_write_that_fails_says_how_and_is_sent_once(
    client: CommusoftClient,
    faults: Faults,
    fault: dict[str, Any],
    failure: type[CommusoftError] | None,
) -> None:
    record = client.record("customer", "1001")
    faults.add(**fault, method="PUT")
    caught: CommusoftError | None = None
    try:
        meeting(client, fault).write_reference(record, "new")
    except CommusoftError as error:
        caught = error
    assert (type(caught) if caught else None) is failure
    assert faults.struck() == [1]
    faults.clear()
    done = fault["fault"] in DONE or bool(fault.get("done"))
    if "retry_after" not in fault:
        assert client.record("customer", "1001").reference == ("new" if done else None)
    assert len([write for write in faults.writes() if write["after"] == "new"]) == int(done)


def test_every_fault_that_the_sandbox_knows_is_tried_here() -> None:
    tried = {fault["fault"] for fault, _ in [*READ_FAULTS, *WRITE_FAULTS]}
    assert set(FAULTS) - tried == {"stale"}  # tried below, with the write before it


def test_a_stale_read_shows_the_reference_from_before_the_write(
    client: CommusoftClient, faults: Faults
) -> None:
    client.write_reference(client.record("customer", "1001"), "new")
    faults.add("stale", method="GET", count=1)
    assert client.record("customer", "1001").reference is None
    assert client.record("customer", "1001").reference == "new"


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "reset"},
        {"fault": "status", "status": 401},
        {"fault": "status", "status": 403},
        {"fault": "status", "status": 429},
        {"fault": "status", "status": 429, "retry_after": "0"},
        {"fault": "status", "status": 500},
        {"fault": "status", "status": 502},
        {"fault": "status", "status": 503, "retry_after": "0"},
        {"fault": "latency", "seconds": 0.1},
    ],
    ids=name_of,
)
@pytest.mark.parametrize("after", [0, 2, 4])
def test_a_read_survives_a_passing_fault_at_start_middle_and_end(
    client: CommusoftClient, faults: Faults, fault: dict[str, Any], after: int
) -> None:
    faults.add(**fault, path="/customers/*", count=1, after=after)
    numbers = [str(number) for number in range(1001, 1006)]
    assert [client.record("customer", number).number for number in numbers] == numbers
    assert faults.struck() == [1]


def test_a_long_list_is_no_fault_until_it_passes_the_bound(
    sandbox: SandboxServer, faults: Faults, enter: Enter
) -> None:
    faults.add("large", path="/customers")
    patient = replace(QUICK, total_timeout=20, read_timeout=20)
    assert len(list(enter(sandbox.w_url, limits=patient).records("customer"))) == 60
    bounded = replace(patient, list_bytes=1024 * 1024)
    with pytest.raises(InvalidCommusoftResponse):
        enter(sandbox.w_url, limits=bounded).records("customer")


def test_a_token_that_grows_old_in_mid_run_is_renewed(
    client: CommusoftClient, faults: Faults
) -> None:
    for number in ("1001", "1002", "1003"):
        faults.forget_tokens()
        record = client.record("customer", number)
        client.write_reference(record, f"ref-{number}")
    assert [write["after"] for write in faults.writes()] == ["ref-1001", "ref-1002", "ref-1003"]


def test_a_token_refused_on_a_write_is_renewed_but_the_write_is_left_to_the_caller(
    client: CommusoftClient, faults: Faults
) -> None:
    record = client.record("customer", "1001")
    faults.forget_tokens()
    with pytest.raises(CommusoftBusy) as caught:
        client.write_reference(record, "new")
    assert caught.value.retry_after == 0
    assert faults.writes() == []
    client.write_reference(record, "new")
    assert [write["after"] for write in faults.writes()] == ["new"]


def test_a_write_refused_again_with_a_new_token_is_a_refusal(
    client: CommusoftClient, faults: Faults
) -> None:
    record = client.record("customer", "1001")
    faults.add("status", status=403, method="PUT")
    with pytest.raises(CommusoftBusy):
        client.write_reference(record, "new")
    with pytest.raises(CommusoftAuthError):
        client.write_reference(record, "new")


@pytest.mark.parametrize(
    ("said", "waited"),
    [("3600", 300.0), ("9" * 400, None), ("-5", None), ("soon", None), ("30", 30.0)],
)
def test_a_retry_after_is_believed_within_reason(
    client: CommusoftClient, faults: Faults, said: str, waited: float | None
) -> None:
    faults.add("status", status=429, retry_after=said, path="/customers/*")
    with pytest.raises(CommusoftBusy) as caught:
        client.record("customer", "1001")
    if waited is None:
        assert caught.value.retry_after is None or caught.value.retry_after < 1
    else:
        assert waited - 10 < (caught.value.retry_after or 0) <= waited


def test_while_asked_to_wait_nothing_more_is_sent(client: CommusoftClient, faults: Faults) -> None:
    record = client.record("customer", "1001")
    faults.add("status", status=429, retry_after="60", count=1)
    with pytest.raises(CommusoftBusy):
        client.record("customer", "1001")
    faults.add("latency", seconds=0)
    for _ in range(3):
        with pytest.raises(CommusoftBusy):
            client.write_reference(record, "new")
    assert faults.struck() == [1, 0]


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ({"fault": "timeout"}, CommusoftTimeout),
        ({"fault": "drip"}, CommusoftTimeout),
        ({"fault": "drip-headers"}, CommusoftTimeout),
        ({"fault": "reset"}, CommusoftUnreachable),
        ({"fault": "status", "status": 401}, CommusoftAuthError),
        ({"fault": "status", "status": 404}, InvalidCommusoftResponse),
        ({"fault": "status", "status": 429, "retry_after": "7"}, CommusoftBusy),
        ({"fault": "status", "status": 500}, CommusoftServerError),
        ({"fault": "html"}, InvalidCommusoftResponse),
        ({"fault": "empty"}, InvalidCommusoftResponse),
        ({"fault": "truncated"}, InvalidCommusoftResponse),
        ({"fault": "large"}, InvalidCommusoftResponse),
        ({"fault": "redirect"}, InvalidCommusoftResponse),
    ],
    ids=name_of,
)
def test_a_log_in_that_fails_says_how(
    sandbox: SandboxServer,
    faults: Faults,
    enter: Enter,
    fault: dict[str, Any],
    failure: type[CommusoftError],
) -> None:
    faults.add(**fault, path="/getToken")
    client = enter(sandbox.w_url, limits=limits_for(fault))
    with pytest.raises(CommusoftError) as caught:
        client.record("customer", "1001")
    assert type(caught.value) is failure


def test_no_server_at_all_is_unreachable(sandbox: SandboxServer, enter: Enter) -> None:
    plain = f"https://127.0.0.1:{sandbox.port}/api/v1"  # TLS to a server that speaks none
    with closing(HeldPort()) as port:
        silent = f"http://127.0.0.1:{port.number}/api/v1"
        for url in (silent, "https://crm.invalid/api/v1", plain):
            with pytest.raises((CommusoftUnreachable, CommusoftTimeout)):
                enter(url, limits=HASTY).record("customer", "1001")


def test_a_client_with_socket_time_outs_alone_would_wait_on(
    client: CommusoftClient, sandbox: SandboxServer, faults: Faults
) -> None:
    """The naive twin of the deadline: every byte comes in time, so it never gives up."""
    credentials = dict.fromkeys(("clientId", "username", "password", "applicationId"), "sandbox")
    token = requests.post(f"{sandbox.w_url}/getToken", json=credentials, timeout=30).json()["token"]
    drip: dict[str, Any] = {"fault": "drip", "seconds": 0.005}
    faults.add(**drip, path="/customers/*")
    with pytest.raises(CommusoftTimeout):
        meeting(client, drip).record("customer", "1001")
    naive = requests.get(
        f"{sandbox.w_url}/customers/1001",
        headers={"X-Auth-Token": token},
        timeout=2 * HASTY.total_timeout,
    )
    assert drip["seconds"] * len(naive.content) > 2 * HASTY.total_timeout
