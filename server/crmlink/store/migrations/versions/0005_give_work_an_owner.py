"""The process that owns an attempt or a lease, and rows whose link was undone by itself"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0010"
branch_labels = None
depends_on = None

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
        "connection", sa.Column("sync_lease", sa.String(), nullable=False, server_default="")
    )
    op.add_column("connection", sa.Column("sync_owner_id", sa.String(), nullable=True))
    op.create_index("ix_batch_row_link_id", "batch_row", ["link_id"])
    op.execute(UNDONE_BY_ITSELF)
