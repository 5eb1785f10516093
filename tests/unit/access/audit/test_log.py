"""The audit: whole or visibly not, append-only, and free of names."""

from __future__ import annotations

import csv
import io

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from crmlink.access.audit.log import entries, export_csv, verify
from crmlink.access.context import AccessContext, Actor, record_audit
from crmlink.access.people import invite, remove_person
from crmlink.access.personal_data.subject import erase
from support.access_factories import make_person

UNGUARD = {
    "sqlite": ["DROP TRIGGER audit_entry_no_update", "DROP TRIGGER audit_entry_no_delete"],
    "postgresql": ["DROP TRIGGER audit_entry_unchanged ON audit_entry"],
}


@pytest.fixture
def filled(access: AccessContext, server: Actor) -> AccessContext:
    """An audit of some twenty lines."""
    for number in range(20):
        with access.database.writing() as session:
            record_audit(
                session, access, server, "link.linked", f"customer-{number}", prior=None, new="R"
            )
    return access


def run(access: AccessContext, *statements: str) -> None:
    with access.database.writing() as session:
        for statement in statements:
            session.execute(text(statement))


def test_an_untouched_audit_is_sound(filled: AccessContext) -> None:
    verdict = verify(filled)
    assert (verdict.sound, verdict.count) == (True, 20)
    assert verdict.last_hash == entries(filled)[0].entry.hash


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM audit_entry WHERE place = 7",
        "DELETE FROM audit_entry WHERE place = 1",
        "UPDATE audit_entry SET subject = 'customer-99' WHERE place = 7",
        "UPDATE audit_entry SET person_id = NULL, device_id = NULL WHERE place = 7",
        "UPDATE audit_entry SET details = '{}' WHERE place = 7",
    ],
)
def test_the_database_refuses_a_change_and_one_made_all_the_same_shows(
    filled: AccessContext, change: str
) -> None:
    with pytest.raises(DBAPIError, match="only ever added to"):
        run(filled, change)
    run(filled, *UNGUARD[filled.database.engine.dialect.name], change)
    verdict = verify(filled)
    assert not verdict.sound
    assert verdict.broken_at in (1, 7)


def test_entries_are_searched_and_paged(filled: AccessContext) -> None:
    first = entries(filled, limit=5)
    assert [line.entry.position for line in first] == [20, 19, 18, 17, 16]
    assert [line.entry.position for line in entries(filled, before=16, limit=1)] == [15]
    assert [line.entry.subject for line in entries(filled, search="CUSTOMER-7")] == ["customer-7"]
    assert entries(filled, action="person.") == []
    assert len(entries(filled, search="command line", limit=None)) == 20


def test_the_table_is_whole_and_no_spreadsheet_runs_it(
    filled: AccessContext, server: Actor
) -> None:
    make_person(filled, name="=cmd|' /C calc'!A0")
    person = make_person(filled, name="+44")
    with filled.database.writing() as session:
        record_audit(session, filled, server, "@action", f"-{person.public_id}")
    out = io.StringIO()
    count = export_csv(filled, out)
    rows = list(csv.reader(io.StringIO(out.getvalue())))
    assert len(rows) == count + 1
    assert not [value for row in rows for value in row if value[:1] in ("=", "+", "-", "@")]


def test_no_name_stands_in_the_audit_and_erasing_one_leaves_it_sound(
    access: AccessContext, server: Actor
) -> None:
    person, _ = invite(access, server, "Zebedee Quill", "zebedee@firm.example", "clerk")
    remove_person(access, server, person.public_id)
    erase(access, server, "zebedee@firm.example")
    out = io.StringIO()
    export_csv(access, out)
    assert "zebedee" not in out.getvalue().lower()
    assert verify(access).sound
