"""The process that owns an attempt or a lease, and rows whose link was undone by itself

Servers of an older version may go on beside newer ones for a while. They know no owner, and take
over by their clocks what a newer one works on; the trigger makes that impossible: an attempt that
has an owner changes hands only together with it. What the older version tries is left undone, as
if another process had been quicker. A later migration that rebuilds ``link`` on SQLite has to make
the trigger again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SQLITE_TRIGGER = """
CREATE TRIGGER link_attempt_has_owner BEFORE UPDATE OF attempt_id ON link
WHEN OLD.owner_id IS NOT NULL AND NEW.owner_id IS OLD.owner_id
    AND NEW.attempt_id <> OLD.attempt_id
BEGIN SELECT RAISE(IGNORE); END
"""
POSTGRESQL_FUNCTION = """
CREATE FUNCTION leave_owned_attempt() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RETURN NULL; END $$
"""
POSTGRESQL_TRIGGER = """
CREATE TRIGGER link_attempt_has_owner BEFORE UPDATE ON link FOR EACH ROW
WHEN (OLD.owner_id IS NOT NULL AND NEW.owner_id IS NOT DISTINCT FROM OLD.owner_id
    AND NEW.attempt_id <> OLD.attempt_id)
EXECUTE FUNCTION leave_owned_attempt()
"""
UNDONE_BY_ITSELF = """
UPDATE batch_row SET state = 'undone', failure = NULL WHERE state IN ('successful', 'undoing')
    AND link_id IN (SELECT id FROM link WHERE state = 'undone')
"""


def upgrade() -> None:
    op.create_table(
        "process",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("role", sa.String(length=7), nullable=False),
        sa.Column("beats", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_process")),
    )
    op.add_column("link", sa.Column("owner_id", sa.String(), nullable=True))
    op.add_column(
        "link", sa.Column("writes_over", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column("batch", sa.Column("lease_owner_id", sa.String(), nullable=True))
    op.add_column(
        "workspace", sa.Column("sync_lease", sa.String(), nullable=False, server_default="")
    )
    op.add_column("workspace", sa.Column("sync_owner_id", sa.String(), nullable=True))
    if op.get_bind().dialect.name == "sqlite":
        op.execute(SQLITE_TRIGGER)
    else:
        op.execute(POSTGRESQL_FUNCTION)
        op.execute(POSTGRESQL_TRIGGER)
    op.create_index("ix_batch_row_link_id", "batch_row", ["link_id"])
    op.execute(UNDONE_BY_ITSELF)
