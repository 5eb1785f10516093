"""Erased people in tests: one of the sandbox's cast, and where anything of them is still kept."""

from __future__ import annotations

import json

from sqlalchemy import inspect, text

from crmlink.installation import Installation
from crmlink.linking.decisions import Decision
from support.sandbox import decision

NAME = "Margaret Holloway"
EMAIL = "margaret.holloway@postbox.example"
PACKAGE = "quickbooks_desktop"


def of_desktop(record_id: str = "customer-1001", reference: str = NAME, **more: object) -> Decision:
    """A decision on a contact of QuickBooks Desktop, whose reference is its name."""
    return decision(record_id, reference, package=PACKAGE, organisation="", **more)


def where_kept(installation: Installation, *words: str) -> list[str]:
    """The columns of all tables that hold one of the words, in whatever case."""
    found, wanted = [], {form.lower() for word in words for form in (word, json.dumps(word)[1:-1])}
    with installation.database.engine.connect() as connection:
        for table in inspect(connection).get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{table}"')).mappings():  # noqa: S608
                for column, value in row.items():
                    said = str(value).lower()
                    if any(word in said for word in wanted):
                        found.append(f"{table}.{column}")
    return sorted(set(found))
