"""Dialects: the known ways of reading and writing an account's records, as data.

Sources are public only; nothing here was tried on a live account. W is what two public integrations
do with live accounts, P a published OpenAPI profile. How W writes an *update*, and the reference in
it, was not observed: those ways are derived from creating a record (`customertype[...]`) and have
`seen=False`; the doctor checks them. N is how Commusoft described an update of a customer about
2014: a form whose names are not those of the records as read.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal
from urllib.parse import urlsplit

from crmlink.kinds import KINDS, Kind

TokenPlace = Literal["header", "query"]


@dataclass(frozen=True, slots=True)
class WriteMethod:
    """One way to write a record.

    `path` contains `{number}` or `{uuid}`; `reference` is the dotted path of the reference in the
    record; `wrapper` is the name the body is nested under; `required` fields are sent even if
    missing from the record as read, `omit` ones never. `creates`: the same request creates a record
    if Commusoft takes the id for a type.

    With `sent` the body is a form of its own names: each with the paths where its value may be in
    the record as read, the first that exists counts. `sent_reference` is the form's name of the
    reference, `unsent` the paths of values that the form has under names whose values are unknown,
    and `left_out` the one name that is not sent. Whether a field that is not sent keeps its value
    is unknown: the doctor proves it first (see ``doctor/form_check.py``). `proved`: a write by this
    method was seen to be kept.
    """

    name: str
    method: Literal["PUT", "POST"]
    path: str
    encoding: Literal["json", "form"]
    reference: str
    wrapper: str | None = None
    required: tuple[str, ...] = ()
    omit: tuple[str, ...] = ()
    seen: bool = True
    creates: bool = False
    sent: tuple[tuple[str, tuple[str, ...]], ...] = ()
    sent_reference: str = ""
    unsent: tuple[str, ...] = ()
    left_out: str = ""
    proved: bool = False


@dataclass(frozen=True, slots=True)
class RecordEndpoints:
    """How one kind of record is listed, read and written.

    `created_filter` is the list's parameter for records created after a time, if it has one.
    """

    list_path: str
    record_path: str
    writing: WriteMethod
    created_filter: str | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """Everything that differs between accounts; `token_place` is None until known."""

    name: str
    customer: RecordEndpoints
    supplier: RecordEndpoints
    token_place: TokenPlace | None = None

    def ways(self, kind: Kind) -> RecordEndpoints:
        """Return the endpoints for records of `kind`."""
        return self.customer if kind == "customer" else self.supplier

    def with_ways(self, kind: Kind, ways: RecordEndpoints) -> "Dialect":
        """Return the dialect with other endpoints for `kind`."""
        return replace(self, customer=ways) if kind == "customer" else replace(self, supplier=ways)

    def with_writing(self, kind: Kind, writing: WriteMethod) -> "Dialect":
        """Return the dialect with another write method for `kind`."""
        return self.with_ways(kind, replace(self.ways(kind), writing=writing))

    def with_proved(self, stored: "Dialect | None") -> "Dialect":
        """Return this dialect, which no write tested, with what is proved of the stored one."""
        dialect = self
        for kind in KINDS:
            if stored is not None and stored.ways(kind).writing.proved:
                dialect = dialect.with_writing(kind, stored.ways(kind).writing)
        return dialect

    def as_dict(self) -> dict[str, Any]:
        """Return plain data to store; see `Dialect.from_dict`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Dialect":
        """Return the stored dialect. Raises `ValueError` for invalid data."""
        try:
            ways = {kind: _ways(data[kind]) for kind in KINDS}
            return cls(data["name"], ways["customer"], ways["supplier"], data.get("token_place"))
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a dialect: {error}") from None


def _ways(data: Mapping[str, Any]) -> RecordEndpoints:
    writing = dict(data["writing"])
    for name in ("required", "omit", "unsent"):
        writing[name] = tuple(writing.get(name, ()))
    writing["sent"] = tuple((name, tuple(paths)) for name, paths in writing.get("sent", ()))
    return RecordEndpoints(
        data["list_path"], data["record_path"], WriteMethod(**writing), data.get("created_filter")
    )


P_REFERENCE = "accountingSettings.accountingReference"
# Not observed: derived from the field's label in Commusoft's own interface.
W_REFERENCE = "thirdpartyreference"
_READ_ONLY = ("id", "deleted", "createdAt", "updatedAt")

_P_REQUIRED: dict[Kind, tuple[str, ...]] = {
    "customer": ("uuid", "lastName"),
    "supplier": ("uuid", "companyName"),
}


def _p_writing(kind: Kind) -> WriteMethod:
    return WriteMethod(
        "json",
        "PUT",
        f"/{kind}s/{{uuid}}",
        "json",
        P_REFERENCE,
        required=_P_REQUIRED[kind],
        seen=kind == "customer",
    )


def _w_writing(kind: Kind) -> WriteMethod:
    return WriteMethod(
        "form",
        "PUT",
        f"/{kind}s/{{number}}",
        "form",
        W_REFERENCE,
        wrapper=f"{kind}type",
        seen=False,
    )


# The form's other names (settingsTitlesid, telephonecountrycode, mobilecountrycode,
# settingsAdvertisingsid, settingsBuildingtypesid, vacantproperty) are sent if a record shows them.
_N_SAME = (
    "settingsTitlesid", "telephonecountrycode", "mobilecountrycode", "settingsAdvertisingsid",
    "settingsBuildingtypesid", "vacantproperty",
)  # fmt: skip
_N_SENT: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("name", ("name", "firstName")),
    ("surname", ("surname", "lastName")),
    ("mobile", ("mobile",)),
    ("email", ("emailaddress", "email")),
    ("addressline1", ("addressline1", "address.addressLine1")),
    ("addressline2", ("addressline2", "address.addressLine2")),
    ("addressline3", ("addressline3",)),
    ("town", ("town", "address.town")),
    ("county", ("county", "address.county")),
    ("postcode", ("postcode", "address.postcode")),
    *((name, (name,)) for name in _N_SAME),
)


def _n_writing() -> WriteMethod:
    return WriteMethod(
        "mapped-form",
        "PUT",
        "/customers/{number}",
        "json",
        W_REFERENCE,
        wrapper="customertype",
        seen=False,
        sent=_N_SENT,
        sent_reference="thirdparty",
        unsent=("title",),
    )


def _p_ways(kind: Kind) -> RecordEndpoints:
    return RecordEndpoints(f"/{kind}s", f"/{kind}s/{{uuid}}", _p_writing(kind))


def _w_ways(kind: Kind) -> RecordEndpoints:
    created = "createdondatetime_after" if kind == "customer" else None
    return RecordEndpoints(f"/{kind}s", f"/{kind}s/{{number}}", _w_writing(kind), created)


WEBSERVICE_DIALECT = Dialect("W", _w_ways("customer"), _w_ways("supplier"))
PUBLISHED_DIALECT = Dialect("P", _p_ways("customer"), _p_ways("supplier"))


def base_dialect(name: str) -> Dialect:
    """Return the dialect of this name, with nothing proved."""
    return WEBSERVICE_DIALECT if name == "W" else PUBLISHED_DIALECT


def dialect_for(base_url: str) -> Dialect:
    """Return the dialect that an address suggests: W below `/webservice...`, else P."""
    return WEBSERVICE_DIALECT if "/webservice" in urlsplit(base_url).path else PUBLISHED_DIALECT


def candidate_write_methods(kind: Kind, dialect: Dialect) -> tuple[WriteMethod, ...]:
    """Return every write method to try: the dialect's own first, the riskiest last."""
    p, w = _p_writing(kind), _w_writing(kind)
    ways: tuple[WriteMethod, ...] = (
        p,
        replace(p, name="json-without-read-only", omit=_READ_ONLY, seen=False),
        w,
        replace(w, name="form-accountingreference", reference="accountingreference"),
        replace(w, name="nested-json", encoding="json"),
        replace(
            w,
            name="nested-json-accountingreference",
            encoding="json",
            reference="accountingreference",
        ),
        replace(p, name="json-by-number", path=f"/{kind}s/{{number}}", seen=False),
        replace(w, name="form-post", method="POST", creates=True),
    )
    own = dialect.ways(kind).writing
    if dialect.name == "W":
        ways = (*ways[2:6], *ways[:2], *ways[6:])
    if kind == "customer":  # a supplier's form has no reference
        ways = (*ways[:-1], _n_writing(), ways[-1])
    return tuple(dict.fromkeys((own, *ways)))
