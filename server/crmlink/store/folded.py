"""Comparison keys of columns: their folded values, stored in columns beside them.

The models maintain the keys. During a rolling restart an older server writes the columns alone, so
a column is also compared in lower case, and ``refresh_keys`` corrects its keys later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

from sqlalchemy import ColumnElement, bindparam, func, or_, select, union, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from crmlink.folding import fold, normalise_login_email
from crmlink.store.access import Person
from crmlink.store.links import Link
from crmlink.store.records import MirroredRecord
from crmlink.store.sources import SourceContact

KEYS: tuple[tuple[Any, Any, Callable[[str], str]], ...] = (
    (MirroredRecord.reference, MirroredRecord.reference_key, fold),
    (Link.target, Link.target_key, fold),
    (Person.email, Person.email_key, normalise_login_email),
    (SourceContact.reference, SourceContact.reference_key, fold),
)


def key_of(column: InstrumentedAttribute[Any]) -> ColumnElement[str]:
    """Return the expression by which a column's values are compared."""
    key: ColumnElement[str] = getattr(column.class_, f"{column.key}_key")
    return func.coalesce(key, func.lower(column))


def carries(
    column: InstrumentedAttribute[str | None], values: Iterable[str]
) -> ColumnElement[bool]:
    """Return the condition that a column has one of these values, compared folded."""
    keys = list(values)
    key = getattr(column.class_, f"{column.key}_key")
    return or_(
        key.in_({fold(value) for value in keys}),
        func.lower(column).in_([func.lower(value) for value in keys]),
    )


def carried_in(
    connection_id: int, column: InstrumentedAttribute[str | None], values: Iterable[str]
) -> ColumnElement[bool]:
    """Return the condition that a row is the connection's and its column has one of these values.

    Each half reads its own index. SQLite would answer ``carries`` and a condition on the connection
    by reading every row of the connection.
    """
    given = list(values)
    return _carried_in(connection_id, column, given, [fold(value) for value in given])


def carried_as_asked(
    column: InstrumentedAttribute[str | None],
) -> ColumnElement[bool]:
    """Return ``carried_in`` for two values given when it is asked, by ``asked_to_carry``."""
    names = ("value", "other_value")
    return _carried_in(
        bindparam("connection_id"),
        column,
        [bindparam(name) for name in names],
        [bindparam(f"{name}_key") for name in names],
    )


def asked_to_carry(connection_id: int, value: str, other: str) -> dict[str, Any]:
    """Return the parameters of ``carried_as_asked``."""
    return {
        "connection_id": connection_id,
        "value": value,
        "value_key": fold(value),
        "other_value": other,
        "other_value_key": fold(other),
    }


def _carried_in(
    connection_id: Any,
    column: InstrumentedAttribute[str | None],
    values: list[Any],
    keys: list[Any],
) -> ColumnElement[bool]:
    table = column.class_
    key = getattr(table, f"{column.key}_key")
    same = (key.in_(keys), func.lower(column).in_([func.lower(value) for value in values]))
    found = (select(table.id).where(table.connection_id == connection_id, each) for each in same)
    return cast("ColumnElement[bool]", table.id.in_(union(*found)))


def refresh_keys(session: Session) -> int:
    """Correct keys that do not match their column, in a writing session; returns how many."""
    corrected = 0
    for column, key, make in KEYS:
        table = column.class_
        rows = session.execute(select(table.id, column, key)).all()
        wrong = {id_: expected for id_, value, stored_key in rows
                 if (expected := None if value is None else make(value)) != stored_key}  # fmt: skip
        for id_, expected in wrong.items():
            session.execute(update(table).where(table.id == id_).values({key: expected}))
        corrected += len(wrong)
    return corrected
