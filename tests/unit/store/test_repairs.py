"""What migrations and upkeep repair in real rows of older versions."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import pytest
from sqlalchemy import select, text

from crmlink.folding import fold
from crmlink.store import BatchRow, Database, Link, MirroredRecord, Person, RowState
from crmlink.store.folded import carries, refresh_keys
from unit.store.revision_0004 import OldDatabase

NFC = "José Ibáñez"
NFD = unicodedata.normalize("NFD", NFC)
PSEUDONYM = f"erased:{'0' * 32}"


@pytest.fixture
def old(empty_database_url: str) -> Iterator[OldDatabase]:
    database = Database(empty_database_url)
    yield OldDatabase(database)
    database.close()


def set_values(old: OldDatabase, table: str, id_: object, **values: object) -> None:
    """Change a row as an older server does, which knows no keys."""
    assigned = ", ".join(f"{name} = :{name}" for name in values)
    with old.database.writing() as session:
        statement = text(f"UPDATE {table} SET {assigned} WHERE id = :id")  # noqa: S608
        session.execute(statement, {**values, "id": id_})


def row_of(old: OldDatabase, batch_id: str) -> int:
    with old.database.reading() as session:
        found = session.execute(
            text("SELECT id FROM batch_row WHERE batch_id = :b"), {"b": batch_id}
        )
        return int(found.scalar_one())


@pytest.mark.parametrize(
    ("state", "link_state", "after"),
    [
        ("successful", "undone", RowState.UNDONE),
        ("undoing", "undone", RowState.UNDONE),
        ("successful", "linked", RowState.SUCCESSFUL),
        ("undoing", "linked", RowState.UNDOING),
        ("failed", "undone", RowState.FAILED),
    ],
)
def test_a_row_whose_link_was_undone_by_itself_says_so(
    old: OldDatabase, state: str, link_state: str, after: RowState
) -> None:
    workspace = old.workspace("sandbox")
    device = old.device(workspace)
    link = old.link(workspace, device, state=link_state)
    row = row_of(old, old.batch(workspace, device, link))
    failure = '{"code": "record-changed"}'
    set_values(old, "batch_row", row, state=state, failure=failure)
    old.database.migrate()
    with old.database.reading() as session:
        kept = session.get_one(BatchRow, row)
        assert kept.state is after
        assert (kept.failure is None) is (after is RowState.UNDONE)
        assert kept.link_id == link


def test_references_and_emails_get_the_keys_by_which_they_are_compared(old: OldDatabase) -> None:
    workspace = old.workspace("sandbox")
    device = old.device(workspace)
    record = old.record(workspace, 1001)
    set_values(old, "record", record, reference=NFD.upper())
    link = old.link(workspace, device, reference=NFD, target=NFD)
    cleared = old.link(workspace, device, target=None)
    person = old.person(workspace, "Vİvi", 0, email="VİVI@firm.example")
    old.database.migrate()
    with old.database.reading() as session:
        kept = session.get_one(Link, link)
        assert (kept.reference, kept.target, kept.target_key) == (NFC, NFD, fold(NFC))
        assert session.get_one(Link, cleared).target_key is None
        same = carries(MirroredRecord.reference, [NFC])
        assert session.scalars(select(MirroredRecord.id).where(same)).all() == [record]
        assert session.scalars(select(Person.email_key)).all() == ["vİvi@firm.example"]
    assert person


def test_rows_of_erased_people_are_told_from_those_that_grew_old(old: OldDatabase) -> None:
    workspace = old.workspace("sandbox")
    device = old.device(workspace)
    rows = [row_of(old, old.batch(workspace, device)) for _ in range(3)]
    for row, name, reference in zip(
        rows, ("(erased)", "(erased)", "Ann"), (PSEUDONYM, "R1", PSEUDONYM), strict=True
    ):
        set_values(old, "batch_row", row, name=name, reference=reference)
    old.database.migrate()
    with old.database.reading() as session:
        marked = [session.get_one(BatchRow, row).erased_at is not None for row in rows]
    assert marked == [True, False, False]


def test_what_an_older_server_writes_is_found_and_its_keys_are_mended(old: OldDatabase) -> None:
    workspace = old.workspace("sandbox")
    record = old.record(workspace, 1001)
    person = old.person(workspace, "Vivi", 0)
    old.database.migrate()
    set_values(old, "record", record, reference="HOLL01")
    set_values(old, "person", person, email="(gone)@erased.invalid")
    with old.database.writing() as session:
        same = carries(MirroredRecord.reference, ["holl01"])
        assert session.scalars(select(MirroredRecord.id).where(same)).all() == [record]
        assert refresh_keys(session) == 2
        assert session.scalars(select(MirroredRecord.reference_key)).all() == ["holl01"]
        assert session.scalars(select(Person.email_key)).all() == ["(gone)@erased.invalid"]
        assert refresh_keys(session) == 0
