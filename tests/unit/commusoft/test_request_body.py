"""A write sends the record as it was read, with the one field changed."""

import copy
import json
from typing import Any
from urllib.parse import parse_qsl

import pytest

from crmlink.commusoft.dialect import (
    P_REFERENCE,
    PUBLISHED_DIALECT,
    W_REFERENCE,
    WEBSERVICE_DIALECT,
    Dialect,
    candidate_write_methods,
)
from crmlink.commusoft.errors import InvalidCommusoftResponse
from crmlink.commusoft.parsing import parse_record
from crmlink.commusoft.records import Record
from crmlink.commusoft.request_body import write_body, write_path
from crmlink.kinds import KINDS, Kind

UUID = "0b6ee5d4-3b58-4b69-8f0c-111111111111"
P_RAW = {
    "id": 7,
    "uuid": UUID,
    "lastName": "Ó Súilleabháin & Söhne",
    "address": {"town": "York", "geo": [1.5, 2]},
    "accountingSettings": {"accountingReference": "old", "paymentTerms": 14},
    "unheardOf": {"deep": [{"a": None}, True]},
}
W_RAW = {
    "id": 7,
    "surname": "Lowe & Sons",
    W_REFERENCE: None,
    "active": True,
    "vip": False,
    "contacts": [{"name": "Ana", "emails": {"main": "a@b.example"}}],
}


def p_record(raw: dict[str, Any], kind: Kind = "customer") -> Record:
    return parse_record(kind, raw, P_REFERENCE)


def sent(record: Record, reference: str | None, dialect: Dialect = PUBLISHED_DIALECT) -> Any:
    body, content_type = write_body(dialect.ways(record.kind).writing, record, reference)
    assert content_type == "application/json"
    return json.loads(body)


def test_everything_but_the_reference_is_sent_as_it_was_read() -> None:
    expected = json.loads(json.dumps(P_RAW))
    expected["accountingSettings"]["accountingReference"] = "new"
    assert sent(p_record(P_RAW), "new") == expected


def test_the_record_that_was_read_is_not_changed_by_writing() -> None:
    record = p_record(copy.deepcopy(P_RAW))
    before = copy.deepcopy(record.raw)
    sent(record, "another than any other test writes")
    assert record.raw == before


def test_none_clears_the_reference() -> None:
    assert sent(p_record(P_RAW), None)["accountingSettings"]["accountingReference"] == ""


@pytest.mark.parametrize("settings", [None, [], {}])
def test_a_reference_finds_its_place_where_php_left_an_empty_list(settings: Any) -> None:
    record = p_record(P_RAW | {"accountingSettings": settings})
    assert sent(record, "new")["accountingSettings"] == {"accountingReference": "new"}


def test_a_place_that_holds_something_else_is_not_overwritten() -> None:
    with pytest.raises(InvalidCommusoftResponse):
        sent(p_record(P_RAW | {"accountingSettings": "closed"}), "new")


def test_what_the_profile_requires_is_sent_even_when_the_record_lacks_it() -> None:
    raw = {key: value for key, value in P_RAW.items() if key != "lastName"}
    assert sent(p_record(raw), "new")["lastName"] == ""


def test_shape_w_sends_a_form_nested_as_php_reads_it() -> None:
    record = parse_record("customer", W_RAW, W_REFERENCE)
    body, content_type = write_body(WEBSERVICE_DIALECT.customer.writing, record, "a b&c=ü")
    assert content_type == "application/x-www-form-urlencoded"
    assert parse_qsl(body.decode(), keep_blank_values=True) == [
        ("customertype[id]", "7"),
        ("customertype[surname]", "Lowe & Sons"),
        (f"customertype[{W_REFERENCE}]", "a b&c=ü"),
        ("customertype[active]", "1"),
        ("customertype[vip]", "0"),
        ("customertype[contacts][0][name]", "Ana"),
        ("customertype[contacts][0][emails][main]", "a@b.example"),
    ]


def test_paths_carry_the_id_that_the_dialect_wants() -> None:
    assert write_path(PUBLISHED_DIALECT.customer.writing, p_record(P_RAW)) == f"/customers/{UUID}"
    assert (
        write_path(WEBSERVICE_DIALECT.supplier.writing, p_record(P_RAW, "supplier"))
        == "/suppliers/7"
    )


def test_an_id_cannot_lead_the_write_to_another_path() -> None:
    record = p_record(P_RAW | {"id": "7/../8?x=1#"})
    assert (
        write_path(WEBSERVICE_DIALECT.customer.writing, record)
        == "/customers/7%2F..%2F8%3Fx%3D1%23"
    )


def test_a_record_without_the_id_that_the_path_needs_is_not_written() -> None:
    with pytest.raises(InvalidCommusoftResponse):
        write_path(PUBLISHED_DIALECT.customer.writing, p_record(P_RAW | {"uuid": None}))


@pytest.mark.parametrize("dialect", [WEBSERVICE_DIALECT, PUBLISHED_DIALECT])
def test_a_dialect_can_be_stored_and_taken_back(dialect: Dialect) -> None:
    for kind in KINDS:
        for writing in candidate_write_methods(kind, dialect):
            found = dialect.with_writing(kind, writing)
            assert Dialect.from_dict(json.loads(json.dumps(found.as_dict()))) == found


def test_what_is_no_dialect_is_refused() -> None:
    with pytest.raises(ValueError, match="not a dialect"):
        Dialect.from_dict({"name": "WEBSERVICE_DIALECT"})


def test_ways_that_no_one_has_seen_say_so() -> None:
    assert PUBLISHED_DIALECT.customer.writing.seen
    assert not WEBSERVICE_DIALECT.customer.writing.seen
    assert not WEBSERVICE_DIALECT.supplier.writing.seen
    assert not PUBLISHED_DIALECT.supplier.writing.seen


@pytest.mark.parametrize("dialect", [WEBSERVICE_DIALECT, PUBLISHED_DIALECT])
@pytest.mark.parametrize("kind", KINDS)
def test_the_dialects_own_way_is_tried_first_and_a_post_last(kind: Kind, dialect: Dialect) -> None:
    ways = candidate_write_methods(kind, dialect)
    assert ways[0] == dialect.ways(kind).writing
    assert [way.creates for way in ways] == [False] * (len(ways) - 1) + [True]
