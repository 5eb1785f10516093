"""How the sandbox answers over HTTP, asked plainly: both shapes, and what they refuse."""

import json
from contextlib import ExitStack
from dataclasses import dataclass
from socket import create_connection
from typing import Any

import pytest
import requests

from crmlink.commusoft.sandbox import SANDBOX_HEADER, SandboxServer, create_sandbox
from unit.commusoft.fake_server import Faults

CREDENTIALS = dict.fromkeys(("clientId", "username", "password", "applicationId"), "sandbox")


@dataclass
class Caller:
    """Somebody with a token for one of the shapes."""

    base: str
    token: str

    def __call__(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"X-Auth-Token": self.token}
        return requests.request(method, self.base + path, headers=headers, timeout=30, **more)


def caller(base: str) -> Caller:
    reply = requests.post(f"{base}/getToken", json=CREDENTIALS, timeout=30)
    is_json = reply.headers["Content-Type"] == "application/json"
    return Caller(base, reply.json()["token"] if is_json else reply.text)


@pytest.fixture
def w(sandbox: SandboxServer) -> Caller:
    return caller(sandbox.w_url)


@pytest.fixture
def p(sandbox: SandboxServer) -> Caller:
    return caller(sandbox.p_url)


@pytest.fixture(params=["W", "P"])
def shape(request: pytest.FixtureRequest, sandbox: SandboxServer) -> Caller:
    return caller(sandbox.w_url if request.param == "W" else sandbox.p_url)


def uuid_of(p: Caller, number: int) -> str:
    found = (one for one in p("GET", "/customers").json() if one["id"] == number)
    return str(next(found)["uuid"])


@pytest.mark.parametrize("path", ["/", "/nowhere", "/api/v1/customers", "/sandbox/faults"])
def test_every_reply_says_that_it_is_a_sandbox(sandbox: SandboxServer, path: str) -> None:
    assert requests.get(sandbox.url + path, timeout=30).headers[SANDBOX_HEADER] == "crmlink"


def test_every_fault_says_that_it_is_a_sandbox(sandbox: SandboxServer, faults: Faults) -> None:
    for fault in ("html", "empty", "status", "redirect"):
        faults.add(fault, count=1)
        reply = requests.get(f"{sandbox.p_url}/customers", timeout=30, allow_redirects=False)
        assert reply.headers[SANDBOX_HEADER] == "crmlink"


def test_the_start_page_says_in_big_letters_what_it_is(sandbox: SandboxServer) -> None:
    page = requests.get(sandbox.url, timeout=30).text
    assert "<strong>SANDBOX</strong> This is not Commusoft" in page
    assert "Margaret Holloway" in page


@pytest.mark.parametrize("name", list(CREDENTIALS))
def test_each_credential_counts(sandbox: SandboxServer, name: str) -> None:
    for base in (sandbox.w_url, sandbox.p_url):
        for wrong in ("", "other", None):
            sent = CREDENTIALS | {name: wrong}
            assert requests.post(f"{base}/getToken", json=sent, timeout=30).status_code == 401


def test_nothing_is_told_without_a_token(sandbox: SandboxServer) -> None:
    for base in (sandbox.w_url, sandbox.p_url):
        for path in ("/customers", "/customers/1001", "/suppliers", "/customers?token=made-up"):
            assert requests.get(base + path, timeout=30).status_code == 401


def test_a_token_is_taken_in_the_header_and_in_the_query(shape: Caller) -> None:
    assert shape("GET", "/suppliers").status_code == 200
    in_query = requests.get(f"{shape.base}/suppliers?token={shape.token}", timeout=30)
    assert in_query.status_code == 200


def test_the_list_is_whole_whatever_paging_is_asked_for(w: Caller) -> None:
    asked = {"page": "2", "limit": "5", "per_page": "5", "offset": "50"}
    assert len(w("GET", "/customers", params=asked).json()["Customers"]) == 60


def test_the_filters_that_were_seen_to_work_do(w: Caller, p: Caller) -> None:
    by_email = w("GET", "/customers", params={"emailaddress": "SIAN.OCONNOR@postbox.example"})
    assert [one["id"] for one in by_email.json()["Customers"]] == [1006]
    one = by_email.json()["Customers"][0]
    for here in (w("GET", "/customers", params={"uuid": one["uuid"]}).json()["Customers"],
                 p("GET", "/customers", params={"uuid": one["uuid"]}).json()):  # fmt: skip
        assert [each["id"] for each in here] == [1006]


def test_each_shape_has_its_own_spellings_of_the_same_person(w: Caller, p: Caller) -> None:
    as_w = w("GET", "/customers/1006").json()
    as_p = p("GET", f"/customers/{as_w['uuid']}").json()
    assert (as_w["name"], as_w["surname"], as_w["addressline1"]) == (
        "Siân",
        "O'Connor",
        "3 Bryn Awel",
    )
    assert (as_p["firstName"], as_p["lastName"]) == ("Siân", "O'Connor")
    assert as_p["address"]["addressLine1"] == "3 Bryn Awel"
    reference = "5f0c2b1e-7a3d-4c58-9e21-3b8a6d4f1c70"
    assert as_w["thirdpartyreference"] == reference
    assert as_p["accountingSettings"]["accountingReference"] == reference


def test_the_people_of_a_customer_are_listed(w: Caller) -> None:
    (person,) = w("GET", "/customers/1003/contacts").json()["contacts"]
    assert (person["name"], person["surname"]) == ("Peter", "Ashdown")


@pytest.mark.parametrize("missing", ["uuid", "lastName"])
def test_a_profile_customer_is_refused_without_what_the_profile_requires(
    p: Caller, missing: str
) -> None:
    own = uuid_of(p, 1001)
    record = p("GET", f"/customers/{own}").json()
    del record[missing]
    assert p("PUT", f"/customers/{own}", json=record).status_code == 400


@pytest.mark.parametrize(
    "change",
    [{"lastName": None}, {"email": 5}, {"address": "here"}, {"uuid": "another"},
     {"accountingSettings": []}, {"accountingSettings": {"paymentTerms": "soon"}}],
)  # fmt: skip
def test_a_profile_customer_is_refused_with_the_wrong_types(p: Caller, change: Any) -> None:
    own = uuid_of(p, 1001)
    record = p("GET", f"/customers/{own}").json()
    assert p("PUT", f"/customers/{own}", json=record | change).status_code == 400
    assert p("GET", f"/customers/{own}").json() == record


def test_a_put_replaces_so_what_is_not_sent_is_lost(w: Caller, p: Caller) -> None:
    own = uuid_of(p, 1001)
    p("PUT", f"/customers/{own}", json={"uuid": own, "lastName": "Holloway"})
    assert "email" not in p("GET", f"/customers/{own}").json()
    w("PUT", "/customers/1002", data={"customertype[surname]": "Pryce-Davies"})
    assert w("GET", "/customers/1002").json()["emailaddress"] is None


def test_a_form_with_a_field_that_the_server_does_not_know_is_refused(w: Caller) -> None:
    sent = {"customertype[surname]": "Lowe", "customertype[sagereference]": "X"}
    assert w("PUT", "/customers/1001", data=sent).status_code == 400
    assert w("PUT", "/customers/1001", data={"surname": "Lowe"}).status_code == 400


def test_json_nested_works_and_json_with_brackets_in_its_names_does_not(w: Caller) -> None:
    nested = {"customertype": {"surname": "Lowe", "thirdpartyreference": "N-1"}}
    assert w("PUT", "/customers/1001", json=nested).json()["thirdpartyreference"] == "N-1"
    flat = {"customertype[surname]": "Lowe"}
    assert w("PUT", "/customers/1001", json=flat).status_code == 500


def test_creating_answers_with_the_place_and_a_uuid_serves_once(w: Caller, p: Caller) -> None:
    own = "0b6ee5d4-3b58-4b69-8f0c-111111111111"
    form = {"customertype[surname]": "New", "customertype[uuid]": own}
    made = w("POST", "/customers/1", data=form)
    assert made.status_code == 201
    number = made.headers["Location"].rsplit("/", 1)[1]
    assert w("GET", f"/customers/{number}").json()["uuid"] == own
    assert w("POST", "/customers/1", data=form).status_code == 500
    assert w("POST", "/customers/1001", data=form).status_code == 404  # no such type
    assert p("POST", "/suppliers", json={"companyName": "New Ltd"}).status_code == 201


def test_deleting_only_flags(shape: Caller, p: Caller) -> None:
    key = uuid_of(p, 1004) if shape.base == p.base else "1004"
    assert shape("DELETE", f"/customers/{key}").status_code == 200
    assert shape("GET", f"/customers/{key}").json()["deleted"] == 1


@pytest.mark.parametrize(
    "asked",
    [{}, {"fault": "unheard-of"}, {"fault": "html", "often": 1}, {"fault": "html", "count": "1"}],
)
def test_a_fault_that_is_not_understood_is_refused(sandbox: SandboxServer, asked: Any) -> None:
    assert requests.post(f"{sandbox.url}/sandbox/faults", json=asked, timeout=30).status_code == 400


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_control_takes_json_that_says_so(sandbox: SandboxServer, kind: str) -> None:
    """A page of any site may send the other types to this computer, without asking."""
    address, headers = f"{sandbox.url}/sandbox/faults", {"Content-Type": kind}
    reply = requests.post(address, data=b'{"fault": "html"}', headers=headers, timeout=30)
    assert reply.status_code == 415
    assert requests.get(address, timeout=30).json()["standing"] == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
@pytest.mark.parametrize("base", ["/webservice_dev.php/api/v1", "/api/v1"])
def test_a_token_is_asked_for_by_json_that_says_so(
    sandbox: SandboxServer, base: str, kind: str
) -> None:
    reply = requests.post(
        f"{sandbox.url}{base}/getToken",
        data=json.dumps(CREDENTIALS).encode(),
        headers={"Content-Type": kind},
        timeout=30,
    )
    assert reply.status_code == 415


@pytest.mark.parametrize("path", ["/", "/sandbox/writes", "/sandbox/faults", "/api/v1/customers"])
def test_the_sandbox_answers_under_its_own_name_only(sandbox: SandboxServer, path: str) -> None:
    """A name of someone else that leads to this computer must not make a page its own site."""
    for host in ("evil.example", f"evil.example:{sandbox.port}", "127.0.0.1.evil.example", "a b"):
        reply = requests.get(sandbox.url + path, headers={"Host": host}, timeout=30)
        assert reply.status_code == 421
    for host in ("localhost", "127.0.0.1", "[::1]"):
        own = {"Host": f"{host}:{sandbox.port}"}
        assert requests.get(sandbox.url + path, headers=own, timeout=30).status_code != 421


def test_a_name_given_twice_is_refused(sandbox: SandboxServer) -> None:
    address, headers = f"{sandbox.url}/sandbox/faults", {"Content-Type": "application/json"}
    body = b'{"fault": "html", "fault": "empty"}'
    assert requests.post(address, data=body, headers=headers, timeout=30).status_code == 400


def test_a_fault_strikes_only_the_requests_that_it_is_for(
    w: Caller, p: Caller, faults: Faults
) -> None:
    faults.add("status", status=418, method="GET", path="/customers/*", after=1, count=2)
    statuses = [w("GET", "/customers/1001").status_code for _ in range(4)]
    assert statuses == [200, 418, 418, 200]
    assert w("GET", "/suppliers").status_code == 200
    assert w("DELETE", "/customers/1004").status_code == 200


def test_a_share_of_the_requests_is_the_same_share_each_time(w: Caller, faults: Faults) -> None:
    faults.add("empty", path="/suppliers/*", share=0.25)
    for _ in range(80):
        w("GET", "/suppliers/501")
    assert 8 <= faults.struck()[0] <= 32


def test_faults_spare_the_pages_and_the_controls(sandbox: SandboxServer, faults: Faults) -> None:
    faults.add("status", status=500)
    assert requests.get(sandbox.url, timeout=30).status_code == 200
    assert faults.struck() == [0]


def test_the_same_seed_answers_the_same_over_http() -> None:
    lists = []
    for _ in range(2):
        with SandboxServer(create_sandbox(customers=40, suppliers=20, seed=5)) as server:
            lists.append(caller(server.w_url)("GET", "/customers").content)
    assert lists[0] == lists[1]


def test_it_answers_while_many_connections_are_open(sandbox: SandboxServer) -> None:
    with ExitStack() as open_ones:
        for _ in range(150):
            open_ones.enter_context(create_connection(("127.0.0.1", sandbox.port), 30))
        assert requests.get(sandbox.url, timeout=30).ok
