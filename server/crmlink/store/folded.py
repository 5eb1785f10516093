"""Columns that are compared by what they fold to, and the keys that are kept beside them.

The models keep the keys. During a rolling restart an older server writes the columns alone: so a
column is compared in small letters too, and ``refresh_keys`` mends its keys by and by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from crmlink.folding import fold, normalise_login_email
from crmlink.store.access import Person
from crmlink.store.links import Link
from crmlink.store.records import MirroredRecord

KEYS: tuple[tuple[Any, Any, Callable[[str], str]], ...] = (
    (MirroredRecord.reference, MirroredRecord.reference_key, fold),
    (Link.target, Link.target_key, fold),
    (Person.email, Person.email_key, normalise_login_email),
)


def key_of(column: InstrumentedAttribute[Any]) -> ColumnElement[str]:
    """What a column's values are compared by."""
    key: ColumnElement[str] = getattr(column.class_, f"{column.key}_key")
    return func.coalesce(key, func.lower(column))


def carries(
    column: InstrumentedAttribute[str | None], values: Iterable[str]
) -> ColumnElement[bool]:
    """The condition that a column holds one of these values, or one that folds to the same."""
    wanted = list(values)
    key = getattr(column.class_, f"{column.key}_key")
    return or_(
        key.in_({fold(value) for value in wanted}),
        func.lower(column).in_([func.lower(value) for value in wanted]),
    )


def refresh_keys(session: Session) -> int:
    """Mend keys that do not fit their column, in a writing session; returns how many."""
    mended = 0
    for column, key, make in KEYS:
        table = column.class_
        rows = session.execute(select(table.id, column, key)).all()
        wrong = {id_: fits for id_, value, kept in rows
                 if (fits := None if value is None else make(value)) != kept}  # fmt: skip
        for id_, fits in wrong.items():
            session.execute(update(table).where(table.id == id_).values({key: fits}))
        mended += len(wrong)
    return mended
