"""The tables of whole lists: drafts that were there before them come along."""

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from crmlink.store import Batch, BatchRow, BatchSource, BatchState, Choice, Database, Verdict

BEFORE = (
    "INSERT INTO workspace (id, account, name, mirror_version, created_at) "
    "VALUES (1, 'a', 'A', 0, '2026-01-01')",
    "INSERT INTO device (id, public_id, workspace_id, name, prefix, token_hash, scopes, "
    "created_at, expires_at) VALUES (1, 'd', 1, 'Till', 'crm_AAAAAAAA', 'h', '[]', '2026-01-01', "
    "'2027-01-01')",
    "INSERT INTO batch (id, workspace_id, device_id, package, organisation, created_at) "
    "VALUES ('b', 1, 1, 'xero', '!kR4N6', '2026-01-02 03:04:05')",
    "INSERT INTO batch_row (batch_id, kind, reference, name, email, phones) VALUES "
    "('b', 'customer', 'R1', 'Ann 1', '', '[]'), ('b', 'customer', 'R2', 'Ann 2', '', '[]'), "
    "('b', 'customer', 'R3', 'Ann 3', '', '[]')",
)


def test_drafts_of_before_are_drafts_in_their_old_order(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    database.migrate("0002")
    with database.writing() as session:
        for statement in BEFORE:
            session.execute(text(statement))
    database.migrate()
    with database.reading() as session:
        batch = session.get_one(Batch, "b")
        rows = session.query(BatchRow).order_by(BatchRow.position).all()
    assert (batch.state, batch.source) == (BatchState.DRAFT, BatchSource.LIST_PAGE)
    assert batch.updated_at == batch.created_at
    assert [(row.name, row.reference) for row in rows] == [
        (f"Ann {number}", f"R{number}") for number in (1, 2, 3)
    ]
    assert {(row.verdict, row.choice, row.company) for row in rows} == {
        (Verdict.NEW, Choice.OPEN, "")
    }
    database.close()


def test_a_reference_and_an_accepted_record_stand_once_in_a_batch(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    database.migrate()
    with database.writing() as session:
        for statement in (
            "INSERT INTO workspace (id, public_id, created_at) VALUES (1, 'w', '2026-01-01')",
            "INSERT INTO connection (id, workspace_id, kind, base_url, client_id, mirror_version, "
            "connected_at) VALUES (1, 1, 'sandbox', '', '', 0, '2026-01-01')",
            BEFORE[1],
            BEFORE[2].replace("workspace_id", "connection_id"),
        ):
            session.execute(text(statement))
    once = {"batch_id": "b", "kind": "customer"}
    accepted = {"choice": Choice.RECORD, "record_id": "customer-1"}

    def add(**fields: object) -> bool:
        try:
            with database.writing() as session:
                session.add(BatchRow(**once | fields))
        except IntegrityError:
            return False
        return True

    assert add(position=1, reference="R1", **accepted)
    assert not add(position=2, reference="R1")
    assert not add(position=2, reference="R2", **accepted)
    assert add(position=2, reference="", choice=Choice.OPEN, record_id="customer-1")
    assert add(position=3, reference="")
    database.close()
