"""References and emails as they are compared, folded in Python, and rows of erased people"""

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

from crmlink.folding import compose, fold, normalise_login_email
from crmlink.pseudonyms import holds_pseudonym

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KEYS = {  # table → the column that is compared, its key, and how that is made
    "record": ("reference", "reference_key", fold),
    "link": ("target", "target_key", fold),
    "person": ("email", "email_key", normalise_login_email),
}
SETTLED = "state <> 'intended'"


def upgrade() -> None:
    for table, (column, key, make) in KEYS.items():
        op.add_column(table, sa.Column(key, sa.String(), nullable=True))
        _fill(table, column, key, make)
    op.create_index(
        "ix_record_connection_id_reference_key", "record", ["connection_id", "reference_key"]
    )
    op.create_index("ix_link_connection_id_target_key", "link", ["connection_id", "target_key"])
    op.drop_index("uq_person_workspace_id_email", table_name="person")
    here = sa.text("removed_at IS NULL")
    op.create_index(
        "uq_person_workspace_id_email_key", "person", ["workspace_id", "email_key"],
        unique=True, sqlite_where=here, postgresql_where=here,
    )  # fmt: skip
    op.add_column("batch_row", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    _mark_erased_rows()
    _compose_contacts()


def _fill(table: str, column: str, key: str, make: Callable[[str], str]) -> None:
    rows = op.get_bind().execute(sa.text(f"SELECT id, {column} FROM {table}"))  # noqa: S608
    keys = [{"id": id_, "key": make(value)} for id_, value in rows if value is not None]
    if keys:
        statement = sa.text(f"UPDATE {table} SET {key} = :key WHERE id = :id")  # noqa: S608
        op.get_bind().execute(statement, keys)


def _mark_erased_rows() -> None:
    """Rows whose reference was hidden are of erased people; others were emptied by their age."""
    bind = op.get_bind()
    emptied = bind.execute(sa.text("SELECT id, reference FROM batch_row WHERE name = '(erased)'"))
    for id_, reference in list(emptied):
        if holds_pseudonym(reference):
            bind.execute(
                sa.text("UPDATE batch_row SET erased_at = CURRENT_TIMESTAMP WHERE id = :id"),
                {"id": id_},
            )


def _compose_contacts() -> None:
    """Contacts' own references in NFC, as they come from now on; what a record carries stays."""
    bind = op.get_bind()
    links = bind.execute(sa.text(f"SELECT id, reference FROM link WHERE {SETTLED}"))  # noqa: S608
    for id_, reference in list(links):
        if compose(reference) != reference:
            bind.execute(
                sa.text("UPDATE link SET reference = :new WHERE id = :id"),
                {"new": compose(reference), "id": id_},
            )
    rows = bind.execute(sa.text("SELECT id, batch_id, kind, reference FROM batch_row"))
    for id_, batch_id, kind, reference in list(rows):
        if compose(reference) != reference:
            bind.execute(
                sa.text(
                    "UPDATE batch_row SET reference = :new WHERE id = :id AND NOT EXISTS (SELECT 1 "
                    "FROM batch_row AS other WHERE other.batch_id = :batch AND other.kind = :kind "
                    "AND other.reference = :new)"
                ),
                {"new": compose(reference), "id": id_, "batch": batch_id, "kind": kind},
            )
