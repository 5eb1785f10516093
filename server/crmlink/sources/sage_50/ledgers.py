"""Customers and suppliers from Sage 50's ledgers, by any connection of Python's DB-API.

Versions name their columns differently, so a ledger is asked for its columns first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from crmlink.kinds import Kind
from crmlink.sources.errors import AgentFailed
from crmlink.strict_json import UNSTORABLE

LEDGERS: Mapping[str, Kind] = {"SALES_LEDGER": "customer", "PURCHASE_LEDGER": "supplier"}
# what is read → the columns that may have it, each under one of its names
COLUMNS: Mapping[str, Sequence[Sequence[str]]] = {
    "reference": (("ACCOUNT_REF",),),
    "name": (("NAME",),),
    "person": (("CONTACT_NAME", "CONTACT"),),
    "address": (("ADDRESS_1",), ("ADDRESS_2",), ("ADDRESS_3",), ("ADDRESS_4",)),
    "postcode": (("ADDRESS_5",),),
    "phones": (("TELEPHONE", "TELEPHONE_1"), ("TELEPHONE_2",), ("MOBILE",)),
    "emails": (("E_MAIL", "EMAIL_1", "EMAIL", "E_MAIL_1"), ("E_MAIL_2", "EMAIL_2")),
    "deleted": (("RECORD_DELETED", "DELETED_FLAG", "DELETED"),),
    "inactive": (("INACTIVE_ACCOUNT", "INACTIVE_FLAG", "ACCOUNT_INACTIVE", "INACTIVE"),),
}
REQUIRED = ("reference", "name")
COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,60}")
ROWS = 500
MAX_REFERENCE = 200
MAX_EMAIL = 320  # the API's bounds: one long value must not stop a whole list
NO = ("", "0", "n", "no", "f", "false", "none")


class Cursor(Protocol):
    """What is used of a cursor of PEP 249."""

    @property
    def description(self) -> Any:
        """Columns of the last statement, each a sequence that begins with its name."""
        ...

    def execute(self, statement: str, /) -> object:
        """Run a statement."""
        ...

    def fetchmany(self, size: int, /) -> Sequence[Sequence[Any]]:
        """Return the next rows."""
        ...


class Connection(Protocol):
    """What is used of a connection of PEP 249."""

    def cursor(self) -> Cursor:
        """Return a new cursor."""
        ...


def read_ledgers(connection: Connection) -> Iterator[dict[str, Any]]:
    """Yield the contacts of both ledgers, as the API takes them. Raises AgentFailed."""
    for ledger, kind in LEDGERS.items():
        yield from _read_ledger(connection.cursor(), ledger, kind)


def _read_ledger(cursor: Cursor, ledger: str, kind: Kind) -> Iterator[dict[str, Any]]:
    cursor.execute(f"SELECT * FROM {ledger} WHERE 1=0")  # noqa: S608 # one of LEDGERS
    found = _found_columns([str(column[0]) for column in cursor.description or ()])
    missing = [name for name in REQUIRED if not found[name]]
    if missing:
        names = ", ".join(COLUMNS[name][0][0] for name in missing)
        raise AgentFailed("no-column", ledger=ledger, names=names)
    columns = [column for names in found.values() for column in names]
    cursor.execute(f"SELECT {', '.join(columns)} FROM {ledger}")  # noqa: S608 # see COLUMN
    while rows := cursor.fetchmany(ROWS):
        for row in rows:
            if contact := _contact(found, dict(zip(columns, row, strict=True)), kind):
                yield contact


def _found_columns(names: Sequence[str]) -> dict[str, list[str]]:
    """Return the ledger's own names of the columns to read."""
    own = {name.upper(): name for name in names if COLUMN.fullmatch(name)}
    found: dict[str, list[str]] = {}
    for field, columns in COLUMNS.items():
        first = (next((own[name] for name in spelled if name in own), None) for spelled in columns)
        found[field] = [name for name in first if name]
    return found


def _contact(
    found: Mapping[str, Sequence[str]], row: Mapping[str, Any], kind: Kind
) -> dict[str, Any] | None:
    values = {field: [_text(row[name]) for name in names] for field, names in found.items()}
    reference = _reference(row[found["reference"][0]])
    if not "".join(values["reference"]):
        return None
    state = "active"
    if _is_set(values["inactive"]):
        state = "archived"
    if _is_set(values["deleted"]):
        state = "deleted"
    return {
        "kind": kind,
        "reference": reference,
        "name": "".join(values["name"])[:300],
        "person": "".join(values["person"])[:300],
        "address": "\n".join(filter(None, values["address"]))[:500],
        "postcode": "".join(values["postcode"])[:60],
        "phones": [text[:200] for text in values["phones"] if text],
        "emails": [text for text in values["emails"] if 0 < len(text) <= MAX_EMAIL],
        "state": state,
    }


def _text(value: object) -> str:
    return "" if value is None else UNSTORABLE.sub("", str(value)).strip()


def _reference(value: object) -> str:
    """Return an A/C exactly; "" for one that is lost in part, so that crmlink names its account."""
    text = str(value).strip()
    return "" if UNSTORABLE.search(text) or len(text) > MAX_REFERENCE else text


def _is_set(values: Sequence[str]) -> bool:
    return any(value.lower() not in NO for value in values)
