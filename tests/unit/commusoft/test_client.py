"""The client against the sandbox over real HTTP, in both shapes."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from urllib.parse import urljoin

import pytest
import requests

from crmlink.commusoft import client as client_module
from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.connection import Connection
from crmlink.commusoft.errors import CommusoftAuthError, InvalidCommusoftResponse, RecordNotFound
from crmlink.commusoft.limits import ClientLimits
from crmlink.commusoft.sandbox import SandboxServer, create_sandbox
from crmlink.kinds import KINDS, Kind
from crmlink.strict_json import read_json
from unit.commusoft.fake_server import Enter, Faults


@pytest.fixture(params=["W", "P"])
def client(request: pytest.FixtureRequest, sandbox: SandboxServer, enter: Enter) -> CommusoftClient:
    return enter(sandbox.w_url if request.param == "W" else sandbox.p_url)


@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_list_comes_with_deleted_records_flagged(
    client: CommusoftClient, kind: Kind
) -> None:
    records = list(client.records(kind))
    assert len(records) == {"customer": 60, "supplier": 20}[kind]
    assert len({record.number for record in records}) == len(records)
    assert all(record.kind == kind and record.uuid for record in records)
    if kind == "customer":
        assert next(one.number for one in records if one.deleted) == "1009"


def test_a_listed_record_equals_the_same_record_asked_for_alone(client: CommusoftClient) -> None:
    listed = [record for record in client.records("customer") if not record.deleted]
    for record in listed[:12]:
        assert client.record("customer", record.number, record.uuid) == record


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "reference", ["abc-1", "Ünïcode & Co = 100% + ?", " spaces  count ", "00042"]
)
def test_a_written_reference_is_read_back_exactly_and_nothing_else_changes(
    client: CommusoftClient, kind: Kind, reference: str
) -> None:
    number = {"customer": "1010", "supplier": "502"}[kind]
    before = client.record(kind, number)
    client.write_reference(before, reference)
    after = client.record(kind, number)
    assert after.reference == reference
    client.write_reference(after, None)
    cleared = client.record(kind, number)
    assert cleared == before
    changed = {key for key in before.raw if before.raw[key] != cleared.raw[key]}
    assert changed <= {"updatedAt"}


def test_both_shapes_show_the_same_record(sandbox: SandboxServer, enter: Enter) -> None:
    w, p = enter(sandbox.w_url), enter(sandbox.p_url)
    for kind in KINDS:
        for left, right in zip(w.records(kind), p.records(kind), strict=True):
            if kind == "customer":
                assert (left.name, left.address, left.phones) == (
                    right.name,
                    right.address,
                    right.phones,
                )
            assert (left.id, left.uuid, left.company, left.email, left.reference) == (
                right.id,
                right.uuid,
                right.company,
                right.email,
                right.reference,
            )


def test_a_control_character_in_a_text_hides_no_record(
    client: CommusoftClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = client.record("customer", "1010")
    escape, raw = json.dumps(plain.town), json.dumps(f"{plain.town}\x0b").replace("\\u000b", "\x0b")
    monkeypatch.setattr(
        client_module,
        "read_json",
        lambda text, **how: read_json(text.replace(escape.encode(), raw.encode()), **how),
    )
    assert client.record("customer", "1010").town == plain.town


def test_a_deleted_and_an_unknown_record_are_gone(client: CommusoftClient) -> None:
    for number in ("1009", "999999"):
        with pytest.raises(RecordNotFound) as caught:
            client.record("customer", number)
        assert (caught.value.kind, caught.value.number) == ("customer", number)


def test_an_unknown_uuid_is_gone(sandbox: SandboxServer, enter: Enter) -> None:
    with pytest.raises(RecordNotFound):
        enter(sandbox.p_url).record("customer", "1001", "5d3c1a52-6f0e-4a39-8f6b-0c7b1d2e9a99")


def test_another_records_uuid_is_not_taken_for_the_record(
    sandbox: SandboxServer, enter: Enter
) -> None:
    client = enter(sandbox.p_url)
    other = client.record("customer", "1002")
    with pytest.raises(InvalidCommusoftResponse):
        client.record("customer", "1001", other.uuid)


def test_the_sandbox_is_known_as_one_after_the_first_reply(client: CommusoftClient) -> None:
    assert not client.sandbox
    client.record("customer", "1001")
    assert client.sandbox


def test_wrong_credentials_are_refused(sandbox: SandboxServer) -> None:
    client = CommusoftClient(Connection(sandbox.w_url, "sandbox", "sandbox", "wrong", "sandbox"))
    with pytest.raises(CommusoftAuthError):
        client.record("customer", "1001")


def test_a_supplier_of_a_shape_without_the_field_shows_that_nothing_is_shown(
    enter: Enter,
) -> None:
    app = create_sandbox(customers=10, suppliers=5, drop_supplier_reference=True)
    with SandboxServer(app) as server:
        client = enter(server.p_url)
        before = client.record("supplier", "501")
        assert not before.reference_shown
        client.write_reference(before, "S-1")
        assert client.record("supplier", "501").reference is None
        assert enter(server.w_url).record("supplier", "501").reference is None


def test_only_newer_records_come_where_the_api_can_filter(
    sandbox: SandboxServer, enter: Enter
) -> None:
    client = enter(sandbox.w_url)
    newer = list(client.records("customer", created_after=datetime(2015, 1, 6, 9, tzinfo=UTC)))
    assert 0 < len(newer) < 60
    assert not {"1001", "2001"} & {record.number for record in newer}


@pytest.mark.parametrize(
    ("base", "page"),
    [
        ("https://app.commusoft.co.uk/webservice_dev.php/api/v1", "https://app.commusoft.co.uk"),
        ("https://app.commusoft.us/webservice_dev.php/api/v1", "https://app.commusoft.us"),
        ("https://api.commusoft.com/api/v1", "https://app.commusoft.co.uk"),
        ("http://127.0.0.1:8788/api/v1", "http://127.0.0.1:8788"),
    ],
)
def test_a_records_page_is_on_the_web_applications_host(enter: Enter, base: str, page: str) -> None:
    client = enter(base)
    assert client.page_url("customer", "12") == f"{page}/customers/customer/12/view/property/view"
    assert (
        client.page_url("supplier", "7")
        == f"{page}/suppliers/list_supplier/7/view/supplier_details"
    )


def test_the_page_of_a_record_shows_its_reference_and_says_that_it_is_a_sandbox(
    client: CommusoftClient,
) -> None:
    client.write_reference(client.record("customer", "1001"), "<b>ref-77</b>")
    address = client.page_url("customer", "1001")
    visitor = requests.Session()
    account = dict.fromkeys(("logintype_username", "logintype_password"), "sandbox")
    visitor.post(urljoin(address, "/login"), data=account, timeout=30).raise_for_status()
    page = visitor.get(address, timeout=30)
    assert "SANDBOX" in page.text
    assert "Margaret Holloway" in page.text
    assert "&lt;b&gt;ref-77&lt;/b&gt;" in page.text


# In a process of its own, for the sandbox's memory is not the client's.
READER = """
import sys, tracemalloc
from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.connection import Connection
from crmlink.commusoft.limits import ClientLimits
connection = Connection(sys.argv[1], *["sandbox"] * 4)
client = CommusoftClient(connection, limits=ClientLimits(max_per_second=1000))
client.record("customer", "1001")
for work in (lambda: sum(1 for _ in client.records("customer")),
             lambda: len(list(client.records("customer")))):
    tracemalloc.start()
    print(work(), tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
"""


@pytest.mark.slow
def test_a_long_list_is_read_without_being_held() -> None:
    with SandboxServer(create_sandbox(customers=8_000, suppliers=5)) as server:
        command = [sys.executable, "-c", READER, server.w_url]
        process = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    (count, streamed), (whole, held) = (
        map(int, line.split()) for line in process.stdout.splitlines()
    )
    assert count == whole == 8_000
    assert streamed < 3 * 1024 * 1024  # the list is 5 MB of JSON
    assert held > 5 * streamed  # what a list that is held would have cost


def test_a_token_is_made_once_and_shared_by_threads(
    sandbox: SandboxServer, faults: Faults, enter: Enter
) -> None:
    client = enter(sandbox.w_url)
    faults.add("latency", path="/getToken", seconds=0.05)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: client.record("customer", "1001").number, range(24)))
    assert found == ["1001"] * 24
    assert faults.struck() == [1]


def test_a_token_is_renewed_before_it_grows_old(
    sandbox: SandboxServer, faults: Faults, enter: Enter
) -> None:
    client = enter(sandbox.w_url, limits=ClientLimits(max_per_second=1000, token_ttl=0.0))
    faults.add("latency", path="/getToken", seconds=0)
    for _ in range(3):
        client.record("customer", "1001")
    assert faults.struck() == [3]
