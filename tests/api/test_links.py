"""The main job over HTTP: suggest, confirm, look, undo; and every refusal as problem details."""

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from support.access_factories import connection_of
from support.databases import KINDS, new_database
from support.sandbox import GREENFIELD_HAS, HOLLOWAY, OCONNOR_HAS, OTHER, SandboxHandle, new_key

URN = "urn:crmlink:problem:"
CONTACT: dict[str, Any] = {
    "package": "xero",
    "organisation": "!kR4N6",
    "reference": HOLLOWAY,
    "name": "Margaret Holloway",
    "email": "margaret.holloway@postbox.example",
    "postcode": "GL50 2TR",
}


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The main job is done on each of the two kinds."""
    return new_database(request, tmp_path)


def link(client: FlaskClient, record_id: str = "customer-1001", **more: Any) -> TestResponse:
    body = {
        "package": "xero",
        "organisation": "!kR4N6",
        "kind": record_id.partition("-")[0],
        "reference": HOLLOWAY,
        "contact_name": "Margaret Holloway",
        "record_id": record_id,
        "connection_id": connection_of(client),
    }
    headers = {"Idempotency-Key": more.pop("key", new_key())}
    return client.post("/api/v1/links", json=body | more, headers=headers)


def undo(client: FlaskClient, link_id: str) -> TestResponse:
    return client.post(
        f"/api/v1/links/{link_id}/undo", json={}, headers={"Idempotency-Key": new_key()}
    )


def test_the_right_record_stands_first_and_says_why(client: FlaskClient) -> None:
    offer = client.post("/api/v1/suggestions", json=CONTACT).get_json()
    best = offer["suggestions"][0]
    assert best["record"]["id"] == "customer-1001"
    assert best["record"]["page_url"].endswith("/customers/customer/1001/view/property/view")
    assert {reason["code"] for reason in best["reasons"] if reason["agrees"]}
    assert all(reason["text"] for reason in best["reasons"])
    assert offer["likely_kind"] == "customer"
    assert offer["contact"]["package_name"] == "Xero"
    assert offer["holders"] == []
    assert offer["link"] is None


def test_a_supplier_among_the_suggestions_makes_supplier_the_likely_kind(
    client: FlaskClient,
) -> None:
    contact = CONTACT | {
        "name": "Northgate Plumbing Supplies",
        "email": "sales@northgateplumbing.example",
        "postcode": "DL1 2PB",
    }
    offer = client.post("/api/v1/suggestions", json=contact).get_json()
    assert offer["suggestions"][0]["record"]["id"] == "supplier-501"
    assert offer["likely_kind"] == "supplier"


def test_linking_writes_reads_back_and_can_be_undone(
    client: FlaskClient, sandbox: SandboxHandle
) -> None:
    made = link(client)
    assert made.status_code == 201
    body = made.get_json()
    assert (body["state"], body["reference"], body["prior_reference"]) == ("linked", HOLLOWAY, None)
    assert body["by"] == "Front desk"
    assert body["can_undo"] is True
    assert sandbox.reference("customer-1001") == HOLLOWAY

    offer = client.post("/api/v1/suggestions", json=CONTACT).get_json()
    assert [holder["id"] for holder in offer["holders"]] == ["customer-1001"]
    assert offer["link"]["id"] == body["id"]

    undone = undo(client, body["id"])
    assert undone.status_code == 201
    assert undone.get_json()["undoes"] == body["id"]
    assert sandbox.reference("customer-1001") is None
    after = client.get(f"/api/v1/links/{body['id']}").get_json()
    assert (after["state"], after["undone_by"], after["can_undo"]) == (
        "undone",
        undone.get_json()["id"],
        False,
    )


def test_the_same_key_again_gives_the_same_answer(client: FlaskClient) -> None:
    key = new_key()
    assert link(client, key=key).get_json() == link(client, key=key).get_json()


@pytest.mark.parametrize(
    ("more", "status", "code", "says"),
    [
        ({"reference": "12345"}, 422, "reference-malformed", "It should be"),
        ({"package": "sage_9000"}, 422, "package-unknown", "accounting software"),
        ({"record_id": "customer-999999"}, 404, "record-unknown", "update the records"),
        ({"kind": "supplier"}, 409, "kind-differs", "supplier"),
        ({"kind": "supplier", "accepts_kind": "yes"}, 422, "invalid-fields", "accepts_kind"),
        ({"kind": "friend"}, 422, "invalid-fields", "kind"),
        ({"also_on": "all"}, 422, "invalid-fields", "also_on"),
        ({"surprise": 1}, 422, "invalid-fields", "surprise"),
        ({"key": ""}, 400, "idempotency-key-missing", "Idempotency-Key"),
        ({"reference": GREENFIELD_HAS}, 409, "reference-taken", "Greenfield Lettings Limited"),
    ],
)
def test_a_decision_that_cannot_be_carried_out_is_refused_in_a_sentence(
    client: FlaskClient,
    sandbox: SandboxHandle,
    more: dict[str, Any],
    status: int,
    code: str,
    says: str,
) -> None:
    reply = link(client, **more)
    body = reply.get_json()
    assert (reply.status_code, body["type"]) == (status, URN + code)
    assert reply.mimetype == "application/problem+json"
    assert says in body["detail"]
    assert body["request_id"] == reply.headers["X-Request-Id"]
    assert sandbox.reference("customer-1001") is None
    assert client.get("/api/v1/links").get_json()["links"] == []


def test_another_reference_on_the_record_is_shown_and_replaced_only_when_named(
    client: FlaskClient, sandbox: SandboxHandle
) -> None:
    refused = link(client, "customer-1006").get_json()
    assert refused["type"] == URN + "record-has-reference"
    assert refused["current_reference"] == OCONNOR_HAS
    assert refused["record"]["label"] == "Siân O'Connor"
    assert link(client, "customer-1006", replaces=OCONNOR_HAS).status_code == 201
    assert sandbox.reference("customer-1006") == HOLLOWAY


def test_a_reference_elsewhere_names_its_holders_and_needs_each_of_them_accepted(
    client: FlaskClient,
) -> None:
    refused = link(client, reference=GREENFIELD_HAS).get_json()
    assert [holder["id"] for holder in refused["holders"]] == ["customer-1007"]
    assert link(client, reference=GREENFIELD_HAS, also_on=["customer-1007"]).status_code == 201


def test_a_record_of_the_other_kind_is_named_and_needs_to_be_accepted(
    client: FlaskClient, sandbox: SandboxHandle
) -> None:
    refused = link(client, kind="supplier").get_json()
    assert refused["type"] == URN + "kind-differs"
    assert (refused["contact_kind"], refused["record"]["kind"]) == ("supplier", "customer")
    assert "Margaret Holloway is a customer in Commusoft" in refused["detail"]
    assert sandbox.reference("customer-1001") is None
    made = link(client, kind="supplier", accepts_kind=True)
    assert made.status_code == 201
    assert (made.get_json()["kind"], made.get_json()["contact_kind"]) == ("customer", "supplier")
    assert sandbox.reference("customer-1001") == HOLLOWAY


ADDRESSES = ["!kR4N6", None]


@pytest.mark.parametrize("linked_in", ADDRESSES)
@pytest.mark.parametrize("looked_at_in", ADDRESSES)
def test_a_link_is_found_by_an_address_that_names_no_organisation(
    client: FlaskClient, linked_in: str | None, looked_at_in: str | None
) -> None:
    made = link(client, organisation=linked_in).get_json()
    contact = CONTACT | {"organisation": looked_at_in}
    offer = client.post("/api/v1/suggestions", json=contact).get_json()
    assert offer["link"]["id"] == made["id"]
    assert [each["id"] for each in offer["holder_links"]] == [made["id"]]
    assert offer["holder_links"][0]["can_undo"] is True


def test_links_of_two_organisations_are_not_mistaken_for_one_that_is_not_named(
    client: FlaskClient,
) -> None:
    for record_id, organisation in (("customer-1001", "1"), ("customer-1002", "2")):
        made = link(
            client, record_id, package="quickbooks_online", reference="12",
            organisation=organisation, also_on=["customer-1001"],
        )  # fmt: skip
        assert made.status_code == 201
    contact = {"package": "quickbooks_online", "reference": "12", "kind": "customer"}
    offer = client.post("/api/v1/suggestions", json=contact).get_json()
    assert offer["link"] is None
    assert len(offer["holder_links"]) == 2


def test_the_link_behind_a_reference_is_found_though_the_contact_has_a_newer_one(
    client: FlaskClient,
) -> None:
    first = link(client).get_json()
    second = link(client, "customer-1002", also_on=["customer-1001"]).get_json()
    assert undo(client, second["id"]).status_code == 201
    offer = client.post("/api/v1/suggestions", json=CONTACT).get_json()
    assert [holder["id"] for holder in offer["holders"]] == ["customer-1001"]
    assert [each["id"] for each in offer["holder_links"]] == [first["id"]]


def test_a_link_that_changed_nothing_does_not_hide_the_one_that_did(client: FlaskClient) -> None:
    first = link(client).get_json()
    assert link(client).get_json()["can_undo"] is False
    offer = client.post("/api/v1/suggestions", json=CONTACT).get_json()
    assert [each["id"] for each in offer["holder_links"]] == [first["id"]]


def test_a_reference_that_crmlink_did_not_put_there_has_no_link(
    client: FlaskClient, sandbox: SandboxHandle
) -> None:
    contact = CONTACT | {"reference": OCONNOR_HAS}
    offer = client.post("/api/v1/suggestions", json=contact).get_json()
    assert [holder["id"] for holder in offer["holders"]] == ["customer-1006"]
    assert offer["holder_links"] == []


def test_undo_after_someone_elses_change_says_what_stands_there_now(
    client: FlaskClient, sandbox: SandboxHandle
) -> None:
    made = link(client).get_json()
    sandbox.put_reference("customer-1001", OTHER)
    reply = undo(client, made["id"])
    assert reply.status_code == 409
    assert reply.get_json()["type"] == URN + "cannot-undo"
    assert OTHER in reply.get_json()["detail"]


def test_a_record_gone_from_commusoft_is_gone_here_too(
    client: FlaskClient, sandbox: SandboxHandle
) -> None:
    sandbox.delete("customer-1008")
    reply = link(client, "customer-1008")
    assert (reply.status_code, reply.get_json()["type"]) == (410, URN + "record-gone")


def test_links_are_listed_newest_first_a_page_at_a_time(client: FlaskClient) -> None:
    made = [
        link(client, f"customer-{number}", reference=f"11111111-2222-4333-8444-{number:012}")
        for number in (1001, 1002, 1003)
    ]
    ids = [reply.get_json()["id"] for reply in made]
    first = client.get("/api/v1/links?limit=2").get_json()
    assert [item["id"] for item in first["links"]] == ids[:0:-1]
    rest = client.get(f"/api/v1/links?limit=2&cursor={first['next']}").get_json()
    assert [item["id"] for item in rest["links"]] == ids[:1]
    assert rest["next"] is None
    assert client.get("/api/v1/links?state=failed").get_json()["links"] == []
    assert client.get("/api/v1/links?state=wrong").status_code == 422


def test_search_finds_by_name_postcode_and_telephone(client: FlaskClient) -> None:
    for text, wanted in [("holloway", "1001"), ("GL50 2TR", "1001"), ("07700 900231", "1002")]:
        found = client.get("/api/v1/records", query_string={"q": text}).get_json()["records"]
        assert found[0]["id"] == f"customer-{wanted}", text
    assert client.get("/api/v1/records?q=zzzzqqqq").get_json()["records"] == []


def test_a_body_that_is_no_json_or_too_large_is_said_to_be_so(client: FlaskClient) -> None:
    for body, status, code in [
        (b"{", 400, "malformed-request"),
        (b"[]", 400, "malformed-request"),
        (b'{"name": "' + b"x" * 2_000_000 + b'"}', 413, "too-large"),
    ]:
        reply = client.post("/api/v1/suggestions", data=body, content_type="application/json")
        assert (reply.status_code, reply.get_json()["type"]) == (status, URN + code)


def test_commusoft_down_is_told_and_nothing_is_written(
    client: FlaskClient, sandbox: SandboxHandle
) -> None:
    sandbox.stop()
    reply = link(client)
    assert reply.status_code == 503
    assert reply.get_json()["type"] == URN + "commusoft-unreachable"
    assert "Nothing was saved" in reply.get_json()["detail"]
    assert client.post("/api/v1/suggestions", json=CONTACT).status_code == 200


def test_several_emails_and_addresses_of_a_contact_are_compared(client: FlaskClient) -> None:
    contact = {
        "package": "xero", "organisation": "!kR4N6", "reference": HOLLOWAY, "name": "John Smith",
        "email": "jane@x.example", "other_emails": ["john.smith@letterbox.example"],
        "phones": ["01632 960999 / 07700 900999"],
        "address": "PO Box 77", "town": "Harrogate", "postcode": "HG1 1AA",
        "other_addresses": [{"address": "52 Station Road", "town": "York", "postcode": "YO24 1AA"}],
    }  # fmt: skip
    best = client.post("/api/v1/suggestions", json=contact).get_json()["suggestions"][0]
    assert best["record"]["id"] == "customer-1005"
    codes = {reason["code"] for reason in best["reasons"]}
    assert {"same_email", "same_postcode", "same_address"} <= codes
    assert not {"other_email", "other_postcode", "other_address"} & codes


def test_a_retired_contact_is_never_sure_over_http(client: FlaskClient) -> None:
    live = client.post("/api/v1/suggestions", json=CONTACT).get_json()["suggestions"][0]
    retired = client.post("/api/v1/suggestions", json=CONTACT | {"retired": True})
    first = retired.get_json()["suggestions"][0]
    assert (live["sure"], first["sure"]) == (True, False)
    assert "retired_contact" in {reason["code"] for reason in first["reasons"]}


def test_a_record_shows_where_its_invoice_goes(client: FlaskClient) -> None:
    contact = CONTACT | {"name": "Ashdown Builders", "email": "", "postcode": "BN1 1YR"}
    best = client.post("/api/v1/suggestions", json=contact).get_json()["suggestions"][0]
    assert best["record"]["id"] == "customer-1003"
    assert best["record"]["other_addresses"] == [
        {
            "address": "The Counting House, 12 North Street",
            "town": "Brighton",
            "postcode": "BN1 1YR",
        }
    ]
    assert "same_postcode" in {reason["code"] for reason in best["reasons"]}
