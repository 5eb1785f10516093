"""Every spelling of a record and of a list that public sources show is read."""

import io
import json
from typing import Any

import pytest

from crmlink.commusoft.dialect import P_REFERENCE, W_REFERENCE
from crmlink.commusoft.errors import InvalidCommusoftResponse
from crmlink.commusoft.parsing import LIST_KEYS, SPELLINGS, iter_records, parse_record, parse_single
from crmlink.kinds import Kind
from crmlink.values import Address

P_CUSTOMER = {
    "id": 7,
    "uuid": "0b6ee5d4-3b58-4b69-8f0c-111111111111",
    "firstName": "Ana",
    "lastName": "Lowe",
    "companyName": "Lowe Ltd",
    "email": "ana@lowe.example",
    "telephone": "01632 960001",
    "mobile": "07700 900001",
    "address": {"addressLine1": "1 Mill Lane", "addressLine2": "Upton", "town": "York"},
    "accountingSettings": {"accountingReference": "ref-1"},
    "deleted": 0,
}


def nest(path: str, value: Any) -> dict[str, Any]:
    head, _, rest = path.partition(".")
    return {head: nest(rest, value) if rest else value}


@pytest.mark.parametrize(
    ("field", "spelling"),
    [(field, one) for field, spellings in SPELLINGS.items() for one in spellings],
)
def test_each_spelling_of_each_field_is_read(field: str, spelling: str) -> None:
    raw = {"id": 1} | nest(spelling, "00042")
    record = parse_record("customer", raw, W_REFERENCE)
    ours = {
        "first_name": record.name,
        "surname": record.name,
        "full_name": record.name,
        "telephone": "".join(record.phones),
        "mobile": "".join(record.phones),
        "line1": record.address,
        "line2": record.address,
        "line3": record.address,
    }
    expected = "1" if field == "number" and spelling != "id" else "00042"
    assert (ours[field] if field in ours else getattr(record, field)) == expected


def test_the_first_spelling_that_is_not_empty_counts() -> None:
    raw = {"id": 1, "emailaddress": " ", "email": None, "company_email": "a@b.example"}
    assert parse_record("customer", raw, W_REFERENCE).email == "a@b.example"


def test_a_profile_record_is_read_whole() -> None:
    record = parse_record("customer", P_CUSTOMER, P_REFERENCE)
    assert (record.id, record.uuid) == ("customer-7", P_CUSTOMER["uuid"])
    assert (record.name, record.company, record.email) == (
        "Ana Lowe",
        "Lowe Ltd",
        "ana@lowe.example",
    )
    assert record.phones == ("01632 960001", "07700 900001")
    assert (record.address, record.town, record.postcode) == ("1 Mill Lane, Upton", "York", "")
    assert (record.reference, record.deleted) == ("ref-1", False)


def test_a_company_repeated_as_the_contact_is_no_person() -> None:
    raw = {"id": 1, "company_name": "Lowe Ltd", "name": "Lowe Ltd"}
    assert parse_record("customer", raw, W_REFERENCE).name == ""


@pytest.mark.parametrize(
    ("value", "deleted"),
    [
        *((value, True) for value in (1, "1", True, "true")),
        *((value, False) for value in (0, "0", False, None, "")),
    ],
)
def test_the_deleted_flag_is_read_in_every_form(value: Any, deleted: bool) -> None:
    assert parse_record("customer", {"id": 1, "deleted": value}, W_REFERENCE).deleted is deleted


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_reference_is_none_but_shown(empty: str | None) -> None:
    record = parse_record("customer", {"id": 1, W_REFERENCE: empty}, W_REFERENCE)
    assert (record.reference, record.reference_shown) == (None, True)


def test_a_record_without_any_field_for_the_reference_says_so() -> None:
    record = parse_record("supplier", {"id": 1, "companyName": "Lowe Ltd"}, P_REFERENCE)
    assert (record.reference, record.reference_shown) == (None, False)


def test_a_reference_is_read_exactly_with_its_spaces() -> None:
    raw = {"id": 1, "accountingSettings": {"accountingReference": " Lowe  Ltd"}}
    assert parse_record("customer", raw, P_REFERENCE).reference == " Lowe  Ltd"


@pytest.mark.parametrize("odd", ["\x00", "\ud83d"])
def test_what_no_database_takes_is_left_out_of_texts_and_never_out_of_a_reference(odd: str) -> None:
    raw = {"id": 1, "companyName": f"Lowe{odd} Ltd", "town": odd}
    record = parse_record("supplier", raw | {"accountingReference": "L1"}, "accountingReference")
    assert (record.company, record.town, record.reference) == ("Lowe Ltd", "", "L1")
    with pytest.raises(InvalidCommusoftResponse):
        parse_record("supplier", raw | {"accountingReference": f"L1{odd}"}, "accountingReference")


def test_a_reference_under_another_spelling_is_seen_before_an_empty_field() -> None:
    raw = {"id": 1, W_REFERENCE: "", "accountingReference": "OLD"}
    assert parse_record("customer", raw, W_REFERENCE).reference == "OLD"


def test_where_both_are_filled_the_dialects_own_field_counts() -> None:
    raw = {"id": 1, W_REFERENCE: "NEW", "accountingReference": "OLD"}
    assert parse_record("customer", raw, W_REFERENCE).reference == "NEW"


def test_a_record_shows_its_data_to_no_one_who_prints_it() -> None:
    assert repr(parse_record("customer", P_CUSTOMER, P_REFERENCE)) == "Record(customer-7)"


@pytest.mark.parametrize("raw", [None, [], "text", {}, {"id": ""}, {"id": None}, {"id": True}])
def test_what_is_no_record_is_unreadable(raw: Any) -> None:
    with pytest.raises(InvalidCommusoftResponse):
        parse_record("customer", raw, W_REFERENCE)


@pytest.mark.parametrize(
    "document",
    [P_CUSTOMER, [P_CUSTOMER], {"Customer": P_CUSTOMER}, {"data": P_CUSTOMER},
     {"data": {"customer": P_CUSTOMER}}],
)  # fmt: skip
def test_one_record_is_found_in_every_wrapping(document: Any) -> None:
    assert parse_single("customer", document, P_REFERENCE).number == "7"


def listed(kind: Kind, document: Any) -> list[Any]:
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    return list(iter_records(kind, io.BytesIO(text)))


@pytest.mark.parametrize(
    ("kind", "key"), [(kind, key) for kind, keys in LIST_KEYS.items() for key in keys]
)
def test_each_place_of_a_list_is_found(kind: Kind, key: str) -> None:
    assert listed(kind, {"status": {"code": 200}} | nest(key, [{"id": 1}, {"id": 2}])) == [
        {"id": 1},
        {"id": 2},
    ]


def test_a_list_on_top_and_an_empty_list_are_read() -> None:
    assert listed("customer", [{"id": 1}]) == [{"id": 1}]
    assert listed("customer", {"Customers": []}) == []


@pytest.mark.parametrize(
    "document",
    [{}, {"error": "no"}, {"Customers": None}, {"Customers": {"id": 1}}, {"Suppliers": []}, "text",
     b"", b"{", b"[{'id': 1}]", b'[{"id": 1}', b'[{"id": 1}]]', b'{"Customers": [{"id": 1}]',
     b'[{"id": "\xff"}]'],
)  # fmt: skip
def test_a_reply_without_a_whole_list_is_unreadable_and_never_an_empty_list(document: Any) -> None:
    with pytest.raises(InvalidCommusoftResponse):
        listed("customer", document)


def test_numbers_stay_plain_so_that_a_record_can_be_sent_back() -> None:
    (raw,) = listed("customer", b'[{"id": 1, "balance": 12.5}]')
    assert json.loads(json.dumps(raw)) == {"id": 1, "balance": 12.5}


@pytest.mark.parametrize(
    "record",
    [
        b'{"id": 1, "accountingReference": "OLD", "accountingReference": "NEW"}',
        b'{"id": 1, "accountingSettings": {"reference": "A", "reference": "B"}}',
        b'{"id": 1, "phones": [{"a": 1, "\\u0061": 1}]}',
    ],
)
def test_a_list_in_which_a_name_is_given_twice_is_unreadable(record: bytes) -> None:
    with pytest.raises(InvalidCommusoftResponse):
        listed("customer", b'{"Customers": [{"id": 7}, ' + record + b', {"id": 8}]}')


def test_every_email_and_phone_of_a_record_is_read() -> None:
    raw = {
        "id": 1,
        "emailaddress": "ana@lowe.example; ANA@lowe.example",
        "company_email": "accounts@lowe.example / ben@lowe.example",
        "telephonenumber": "01632 960001",
        "company_landline": "01632 960002",
        "mobile": "07700 900001",
    }
    record = parse_record("customer", raw, W_REFERENCE)
    assert record.email == "ana@lowe.example"
    assert record.other_emails == ("accounts@lowe.example", "ben@lowe.example")
    assert record.phones == ("01632 960001", "01632 960002", "07700 900001")


@pytest.mark.parametrize(
    "second",
    [
        {"invoiceaddress": {"addressline1": "1 Dock Road", "town": "Hull", "postcode": "HU1 1AA"}},
        {"invoiceAddress": {"addressLine1": "1 Dock Road", "town": "Hull", "postcode": "HU1 1AA"}},
        {"work_addresses": [{"line1": "1 Dock Road", "city": "Hull", "postcode": "HU1 1AA"}]},
        {"properties": [{"address": {"addressLine1": "1 Dock Road", "town": "Hull",
                                     "postcode": "HU1 1AA"}}]},
        {"invoice_addressline1": "1 Dock Road", "invoice_town": "Hull",
         "invoice_postcode": "HU1 1AA"},
        {"workaddressline1": "1 Dock Road", "worktown": "Hull", "workpostcode": "HU1 1AA"},
        {"site_address": {"address1": "1 Dock Road", "town": "Hull", "postcode": "HU1 1AA"}},
    ],
)  # fmt: skip
def test_where_the_invoice_goes_and_the_work_is_are_two_addresses(second: dict[str, Any]) -> None:
    own = {"id": 1, "addressline1": "8 Mill Lane", "town": "Ripon", "postcode": "HG4 1AB"}
    record = parse_record("customer", own | second, W_REFERENCE)
    assert (record.address, record.town, record.postcode) == ("8 Mill Lane", "Ripon", "HG4 1AB")
    assert record.other_addresses == (Address("1 Dock Road", "Hull", "HU1 1AA"),)


def test_an_address_that_is_there_twice_is_one() -> None:
    own = {"addressline1": "8 Mill Lane", "town": "Ripon", "postcode": "HG4 1AB"}
    record = parse_record("customer", {"id": 1, "workaddress": own} | own, W_REFERENCE)
    assert record.other_addresses == ()
