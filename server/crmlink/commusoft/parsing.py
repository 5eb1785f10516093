"""Parser of Commusoft's responses: accepts every spelling found in public sources.

The spellings are data. For each field the first that is not empty counts; a dotted spelling is a
path into a nested object.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import IO, Any

import ijson  # type: ignore[import-untyped]  # it ships no types

from crmlink.commusoft.errors import InvalidCommusoftResponse
from crmlink.commusoft.records import Record
from crmlink.kinds import Kind
from crmlink.strict_json import UNSTORABLE, objects_noting
from crmlink.values import Address, read_emails

SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "number": ("id", "customer_id", "customerId", "supplier_id", "supplierId"),
    "uuid": ("uuid",),
    "account_number": ("customeraccountnumber", "supplieraccountnumber", "account_number"),
    "company": ("company_name", "companyname", "companyName"),
    "first_name": ("name", "firstName"),
    "surname": ("surname", "lastName"),
    "full_name": ("customer_name", "contact_name", "contactName"),
    "email": ("emailaddress", "email", "company_email", "contactemail"),
    "telephone": ("telephonenumber", "phone", "landline", "company_landline", "telephone"),
    "mobile": ("mobile", "company_mobile", "contact_mobile"),
    "line1": ("addressline1", "address.addressLine1"),
    "line2": ("addressline2", "address.addressLine2"),
    "line3": ("addressline3", "address.addressLine3"),
    "town": ("town", "address.town"),
    "postcode": ("postcode", "address.postcode"),
}
# Names of a second address, as an object, a list of objects or a prefix of fields. None is
# documented publicly; these are the obvious spellings of the labels in Commusoft.
OTHER_ADDRESSES = (
    "invoiceaddress", "invoiceAddress", "invoice_address", "invoice", "billingAddress",
    "billing_address", "workaddress", "workAddress", "work_address", "workaddresses",
    "workAddresses", "work_addresses", "siteAddress", "site_address", "sites", "properties",
    "addresses",
)  # fmt: skip
# What the flat names of such an address begin with: invoice_addressline1.
_PREFIXES = tuple(
    name.removesuffix("address").removesuffix("Address").removesuffix("_")
    for name in OTHER_ADDRESSES
)
_LINES = (
    ("addressline1", "addressLine1", "address1", "line1", "street"),
    ("addressline2", "addressLine2", "address2", "line2"),
    ("addressline3", "addressLine3", "address3", "line3"),
)
MAX_OTHER_ADDRESSES = 5
# Only the first is documented (P); the others are obvious spellings of the field's label.
REFERENCE_SPELLINGS = (
    "accountingSettings.accountingReference",
    "accountingReference",
    "accountingreference",
    "accounting_reference",
    "thirdpartyreference",
    "thirdPartyReference",
    "third_party_reference",
)
LIST_KEYS: Mapping[Kind, tuple[str, ...]] = {
    "customer": ("Customers", "customers", "Customer", "data", "data.customers"),
    "supplier": ("Suppliers", "suppliers", "Supplier", "data", "data.suppliers"),
}
_ONE_KEYS: Mapping[Kind, tuple[str, ...]] = {
    "customer": ("Customer", "customer", "data", "data.customer"),
    "supplier": ("Supplier", "supplier", "data", "data.supplier"),
}
_MISSING = object()


def value_at(raw: Any, path: str) -> Any:
    """Return the value at a dotted path, or a private marker if it is missing (see `has_path`)."""
    for part in path.split("."):
        if not isinstance(raw, Mapping) or part not in raw:
            return _MISSING
        raw = raw[part]
    return raw


def has_path(raw: Any, path: str) -> bool:
    """Return whether the path exists, empty or not."""
    return value_at(raw, path) is not _MISSING


def spelling_of(raw: Mapping[str, Any], field: str) -> str | None:
    """Return the spelling under which `field` is filled, None if it is not."""
    return next((path for path in SPELLINGS[field] if _text(value_at(raw, path))), None)


def reference_path(raw: Mapping[str, Any], preferred: str) -> str | None:
    """Return the path of the reference, a filled one before an empty one; None if missing."""
    paths = dict.fromkeys((preferred, *REFERENCE_SPELLINGS))
    present = [path for path in paths if has_path(raw, path)]
    filled = (path for path in present if _exact(value_at(raw, path)))
    return next(filled, present[0] if present else None)


def parse_record(kind: Kind, raw: Any, preferred: str) -> Record:
    """Return the record in one object of a response; `preferred` is the dialect's reference path.

    Raises `InvalidCommusoftResponse` if it is no object, has no id, or has a reference that cannot
    be kept as it is.
    """
    if not isinstance(raw, Mapping):
        raise InvalidCommusoftResponse("a record that is no object")
    number = _field(raw, "number")
    if not number:
        raise InvalidCommusoftResponse("a record without an id")
    company = _field(raw, "company")
    path = reference_path(raw, preferred)
    address = _address(raw)
    phones = (*_fields(raw, "telephone"), *_fields(raw, "mobile"))
    email, *other_emails = _emails(raw) or [""]
    return Record(
        kind=kind,
        number=number,
        uuid=_field(raw, "uuid") or None,
        name=_person(raw, company),
        company=company,
        email=email,
        phones=tuple(dict.fromkeys(phones)),
        address=address.address,
        town=address.town,
        postcode=address.postcode,
        account_number=_field(raw, "account_number"),
        reference=_reference(value_at(raw, path)) if path else None,
        deleted=_flag(raw.get("deleted")),
        raw=raw,
        reference_shown=path is not None,
        other_emails=tuple(other_emails),
        other_addresses=_other_addresses(raw, address),
    )


def parse_single(kind: Kind, document: Any, preferred: str) -> Record:
    """Return the record in the response to a request for one record, wrapped or not."""
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    inner = (value_at(document, path) for path in _ONE_KEYS[kind])
    inside = (one for one in inner if isinstance(one, Mapping) and _field(one, "number"))
    if not isinstance(document, Mapping) or not _field(document, "number"):
        document = next(inside, document)
    return parse_record(kind, document, preferred)


def iter_records(kind: Kind, body: IO[bytes]) -> Iterator[Any]:
    """Yield the objects of a list response. Raises `InvalidCommusoftResponse`."""
    prefix = list_prefix(kind, body)
    body.seek(0)
    twice: list[str] = []
    with contextlib.suppress(ijson.JSONError, UnicodeDecodeError):
        for item in ijson.items(
            body, prefix, use_float=True, map_type=objects_noting(twice.append)
        ):
            if twice:
                break
            yield item
        else:
            return
    raise InvalidCommusoftResponse(
        "a record that gives a name twice" if twice else "a list that breaks off or is not JSON"
    )


def list_prefix(kind: Kind, body: IO[bytes]) -> str:
    """Return ijson's prefix of the list in the response. Raises `InvalidCommusoftResponse`."""
    body.seek(0)
    cause = "a reply without a list"
    try:
        for prefix, event, _ in ijson.parse(body):
            if event == "start_array" and (not prefix or prefix in LIST_KEYS[kind]):
                return f"{prefix}.item" if prefix else "item"
    except (ijson.JSONError, UnicodeDecodeError):
        cause = "a list that breaks off or is not JSON"
    raise InvalidCommusoftResponse(cause)


def _person(raw: Mapping[str, Any], company: str) -> str:
    parts = (_field(raw, "first_name"), _field(raw, "surname"))
    name = " ".join(part for part in parts if part) or _field(raw, "full_name")
    return "" if name == company else name


def _field(raw: Mapping[str, Any], field: str) -> str:
    for path in SPELLINGS[field]:
        if text := _text(value_at(raw, path)):
            return text
    return ""


def _fields(raw: Mapping[str, Any], field: str) -> list[str]:
    """Return the values under all spellings of a field that may have several."""
    return [text for path in SPELLINGS[field] if (text := _text(value_at(raw, path)))]


def _emails(raw: Mapping[str, Any]) -> list[str]:
    """Return every email of the record as written; without any, the text in its place."""
    texts = _fields(raw, "email")
    read = [read_emails(text) for text in texts]
    parsed = {email.lower(): email for text in read for email in (*text.emails, *text.misspelt)}
    return list(parsed.values()) or texts[:1]


def _address(raw: Mapping[str, Any]) -> Address:
    lines = (_field(raw, line) for line in ("line1", "line2", "line3"))
    address = ", ".join(line for line in lines if line)
    return Address(address, _field(raw, "town"), _field(raw, "postcode"))


def _other_addresses(raw: Mapping[str, Any], own: Address) -> tuple[Address, ...]:
    """Return the distinct addresses other than the record's own."""
    result: dict[tuple[str, ...], Address] = {_folded(own): own}
    flat = {name: value for name, value in raw.items() if name.startswith(_PREFIXES)}
    for name, prefix in zip(OTHER_ADDRESSES, _PREFIXES, strict=True):
        value = value_at(raw, name)
        several = value if isinstance(value, list) else [value]
        for inner in [*several, _without_prefix(flat, prefix)]:
            if inner and isinstance(inner, Mapping) and (address := _inner_address(inner)):
                result.setdefault(_folded(address), address)
    del result[_folded(own)]
    return tuple(result.values())[:MAX_OTHER_ADDRESSES]


def _without_prefix(raw: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the texts whose names begin with a prefix, under their names without it."""
    return {
        name.removeprefix(prefix).lstrip("_"): value
        for name, value in raw.items()
        if name.startswith(prefix) and not isinstance(value, Mapping | list)
    }


def _inner_address(raw: Mapping[str, Any]) -> Address:
    """Return the address in an object of its own, or in its inner object `address`."""
    inner = raw.get("address")
    place = inner if isinstance(inner, Mapping) else raw

    def first(names: tuple[str, ...]) -> str:
        return next((text for name in names if (text := _text(place.get(name)))), "")

    lines = [line for names in _LINES if (line := first(names))]
    if not lines and isinstance(inner, str):
        lines = [inner.strip()]
    return Address(", ".join(lines), first(("town", "city")), first(("postcode", "postCode")))


def _folded(address: Address) -> tuple[str, ...]:
    texts = (address.address, address.town, address.postcode)
    return tuple("".join(text.casefold().split()) for text in texts)


def _reference(value: Any) -> str | None:
    exact = _exact(value)
    if UNSTORABLE.search(exact):
        raise InvalidCommusoftResponse("a reference with characters that no text has")
    return exact or None


def _text(value: Any) -> str:
    return UNSTORABLE.sub("", _exact(value)).strip()


def _exact(value: Any) -> str:
    """Return text unchanged, a number as its digits, anything else as an empty text."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return ""


def _flag(value: Any) -> bool:
    return str(value).strip().lower() in ("1", "true", "yes") if value is not None else False
