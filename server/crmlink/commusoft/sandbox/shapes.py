"""The two shapes of Commusoft's API for the same records.

W is what public integrations see with live accounts, P a published profile. W's name of the
reference, and its form of an update, are not documented: the sandbox uses the likeliest. N is the
form of an update of a customer as it was described about 2014, with names of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from crmlink.commusoft.sandbox.records import SandboxRecord
from crmlink.kinds import Kind

UpdateForm = Literal["W", "N", "N-empties"]


class RequestRejected(Exception):
    """The sandbox rejects the request; `status` is the HTTP status of the response."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Shape:
    """How one shape shows a record and reads a sent one.

    `take(entry, document)` returns the new fields of the entry; missing ones are emptied, as by a
    PUT. `by_uuid` tells by which id records are read. `update` reads what is sent to change a
    customer, where that is not the form by which one is created.
    """

    name: str
    prefix: str
    by_uuid: bool
    show: Callable[[SandboxRecord], dict[str, Any]]
    take: Callable[[SandboxRecord, Mapping[str, Any]], dict[str, Any]]
    update: Callable[[SandboxRecord, Mapping[str, Any]], dict[str, Any]] | None = None

    def changes(self, entry: SandboxRecord, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of an entry that an update changes."""
        is_form = self.update is not None and entry.kind == "customer"
        return (
            self.update(entry, document) if self.update and is_form else self.take(entry, document)
        )


_W_FIELDS = {
    "title": "title",
    "name": "first_name",
    "surname": "surname",
    "company_name": "company",
    "emailaddress": "email",
    "telephonenumber": "telephone",
    "mobile": "mobile",
    "addressline1": "line1",
    "addressline2": "line2",
    "addressline3": "line3",
    "town": "town",
    "county": "county",
    "postcode": "postcode",
    "thirdpartyreference": "reference",
}
_W_SETTINGS = {
    "paymentterms": "payment_terms",
    "boilermake": "boiler_make",
    "boilermodel": "boiler_model",
}
_W_INVOICE = {"line1": "addressline1", "line2": "addressline2", "town": "town",
              "postcode": "postcode"}  # fmt: skip
_W_FIXED = {"id", "uuid", "countrycode", "createdondatetime", "deleted", "invoiceaddress"}

_P_FIELDS: dict[Kind, dict[str, str]] = {
    "customer": {
        "title": "title",
        "firstName": "first_name",
        "lastName": "surname",
        "companyName": "company",
        "email": "email",
        "telephone": "telephone",
        "mobile": "mobile",
    },
    "supplier": {"companyName": "company", "email": "email", "telephone": "telephone"},
}
_P_ADDRESS = {
    "addressLine1": "line1",
    "addressLine2": "line2",
    "town": "town",
    "county": "county",
    "postcode": "postcode",
}
_P_PROPERTY = {"boilerMake": "boiler_make", "boilerModel": "boiler_model"}
_P_REQUIRED: dict[Kind, tuple[str, ...]] = {
    "customer": ("uuid", "lastName"),
    "supplier": ("companyName",),
}


_N_FIELDS = {
    "name": "first_name",
    "surname": "surname",
    "mobile": "mobile",
    "email": "email",
    "postcode": "postcode",
    "addressline1": "line1",
    "addressline2": "line2",
    "addressline3": "line3",
    "town": "town",
    "county": "county",
    "thirdparty": "reference",
}
_N_TITLE = "settingsTitlesid"
_N_TITLES = {"1": "Mr", "2": "Mrs", "3": "Ms", "4": "Miss", "5": "Dr"}
_N_OTHER = {
    "telephonecountrycode", "mobilecountrycode", "settingsAdvertisingsid",
    "settingsBuildingtypesid", "vacantproperty",
}  # fmt: skip


def w_shape(update: UpdateForm = "W") -> Shape:
    """Return the shape observed with live accounts, with one of the forms of an update."""
    takes = {"N": _take_n, "N-empties": _take_n_and_empty}
    return Shape("W", "/webservice_dev.php/api/v1", False, _show_w, _take_w, takes.get(update))


def p_shape(drop_supplier_reference: bool) -> Shape:
    """Return the published profile's shape, without a supplier's reference if requested."""

    def has_reference(entry: SandboxRecord) -> bool:
        return entry.kind == "customer" or not drop_supplier_reference

    def show(entry: SandboxRecord) -> dict[str, Any]:
        return _show_p(entry, has_reference(entry))

    def take(entry: SandboxRecord, document: Mapping[str, Any]) -> dict[str, Any]:
        return _take_p(entry, document, has_reference(entry))

    return Shape("P", "/api/v1", True, show, take)


def _account_field(kind: Kind) -> str:
    return f"{kind}accountnumber"


def _show_w(entry: SandboxRecord) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": int(entry.number), "uuid": entry.uuid}
    shown[_account_field(entry.kind)] = entry.account_number or None
    shown |= {name: getattr(entry, field) or None for name, field in _W_FIELDS.items()}
    shown |= {name: entry.settings.get(field) for name, field in _W_SETTINGS.items()}
    if entry.invoice:  # how live accounts show it is not documented
        shown["invoiceaddress"] = {
            name: entry.invoice.get(field) for field, name in _W_INVOICE.items()
        }
    shown |= {"countrycode": "GB", "createdondatetime": entry.created[:19]}
    shown["deleted"] = int(entry.deleted)
    return shown


def _take_w(entry: SandboxRecord, document: Mapping[str, Any]) -> dict[str, Any]:
    account = _account_field(entry.kind)
    extra = set(document) - _W_FIELDS.keys() - _W_SETTINGS.keys() - _W_FIXED - {account}
    if extra:
        raise RequestRejected("This form should not contain extra fields.")
    taken: dict[str, Any] = {field: _text(document.get(name)) for name, field in _W_FIELDS.items()}
    taken["account_number"] = _text(document.get(account))
    taken["settings"] = _settings(_W_SETTINGS, document)
    return taken


def _take_n(entry: SandboxRecord, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is sent; fields that are not stay as they are."""
    if set(document) - _N_FIELDS.keys() - _N_OTHER - {_N_TITLE}:
        raise RequestRejected("This form should not contain extra fields.")
    taken: dict[str, Any] = {
        field: _text(document[name]) for name, field in _N_FIELDS.items() if name in document
    }
    if _N_TITLE in document:
        taken["title"] = _N_TITLES.get(_text(document[_N_TITLE]), "")
    return taken


def _take_n_and_empty(entry: SandboxRecord, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is sent; the form's other fields are emptied."""
    return dict.fromkeys((*_N_FIELDS.values(), "title"), "") | _take_n(entry, document)


def _show_p(entry: SandboxRecord, with_reference: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": int(entry.number), "uuid": entry.uuid}
    fields = _P_FIELDS[entry.kind]
    # The profile's fields are never null, and an empty text is no valid email.
    shown |= {name: value for name, field in fields.items() if (value := getattr(entry, field))}
    if entry.kind == "customer":
        shown.setdefault("lastName", "")
        shown["propertyDetails"] = {
            name: entry.settings[field]
            for name, field in _P_PROPERTY.items()
            if field in entry.settings
        }
    elif entry.person:
        shown["contactName"] = entry.person
    address = {
        name: value for name, field in _P_ADDRESS.items() if (value := getattr(entry, field))
    }
    shown["address"] = address | {"country": "United Kingdom"}
    if with_reference:
        shown["accountingSettings"] = _show_p_accounting(entry)
    shown |= {"deleted": int(entry.deleted), "createdAt": entry.created}
    shown["updatedAt"] = entry.updated or entry.created
    return shown


def _show_p_accounting(entry: SandboxRecord) -> dict[str, Any]:
    settings: dict[str, Any] = {"accountingReference": entry.reference}
    if entry.account_number:
        # Not in the profile; a real account may show more fields.
        settings["accountNumber"] = entry.account_number
    if terms := entry.settings.get("payment_terms"):
        settings["paymentTerms"] = int(terms)
    return settings


def _take_p(
    entry: SandboxRecord, document: Mapping[str, Any], with_reference: bool
) -> dict[str, Any]:
    for name in _P_REQUIRED[entry.kind]:
        if not isinstance(document.get(name), str):
            raise RequestRejected(f"{name} is required.")
    if document.get("uuid", entry.uuid) != entry.uuid:
        raise RequestRejected("The uuid is another record's.")
    taken: dict[str, Any] = {
        field: _string(document, name) for name, field in _P_FIELDS[entry.kind].items()
    }
    address = _object(document, "address")
    taken |= {field: _string(address, name) for name, field in _P_ADDRESS.items()}
    taken["settings"] = dict(entry.settings)
    if entry.kind == "customer":
        _take_property(taken, _object(document, "propertyDetails"))
    else:
        person = _string(document, "contactName")
        taken["first_name"], _, taken["surname"] = person.rpartition(" ")
    if with_reference:
        _take_p_accounting(taken, _object(document, "accountingSettings"))
    return taken


def _take_property(taken: dict[str, Any], details: Mapping[str, Any]) -> None:
    for name, field in _P_PROPERTY.items():
        taken["settings"].pop(field, None)
        if value := _string(details, name):
            taken["settings"][field] = value


def _take_p_accounting(taken: dict[str, Any], settings: Mapping[str, Any]) -> None:
    taken["reference"] = _string(settings, "accountingReference")
    taken["account_number"] = _string(settings, "accountNumber")
    taken["settings"].pop("payment_terms", None)
    if (terms := settings.get("paymentTerms")) is not None:
        if not isinstance(terms, int):
            raise RequestRejected("paymentTerms must be a whole number.")
        taken["settings"]["payment_terms"] = str(terms)


def _settings(names: Mapping[str, str], document: Mapping[str, Any]) -> dict[str, str]:
    pairs = ((field, _text(document.get(name))) for name, field in names.items())
    return {field: value for field, value in pairs if value}


def _text(value: Any) -> str:
    if isinstance(value, Mapping | list):
        raise RequestRejected("This value is not valid.")
    return "" if value is None else str(value)


def _string(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name, "")
    if not isinstance(value, str):
        raise RequestRejected(f"{name} must be text.")
    return value


def _object(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name, {})
    if not isinstance(value, Mapping):
        raise RequestRejected(f"{name} must be an object.")
    return value
